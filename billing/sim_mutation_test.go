package billing_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"topupd/billing"
	"topupd/db/dbtest"
)

// mutation is one mistake.
type mutation struct {
	name string
	// finds is a word of what the oracle says.
	finds string
	made  func() breakage
}

// mutations are mistakes that the oracle has to find: each is one that a change
// of the engine, the store or a gateway might bring.
var mutations = []mutation{
	{"a declined payment was captured after all", "captured", func() breakage {
		return breakage{gateway: func(g billing.Gateway) billing.Gateway { return &deafGateway{Gateway: g} }}
	}},
	{"an unknown attempt is sent again under a new key", "C3", func() breakage {
		return breakage{gateway: func(g billing.Gateway) billing.Gateway { return &rekeyingGateway{Gateway: g} }}
	}},
	{"a time-out is told as not attempted", "alarm", func() breakage {
		return breakage{gateway: func(g billing.Gateway) billing.Gateway { return carelessGateway{g} }}
	}},
	{"what settles a success is acknowledged and lost", "", func() breakage {
		return breakage{store: func(s billing.Store) billing.Store { return forgetfulStore{s, billing.PostCharge} }}
	}},
	{"a debit is acknowledged and lost", "acknowledged true", func() breakage {
		return breakage{store: func(s billing.Store) billing.Store { return forgetfulStore{s, billing.PostDebit} }}
	}},
	{"a transfer is acknowledged and lost", "transfer-", func() breakage {
		return breakage{store: func(s billing.Store) billing.Store { return forgetfulStore{s, billing.PostTransfer} }}
	}},
	{"an adjustment is acknowledged and lost", "adjustment-", func() breakage {
		return breakage{store: func(s billing.Store) billing.Store { return forgetfulStore{s, billing.PostAdjustment} }}
	}},
	{"a credit is booked twice", "", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return doublingTx{tx} })}
	}},
	{"the caps see no history", "charged", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return blindTx{tx} })}
	}},
	{"the next judgement is forgotten", "nobody looks", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return sleepyTx{tx} })}
	}},
	{"leases are not written", "under way", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return leaselessTx{tx} })}
	}},
	{"retries come too early", "was tried again", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return hastyTx{tx} })}
	}},
	{"a refund is booked and never sent", "the bank kept", func() breakage {
		return breakage{gateway: func(g billing.Gateway) billing.Gateway { return lyingRefunds{g} }}
	}},
	{"an event acts twice", "", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return amnesiacTx{tx} })}
	}},
	{"the key of a payment is forgotten", "was made", func() breakage {
		n := new(atomic.Int64)
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return keylessTx{tx, n} })}
	}},
	{"the duplicate window sees nothing", "was made again", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return windowlessTx{tx} })}
	}},
	{"a payment is acknowledged and lost", "is lost", func() breakage {
		return breakage{store: func(s billing.Store) billing.Store { return paymentForgetter{s} }}
	}},
	{"a card is acknowledged as deleted and stays", "acknowledged as deleted", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return immortalTx{tx} })}
	}},
	{"a deleted card is charged", "made an attempt with card", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return immortalTx{tx} })}
	}},
	{"a card that came with a payment keeps its token", "came with a payment", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return hoardingTx{tx} })}
	}},
	{"a new token is acknowledged and not kept", "acknowledged last", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return stubbornTx{tx} })}
	}},
	{"a voucher works twice", "credited twice", func() breakage {
		n := new(atomic.Int64)
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return generousTx{tx, n} })}
	}},
	{"an owner is deleted with its money", "was deleted", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return hastyEnd{tx, func(u *billing.Unfinished) { u.Money = false }} })}
	}},
	{"an owner is deleted under a charge", "and its charge", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return hastyEnd{tx, func(u *billing.Unfinished) { u.Charges = false }} })}
	}},
	{"an owner is deleted under a refund", "and its refund", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return hastyEnd{tx, func(u *billing.Unfinished) { u.Refunds = false }} })}
	}},
	{"a customer is deleted above its accounts", "above its accounts", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx {
			return hastyEnd{tx, func(u *billing.Unfinished) { u.Children = false }}
		})}
	}},
	{"a deleted owner is known", "which was deleted, got", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return hauntedTx{tx} })}
	}},
	{"an end is acknowledged and not made", "and is there", func() breakage {
		return breakage{store: changed(func(tx billing.Tx) billing.Tx { return endlessTx{tx} })}
	}},
}

// TestSimulatorFindsMistakes is the test of the simulator: every mistake is
// found by one of a few seeds.
func TestSimulatorFindsMistakes(t *testing.T) {
	dbtest.SQLiteOnly(t, "it is about the simulator, not about the store")
	for i, m := range slices.Concat(mutations, topupMutations, balanceTopupMutations) {
		if testing.Short() && i%6 != 0 {
			continue // the race detector needs no more of the same
		}
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(240) {
				_, found := played(t, seed+1, m.made())
				for _, f := range found {
					if strings.Contains(f, m.finds) {
						t.Logf("seed %d: %s", seed+1, f)
						return
					}
				}
			}
			t.Error("nobody noticed")
		})
	}
}

// deafGateway hears a decline where the bank captured.
type deafGateway struct{ billing.Gateway }

