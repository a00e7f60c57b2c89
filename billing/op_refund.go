package billing

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// RefundParams gives money of a charge back to its card.
type RefundParams struct {
	Charge ChargeID
	// Amount is a part of the charge's gross in millionths; nil is what is left.
	Amount *int64
	Reason string
}

// RefundCharge prepares a refund; a worker sends it. The owner's balance goes down
// when the gateway has said yes. It never leads to a new charge. Errors: NotFound,
// Conflict (nothing was captured, or a refund is under way), Invalid.
func (e *Engine) RefundCharge(ctx context.Context, p RefundParams) (f Refund, err error) {
	err = e.update(ctx, func(u *unitOfWork) error {
		c, err := u.chargeInScope(p.Charge)
		if err != nil {
			return err
		}
		if f, err = u.newRefund(&c, p); err != nil {
			return err
		}
		return u.auditCharge(AuditRefund, &c, newAudit().set("refund", strconv.FormatInt(int64(f.ID), 10)).
			set("amount", Money(f.Amount, f.Unit).String()).set("reason", p.Reason))
	})
	return f, err
}

// chargeInScope reads a charge whose owner the actor sees.
func (u *unitOfWork) chargeInScope(id ChargeID) (Charge, error) {
	unknown := Errorf(NotFound, "charge", "there is no charge %d in your scope", id)
	c, err := u.tx.Charge(id)
	if errors.Is(err, NotFound) {
		return c, unknown
	}
	if err != nil {
		return c, err
	}
	o, err := u.tx.Owner(c.Owner)
	if err == nil && !u.actor.Sees(&o) {
		return c, unknown
	}
	return c, err
}

func (u *unitOfWork) newRefund(c *Charge, p RefundParams) (Refund, error) {
	if c.State != ChargeSucceeded {
		return Refund{}, Errorf(Conflict, "charge", "charge %d is %s: nothing was captured that could go back", c.ID, c.State)
	}
	earlier, err := u.tx.RefundsOf(c.ID)
	if err != nil {
		return Refund{}, err
	}
	left, err := u.notGivenBack(c)
	if err != nil {
		return Refund{}, err
	}
	for i := range earlier {
		if earlier[i].State.Open() {
			return Refund{}, Errorf(Conflict, "charge", "refund %d of charge %d is under way: wait for its outcome", earlier[i].ID, c.ID)
		}
	}
	amount := left
	if p.Amount != nil {
		amount = *p.Amount
	}
	cur, _ := LookupCurrency(string(c.Unit))
	switch {
	case left <= 0:
		return Refund{}, Errorf(Conflict, "charge", "charge %d was given back already", c.ID)
	case amount <= 0 || amount > left:
		return Refund{}, Errorf(Invalid, "amount", "above 0 and at most %s, which is what is left of charge %d", Money(left, c.Unit), c.ID)
	case !cur.Whole(amount):
		return Refund{}, Errorf(Invalid, "amount", "at most %d decimals in %s", cur.Digits, c.Unit)
	}
	f := Refund{
		Charge: c.ID, Owner: c.Owner, Top: c.Top, Gateway: c.Gateway, Key: refundKey(u.e.store.Instance(), c.ID, len(earlier)+1),
		Unit: c.Unit, Amount: amount, State: RefundCreated, Reason: p.Reason, Actor: u.actor.Name(), DueAt: u.now, CreatedAt: u.now,
	}
	u.work = true
	return f, u.tx.CreateRefund(&f)
}

// givenBack is what went back of a charge so far: refunds, and what a dispute took
// and did not give back.
func givenBack(r Reader, c *Charge) (sum int64, err error) {
	if c.State != ChargeSucceeded {
		return 0, nil
	}
	refunds, err := r.RefundsOf(c.ID)
	if err != nil {
		return 0, err
	}
	for i := range refunds {
		if refunds[i].State == RefundSucceeded {
			sum += refunds[i].Amount
		}
	}
	disputes, err := r.DisputesOf(c.ID)
	for i := range disputes {
		sum += disputes[i].Withdrawn - disputes[i].Reinstated
	}
	return sum, err
}

func (u *unitOfWork) notGivenBack(c *Charge) (int64, error) {
	back, err := givenBack(u.tx, c)
	return c.Gross - back, err
}

// giveBack books that the part of a charge that went back grows by amount, which
// is negative when money came again. It may mail, and never charges.
func (u *unitOfWork) giveBack(c *Charge, kind PostingKind, cause, notes string, amount int64) (PostingID, error) {
	before, err := givenBack(u.tx, c)
	if err != nil {
		return 0, err
	}
	post := Posting{
		Top: c.Top, Kind: kind, Cause: cause, Charge: c.ID, Notes: notes, Actor: u.actor.Name(),
		BookedAt: u.real, EffectiveAt: u.now, Entries: c.entries(before+amount, before, -1),
	}
	if err := u.post(&post); err != nil {
		return 0, err
	}
	j, err := judgedOf(u.tx, c.Owner)
	if err != nil {
		return 0, err
	}
	detail := fmt.Sprintf("%s of %s went back", Money(amount, c.Unit), Money(c.Gross, c.Unit))
	if amount < 0 {
		detail = fmt.Sprintf("%s of %s came again", Money(-amount, c.Unit), Money(c.Gross, c.Unit))
	}
	if err := u.history(c, refundReason(kind), detail); err != nil {
		return 0, err
	}
	trigger := TriggerCorrection
	if amount < 0 {
		trigger = TriggerCredit
	}
	_, err = u.judge(&j, trigger)
	return post.ID, err
}

func refundReason(kind PostingKind) Reason {
	if kind == PostRefund {
		return ReasonRefunded
	}
	return ReasonDisputed
}
