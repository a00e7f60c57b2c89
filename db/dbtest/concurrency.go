package dbtest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"topupd/billing"
)

// concurrency is the fourth grade: what many do at once comes out as if one
// had done it after the other.
func concurrency(t *testing.T, e Engine) {
	for name, run := range map[string]func(*world){
		"one bucket":  manyPostToOneBucket,
		"transfers":   transfersKeepTheSum,
		"one cause":   oneChargePerCause,
		"open charge": oneOpenCharge,
		"one run":     oneRunPerKey,
		"one booking": oneBookingPerCause,
		"lost update": noLostUpdate,
		"turns":       turnsAreTakenOnce,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(newWorld(t, e))
		})
	}
}

// race runs fn n times at once and returns how many had no error, and the rest.
func (w *world) race(n int, fn func(i int) error) (won int64, errs []error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var ok atomic.Int64
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			if err := fn(i); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
				return
			}
			ok.Add(1)
		})
	}
	close(start)
	wg.Wait()
	return ok.Load(), errs
}

// oneWins holds that exactly one of n wins and the others are told why not.
func (w *world) oneWins(n int, field string, fn func(i int) error) {
	w.Helper()
	won, errs := w.race(n, fn)
	if won != 1 {
		w.Errorf("%d won", won)
	}
	for _, err := range errs {
		if billing.ErrorCode(err) != billing.Exists || billing.ErrorField(err) != field {
			w.Errorf("a loser was told %v", err)
		}
	}
}

func (w *world) updates(fn func(billing.Tx) error) error {
	return w.s.Update(context.Background(), fn)
}

func manyPostToOneBucket(w *world) {
	const n, each = 100, 5
	won, errs := w.race(n, func(i int) error {
		for j := range each {
			err := w.updates(func(tx billing.Tx) error {
				return tx.Post(posting(alice, fmt.Sprint(i, " ", j), int64(i-10)))
			})
			if err != nil && i != 10 { // nobody posts zero
				return err
			}
		}
		return nil
	})
	if won != n {
		w.Errorf("%d of %d: %v", won, n, errs)
	}
	if want, got := int64(each*(n*(n-1)/2-10*n)), w.balance(alice); got != want {
		w.Errorf("the balance is %d, not %d", got, want)
	}
	if found, err := w.s.Verify(context.Background(), 0); err != nil || len(found) != 0 {
		w.Errorf("verify: %v %v", found, err)
	}
}

func transfersKeepTheSum(w *world) {
	owners := []billing.OwnerID{alice, bob, carol}
	_, errs := w.race(60, func(i int) error {
		return w.updates(func(tx billing.Tx) error {
			p := posting(owners[i%3], fmt.Sprint(i), int64(i+1))
			p.Entries[1] = billing.Entry{Owner: owners[(i+1+i/30)%3], Unit: usd, Micros: -int64(i + 1)}
			return tx.Post(p)
		})
	})
	if len(errs) != 0 {
		w.Error(errs)
	}
	if sum := w.balance(alice) + w.balance(bob) + w.balance(carol); sum != 0 {
		w.Errorf("the sum is %d", sum)
	}
}

func oneChargePerCause(w *world) {
	owners := []billing.OwnerID{alice, bob, carol}
	w.oneWins(20, "cause", func(i int) error {
		return w.updates(func(tx billing.Tx) error {
			c := w.charge(owners[i%3], "the same")
			c.Purpose, c.By.Customer = billing.PurposeManual, acme
			return tx.CreateCharge(c)
		})
	})
}

func oneOpenCharge(w *world) {
	for round := range 3 {
		w.oneWins(20, "open_charge", func(i int) error {
			return w.updates(func(tx billing.Tx) error {
				c := w.charge(alice, fmt.Sprint(round, " ", i))
				if i%2 == 0 {
					c.Purpose = billing.PurposeBillingRun
				}
				return tx.CreateCharge(c)
			})
		})
		w.update(func(tx billing.Tx) error {
			j, err := tx.Judged(alice)
			if err != nil {
				return err
			}
			c, err := tx.Charge(j.OpenCharge)
			if err != nil {
				return err
			}
			c.State, c.SettledAt = billing.ChargeFailed, noon
			return tx.SetCharge(&c)
		})
	}
}

func oneRunPerKey(w *world) {
	w.oneWins(20, "key", func(int) error {
		return w.updates(func(tx billing.Tx) error {
			return tx.CreateRun(&billing.Run{Job: billing.JobBilling, Key: "2026-11-22"})
		})
	})
}

func oneBookingPerCause(w *world) {
	w.oneWins(20, "cause", func(int) error {
		return w.updates(func(tx billing.Tx) error { return tx.Post(posting(alice, "once", 10)) })
	})
	if n := w.balance(alice); n != 10 {
		w.Errorf("the balance is %d", n)
	}
}

// noLostUpdate reads and writes back what it read: Judged locks the owner.
func noLostUpdate(w *world) {
	w.update(func(tx billing.Tx) error { return tx.PutLowBalance(&billing.LowBalance{Owner: alice}) })
	const n = 50
	_, errs := w.race(n, func(int) error {
		return w.updates(func(tx billing.Tx) error {
			j, err := tx.Judged(alice)
			if err != nil {
				return err
			}
			j.Policy.State.Episode++
			return tx.PutLowBalanceState(alice, j.Policy.State)
		})
	})
	if len(errs) != 0 {
		w.Error(errs)
	}
	got := read(w, func(r billing.Reader) (billing.Judged, error) { return r.OwnerPolicy(alice) })
	if got.Policy.State.Episode != n {
		w.Errorf("%d of %d updates were kept", got.Policy.State.Episode, n)
	}
}

// turnsAreTakenOnce holds that functions about different owners, which run beside each
// other, take turns at what is everybody's once they lock it; the row need not be there.
func turnsAreTakenOnce(w *world) {
	const n = 60
	owners := []billing.OwnerID{alice, bob, carol}
	won, errs := w.race(n, func(i int) error {
		return w.s.UpdateOwners(context.Background(), owners[i%3:i%3+1], func(tx billing.Tx) error {
			p, err := tx.LockPace("stripe")
			if err != nil {
				return err
			}
			stop, err := tx.LockSendingStop()
			if err != nil {
				return err
			}
			if p.NextAt.IsZero() {
				p.NextAt, stop.ResumedAt = noon, noon
			}
			p.NextAt, stop.ResumedAt = p.NextAt.Add(time.Second), stop.ResumedAt.Add(time.Second)
			if err := tx.SetPace(&p); err != nil {
				return err
			}
			return tx.SetSendingStop(stop)
		})
	})
	if won != n {
		w.Errorf("%d of %d: %v", won, n, errs)
	}
	p := read(w, func(r billing.Reader) (billing.Pace, error) { return r.Pace("stripe") })
	stop := read(w, billing.Reader.SendingStop)
	if want := noon.Add(n * time.Second); !p.NextAt.Equal(want) || !stop.ResumedAt.Equal(want) || p.Slow != 1 {
		w.Errorf("turns were taken twice: %s and %s, want %s, slow %d", p.NextAt, stop.ResumedAt, want, p.Slow)
	}
}
