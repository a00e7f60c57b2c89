package billing

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"
)

// CreateExpectedParams are the members of an expected payment that a person asks for.
type CreateExpectedParams struct {
	Owner OwnerID // a customer
	Type  Change[string]
	// Amount is above 0, in whole minor units of the customer's currency.
	Amount            Change[int64]
	Due               Change[string] // a date; today in the instance's zone
	OurReference      Change[string]
	CustomerReference Change[string]
}

// CreateExpected expects a payment that no profile made: nobody collects it, no letter is
// written, and no cool-down or top-up waits for it. Errors: NotFound (also for the type),
// Forbidden for a login's own customer, Missing, Invalid.
func (e *Engine) CreateExpected(ctx context.Context, p CreateExpectedParams) (ep ExpectedPayment, err error) {
	err = e.update(ctx, func(u *unitOfWork) error {
		o, err := u.owner(p.Owner)
		if err == nil && (p.Owner.IsAccount() || p.Owner == Root) {
			err = NotFound
		}
		if err != nil {
			return wrongOwner(p.Owner, err)
		}
		if u.actor.Customer == p.Owner {
			return Errorf(Forbidden, "", "nobody says what its own customer is expected to pay")
		}
		ep = ExpectedPayment{
			Owner: o.ID, Top: o.Top, Date: e.businessDate(u.now), Unit: o.Currency, Method: CollectNone,
			Revision: 1, CreatedAt: u.now, UpdatedAt: u.now,
		}
		if err := u.newExpected(&ep, p); err != nil {
			return err
		}
		if err := u.tx.CreateExpectedPayment(&ep); err != nil {
			return err
		}
		info := newAudit().money("amount", nil, &ep.Amount).set("date", ep.Date)
		return u.audit(AuditAdd, ep.Top, auditKey("expected_payments", "id", int64(ep.ID)), info)
	})
	return ep, err
}

// newExpected checks and applies what is given.
func (u *unitOfWork) newExpected(ep *ExpectedPayment, p CreateExpectedParams) (err error) {
	switch {
	case !p.Type.Given:
		return Errorf(Missing, "expectedPaymentType", "expectedPaymentType is required")
	case !p.Amount.Given:
		return Errorf(Missing, "expectedPaymentAmount", "expectedPaymentAmount is required")
	}
	name, err := p.Type.required("expectedPaymentType")
	if err != nil {
		return err
	}
	kind, err := u.tx.ExpectedTypeNamed(name)
	switch {
	case errors.Is(err, NotFound):
		return Errorf(NotFound, "expectedPaymentType", "there is no type of this name")
	case err != nil:
		return err
	case kind.ID == ExpectedTopup:
		return Errorf(Invalid, "expectedPaymentType", "only profiles expect payments of this type")
	}
	ep.Type = kind.ID
	if ep.Amount, err = chargeable(p.Amount, ep.Unit, "expectedPaymentAmount"); err != nil {
		return err
	}
	if ep.Amount == 0 {
		return Errorf(Invalid, "expectedPaymentAmount", "an amount above 0")
	}
	if p.Due.Given {
		if ep.Date, err = p.Due.required("expectedPaymentDueDate"); err != nil {
			return err
		}
		if t, bad := time.Parse(time.DateOnly, ep.Date); bad != nil || t.Year() < 1970 {
			return Errorf(Invalid, "expectedPaymentDueDate", "a date is needed, such as 2026-11-22")
		}
	}
	set(&ep.OurReference, p.OurReference)
	set(&ep.CustomerReference, p.CustomerReference)
	return ep.checkReferences()
}

func (ep *ExpectedPayment) checkReferences() error {
	for _, text := range []struct{ field, value string }{
		{"ourReference", ep.OurReference}, {"customerReference", ep.CustomerReference},
	} {
		if utf8.RuneCountInString(text.value) > maxReference {
			return Errorf(Invalid, text.field, "at most %d characters", maxReference)
		}
	}
	return nil
}
