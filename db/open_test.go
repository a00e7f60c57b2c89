package db_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"topupd/billing"
	"topupd/db"
	"topupd/db/dbtest"
)

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign.db")
	if err := execRaw(foreign, "foreign_keys(ON)", `CREATE TABLE theirs (x)`); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"":                               "a database is needed",
		"mysql://u@h/d":                  "not the path",
		":memory:":                       "not the path",
		"file:x.db?mode=memory":          "not the path",
		filepath.Join(dir, "no", "x.db"): "no such directory",
		foreign:                          "another program",
		garbage:                          "not a database",
	} {
		s, err := db.Open(t.Context(), address, db.Options{Migrate: true})
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, which does not say %q", address, err, want)
		}
	}
}

func TestOpenOddPath(t *testing.T) {
	for _, name := range []string{"a b", "50%.db", "what?.db", "sharp#.db", "ñandú&x=1.db", "%41.db", "a+b;c.db"} {
		path := filepath.Join(t.TempDir(), name)
		s, err := db.Open(t.Context(), path, db.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("the database is not at its path: %v", err)
		}
	}
	t.Chdir(t.TempDir())
	s, err := db.Open(t.Context(), "topupd.db", db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	left, _ := filepath.Glob("*")
	if len(left) != 1 || left[0] != "topupd.db" {
		t.Errorf("after closing there is %v", left)
	}
}

func TestInstanceStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	names := map[string]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 6 { // all make the same empty database
		wg.Go(func() {
			s, err := db.Open(context.Background(), path, db.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			mu.Lock()
			defer mu.Unlock()
			names[s.Instance()] = true
		})
	}
	wg.Wait()
	if len(names) != 1 {
		t.Errorf("one database has the names %v", names)
	}
	for name := range names {
		if len(name) < 8 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz234567") != "" {
			t.Errorf("the name is %q", name)
		}
	}
	if other := open(t, db.Options{}); names[other.Instance()] {
		t.Error("two databases have the same name")
	}
}

func TestLockServe(t *testing.T) {
	path := dbtest.File(t)
	s, err := db.Open(t.Context(), path, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	lock, err := db.LockServe(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.LockServe(path); billing.ErrorCode(err) != billing.Conflict {
		t.Errorf("a second server was let in: %v", err)
	}
	// The lock is not the database's: commands work beside a server.
	update(t, s, func(tx billing.Tx) error { return fill(tx, 1) })
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	lock, err = db.LockServe(path)
	if err != nil {
		t.Fatalf("after the first server ended: %v", err)
	}
	_ = lock.Release()
}

// TestTwoStores is a command beside a server: both write, each sees the other's.
func TestTwoStores(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	var stores [2]*db.Store
	for i := range stores {
		s, err := db.Open(t.Context(), path, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		stores[i] = s
	}
	update(t, stores[0], func(tx billing.Tx) error { return fill(tx, 1) })
	o := billing.Account(1)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			for j := range 5 {
				err := stores[i%2].Update(context.Background(), func(tx billing.Tx) error {
					return tx.Post(posting(o, fmt.Sprint(i, " ", j), 1, time.Now()))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, s := range stores {
		err := s.View(t.Context(), func(r billing.Reader) error {
			b, err := r.Bucket(o, usd)
			if b.Balance != 10*billing.Micro+200 {
				t.Errorf("the balance is %d", b.Balance)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestBusy: a write that cannot get in within its time says so and changes nothing.
func TestBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	holder, err := db.Open(t.Context(), path, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	other, err := db.Open(t.Context(), path, db.Options{BusyTimeout: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	ran := false
	update(t, holder, func(billing.Tx) error {
		for name, s := range map[string]*db.Store{"another process": other} {
			err := s.Update(context.Background(), func(billing.Tx) error { ran = true; return nil })
			var e *billing.Error
			if !errors.As(err, &e) || e.Code != billing.Busy || e.Message != "busy, try again" || ran {
				t.Errorf("%s: %v, ran %v", name, err, ran)
			}
		}
		return nil
	})
	// In the queue of one process too.
	update(t, other, func(billing.Tx) error {
		if err := other.Update(context.Background(), func(billing.Tx) error { ran = true; return nil }); billing.ErrorCode(err) != billing.Busy || ran {
			t.Errorf("the queue: %v, ran %v", err, ran)
		}
		return nil
	})
}

func TestClosed(t *testing.T) {
	s, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "t.db"), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Update(t.Context(), func(billing.Tx) error { return nil }); err == nil {
		t.Error("a closed store writes")
	}
	if err := s.View(t.Context(), func(billing.Reader) error { return nil }); err == nil {
		t.Error("a closed store reads")
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("a closed store answers")
	}
}

func TestBackup(t *testing.T) {
	s := open(t, db.Options{})
	update(t, s, func(tx billing.Tx) error { return fill(tx, 50) })
	path := filepath.Join(t.TempDir(), "copy of it.db")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // while it runs, others write
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				update(t, s, func(tx billing.Tx) error {
					return tx.Post(posting(billing.Account(1), fmt.Sprint("w", i), 1, time.Now()))
				})
			}
		}
	})
	err := s.Backup(t.Context(), path)
	close(stop)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), path); billing.ErrorCode(err) != billing.Exists {
		t.Errorf("a copy over another: %v", err)
	}
	if left, _ := filepath.Glob(path + "*"); len(left) != 1 {
		t.Errorf("beside the copy there is %v", left)
	}
	c, err := db.Open(t.Context(), path, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Instance() == s.Instance() || len(c.Instance()) < 8 {
		t.Errorf("the copy is named %q, like what it was copied from: its new charges would get keys that were used", c.Instance())
	}
	if found, err := c.Verify(t.Context(), 0); err != nil || len(found) != 0 {
		t.Errorf("verify: %v %v", found, err)
	}
	err = c.View(t.Context(), func(r billing.Reader) error {
		_, err := r.Owner(billing.Account(50))
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := s.Backup(t.Context(), filepath.Join(t.TempDir(), "no", "x.db")); err == nil {
		t.Error("a copy into a directory that is not there")
	}
}
