package db_test

import (
	"context"
	"sync"
	"testing"

	"topupd/billing"
	"topupd/db"
	"topupd/db/dbtest"
)

func TestConformancePostgres(t *testing.T) {
	var addresses sync.Map // of each store
	dbtest.Run(t, dbtest.Engine{
		Open: func(t testing.TB) billing.Store {
			address := dbtest.Postgres(t)
			s, err := db.Open(context.Background(), address, db.Options{})
			if err != nil {
				t.Fatal(err)
			}
			addresses.Store(billing.Store(s), address)
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			return s
		},
		Exec: func(_ testing.TB, s billing.Store, query string) error {
			address, _ := addresses.Load(s)
			return dbtest.Exec(address.(string), query)
		},
	})
}
