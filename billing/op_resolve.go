package billing

import (
	"context"
	"fmt"
	"strconv"
)

// ResolveParams is what a person found out about a charge whose outcome the
// gateway did not tell.
type ResolveParams struct {
	Charge   ChargeID
	Captured bool
	// Reference is what proves it at the gateway, Reason why; both are kept.
	Reference string
	Reason    string
}

// ResolveCharge settles a charge of unknown outcome by a person's word. Captured
// is credited once; not captured ends the charge, and the next need makes a new
// one. What the gateway says later is still booked if it captured. Errors:
// NotFound, Missing, Conflict for a charge whose outcome is known or to come.
func (e *Engine) ResolveCharge(ctx context.Context, p ResolveParams) (c Charge, err error) {
	if p.Reference == "" {
		return c, Errorf(Missing, "reference", "say what proves it at the gateway")
	}
	if p.Reason == "" {
		return c, Errorf(Missing, "reason", "say how you know")
	}
	err = e.update(ctx, func(u *unitOfWork) error {
		if c, err = u.chargeInScope(p.Charge); err != nil {
			return err
		}
		a, err := u.attemptN(c.ID, c.Attempt)
		if err != nil {
			return err
		}
		if err := u.auditCharge(AuditResolve, &c, newAudit().set("state", string(c.State)).set("word", p.word()).
			set("reference", p.Reference).set("reason", p.Reason)); err != nil {
			return err
		}
		if c.State == ChargeSucceeded && a.Code == codeResolved && !p.Captured {
			return u.resolvedAgain(&c, &a, p)
		}
		if c.State != ChargeUnresolved && c.State != ChargeUnknown {
			return Errorf(Conflict, "charge", "charge %d is %s: only one whose outcome is unknown is resolved by a person", c.ID, c.State)
		}
		if err := u.history(&c, ReasonResolved, p.word()+", "+p.Reference+": "+p.Reason); err != nil {
			return err
		}
		if p.Captured {
			a.Message = p.Reference + ": " + p.Reason
			if err := u.succeeded(&c, &a); err != nil {
				return err
			}
			a.Code = codeResolved
			return u.tx.SetAttempt(&a)
		}
		return u.resolvedNotCaptured(&c, &a, p)
	})
	return c, err
}

func (p *ResolveParams) word() string {
	if p.Captured {
		return "captured"
	}
	return "not captured"
}

// auditCharge writes the row of what a person did to a charge.
func (u *unitOfWork) auditCharge(a AuditAction, c *Charge, info *auditInfo) error {
	return u.audit(a, c.Top, auditKey("charges", "id", int64(c.ID)), info.set(c.Owner.Field(), strconv.FormatInt(c.Owner.Number(), 10)))
}

func (u *unitOfWork) resolvedNotCaptured(c *Charge, a *Attempt, p ResolveParams) error {
	a.settle(AttemptDeclined, u.now)
	a.Class, a.Code = DeclineSoft, "not_captured"
	a.Message = p.Reference + ": " + p.Reason
	if err := u.tx.SetAttempt(a); err != nil {
		return err
	}
	if err := u.end(c, AttemptDeclined, EndGivenUp, a.Code); err != nil {
		return err
	}
	j, err := judgedOf(u.tx, c.Owner)
	if err != nil {
		return err
	}
	if err := u.topupNotPaid(&j, c, a, true); err != nil {
		return err
	}
	if err := u.afterAnswer(&j, c); err != nil {
		return err
	}
	if !c.Purpose.Automatic() {
		return nil
	}
	// Nobody was told of this crossing, and the need may still be there.
	j.OpenCharge, j.Policy.State.Armed = 0, true
	if err := u.afterSettled(&j, c); err != nil {
		return err
	}
	return u.tx.JudgeWithin(c.Owner, u.now)
}

// codeResolved marks an attempt that was captured by a person's word.
const codeResolved = "resolved"

// resolvedWrongly: a person said captured, and the gateway says later that it was
// not. What was credited stays until a person takes that back.
func (u *unitOfWork) resolvedWrongly(c *Charge, a *Attempt, res GatewayResult) error {
	if err := u.history(c, ReasonDeclined, told(res)+", after a person had said captured"); err != nil {
		return err
	}
	return u.alarm(AlarmResolvedWrongly, causeOf("charge", int64(c.ID), int64(a.N)), c.Top,
		fmt.Sprintf("charge %d of %s was resolved as captured, and its gateway denies it", c.ID, c.Owner),
		fmt.Sprintf("The gateway %s says %s. %s were credited by a person's word (%s).\n"+
			"`topupd charges resolve %d --not-captured`, with --reference and --reason, takes them back.",
			c.Gateway, told(res), Money(c.Gross, c.Unit), a.Message, c.ID))
}

// resolvedAgain takes back what a person's word had credited, as a refund that no
// gateway is asked for: what is not refunded yet.
func (u *unitOfWork) resolvedAgain(c *Charge, a *Attempt, p ResolveParams) error {
	left, err := u.notGivenBack(c)
	if err != nil {
		return err
	}
	if left <= 0 {
		return Errorf(Conflict, "charge", "charge %d was given back already", c.ID)
	}
	f := Refund{
		Charge: c.ID, Owner: c.Owner, Top: c.Top, Gateway: c.Gateway, Ref: "resolved:" + a.Key, Unit: c.Unit, Amount: left,
		State: RefundUnknown, Reason: p.Reference + ": " + p.Reason, Actor: u.actor.Name(), CreatedAt: u.now,
	}
	if err := u.tx.CreateRefund(&f); err != nil {
		return err
	}
	if err := u.history(c, ReasonResolved, "not captured, "+p.Reference+": "+p.Reason); err != nil {
		return err
	}
	return u.refunded(&f)
}
