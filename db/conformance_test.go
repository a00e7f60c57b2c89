package db_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"

	"topupd/billing"
	"topupd/db"
	"topupd/db/dbtest"
)

func TestConformance(t *testing.T) {
	var paths sync.Map // of each store
	dbtest.Run(t, dbtest.Engine{
		Open: func(t testing.TB) billing.Store {
			path := dbtest.File(t)
			s, err := db.Open(context.Background(), path, db.Options{})
			if err != nil {
				t.Fatal(err)
			}
			paths.Store(billing.Store(s), path)
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			return s
		},
		Exec: func(t testing.TB, s billing.Store, query string) error {
			path, _ := paths.Load(s)
			return execRaw(path.(string), "foreign_keys(ON)", query)
		},
	})
}

// execRaw runs a statement on a database file behind the store's back.
func execRaw(path, pragma, query string) error {
	raw, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma="+pragma)
	if err != nil {
		return err
	}
	defer raw.Close()
	_, err = raw.Exec(query)
	return err
}
