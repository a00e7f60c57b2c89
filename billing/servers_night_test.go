package billing_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"topupd/billing"
)

// shortLived is the store of a server that is killed after so many of its changes.
type shortLived struct {
	billing.Store
	left *atomic.Int32
}

var errServerKilled = errors.New("the server was killed")

func (s shortLived) through(run updater, fn func(billing.Tx) error) error {
	if s.left.Add(-1) < 0 {
		return errServerKilled
	}
	return run(fn)
}

func (s shortLived) Update(ctx context.Context, fn func(billing.Tx) error) error {
	return s.through(alone(ctx, s.Store), fn)
}

func (s shortLived) UpdateOwners(ctx context.Context, owners []billing.OwnerID, fn func(billing.Tx) error) error {
	return s.through(ofOwners(ctx, s.Store, owners), fn)
}

// Two servers fire the same night, and the one that has it is killed in the middle: every
// account is billed once.
func TestTwoServersOneNight(t *testing.T) {
	const accounts = 350 // four batches
	k, other := servers(t)
	k.seed("tok_ok")
	k.plan()
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		for n := int64(1000); n < 1000+accounts; n++ {
			l := accountLine(n)
			l.Plan, l.NextBillingAt, l.AnchorDay = billing.To(int64(1)), billing.To(due), billing.To(int64(1))
			if err := im.Owner(l); err != nil {
				return err
			}
		}
		return nil
	}))
	night := root(due.Add(time.Hour))
	p := billing.RunParams{Key: "2026-12-01", Trigger: "schedule"}

	dying := k.config
	left := &atomic.Int32{}
	left.Store(3) // it opens the run and bills two batches
	dying.Store, dying.Observer = shortLived{k.store, left}, nil
	run, mine, err := billing.New(dying).RunBilling(night, p)
	if !mine || !errors.Is(err, errServerKilled) {
		t.Fatalf("the first server: mine %v, error %v", mine, err)
	}
	// Under its lease the night is left alone.
	if _, mine, err := other.RunBilling(night, p); mine || err != nil {
		t.Fatalf("the second server, under the lease: mine %v, error %v", mine, err)
	}
	k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
		r, err := tx.Run(run.ID)
		if err != nil {
			return err
		}
		if r.Tally.Posted == 0 || r.Tally.Posted > accounts-100 {
			t.Errorf("the server died after %d of %d accounts, which is not in the middle", r.Tally.Posted, accounts)
		}
		r.LeaseUntil = time.Now().Add(-time.Second) // two minutes later
		return tx.SetRun(&r)
	}))
	var wg sync.WaitGroup
	var took atomic.Int32
	for _, e := range []*billing.Engine{k.engine, other} {
		wg.Go(func() {
			_, mine, err := e.RunBilling(night, p)
			if err != nil {
				t.Error(err)
			}
			if mine {
				took.Add(1)
			}
		})
	}
	wg.Wait()
	if took.Load() != 1 {
		t.Errorf("%d servers went on with the night", took.Load())
	}
	k.ok(k.engine.Snapshot(night, func(r billing.Reader) error {
		for n := int64(1000); n < 1000+accounts; n++ {
			b, err := r.Bucket(billing.Account(n), "USD")
			if err != nil {
				return err
			}
			if b.Balance != 0 {
				t.Errorf("account %d has %d, not what is left of 20 after one price of 20", n, b.Balance)
			}
		}
		done, err := r.Run(run.ID)
		if err == nil && done.FinishedAt.IsZero() {
			t.Error("the night is not finished")
		}
		return err
	}))
	if found, err := k.store.Verify(context.Background(), 5); err != nil || len(found) > 0 {
		t.Errorf("verify: %v %v", found, err)
	}
}
