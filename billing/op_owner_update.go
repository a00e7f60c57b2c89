package billing

import (
	"context"
	"errors"
)

// UpdateOwnerParams changes an owner over an interface; what is not given stays.
type UpdateOwnerParams struct {
	// Terms name the owner and what changes. A balance is moved by MoveFunds: one
	// that is given here must be what it is.
	Terms     OwnerLine
	APIAccess Change[bool]
	// Passwords are the names of members that set a password which is kept by nobody
	// here: the audit log tells that they were set.
	Passwords []string
}

// UpdateOwner changes an owner below the acting customer. Another plan counts
// from the next period. Errors: Missing, Invalid, NotFound, Exists, Conflict,
// WrongCurrency.
func (e *Engine) UpdateOwner(ctx context.Context, p UpdateOwnerParams) error {
	return e.update(ctx, func(u *unitOfWork) error { return u.updateOwner(p) })
}

// below reads an owner for a change that its own login must not make: nobody
// raises its own limit or lifts its own block, and root is changed by nobody.
func (u *unitOfWork) below(o OwnerID) (Judged, error) {
	j, err := u.judged(o)
	if err == nil && (o == Root || o == u.actor.Customer) {
		err = wrongOwner(o, NotFound)
	}
	return j, err
}

func (u *unitOfWork) updateOwner(p UpdateOwnerParams) error {
	l := p.Terms
	j, err := u.below(l.Owner)
	if err != nil {
		return err
	}
	if err := u.checkNamed(&j.Owner, l, false); err != nil {
		return err
	}
	if l.Balance.Given {
		same, err := l.Balance.required("balance")
		if err != nil {
			return err
		}
		if same != j.Bucket.Balance {
			// A form that is sent back whole would undo what was booked meanwhile.
			return Errorf(Invalid, "balance", "a balance is moved by adding, crediting or debiting funds")
		}
	}
	before := j.Owner
	planBefore, err := u.planOf(l.Owner)
	if err != nil {
		return err
	}
	if err := ownerMembers(&j.Owner, l, false); err != nil {
		return err
	}
	j.Owner.UpdatedAt = u.now
	if err := u.tx.PutOwner(&j.Owner); err != nil {
		return err
	}
	if err := u.loginAndPlan(&j.Owner, l, p.APIAccess); err != nil {
		return err
	}
	plan, err := u.planOf(l.Owner)
	if err != nil {
		return err
	}
	if err := u.auditOwnerChange(AuditUpdate, &before, &j.Owner, planBefore, plan); err != nil {
		return err
	}
	if err := u.auditPasswords(&j.Owner, p.Passwords); err != nil {
		return err
	}
	if before.Blocked&BlockOperator != 0 && j.Owner.Blocked&BlockOperator == 0 || before.Expired(u.now) && !j.Owner.Expired(u.now) {
		if err := u.tx.JudgeWithin(j.Owner.ID, u.now); err != nil {
			return err
		}
		if j, err = judgedOf(u.tx, j.Owner.ID); err != nil {
			return err
		}
	}
	if !l.CreditLimit.Given || sameLimit(before.CreditLimit, j.Owner.CreditLimit) {
		return nil
	}
	return u.credited(&j)
}

func sameLimit(a, b *int64) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

// planOf is the plan that an account has, 0 for none.
func (u *unitOfWork) planOf(o OwnerID) (PlanID, error) {
	ap, err := u.tx.AccountPlan(o)
	if errors.Is(err, NotFound) {
		return 0, nil
	}
	return ap.Plan, err
}
