package dbtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"topupd/billing"
)

// transactions is the third grade: all or nothing, one snapshot, and nobody
// pays for another's error.
func transactions(t *testing.T, e Engine) {
	for name, run := range map[string]func(*world){
		"rollback":        rollbackUndoesAll,
		"own error":       ownErrorOnly,
		"own panic":       ownPanicOnly,
		"own writes":      readsItsOwnWrites,
		"snapshot":        viewIsASnapshot,
		"late snapshot":   snapshotBeginsWithTheFirstRead,
		"reader in peace": readersDoNotWait,
		"cancelled":       cancelledBeforeTheStart,
		"after the end":   useAfterTheEnd,
		"many statements": manyViewsAndStatements,
		"parts":           partsOfATransaction,
		"nothing there":   lastChangeFindsNothing,
		"numbers":         postingsAreNumberedInOrder,
		"bad texts":       badTextsAreRefused,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(newWorld(t, e))
		})
	}
}

var errMine = errors.New("mine")

func (w *world) balance(o billing.OwnerID) int64 {
	w.Helper()
	return read(w, func(r billing.Reader) (billing.Bucket, error) { return r.Bucket(o, usd) }).Balance
}

func rollbackUndoesAll(w *world) {
	err := w.s.Update(w.Context(), func(tx billing.Tx) error {
		if err := tx.Post(posting(alice, "a", 5)); err != nil {
			return err
		}
		o := owner(billing.Account(7), acme, acme, "/1/10/")
		if err := tx.PutOwner(&o); err != nil {
			return err
		}
		return errMine
	})
	if !errors.Is(err, errMine) {
		w.Errorf("the function's error became %v", err)
	}
	if n := w.balance(alice); n != 0 {
		w.Errorf("the balance is %d after a rollback", n)
	}
	missing(w, func(r billing.Reader) (billing.Owner, error) { return r.Owner(billing.Account(7)) })
	missing(w, func(r billing.Reader) (billing.Posting, error) { return r.PostingByCause("a") })
}

// together runs many updates at once, so that they share commits; odd ones fail
// in their own way.
func (w *world) together(fail func(billing.Tx) error) {
	w.Helper()
	const n = 60
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					errs[i] = fmt.Errorf("panic: %v", v)
				}
			}()
			errs[i] = w.s.Update(context.Background(), func(tx billing.Tx) error {
				if err := tx.Post(posting(alice, fmt.Sprint("cause ", i), 1)); err != nil {
					return err
				}
				if i%2 == 1 {
					return fail(tx)
				}
				return nil
			})
		})
	}
	wg.Wait()
	for i, err := range errs {
		if (err != nil) != (i%2 == 1) {
			w.Errorf("update %d: %v", i, err)
		}
		err := w.s.View(w.Context(), func(r billing.Reader) error {
			_, err := r.PostingByCause(fmt.Sprint("cause ", i))
			return err
		})
		if (err != nil) != (i%2 == 1) {
			w.Errorf("after update %d its posting: %v", i, err)
		}
	}
	if got := w.balance(alice); got != n/2 {
		w.Errorf("the balance is %d, not %d", got, n/2)
	}
}

func ownErrorOnly(w *world) { w.together(func(billing.Tx) error { return errMine }) }

func ownPanicOnly(w *world) { w.together(func(billing.Tx) error { panic("mine") }) }

func readsItsOwnWrites(w *world) {
	w.update(func(tx billing.Tx) error {
		for i := range 3 {
			if err := tx.Post(posting(alice, fmt.Sprint(i), 5)); err != nil {
				return err
			}
			if b, err := tx.Bucket(alice, usd); err != nil || b.Balance != int64(5*(i+1)) {
				w.Errorf("in the transaction the bucket is %+v (%v)", b, err)
			}
		}
		if n := w.balance(alice); n != 0 {
			w.Errorf("another reader sees %d before the commit", n)
		}
		return nil
	})
	if n := w.balance(alice); n != 15 {
		w.Errorf("another reader sees %d after the commit", n)
	}
}

