package dbtest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"topupd/db"
)

var empty = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "topupd-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "empty.db")
	s, err := db.Open(context.Background(), path, db.Options{Migrate: true, NoSync: true})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// File is the path of an empty SQLite database of the current schema, the test's
// own; a copy costs a tenth of making one. All copies have one instance name.
func File(t testing.TB) string {
	t.Helper()
	contents, err := empty()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "t.db")
	if err := os.WriteFile(path, contents, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
