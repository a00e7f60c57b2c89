package billing

import (
	"context"
	"errors"
)

// DeleteOwner ends an owner below the acting customer: from then on it is unknown
// everywhere, and its username and logins are free. What has money, or anything
// open, stays. Errors: NotFound, Conflict.
func (e *Engine) DeleteOwner(ctx context.Context, o OwnerID) error {
	return e.update(ctx, func(u *unitOfWork) error {
		j, err := u.below(o)
		if err != nil {
			return err
		}
		if err := u.endAllRules(o); err != nil {
			return err
		}
		left, err := u.tx.Unfinished(o)
		if err != nil {
			return err
		}
		if what := left.String(); what != "" {
			return Errorf(Conflict, o.Field(), "%s has %s", o, what)
		}
		if err := u.tx.DeleteOwner(o, u.now); err != nil {
			return err
		}
		return u.audit(AuditDelete, j.Owner.Top, auditOwner(ownerTable(o), o), newAudit().set("name", j.Owner.Name).set("username", j.Owner.Username))
	})
}

// endAllRules ends an owner's rules as their client would, and tells of it.
func (u *unitOfWork) endAllRules(o OwnerID) error {
	rules, err := u.tx.TopupRulesOf(o)
	if err != nil {
		return err
	}
	for i := range rules {
		if rules[i].State != RuleActive {
			continue
		}
		t, err := u.tx.BalanceTopup(rules[i].ID)
		if errors.Is(err, NotFound) {
			continue // its end is the owner's
		}
		if err == nil {
			err = u.cancelTopup(&t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// String names what is not settled; empty when nothing is left.
func (u Unfinished) String() string {
	switch {
	case u.Money:
		return "a balance, or something reserved"
	case u.Charges:
		return "an open charge"
	case u.Periods:
		return "an open billing period"
	case u.Disputes:
		return "a dispute that is open or not lifted"
	case u.Refunds:
		return "an open refund"
	case u.Children:
		return "accounts or customers below it, or a plan of its own"
	}
	return ""
}