func (g *deafGateway) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	r := g.Gateway.Charge(ctx, c)
	if r.Outcome == billing.OutcomeSucceeded && c.ChargeID%2 == 0 {
		return billing.GatewayResult{Outcome: billing.OutcomeDeclined, Class: billing.DeclineSoft, Code: "misread"}
	}
	return r
}

// rekeyingGateway sends a lookup as a new payment, with a key of its own.
type rekeyingGateway struct {
	billing.Gateway
	mu sync.Mutex
	n  int
}

func (g *rekeyingGateway) Lookup(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	g.mu.Lock()
	g.n++
	c.Key += "-" + strings.Repeat("x", g.n)
	g.mu.Unlock()
	c.GatewayRef = ""
	return g.Charge(ctx, c)
}

// carelessGateway takes silence for "nothing was sent, try again in a while".
type carelessGateway struct{ billing.Gateway }

func (g carelessGateway) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	r := g.Gateway.Charge(ctx, c)
	if r.Outcome == billing.OutcomeUnknown {
		r.Outcome, r.Trouble, r.RetryAfter = billing.OutcomeNotAttempted, billing.TroubleLimited, 30*time.Minute
	}
	return r
}

// lyingRefunds says yes to every refund and makes none.
type lyingRefunds struct{ billing.Gateway }

func (lyingRefunds) Refund(_ context.Context, r billing.GatewayRefund) billing.GatewayResult {
	return billing.GatewayResult{Outcome: billing.OutcomeSucceeded, Ref: "re_lie_" + r.Key}
}

// forgetfulStore acknowledges each transaction that posts a kind, and drops it
// when it comes on an odd second.
type forgetfulStore struct {
	billing.Store
	kind billing.PostingKind
}

func (s forgetfulStore) Update(ctx context.Context, fn func(billing.Tx) error) error {
	return s.through(ctx, alone(ctx, s.Store), fn)
}

func (s forgetfulStore) UpdateOwners(ctx context.Context, owners []billing.OwnerID, fn func(billing.Tx) error) error {
	return s.through(ctx, ofOwners(ctx, s.Store, owners), fn)
}

func (s forgetfulStore) through(ctx context.Context, run updater, fn func(billing.Tx) error) error {
	forgot := false
	err := run(func(tx billing.Tx) error {
		w := &watchingTx{Tx: tx, kind: s.kind}
		forgot = false
		if err := fn(w); err != nil {
			return err
		}
		if w.saw && time.Now().Unix()%2 == 1 {
			forgot = true
			return errGlitch
		}
		return nil
	})
	if forgot {
		return nil
	}
	return err
}

type watchingTx struct {
	billing.Tx
	kind billing.PostingKind
	saw  bool
}

func (w *watchingTx) Post(p *billing.Posting) error {
	w.saw = w.saw || p.Kind == w.kind
	return w.Tx.Post(p)
}

// changed is a store whose transactions are not what they should be.
func changed(change func(billing.Tx) billing.Tx) func(billing.Store) billing.Store {
	return func(s billing.Store) billing.Store { return changedStore{s, change} }
}

type changedStore struct {
	billing.Store
	change func(billing.Tx) billing.Tx
}

func (s changedStore) Update(ctx context.Context, fn func(billing.Tx) error) error {
	return s.through(ctx, alone(ctx, s.Store), fn)
}

func (s changedStore) UpdateOwners(ctx context.Context, owners []billing.OwnerID, fn func(billing.Tx) error) error {
	return s.through(ctx, ofOwners(ctx, s.Store, owners), fn)
}

func (s changedStore) through(ctx context.Context, run updater, fn func(billing.Tx) error) error {
	return run(func(tx billing.Tx) error { return fn(s.change(tx)) })
}

// doublingTx books each payment twice, under another cause.
type doublingTx struct{ billing.Tx }

func (t doublingTx) Post(p *billing.Posting) error {
	if p.Kind == billing.PostCredit {
		again := *p
		again.Cause += ":again"
		if err := t.Tx.Post(&again); err != nil {
			return err
		}
	}
	return t.Tx.Post(p)
}

// blindTx remembers no earlier charges.
type blindTx struct{ billing.Tx }

func (blindTx) AutomaticSince(billing.OwnerID, time.Time) ([]billing.AutomaticCharge, error) {
	return nil, nil
}

// sleepyTx never looks again.
type sleepyTx struct{ billing.Tx }

func (t sleepyTx) PutLowBalanceState(o billing.OwnerID, s billing.LowBalanceState) error {
	s.JudgeAt = time.Time{}
	return t.Tx.PutLowBalanceState(o, s)
}

// leaselessTx lets everybody take up what somebody is on.
type leaselessTx struct{ billing.Tx }

func (t leaselessTx) SetCharge(c *billing.Charge) error {
	if c.State == billing.ChargeSubmitted {
		c.LeaseUntil = time.Time{}
	}
	return t.Tx.SetCharge(c)
}

// hastyTx tries a declined card again at once.
type hastyTx struct{ billing.Tx }

func (t hastyTx) SetCharge(c *billing.Charge) error {
	if c.State == billing.ChargeCreated && c.Attempt > 1 && c.LeaseUntil.IsZero() {
		c.DueAt = time.Now().UTC()
	}
	return t.Tx.SetCharge(c)
}

// amnesiacTx keeps no events.
type amnesiacTx struct{ billing.Tx }

func (t amnesiacTx) NoteGatewayEvent(string, *billing.GatewayEvent, *billing.Charge, time.Time) error {
	return nil
}