// viewIsASnapshot writes between the reads of one View; each kind of first read
// is tried, because an engine may begin its transaction by it.
func viewIsASnapshot(w *world) {
	n := 0
	write := func() {
		n++
		w.update(func(tx billing.Tx) error { return tx.Post(posting(alice, fmt.Sprint("w", n), 1)) })
	}
	write()
	for name, first := range map[string]func(billing.Reader) error{
		"a record":  func(r billing.Reader) error { _, err := r.Owner(alice); return err },
		"no record": func(r billing.Reader) error { _, _ = r.Owner(billing.Account(9)); return nil },
		"a list":    func(r billing.Reader) error { _, err := r.CardsOf(alice); return err },
		"no list":   func(r billing.Reader) error { _, err := r.CardsOf(acme); return err },
		"no bucket": func(r billing.Reader) error { _, err := r.Bucket(bob, usd); return err },
		"a stream": func(r billing.Reader) error {
			for _, err := range r.Objects() {
				return err
			}
			return nil
		},
	} {
		before := w.balance(alice)
		w.view(func(r billing.Reader) error {
			if err := first(r); err != nil {
				return err
			}
			for range 3 {
				write()
				b, err := r.Bucket(alice, usd)
				if err != nil {
					return err
				}
				if b.Balance != before {
					w.Errorf("after %s the view sees %d, then %d", name, before, b.Balance)
				}
			}
			return nil
		})
	}
}

func snapshotBeginsWithTheFirstRead(w *world) {
	w.view(func(r billing.Reader) error {
		w.update(func(tx billing.Tx) error { return tx.Post(posting(alice, "a", 1)) })
		// What was acknowledged before the first read may be seen, and the
		// record and its bucket must agree.
		b1, err := r.Bucket(alice, usd)
		if err != nil {
			return err
		}
		w.update(func(tx billing.Tx) error { return tx.Post(posting(alice, "b", 1)) })
		b2, err := r.Bucket(alice, usd)
		if b1 != b2 {
			w.Errorf("one view sees %d and %d", b1.Balance, b2.Balance)
		}
		return err
	})
}

func readersDoNotWait(w *world) {
	w.update(func(tx billing.Tx) error {
		if err := tx.Post(posting(alice, "a", 1)); err != nil {
			return err
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = w.balance(alice)
		}()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			w.Error("a reader waits for a writer")
		}
		return nil
	})
}

func cancelledBeforeTheStart(w *world) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	ran := false
	err := w.s.Update(ctx, func(billing.Tx) error { ran = true; return nil })
	if !errors.Is(err, context.Canceled) || ran {
		w.Errorf("update: %v, ran %v", err, ran)
	}
	err = w.s.View(ctx, func(billing.Reader) error { ran = true; return nil })
	if !errors.Is(err, context.Canceled) || ran {
		w.Errorf("view: %v, ran %v", err, ran)
	}

	// One that waits behind another is taken out; the other is not disturbed.
	ctx, cancel = context.WithCancel(context.Background())
	started, done := make(chan struct{}), make(chan error)
	go func() {
		<-started
		go func() { time.Sleep(20 * time.Millisecond); cancel() }()
		done <- w.s.Update(ctx, func(billing.Tx) error { ran = true; return nil })
	}()
	w.update(func(tx billing.Tx) error {
		close(started)
		if err := <-done; !errors.Is(err, context.Canceled) || ran {
			w.Errorf("the waiting update: %v, ran %v", err, ran)
		}
		return tx.Post(posting(alice, "a", 1))
	})
	if n := w.balance(alice); n != 1 {
		w.Errorf("the balance is %d", n)
	}
}

func useAfterTheEnd(w *world) {
	var kept billing.Tx
	w.update(func(tx billing.Tx) error { kept = tx; return nil })
	if err := kept.Post(posting(alice, "late", 1)); err == nil {
		w.Error("a transaction was used after its end")
	}
	missing(w, func(r billing.Reader) (billing.Posting, error) { return r.PostingByCause("late") })
}

