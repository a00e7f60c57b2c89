package billing_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"topupd/billing"
)

// keylessTx remembers no key of a payment.
type keylessTx struct {
	billing.Tx
	n *atomic.Int64
}

func (t keylessTx) ChargeByCause(cause string) (billing.Charge, error) {
	if strings.HasPrefix(cause, "key:") {
		return billing.Charge{}, billing.NotFound
	}
	return t.Tx.ChargeByCause(cause)
}

func (t keylessTx) CreateCharge(c *billing.Charge) error {
	if c.Purpose == billing.PurposeManual {
		c.Cause += fmt.Sprint(":", t.n.Add(1))
	}
	return t.Tx.CreateCharge(c)
}

// windowlessTx remembers no payment of just now.
type windowlessTx struct{ billing.Tx }

func (windowlessTx) PaidSince(billing.OwnerID, billing.CardID, int64, billing.OwnerID, string, time.Time) (billing.Charge, error) {
	return billing.Charge{}, billing.NotFound
}

func (windowlessTx) PaidWithInput(billing.OwnerID, string, billing.OwnerID, string, time.Time) (billing.Charge, error) {
	return billing.Charge{}, billing.NotFound
}

// paymentForgetter forgets payments by hand: their transaction is acknowledged and lost.
type paymentForgetter struct{ billing.Store }

func (s paymentForgetter) Update(ctx context.Context, fn func(billing.Tx) error) error {
	return s.through(ctx, alone(ctx, s.Store), fn)
}

func (s paymentForgetter) UpdateOwners(ctx context.Context, owners []billing.OwnerID, fn func(billing.Tx) error) error {
	return s.through(ctx, ofOwners(ctx, s.Store, owners), fn)
}

func (s paymentForgetter) through(ctx context.Context, run updater, fn func(billing.Tx) error) error {
	forgot := false
	err := run(func(tx billing.Tx) error {
		w := &paymentWatcher{Tx: tx}
		if err := fn(w); err != nil {
			return err
		}
		if forgot = w.saw && time.Now().Unix()%2 == 1; forgot {
			return errGlitch
		}
		return nil
	})
	if forgot {
		return nil
	}
	return err
}

type paymentWatcher struct {
	billing.Tx
	saw bool
}

func (w *paymentWatcher) CreateCharge(c *billing.Charge) error {
	w.saw = w.saw || c.Purpose == billing.PurposeManual
	return w.Tx.CreateCharge(c)
}

// immortalTx deletes no card.
type immortalTx struct{ billing.Tx }

func (t immortalTx) PutCard(c *billing.Card) error {
	if c.ID != 0 && c.State == billing.CardDeleted && c.Aside != "one_time" {
		return nil
	}
	return t.Tx.PutCard(c)
}

// hoardingTx keeps the token of a card that came with a payment.
type hoardingTx struct{ billing.Tx }

func (t hoardingTx) PutCard(c *billing.Card) error {
	if c.ID != 0 && c.Aside == "one_time" && len(c.Token) == 0 {
		return nil
	}
	return t.Tx.PutCard(c)
}

// stubbornTx leaves a card its token, whatever it is told.
type stubbornTx struct{ billing.Tx }

func (t stubbornTx) PutCard(c *billing.Card) error {
	was, err := t.Card(c.ID)
	put := *c
	if err == nil && len(was.Token) > 0 && len(c.Token) > 0 {
		put.Token = was.Token
	}
	if err := t.Tx.PutCard(&put); err != nil {
		return err
	}
	c.ID = put.ID
	return nil
}

// generousTx takes a voucher as often as it comes.
type generousTx struct {
	billing.Tx
	n *atomic.Int64
}

func (t generousTx) VoucherByCode(hash []byte) (billing.Voucher, error) {
	v, err := t.Tx.VoucherByCode(hash)
	v.UsedBy = 0
	return v, err
}

func (t generousTx) UseVoucher(v billing.VoucherID, o, top billing.OwnerID, at time.Time) (bool, error) {
	_, err := t.Tx.UseVoucher(v, o, top, at)
	return true, err
}

func (t generousTx) Post(p *billing.Posting) error {
	if p.Kind == billing.PostVoucher {
		p.Cause += fmt.Sprint(":", t.n.Add(1))
	}
	return t.Tx.Post(p)
}

// hastyEnd lets an owner go with what it has.
type hastyEnd struct {
	billing.Tx
	forget func(*billing.Unfinished)
}

func (t hastyEnd) Unfinished(o billing.OwnerID) (billing.Unfinished, error) {
	left, err := t.Tx.Unfinished(o)
	t.forget(&left)
	return left, err
}

// hauntedTx does not see that an owner is deleted.
type hauntedTx struct{ billing.Tx }

func (t hauntedTx) Judged(o billing.OwnerID) (billing.Judged, error) {
	j, err := t.Tx.Judged(o)
	j.Owner.DeletedAt = time.Time{}
	return j, err
}

// endlessTx forgets to end an owner.
type endlessTx struct{ billing.Tx }

func (endlessTx) DeleteOwner(billing.OwnerID, time.Time) error { return nil }
