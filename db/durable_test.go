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

// slowDisk lets a test decide when a sync ends.
type slowDisk struct {
	asked chan struct{}
	over  chan struct{}
}

func onSlowDisk(t *testing.T, s *Store) *slowDisk {
	d := &slowDisk{asked: make(chan struct{}), over: make(chan struct{})}
	inside(s).disk.sync = func() error {
		select {
		case d.asked <- struct{}{}:
		case <-t.Context().Done(): // the test failed
			return t.Context().Err()
		}
		select {
		case <-d.over:
			return nil
		case <-t.Context().Done():
			return t.Context().Err()
		}
	}
	return d
}

// serve lets all further syncs end at once.
func (d *slowDisk) serve(t *testing.T) {
	for {
		select {
		case <-d.asked:
		case <-t.Context().Done():
			return
		}
		select {
		case d.over <- struct{}{}:
		case <-t.Context().Done():
			return
		}
	}
}

// finish lets the sync that is under way end; next waits for another.
func (d *slowDisk) finish() { d.over <- struct{}{} }
func (d *slowDisk) next()   { <-d.asked }

func soon(t *testing.T, what string, c <-chan error) error {
	t.Helper()
	select {
	case err := <-c:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal(what + ": nothing in 10 s")
		return nil
	}
}

func notYet(t *testing.T, what string, c <-chan error) {
	t.Helper()
	select {
	case err := <-c:
		t.Fatalf("%s was answered before the disk had it (%v)", what, err)
	case <-time.After(20 * time.Millisecond):
	}
}

func async(f func() error) <-chan error {
	c := make(chan error, 1)
	go func() { c <- f() }()
	return c
}

// sees reads an object and closes seen once it did.
func sees(s *Store, key string, seen chan<- struct{}) error {
	return s.View(context.Background(), func(r billing.Reader) error {
		defer close(seen)
		for o, err := range r.Objects() {
			if err != nil {
				return err
			}
			if o.Key == key {
				return nil
			}
		}
		return errors.New("not there")
	})
}

// W1: nobody is answered, neither who wrote nor who read it, before the change is
// on the disk; the next change is made meanwhile.
func TestNothingIsToldBeforeTheSync(t *testing.T) {
	s := openStore(t, Options{})
	ctx := context.Background()
	d := onSlowDisk(t, s)
	first := async(func() error { return s.Update(ctx, putObject("a")) })
	d.next()
	seen := make(chan struct{})
	reader := async(func() error { return sees(s, "a", seen) })
	<-seen
	ran := make(chan error, 1)
	var once sync.Once
	var second []<-chan error
	for i := range groupWorth {
		second = append(second, async(func() error {
			return s.Update(ctx, func(tx billing.Tx) error {
				once.Do(func() { ran <- nil })
				return putObject(fmt.Sprint("b", i))(tx)
			})
		}))
	}
	if err := soon(t, "the next group beside the first one's sync", ran); err != nil {
		t.Fatal(err)
	}
	refused := async(func() error {
		return s.Update(ctx, func(tx billing.Tx) error { return errOwn })
	})
	notYet(t, "the first change", first)
	notYet(t, "a read of it", reader)
	notYet(t, "a change of the next group", second[0])
	notYet(t, "a refusal that may have seen it", refused)
	d.finish()
	if err := errors.Join(soon(t, "first", first), soon(t, "reader", reader)); err != nil {
		t.Fatal(err)
	}
	notYet(t, "a change of the next group", second[groupWorth-1])
	d.next()
	go d.serve(t)
	d.finish()
	for _, c := range second {
		if err := soon(t, "the next group", c); err != nil {
			t.Fatal(err)
		}
	}
	if err := soon(t, "refused", refused); !errors.Is(err, errOwn) {
		t.Fatal(err)
	}
}

// Few callers beside a sync wait for its end and share the next one.
func TestFewWaitForTheSyncUnderWay(t *testing.T) {
	s := openStore(t, Options{})
	d := onSlowDisk(t, s)
	update := func(key string) <-chan error {
		return async(func() error { return s.Update(context.Background(), putObject(key)) })
	}
	answers := []<-chan error{update("first")}
	d.next()
	commits := inside(s).disk.committed.Load()
	const few = groupWorth - 1
	for i := range few {
		answers = append(answers, update(fmt.Sprint(i)))
	}
	for deadline := time.Now().Add(10 * time.Second); queued(s) < few; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d wait, not %d", queued(s), few)
		}
	}
	d.finish()
	d.next()
	d.finish()
	for _, a := range answers {
		if err := soon(t, "a change", a); err != nil {
			t.Error(err)
		}
	}
	if n := inside(s).disk.committed.Load() - commits; n != 1 {
		t.Errorf("%d commits, not 1", n)
	}
}

// What a disk refuses to keep is told as refused, and nothing more is written or
// told until a restart.
func TestAFailedSyncIsTheEnd(t *testing.T) {
	s := openStore(t, Options{})
	ctx := context.Background()
	if err := s.Update(ctx, putObject("before")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("input/output error")
	inside(s).disk.sync = func() error { return broken }
	if err := s.Update(ctx, putObject("lost")); !errors.Is(err, broken) || billing.ErrorCode(err) != billing.Internal {
		t.Errorf("the change that the disk refused: %v", err)
	}
	inside(s).disk.sync = func() error { return nil }
	ran := false
	err := s.Update(ctx, func(billing.Tx) error { ran = true; return nil })
	if !errors.Is(err, broken) || ran {
		t.Errorf("the next change: ran %v, %v", ran, err)
	}
	if err := sees(s, "lost", make(chan struct{})); !errors.Is(err, broken) {
		t.Errorf("a read: %v", err)
	}
	if err := s.Ping(ctx); !errors.Is(err, broken) {
		t.Errorf("readiness: %v", err)
	}
	// What was synced is in the log, and perhaps nowhere else.
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if log, err := os.Stat(inside(s).path + "-wal"); err != nil || log.Size() == 0 {
		t.Errorf("the log was tidied away: %v", err)
	}
}

// A power failure leaves what was synced. Each sync keeps a copy of the files as
// they are when it begins; whatever was acknowledged must be in every copy made since.
func TestAPowerFailureTakesNothingAcknowledged(t *testing.T) {
	s := openStore(t, Options{})
	dir := t.TempDir()
	var copies atomic.Int64
	file := inside(s).disk.sync
	inside(s).disk.sync = func() error {
		n := copies.Load()
		for _, end := range []string{"", "-wal"} {
			b, err := os.ReadFile(inside(s).path + end)
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.db%s", n, end)), b, 0o600); err != nil {
				return err
			}
		}
		time.Sleep(time.Millisecond) // others commit meanwhile
		if err := file(); err != nil {
			return err
		}
		copies.Add(1)
		return nil
	}
	const callers, each = 8, 10
	var mu sync.Mutex
	acknowledged := map[string]int64{} // how many copies there were by then
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				key := fmt.Sprint(c, " ", i)
				if err := s.Update(context.Background(), putObject(key)); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acknowledged[key] = copies.Load()
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if n := copies.Load(); n < each {
		t.Fatalf("only %d syncs", n)
	}
	for i := range copies.Load() {
		restored, err := Open(context.Background(), filepath.Join(dir, fmt.Sprintf("%d.db", i)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		have := objects(t, restored)
		for key, by := range acknowledged {
			if by <= i+1 && !have[key] {
				t.Errorf("%q was acknowledged before sync %d ended, and a power failure after it takes it", key, i+1)
			}
		}
		if err := restored.Close(); err != nil {
			t.Error(err)
		}
	}
}