// manyViewsAndStatements runs more views than there are connections.
func manyViewsAndStatements(w *world) {
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			for range 5 {
				err := w.s.View(context.Background(), func(r billing.Reader) error {
					if _, err := r.Judged(alice); err != nil {
						return err
					}
					_, err := r.Owners(billing.OwnerFilter{Limit: 3})
					return err
				})
				if err != nil {
					w.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// partsOfATransaction: a part that fails undoes itself only, also inside another part,
// and what it saw and wrote before it is the transaction's own.
func partsOfATransaction(w *world) {
	post := func(tx billing.Tx, cause string, n int64, err error) error {
		if failed := tx.Post(posting(alice, cause, n)); failed != nil {
			return failed
		}
		return err
	}
	w.update(func(tx billing.Tx) error {
		if err := post(tx, "outside", 1, nil); err != nil {
			return err
		}
		if err := tx.Part(func() error { return post(tx, "kept", 2, nil) }); err != nil {
			return err
		}
		if err := tx.Part(func() error { return post(tx, "undone", 4, errMine) }); !errors.Is(err, errMine) {
			w.Errorf("the part's error became %v", err)
		}
		err := tx.Part(func() error {
			if err := tx.Part(func() error { return post(tx, "inner", 8, errMine) }); !errors.Is(err, errMine) {
				w.Errorf("the inner part's error became %v", err)
			}
			return post(tx, "outer", 16, nil)
		})
		if b, err := tx.Bucket(alice, usd); err != nil || b.Balance != 19 {
			w.Errorf("the transaction sees %d, %v", b.Balance, err)
		}
		return err
	})
	same(w, w.balance(alice), int64(19))
	// A broken rule inside a part is the part's.
	var again error // of the function's last run
	w.update(func(tx billing.Tx) error {
		again = tx.Part(func() error { return post(tx, "kept", 32, nil) })
		return post(tx, "after", 64, nil)
	})
	if billing.ErrorCode(again) != billing.Exists {
		w.Errorf("posted twice: %v", again)
	}
	same(w, w.balance(alice), int64(83))
	// The whole transaction's error undoes its parts, beside others that stay.
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			err := w.s.Update(w.Context(), func(tx billing.Tx) error {
				if err := tx.Part(func() error { return post(tx, fmt.Sprint("beside ", i), 100, nil) }); err != nil {
					return err
				}
				if i%2 == 0 {
					return errMine
				}
				return nil
			})
			if (err != nil) != (i%2 == 0) {
				w.Error(err)
			}
		})
	}
	all.Wait()
	same(w, w.balance(alice), int64(83+1000))
}

// lastChangeFindsNothing: a change of a record that is not there is NotFound, also when an
// engine hears of it only with its commit, and what was changed before it is undone.
func lastChangeFindsNothing(w *world) {
	changes := map[string]func(tx billing.Tx) error{
		"a charge":    func(tx billing.Tx) error { c := w.charge(alice, "none"); c.ID = 99; return tx.SetCharge(c) },
		"low balance": func(tx billing.Tx) error { return tx.PutLowBalanceState(alice, billing.LowBalanceState{}) },
		"in a part": func(tx billing.Tx) error {
			return tx.Part(func() error { return tx.PutLowBalanceState(alice, billing.LowBalanceState{}) })
		},
		"after many": func(tx billing.Tx) error {
			for i := range 200 {
				if err := tx.AddAudit(&billing.AuditRow{At: noon, Top: acme, Action: billing.AuditUpdate, Resource: fmt.Sprint("r:", i)}); err != nil {
					return err
				}
			}
			return tx.PutLowBalanceState(alice, billing.LowBalanceState{})
		},
	}
	var all sync.WaitGroup
	for name, change := range changes {
		fn := func(tx billing.Tx) error {
			if err := tx.Post(posting(alice, name, 5)); err != nil {
				return err
			}
			return change(tx)
		}
		all.Go(func() {
			if err := w.s.Update(w.Context(), fn); billing.ErrorCode(err) != billing.NotFound {
				w.Errorf("%s, alone: %v", name, err)
			}
		})
		all.Go(func() {
			if err := w.s.UpdateOwners(w.Context(), []billing.OwnerID{alice}, fn); billing.ErrorCode(err) != billing.NotFound {
				w.Errorf("%s, beside others: %v", name, err)
			}
		})
		// Another's change stays.
		all.Go(func() {
			err := w.s.UpdateOwners(w.Context(), []billing.OwnerID{alice}, func(tx billing.Tx) error { return tx.Post(posting(alice, "beside "+name, 1)) })
			if err != nil {
				w.Error(err)
			}
		})
	}
	all.Wait()
	same(w, w.balance(alice), int64(len(changes)))
}

