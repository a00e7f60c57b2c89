package billing

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// refundOne takes one due refund through one step: sent, or sent again with the
// same key, which gives the money back once. The row and its key were committed
// before, as with charges.
func (e *Engine) refundOne(ctx context.Context, id RefundID) error {
	req, g, err := e.claimRefund(ctx, id)
	if err != nil || g == nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	call, cancel := context.WithTimeout(ctx, e.timeout(g))
	defer cancel()
	res := g.Refund(call, req)
	return e.update(ctx, func(u *unitOfWork) error {
		f, err := u.tx.Refund(id)
		if err != nil {
			return err
		}
		return u.refundAnswered(&f, res)
	})
}

// SendRefund sends a refund and asks until its outcome is known or ctx is done; it
// returns the refund as it stands then.
func (e *Engine) SendRefund(ctx context.Context, id RefundID) (f Refund, err error) {
	for {
		if err := e.refundOne(ctx, id); err != nil {
			return f, err
		}
		err = e.view(context.WithoutCancel(ctx), func(r Reader) error {
			f, err = r.Refund(id)
			return err
		})
		if err != nil || !f.State.Open() {
			return f, err
		}
		select {
		case <-ctx.Done():
			return f, nil
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (e *Engine) claimRefund(ctx context.Context, id RefundID) (req GatewayRefund, g Gateway, err error) {
	err = e.update(ctx, func(u *unitOfWork) error {
		g = nil
		f, err := u.tx.Refund(id)
		if err != nil {
			return err
		}
		if f.DueAt.IsZero() || f.DueAt.After(u.now) || f.LeaseUntil.After(u.real) {
			return nil // another worker was faster
		}
		to, listed := e.gateways[f.Gateway]
		if !listed || paused(to, u.real) {
			f.LeaseUntil = u.real.Add(time.Minute)
			return u.tx.SetRefund(&f)
		}
		captured, err := u.capturedAttempt(f.Charge)
		if err != nil {
			return err
		}
		f.State = RefundSubmitted
		f.LeaseUntil = u.real.Add(e.timeout(to) + leaseSlack)
		g = to
		req = GatewayRefund{
			Key: f.Key, ChargeKey: captured.Key, ChargeRef: captured.Ref, Amount: Money(f.Amount, f.Unit),
			RefundID: f.ID, ChargeID: f.Charge, GatewayRef: f.Ref,
		}
		return u.tx.SetRefund(&f)
	})
	if err != nil {
		g = nil
	}
	return req, g, err
}

// capturedAttempt is the attempt of a charge that took the money.
func (u *unitOfWork) capturedAttempt(id ChargeID) (Attempt, error) {
	all, err := u.tx.Attempts(id)
	if err != nil {
		return Attempt{}, err
	}
	for _, a := range all {
		if a.State == AttemptSucceeded && a.Code != codeCapturedTwice {
			return a, nil
		}
	}
	return Attempt{}, Errorf(Conflict, "charge", "charge %d has no attempt that was captured", id)
}

// refundAnswered records what a gateway said of a refund, whoever heard it. One
// that succeeded may still fail later, when the card's bank sends it back.
func (u *unitOfWork) refundAnswered(f *Refund, res GatewayResult) error {
	if res.Ref != "" && res.Ref != f.Ref {
		other, err := u.tx.RefundByRef(f.Gateway, res.Ref)
		if err == nil && other.ID != f.ID {
			return u.sameRefund(f, &other)
		}
		if err != nil && !errors.Is(err, NotFound) {
			return err
		}
		f.Ref = res.Ref
	}
	f.Code, f.Message = res.Code, res.Message
	switch {
	case res.Outcome == OutcomeSucceeded && f.State.Open():
		return u.refunded(f)
	case res.Outcome == OutcomeDeclined && f.State != RefundFailed:
		return u.refundFailed(f)
	case !f.State.Open():
		return nil
	}
	// Pending, no answer, or not sent: the same key again.
	f.State, f.DueAt = RefundUnknown, earlierOf(u.now, u.real)
	f.LeaseUntil = u.real.Add(askAfter(f.Lookups))
	f.Lookups++
	u.work = true
	return u.tx.SetRefund(f)
}

// sameRefund ends a refund of ours that the gateway told of under its own id before
// our answer came: it has a row, and is booked, under that id.
func (u *unitOfWork) sameRefund(f, other *Refund) error {
	if !f.State.Open() {
		return nil
	}
	f.State, f.DueAt, f.LeaseUntil, f.SettledAt = RefundFailed, zeroTime, zeroTime, u.now
	f.Code, f.Message = "told_before", fmt.Sprintf("it is refund %d, which the gateway told of", other.ID)
	return u.tx.SetRefund(f)
}

func earlierOf(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (u *unitOfWork) refunded(f *Refund) error {
	c, err := u.tx.Charge(f.Charge)
	if err != nil {
		return err
	}
	if f.Posting, err = u.giveBack(&c, PostRefund, causeOf("refund", int64(f.ID)), f.Reason, f.Amount); err != nil {
		return err
	}
	f.State, f.DueAt, f.LeaseUntil, f.SettledAt = RefundSucceeded, zeroTime, zeroTime, u.now
	return u.tx.SetRefund(f)
}

func (u *unitOfWork) refundFailed(f *Refund) error {
	booked := f.State == RefundSucceeded
	c, err := u.tx.Charge(f.Charge)
	if err != nil {
		return err
	}
	if err := u.history(&c, ReasonRefunded, "failed: "+told(GatewayResult{Code: f.Code, Message: f.Message})); err != nil {
		return err
	}
	f.State, f.DueAt, f.LeaseUntil, f.SettledAt = RefundFailed, zeroTime, zeroTime, u.now
	if !booked {
		return u.tx.SetRefund(f)
	}
	if f.Reversal, err = u.giveBack(&c, PostRefund, causeOf("refund", int64(f.ID))+":reversed", f.Code, -f.Amount); err != nil {
		return err
	}
	return u.tx.SetRefund(f)
}
