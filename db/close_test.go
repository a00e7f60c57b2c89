package db

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"topupd/billing"
)

// A sync may fail while Close waits for it: what is in the log is nowhere else, and stays.
func TestCloseKeepsALogThatCouldNotBeSynced(t *testing.T) {
	s := openStore(t, Options{})
	if err := s.Update(t.Context(), putObject("before")); err != nil {
		t.Fatal(err)
	}
	asked, over := brokenDisk(s)
	lost := async(func() error { return s.Update(context.Background(), putObject("lost")) })
	<-asked
	closed := async(s.Close)
	for !shut(s) {
		runtime.Gosched()
	}
	close(over)
	if err := soon(t, "the change", lost); err == nil {
		t.Error("it was acknowledged")
	}
	if err := soon(t, "close", closed); err != nil {
		t.Error(err)
	}
	if log, err := os.Stat(inside(s).path + "-wal"); err != nil || log.Size() == 0 {
		t.Errorf("the log was tidied away: %v", err)
	}
}

// brokenDisk has syncs fail: asked is closed when the first begins, and they fail when
// over is closed.
func brokenDisk(s *Store) (asked, over chan struct{}) {
	asked, over = make(chan struct{}), make(chan struct{})
	var once sync.Once
	inside(s).disk.sync = func() error {
		once.Do(func() { close(asked) })
		<-over
		return errors.New("EIO")
	}
	return asked, over
}

func shut(s *Store) bool {
	g := inside(s).writer
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shut
}

// Whoever closes second waits for the first, and who is still served is told the truth.
func TestCloseByMany(t *testing.T) {
	for round := range 10 {
		s, err := Open(t.Context(), filepath.Join(t.TempDir(), "t.db"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.CopyLogEvery(1)
		real := inside(s).disk.sync
		inside(s).disk.sync = func() error {
			time.Sleep(time.Millisecond)
			return real()
		}
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				if err := s.Update(context.Background(), putObject(fmt.Sprint(i))); err != nil && !errors.Is(err, errClosed) {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		time.Sleep(time.Duration(round%5) * time.Millisecond)
		for range 3 {
			wg.Go(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

// Those that queue when a sync fails are told so, and do not run.
func TestNobodyRunsAfterAFailedSync(t *testing.T) {
	for _, most := range []int{1, 10} {
		s := openStore(t, Options{GroupMax: most})
		asked, over := brokenDisk(s)
		var failed, ranAfter atomic.Int64
		var after atomic.Bool
		var wg sync.WaitGroup
		put := func(i int) {
			wg.Go(func() {
				err := s.Update(context.Background(), func(tx billing.Tx) error {
					if after.Load() {
						ranAfter.Add(1)
					}
					return putObject(fmt.Sprint(i))(tx)
				})
				if err != nil {
					failed.Add(1)
				}
			})
		}
		put(0)
		<-asked
		const more = 10*(mostMade+2) + 100 // more than may wait for the disk
		for i := range more {
			put(i + 1)
		}
		// What may run beside the sync has run when the queue does not get shorter.
		for before, same := -1, 0; same < 10; time.Sleep(25 * time.Millisecond) {
			now := queued(s)
			if same++; now != before || now < 90 {
				before, same = now, 0
			}
		}
		after.Store(true)
		close(over)
		wg.Wait()
		if n := failed.Load(); n != more+1 || ranAfter.Load() != 0 {
			t.Errorf("groups of %d: %d of %d failed, %d ran after the disk did", most, n, more+1, ranAfter.Load())
		}
	}
}
