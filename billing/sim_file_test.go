package billing_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"topupd/billing"
	"topupd/db"
)

// emptyFile is an empty database of the current schema; a copy of it costs a
// tenth of making one.
var emptyFile = sync.OnceValues(func() ([]byte, error) {
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

// newFile is a database file of its own.
func newFile(t testing.TB) string {
	t.Helper()
	empty, err := emptyFile()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "sim.db")
	if err := os.WriteFile(path, empty, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openFile(t testing.TB, path string) *db.Store {
	t.Helper()
	s, err := db.Open(context.Background(), path, db.Options{NoSync: true, Readers: 2})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// committedIn is C1 as the bank sees it: a request arrives only after its
// attempt, with this key, was committed as submitted; a payment that was made
// first is captured only after its reference was committed too.
func committedIn(store func() billing.Store) func(string, billing.GatewayCharge) error {
	return func(kind string, c billing.GatewayCharge) error {
		return store().View(context.Background(), func(r billing.Reader) error {
			attempts, err := r.Attempts(c.ChargeID)
			if err != nil {
				return err
			}
			for _, a := range attempts {
				settled := !a.SettledAt.IsZero() // meanwhile: an event was faster
				underWay := kind == "prepare" || a.State == billing.AttemptSubmitted || a.State == billing.AttemptUnknown
				if a.Key == c.Key && (c.GatewayRef == "" || a.Ref == c.GatewayRef) && (underWay || settled) {
					return nil
				}
			}
			return fmt.Errorf("C1: a %s of charge %d arrived with key %s and reference %q, committed is %+v", kind, c.ChargeID, c.Key, c.GatewayRef, attempts)
		})
	}
}
