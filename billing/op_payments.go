package billing

import (
	"context"
	"errors"
)

// PaymentInfo is one payment of an owner in the actor's scope. Errors: NotFound for
// i_payment also when it is another owner's.
func (e *Engine) PaymentInfo(ctx context.Context, o OwnerID, id PaymentID) (p Payment, err error) {
	err = e.view(ctx, func(r Reader) error {
		if err := inScope(ctx, r, o); err != nil {
			return err
		}
		p, err = r.Payment(o, id)
		if errors.Is(err, NotFound) {
			return Errorf(NotFound, "i_payment", "%s has no such payment", o)
		}
		return err
	})
	return p, err
}

// Payments lists payments of an owner in the actor's scope, newest first, at most
// MaxPayments; owner 0 is the customer who asks. Errors: NotFound, Invalid.
func (e *Engine) Payments(ctx context.Context, f PaymentFilter) (list []Payment, err error) {
	if f.Owner == 0 {
		f.Owner = ActorFrom(ctx).Customer
	}
	if f.Offset < 0 {
		return nil, Errorf(Invalid, "offset", "offset is at least 0")
	}
	if f.Limit < 0 {
		return nil, Errorf(Invalid, "limit", "limit is at least 0")
	}
	if f.Limit == 0 || f.Limit > MaxPayments {
		f.Limit = MaxPayments
	}
	err = e.view(ctx, func(r Reader) (err error) {
		if err := inScope(ctx, r, f.Owner); err != nil {
			return err
		}
		list, err = r.Payments(f)
		return err
	})
	return list, err
}
