package billing

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"
)

// ExpectedPayments lists those in the actor's scope by id. Errors: NotFound for an owner
// out of scope.
func (e *Engine) ExpectedPayments(ctx context.Context, f ExpectedFilter) (all []ExpectedPayment, err error) {
	err = e.view(ctx, func(r Reader) (err error) {
		if f.Owner != 0 {
			if err := inScope(ctx, r, f.Owner); err != nil {
				return err
			}
		}
		if f.Within = ActorFrom(ctx).Customer; f.Within == 0 {
			return nil
		}
		all, err = r.ExpectedPayments(f)
		return err
	})
	return all, err
}

// expectedOf is one that is not deleted, of an owner in scope.
func expectedOf(ctx context.Context, r Reader, id ExpectedID) (ExpectedPayment, error) {
	ep, err := r.ExpectedPayment(id)
	if err == nil {
		var o Owner
		if o, err = r.Owner(ep.Owner); err == nil && (!ActorFrom(ctx).Sees(&o) || !ep.DeletedAt.IsZero()) {
			err = NotFound
		}
	}
	if errors.Is(err, NotFound) {
		return ep, Errorf(NotFound, "id", "there is no expected payment %d in your scope", id)
	}
	return ep, err
}

// ExpectedPayment is one of them. Errors: NotFound.
func (e *Engine) ExpectedPayment(ctx context.Context, id ExpectedID) (ep ExpectedPayment, err error) {
	err = e.view(ctx, func(r Reader) (err error) {
		ep, err = expectedOf(ctx, r, id)
		return err
	})
	return ep, err
}

// ExpectedParams changes an expected payment; what is not given stays.
type ExpectedParams struct {
	ID                ExpectedID
	Payment           Change[PaymentID] // the owner's payment that fulfilled it; null opens it again
	OurReference      Change[string]
	CustomerReference Change[string]
}

const maxReference = 255

// UpdateExpected changes one. Errors: NotFound, Invalid, Forbidden for a login's own
// customer, Conflict when its own charge settled it.
func (e *Engine) UpdateExpected(ctx context.Context, p ExpectedParams) (ep ExpectedPayment, err error) {
	err = e.update(ctx, func(u *unitOfWork) (err error) {
		if ep, err = u.writableExpected(p.ID); err != nil {
			return err
		}
		before := ep
		if p.Payment.Given {
			if ep.Charge != 0 && ep.Payment == ChargePayment(ep.Charge) {
				return Errorf(Conflict, "paymentID", "its own payment fulfilled it")
			}
			switch {
			case p.Payment.Value != nil:
				err = u.paidWith(&ep, *p.Payment.Value)
			case ep.Payment != 0:
				err = u.reopened(&ep)
			}
			if err != nil {
				return err
			}
		}
		set(&ep.OurReference, p.OurReference)
		set(&ep.CustomerReference, p.CustomerReference)
		if err := ep.checkReferences(); err != nil {
			return err
		}
		info := newAudit()
		auditNumber(info, "paymentID", &before.Payment, &ep.Payment)
		info.change("ourReference", before.OurReference, ep.OurReference).change("customerReference", before.CustomerReference, ep.CustomerReference)
		if info.empty() {
			return nil
		}
		if err := u.changeExpected(&ep); err != nil {
			return err
		}
		return u.audit(AuditUpdate, ep.Top, auditKey("expected_payments", "id", int64(ep.ID)), info)
	})
	return ep, err
}

// paidWith fulfils what was expected with a payment of the owner that is in.
func (u *unitOfWork) paidWith(ep *ExpectedPayment, id PaymentID) error {
	paid, err := u.tx.Payment(ep.Owner, id)
	switch {
	case errors.Is(err, NotFound):
		return Errorf(NotFound, "paymentID", "the customer has no such payment")
	case err != nil:
		return err
	case id.Charge() != 0 && paid.State.Result() != PaymentOK:
		return Errorf(Invalid, "paymentID", "the payment did not succeed")
	case paid.Micros <= 0:
		return Errorf(Invalid, "paymentID", "the payment went out, not in")
	}
	others, err := u.tx.ExpectedPayments(ExpectedFilter{Owner: ep.Owner, Payment: id, ListFilter: ListFilter{Limit: 2}})
	if err != nil {
		return err
	}
	for i := range others {
		if others[i].ID != ep.ID {
			return Errorf(Conflict, "paymentID", "the payment fulfils another expected payment: %d", others[i].ID)
		}
	}
	if ep.Payment != id {
		ep.Payment, ep.FulfilledAt = id, u.now
	}
	return nil
}

// reopened takes a payment back that a person named. Its own charge may have succeeded
// beside it, and then fulfils it.
func (u *unitOfWork) reopened(ep *ExpectedPayment) error {
	ep.Payment, ep.FulfilledAt = 0, time.Time{}
	if ep.Charge == 0 {
		return nil
	}
	c, err := u.tx.Charge(ep.Charge)
	if err == nil && c.State == ChargeSucceeded {
		ep.Payment, ep.FulfilledAt = ChargePayment(c.ID), c.SettledAt
	}
	return err
}

func (u *unitOfWork) writableExpected(id ExpectedID) (ExpectedPayment, error) {
	ep, err := expectedOf(u.context(), u.tx, id)
	if err == nil && u.actor.Customer == ep.Owner {
		err = Errorf(Forbidden, "", "nobody changes what its own customer is expected to pay")
	}
	return ep, err
}