// postingsAreNumberedInOrder: an owner's postings have numbers in the order in which they
// were made, however many a transaction makes, and the number that the caller was told.
func postingsAreNumberedInOrder(w *world) {
	type made struct {
		id    billing.PostingID
		cause string
	}
	var all []made
	for i, n := range []int{1, 1, 3, 1, 0, 5, 2} {
		var now []made
		err := w.s.UpdateOwners(w.Context(), []billing.OwnerID{alice}, func(tx billing.Tx) error {
			now = nil
			for k := range n {
				p := posting(alice, fmt.Sprint(i, ".", k), 1)
				if err := tx.Post(p); err != nil {
					return err
				}
				now = append(now, made{p.ID, p.Cause})
			}
			return nil
		})
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, now...)
		// What was refused in between takes nobody's number.
		err = w.s.UpdateOwners(w.Context(), []billing.OwnerID{alice}, func(tx billing.Tx) error { return tx.Post(posting(alice, "0.0", 1)) })
		if billing.ErrorCode(err) != billing.Exists {
			w.Errorf("a cause for the second time: %v", err)
		}
	}
	kept := read(w, func(r billing.Reader) ([]billing.Posting, error) { return r.Postings(alice, 0, 100) })
	slices.Reverse(kept)
	if len(kept) != len(all) {
		w.Fatalf("%d postings were kept of %d", len(kept), len(all))
	}
	for i, p := range kept {
		if (made{p.ID, p.Cause}) != all[i] || (i > 0 && p.ID <= kept[i-1].ID) {
			w.Errorf("%d: %d %s was told to be %v", i, p.ID, p.Cause, all[i])
		}
	}
	same(w, w.balance(alice), int64(len(all)))
}

// badTextsAreRefused: no engine keeps a text with U+0000, so that what one keeps can be
// copied into another. Whoever brings one is told what is wrong, to read or to write.
func badTextsAreRefused(w *world) {
	if err := w.s.View(w.Context(), func(r billing.Reader) error {
		_, err := r.Login("a\x00b")
		return err
	}); billing.ErrorCode(err) != billing.Invalid {
		w.Errorf("a login with U+0000: %v", err)
	}
	for name, change := range map[string]func(billing.Tx) error{
		"an object": func(tx billing.Tx) error { return tx.PutObject(billing.Object{Type: "t", Key: "\x00", Body: "{}"}) },
		"a posting": func(tx billing.Tx) error {
			p := posting(alice, "bad text", 5)
			p.Notes = "a\x00b"
			return tx.Post(p)
		},
	} {
		if err := w.s.Update(w.Context(), change); billing.ErrorCode(err) != billing.Invalid {
			w.Errorf("%s with U+0000: %v", name, err)
		}
	}
	if n := w.balance(alice); n != 0 {
		w.Errorf("the balance is %d", n)
	}
	// Those who share its commit are not told.
	w.together(func(tx billing.Tx) error { return tx.PutObject(billing.Object{Type: "t", Key: "\x00", Body: "{}"}) })
}
