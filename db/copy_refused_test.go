package db_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"topupd/billing"
	"topupd/db"
	"topupd/db/dbtest"
)

// source is a file of 30,000 rows, and a connection of another program to it.
func source(t *testing.T) (*db.Store, *sql.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "from.db")
	s, err := db.Open(t.Context(), path, db.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	other, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	_, err = other.Exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
INSERT INTO objects (type, key, body) SELECT 'object', 'k' || i, '{}' FROM n`)
	if err != nil {
		t.Fatal(err)
	}
	return s, other
}

func target(t *testing.T, address string) *db.Store {
	t.Helper()
	s, err := db.Open(t.Context(), address, db.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// What another process writes during a copy is not in it, which must not be said to be whole.
func TestCopyNoticesWriter(t *testing.T) {
	dbtest.SQLiteOnly(t, "nobody can be asked who writes to PostgreSQL")
	from, other := source(t)
	write := func(int64) {
		if _, err := other.Exec(`UPDATE objects SET body = body || ' ' WHERE key = 'k1'`); err != nil {
			t.Error(err)
		}
	}
	path := filepath.Join(t.TempDir(), "to.db")
	_, err := db.Copy(t.Context(), from, target(t, path), write)
	if billing.ErrorCode(err) != billing.Conflict || !strings.Contains(err.Error(), "somebody wrote") {
		t.Fatal(err)
	}
	// Nothing stayed of it.
	res, err := db.Copy(t.Context(), from, target(t, path), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range res.Tables {
		if table.Table == "objects" && table.Rows != 30000 {
			t.Error(table)
		}
	}
}

// A text that PostgreSQL cannot hold is named.
func TestCopyNamesNull(t *testing.T) {
	from, other := source(t)
	if _, err := other.Exec(`UPDATE objects SET body = 'a' || char(0) || 'b' WHERE key = 'k17'`); err != nil {
		t.Fatal(err)
	}
	_, err := db.Copy(t.Context(), from, target(t, dbtest.Postgres(t)), nil)
	if billing.ErrorCode(err) != billing.Conflict {
		t.Fatal(err)
	}
	for _, want := range []string{"objects", "k17", "U+0000 in body"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
