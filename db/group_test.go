package db

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"topupd/billing"
)

func openStore(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(context.Background(), filepath.Join(t.TempDir(), "t.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// inside is a store's SQLite engine.
func inside(s *Store) *sqliteStore { return s.engine.(*sqliteStore) }

func putObject(key string) func(billing.Tx) error {
	return func(tx billing.Tx) error { return tx.PutObject(billing.Object{Type: "t", Key: key, Body: "{}"}) }
}

func objects(t testing.TB, s *Store) map[string]bool {
	t.Helper()
	got := map[string]bool{}
	err := s.View(context.Background(), func(r billing.Reader) error {
		for o, err := range r.Objects() {
			if err != nil {
				return err
			}
			got[o.Key] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// gather holds the writer until n callers stand in its queue, so that they share the
// next commit.
func gather(t testing.TB, s *Store, n int, call func(i int)) *sync.WaitGroup {
	t.Helper()
	held, enough := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.Update(context.Background(), func(billing.Tx) error {
			close(held)
			<-enough
			return errOwn // it commits nothing
		})
		if !errors.Is(err, errOwn) {
			t.Error(err)
		}
	})
	<-held
	for i := range n {
		wg.Go(func() { call(i) })
	}
	for queued(s) < n {
		runtime.Gosched()
	}
	close(enough)
	return &wg
}

// queued is how many callers wait for SQLite's writer.
func queued(s *Store) int {
	g := inside(s).writer
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

func TestGroupSharesOneCommit(t *testing.T) {
	var commits atomic.Int64
	s := openStore(t, Options{CommitHook: func() { commits.Add(1) }, GroupMax: 30})
	for _, n := range []int{29, 30, 31, 61} {
		commits.Store(0)
		gather(t, s, n, func(i int) {
			if err := s.Update(context.Background(), putObject(fmt.Sprint(n, " ", i))); err != nil {
				t.Error(err)
			}
		}).Wait()
		if got, want := commits.Load(), int64((n+29)/30); got != want {
			t.Errorf("%d callers took %d commits, not %d", n, got, want)
		}
	}
}

// A function that fails before it wrote costs the others nothing; one that had
// written has all of them run again, each in a savepoint.
func TestGroupRunsAgainAfterAHalfMadeChange(t *testing.T) {
	for _, wrote := range []bool{false, true} {
		t.Run(fmt.Sprint("wrote ", wrote), func(t *testing.T) {
			s := openStore(t, Options{})
			var ran, refused atomic.Int64
			mine := errors.New("mine")
			gather(t, s, 10, func(i int) {
				err := s.Update(context.Background(), func(tx billing.Tx) error {
					ran.Add(1)
					if i != 5 {
						return putObject(fmt.Sprint(i))(tx)
					}
					if wrote {
						if err := putObject("5")(tx); err != nil {
							return err
						}
					}
					return mine
				})
				if errors.Is(err, mine) {
					refused.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			}).Wait()
			if got := objects(t, s); len(got) != 9 || got["5"] {
				t.Errorf("stored %v", got)
			}
			if refused.Load() != 1 {
				t.Errorf("%d were refused", refused.Load())
			}
			if n := ran.Load(); (n == 10) == wrote {
				t.Errorf("functions ran %d times", n)
			}
		})
	}
}

// TestGroupCommitFails: a commit that fails fails every member, and nothing of
// it is there.
func TestGroupCommitFails(t *testing.T) {
	s := openStore(t, Options{})
	const n = 20
	errs := make([]error, n)
	wg := gather(t, s, n, func(i int) {
		errs[i] = s.Update(context.Background(), func(tx billing.Tx) error {
			if i == 3 {
				return errOwn
			}
			inside(s).writer.hook = func() { _, _ = inside(s).writer.ses.exec(sqlRollback) }
			return putObject(fmt.Sprint(i))(tx)
		})
	})
	wg.Wait()
	for i, err := range errs {
		// Also the refusal: what it was refused for may be undone.
		if err == nil || billing.ErrorCode(err) != billing.Internal || errors.Is(err, errOwn) {
			t.Errorf("update %d: %v", i, err)
		}
	}
	if got := objects(t, s); len(got) != 0 {
		t.Errorf("a failed commit left %v", got)
	}
	inside(s).writer.hook = nil
	if err := s.Update(context.Background(), putObject("after")); err != nil {
		t.Errorf("after a failed commit: %v", err)
	}
}

var errOwn = errors.New("own")

// TestGroupLosesItsTransaction: what rolls the whole transaction back under one
// member's hands fails all of the group, and none of it is kept.
func TestGroupLosesItsTransaction(t *testing.T) {
	s := openStore(t, Options{})
	const n = 6
	errs := make([]error, n)
	gather(t, s, n, func(i int) {
		errs[i] = s.Update(context.Background(), func(tx billing.Tx) error {
			if i == 2 {
				_, _ = inside(s).writer.ses.exec(sqlRollback)
				return errOwn
			}
			return putObject(fmt.Sprint(i))(tx)
		})
	}).Wait()
	kept := objects(t, s)
	for i, err := range errs {
		if (err == nil) != kept[fmt.Sprint(i)] {
			t.Errorf("update %d: %v, kept %v", i, err, kept)
		}
	}
	if err := s.Update(context.Background(), putObject("after")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestPanicComesBack(t *testing.T) {
	s := openStore(t, Options{})
	panicked := func(fn func()) (v any) {
		defer func() { v = recover() }()
		fn()
		return nil
	}
	v := panicked(func() { _ = s.Update(context.Background(), func(billing.Tx) error { panic("oh") }) })
	if p, ok := v.(*memberPanic); !ok || p.value != "oh" || !strings.Contains(p.Error(), "group_test.go") {
		t.Errorf("the panic came back as %v", v)
	}
	v = panicked(func() { _ = s.View(context.Background(), func(billing.Reader) error { panic("ah") }) })
	if v != "ah" {
		t.Errorf("the panic came back as %v", v)
	}
	if err := s.Update(context.Background(), putObject("after")); err != nil {
		t.Error(err)
	}
}

// TestGoexit: a function that ends its goroutine (t.FailNow does) takes nobody
// with it into a wait for ever.
func TestGoexit(t *testing.T) {
	s := openStore(t, Options{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Update(context.Background(), func(tx billing.Tx) error {
			_ = putObject("lost")(tx)
			runtime.Goexit()
			return nil
		})
	}()
	<-done
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Update(ctx, putObject("after")); err != nil {
		t.Error(err)
	}
	if got := objects(t, s); got["lost"] || !got["after"] {
		t.Errorf("there is %v", got)
	}
}

// Who was refused for what another one did is not told so when that is undone.
func TestGoexitUndoesWhatARefusalRestedOn(t *testing.T) {
	s := openStore(t, Options{})
	var refused error
	held, enough := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = s.Update(context.Background(), func(billing.Tx) error {
			close(held)
			<-enough
			return errOwn
		})
	})
	<-held
	for i, call := range []func(){
		func() { _ = s.Update(context.Background(), putObject("x")) },
		func() {
			refused = s.Update(context.Background(), func(tx billing.Tx) error {
				for range tx.Objects() {
					return errOwn
				}
				return nil
			})
		},
		func() {
			_ = s.Update(context.Background(), func(billing.Tx) error {
				runtime.Goexit()
				return nil
			})
		},
	} {
		wg.Go(call)
		for queued(s) < i+1 {
			runtime.Gosched()
		}
	}
	close(enough)
	wg.Wait()
	if refused == nil || errors.Is(refused, errOwn) || len(objects(t, s)) != 0 {
		t.Errorf("the answer is %v, there is %v", refused, objects(t, s))
	}
}

// What an answered caller brought is not kept.
func TestAnsweredMembersAreFreed(t *testing.T) {
	s := openStore(t, Options{NoSync: true})
	const n = 40
	brought := make([]weak.Pointer[[1 << 16]byte], n)
	gather(t, s, n, func(i int) {
		body := new([1 << 16]byte)
		brought[i] = weak.Make(body)
		_ = s.Update(context.Background(), func(billing.Tx) error {
			body[0] = 1
			return errOwn
		})
	}).Wait()
	var kept int
	for range 20 {
		runtime.GC()
		kept = 0
		for _, b := range brought {
			if b.Value() != nil {
				kept++
			}
		}
		if kept == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d of %d are kept", kept, n)
}

// A panic of our own in the writer, outside of any caller's function, is told to those of
// its group; the next ones are served.
func TestWriterPanics(t *testing.T) {
	var panics atomic.Bool
	s := openStore(t, Options{CommitHook: func() {
		if panics.Swap(false) {
			panic("oh")
		}
	}})
	panics.Store(true)
	err := s.Update(context.Background(), putObject("lost"))
	if billing.ErrorCode(err) != billing.Internal || !strings.Contains(fmt.Sprint(errors.Unwrap(err)), "oh") {
		t.Errorf("the answer is %v", err)
	}
	if err := s.Update(context.Background(), putObject("after")); err != nil {
		t.Error(err)
	}
	if got := objects(t, s); got["lost"] || !got["after"] {
		t.Errorf("there is %v", got)
	}
}

// TestCloseWaits: those in the queue are served before the database closes.
func TestCloseWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	s, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const n = 10
	var ok atomic.Int64
	wg := gather(t, s, n, func(i int) {
		if err := s.Update(context.Background(), putObject(fmt.Sprint(i))); err == nil {
			ok.Add(1)
		}
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	again, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got := len(objects(t, again)); int64(got) != ok.Load() || got != n {
		t.Errorf("%d were acknowledged, %d are there", ok.Load(), got)
	}
}

// TestSpoiltTransaction: after an error that may have undone more than its
// statement a function cannot go on, also when it swallows the error.
func TestSpoiltTransaction(t *testing.T) {
	s := openStore(t, Options{})
	err := s.Update(context.Background(), func(w billing.Tx) error {
		if err := putObject("a")(w); err != nil {
			return err
		}
		_, _ = w.(*tx).exec(`INSERT INTO nowhere (x) VALUES (1)`)
		_ = putObject("b")(w)
		return nil
	})
	if err == nil || len(objects(t, s)) != 0 {
		t.Errorf("it was committed: %v, %v", err, objects(t, s))
	}
}

// Who comes while a lone function runs that writes and then fails must not commit what
// it wrote.
func TestWhoComesAfterALoneFailureCommitsNothingOfIt(t *testing.T) {
	s := openStore(t, Options{})
	mine := errors.New("mine")
	var other sync.WaitGroup
	err := s.Update(t.Context(), func(tx billing.Tx) error {
		if err := putObject("refused")(tx); err != nil {
			return err
		}
		other.Go(func() {
			if err := s.Update(t.Context(), putObject("other")); err != nil {
				t.Error(err)
			}
		})
		for queued(s) < 1 {
			runtime.Gosched()
		}
		return mine
	})
	other.Wait()
	if !errors.Is(err, mine) {
		t.Error(err)
	}
	if got := objects(t, s); got["refused"] || !got["other"] {
		t.Errorf("kept: %v", got)
	}
}