// DeleteExpected withdraws an expected payment; its charge, if not sent yet, is
// cancelled by the last look. Its date still counts. Errors: NotFound, Forbidden,
// Conflict when it was fulfilled.
func (e *Engine) DeleteExpected(ctx context.Context, id ExpectedID) error {
	return e.update(ctx, func(u *unitOfWork) error {
		ep, err := u.writableExpected(id)
		if err != nil {
			return err
		}
		if !ep.FulfilledAt.IsZero() {
			return Errorf(Conflict, "id", "the expected payment was fulfilled")
		}
		ep.DeletedAt = u.now
		if err := u.changeExpected(&ep); err != nil {
			return err
		}
		return u.audit(AuditDelete, ep.Top, auditKey("expected_payments", "id", int64(id)), nil)
	})
}

// LetterView is a letter with what is shown of it.
type LetterView struct {
	Letter   Letter
	TypeName string
	Notice   Notice
}

// LettersParams selects letters.
type LettersParams struct {
	Owner        OwnerID // 0: all in scope
	After        LetterID
	Limit        int
	CreatedSince time.Time
	// MinDate and MaxDate are calendar days in the instance's zone, both inclusive; empty
	// is no bound.
	MinDate, MaxDate string
	// Type is a correspondence type's name; Delivered and Undelivered select, both give none.
	Type                   string
	Delivered, Undelivered bool
}

func (p *LettersParams) selects(v *LetterView, day string) bool {
	delivered := v.Notice.State == NoticeSent
	return (p.MinDate == "" || day >= p.MinDate) && (p.MaxDate == "" || day <= p.MaxDate) &&
		!v.Letter.CreatedAt.Before(p.CreatedSince) && (p.Type == "" || plainWord(p.Type) == plainWord(v.TypeName)) &&
		(!p.Delivered || delivered) && (!p.Undelivered || !delivered)
}

// Letters lists the correspondence in the actor's scope by id. Errors: NotFound for an
// owner out of scope.
func (e *Engine) Letters(ctx context.Context, p LettersParams) ([]LetterView, error) {
	var all []LetterView
	err := e.view(ctx, func(r Reader) error {
		all = nil
		if p.Owner != 0 {
			if err := inScope(ctx, r, p.Owner); err != nil {
				return err
			}
		}
		for after := p.After; ; {
			letters, err := r.Letters(p.Owner, after, page)
			if err != nil || len(letters) == 0 {
				return err
			}
			for _, l := range letters {
				after = l.ID
				v, err := letterView(ctx, r, l)
				if errors.Is(err, NotFound) {
					continue
				}
				if err != nil {
					return err
				}
				if !p.selects(&v, e.businessDate(v.Letter.CreatedAt)) {
					continue
				}
				if all = append(all, v); p.Limit > 0 && len(all) == p.Limit {
					return nil
				}
			}
		}
	})
	return all, err
}

// Letter is one letter. Errors: NotFound.
func (e *Engine) Letter(ctx context.Context, id LetterID) (v LetterView, err error) {
	err = e.view(ctx, func(r Reader) error {
		l, err := r.Letter(id)
		if err == nil {
			v, err = letterView(ctx, r, l)
		}
		if errors.Is(err, NotFound) {
			return Errorf(NotFound, "id", "there is no correspondence %d in your scope", id)
		}
		return err
	})
	return v, err
}

func letterView(ctx context.Context, r Reader, l Letter) (LetterView, error) {
	v := LetterView{Letter: l}
	o, err := r.Owner(l.Owner)
	if err != nil {
		return v, err
	}
	if !ActorFrom(ctx).Sees(&o) {
		return v, NotFound
	}
	t, err := r.LetterType(l.Type)
	if err != nil {
		return v, err
	}
	v.TypeName = t.Name
	v.Notice, err = r.Notice(l.Notice)
	return v, err
}

// LetterTypes are the operator's, by id.
func (e *Engine) LetterTypes(ctx context.Context) (all []LetterType, err error) {
	err = e.view(ctx, func(r Reader) (err error) {
		all, err = r.LetterTypes()
		return err
	})
	return all, err
}

// CreateLetterType makes one. Errors: Forbidden, Invalid, Exists.
func (e *Engine) CreateLetterType(ctx context.Context, name string) (l LetterType, err error) {
	err = e.update(ctx, func(u *unitOfWork) error {
		if !u.actor.IsRoot() {
			return Errorf(Forbidden, "", "correspondence types belong to the operator")
		}
		if l, err = u.putLetterType(0, name); err != nil {
			return err
		}
		return u.audit(AuditAdd, Root, auditKey("correspondence_types", "id", int64(l.ID)), newAudit().set("name", name))
	})
	return l, err
}

func (u *unitOfWork) putLetterType(id LetterTypeID, name string) (LetterType, error) {
	l := LetterType{ID: id, Name: name, CreatedAt: u.now}
	if n := utf8.RuneCountInString(name); n < 1 || n > maxProfileName {
		return l, Errorf(Invalid, "name", "1 to %d characters", maxProfileName)
	}
	err := u.tx.PutLetterType(&l)
	if errors.Is(err, Exists) {
		err = Errorf(Exists, "name", "there is a correspondence type of this name")
	}
	return l, err
}
