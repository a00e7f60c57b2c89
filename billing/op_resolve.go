package billing

import "context"

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
		if c.State != ChargeUnresolved && c.State != ChargeUnknown {
			return Errorf(Conflict, "charge", "charge %d is %s: only one whose outcome is unknown is resolved by a person", c.ID, c.State)
		}
		a, err := u.attemptN(c.ID, c.Attempt)
		if err != nil {
			return err
		}
		word := "not captured"
		if p.Captured {
			word = "captured"
		}
		if err := u.history(&c, ReasonResolved, word+", "+p.Reference+": "+p.Reason); err != nil {
			return err
		}
		if p.Captured {
			a.Message = p.Reference + ": " + p.Reason
			return u.succeeded(&c, &a)
		}
		return u.resolvedNotCaptured(&c, &a, p)
	})
	return c, err
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
	if err := u.afterAnswer(&j, c); err != nil {
		return err
	}
	// Nobody was told of this crossing, and the need may still be there.
	j.OpenCharge, j.Policy.State.Armed = 0, true
	if err := u.afterSettled(&j, c); err != nil {
		return err
	}
	return u.tx.JudgeWithin(c.Owner, u.now)
}
