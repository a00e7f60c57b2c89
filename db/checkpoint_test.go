package db_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"topupd/billing"
	"topupd/db"
)

// Under writers that never rest the log stays bounded, and is gone after Close.
func TestLogStaysBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	s, err := db.Open(t.Context(), path, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.CopyLogEvery(4000)
	update(t, s, func(tx billing.Tx) error { return fill(tx, 2000) })
	var longest atomic.Int64
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := range 1600 {
				update(t, s, func(tx billing.Tx) error {
					o := billing.Account(int64(1 + (i*17+w*131)%2000))
					return tx.Post(posting(o, fmt.Sprint("w", w, "-", i), 1, time.Now()))
				})
				if info, err := os.Stat(path + "-wal"); err == nil {
					longest.Store(max(longest.Load(), info.Size()))
				}
			}
		})
	}
	wg.Wait()
	const most = 40 << 20 // 10,000 pages; the writer itself copies the log at 80,000
	if n := longest.Load(); n == 0 || n > most {
		t.Errorf("the log had %d bytes", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		t.Errorf("after Close the log has %d bytes", info.Size())
	}
}
