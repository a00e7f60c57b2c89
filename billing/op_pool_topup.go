package billing

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"
)

// TopUpPoolPlanParams asks to add allowances to the pool plan of a customer directly
// below the requester.
type TopUpPoolPlanParams struct {
	// Customer and Offer are 0 for what can name none.
	Customer OwnerID
	Offer    OfferID
	Charge   int64 // millionths of Currency: what it costs the customer, 0 or more
	Currency string
	// Expires counts for a plan of the type FIXED only, and is judged only there: the
	// last day, by any moment of it in UTC; null is what can be no date.
	Expires Change[time.Time]
	// Allowances are at least one, each above 0; a unit told twice is summed.
	Allowances []Allowance
	// Form is what is wrong with the form of the values above, or nil. It is told after
	// what is wrong with customer and plan, as any wrong value is.
	Form error
}

// TopUpPoolPlan checks the request and keeps it for a worker; the id is what its
// requester asks after it by (PoolTopUpStatus). The customer's own plan and those below
// the first tier look unknown; the error's cause says why. Errors, in this order:
// NotFound (i_customer, offer), Conflict (subscribers), NotFound (balance), Form,
// Invalid, WrongCurrency, Overflow.
func (e *Engine) TopUpPoolPlan(ctx context.Context, p TopUpPoolPlanParams) (PoolTopUpID, error) {
	id := newPoolTopUpID()
	err := e.update(ctx, func(u *unitOfWork) error {
		j, err := u.firstTier(p.Customer)
		if err != nil {
			return err
		}
		t := PoolTopUp{
			ID: id, Requester: u.actor.Customer, Login: u.actor.Name(), Customer: j.Owner.ID, Top: j.Owner.Top, Offer: p.Offer,
			Charge: p.Charge, State: PoolTopUpOpen, DueAt: u.now, CreatedAt: u.real,
		}
		if err := u.acceptPoolTopUp(&t, &j, p); err != nil {
			return err
		}
		if err := u.tx.CreatePoolTopUp(&t); err != nil {
			return err
		}
		u.work = true
		info := newAudit().set("request", string(t.ID)).set("charge", Money(t.Charge, t.Currency).String())
		for _, g := range t.grants() {
			info.set(string(g.Unit), FormatMicros(g.Micros))
		}
		return u.audit(AuditPool, t.Top, auditKey("topup", "offer", int64(t.Offer)), info)
	})
	return id, err
}

// acceptPoolTopUp checks all of a request beyond its customer and fills it in.
func (u *unitOfWork) acceptPoolTopUp(t *PoolTopUp, j *Judged, p TopUpPoolPlanParams) error {
	plan, balances, err := u.topUpPlan(&j.Owner, p.Offer)
	if err != nil {
		return err
	}
	for _, a := range p.Allowances {
		kept, err := a.Kept()
		if errors.Is(err, NotFound) {
			return err
		}
		if err == nil {
			if _, err = allowanceOf(balances, kept.Unit); err != nil {
				return err
			}
		}
	}
	if p.Form != nil {
		return p.Form
	}
	switch {
	case p.Charge < 0:
		return Errorf(Invalid, "charge", "charge is 0 or more")
	case Unit(p.Currency) != plan.Currency:
		return Errorf(WrongCurrency, "currency", "the pool plan is in %s", plan.Currency)
	case len(p.Allowances) == 0:
		return Errorf(Invalid, "allowance", "at least one allowance is needed")
	}
	t.Currency = plan.Currency
	for _, a := range p.Allowances {
		if a.Micros <= 0 {
			return Errorf(Invalid, "value", "the value of an allowance is above 0")
		}
	}
	sums, err := sumAllowances(p.Allowances)
	if err != nil {
		return err
	}
	t.SMS, t.KB = sums[UnitSMS], sums[UnitKB]
	if p.Expires.Given && plan.ExpirationType == ExpirationFixed {
		if p.Expires.Value == nil {
			return Errorf(Invalid, "expirationDate", "a date is needed")
		}
		t.ExpiresAt = endOfDay(*p.Expires.Value)
	}
	return t.expiry(&plan, u.now)
}

// endOfDay is the end of a moment's day, in UTC.
func endOfDay(t time.Time) time.Time {
	y, m, d := t.UTC().Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC)
}

// expiry holds that what is bought does not expire at once.
func (t *PoolTopUp) expiry(plan *PoolPlan, now time.Time) error {
	switch {
	case !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt):
		return Errorf(Invalid, "expirationDate", "the date is past")
	case t.ExpiresAt.IsZero() && plan.Expired(now):
		return Errorf(Invalid, "expirationDate", "the pool plan has expired, and the request gives it no new date")
	}
	return nil
}

// firstTier reads the customer of a top-up: one directly below the requester; for root
// any other than itself.
func (u *unitOfWork) firstTier(o OwnerID) (Judged, error) {
	if o == 0 || o.IsAccount() {
		return Judged{}, Errorf(NotFound, "i_customer", "there is no such customer")
	}
	j, err := u.judged(o)
	if err != nil {
		return j, err
	}
	unknown := Errorf(NotFound, o.Field(), "there is no %s in your scope", o)
	switch {
	case o == u.actor.Customer:
		unknown.Err = errors.New("a requester cannot top up itself")
		return j, unknown
	case !u.actor.IsRoot() && j.Owner.Parent != u.actor.Customer:
		unknown.Err = fmt.Errorf("it is below the first tier of %s", u.actor.Customer)
		return j, unknown
	}
	return j, nil
}

// topUpPlan is the owner's pool plan, which has a subscriber, with its allowances.
func (u *unitOfWork) topUpPlan(o *Owner, offer OfferID) (PoolPlan, []PoolBalance, error) {
	unknown := Errorf(NotFound, "offer", "%s has no pool plan %d", o.ID, offer)
	if offer <= 0 {
		return PoolPlan{}, nil, unknown
	}
	plan, err := u.tx.PoolPlan(offer)
	switch {
	case errors.Is(err, NotFound) || err == nil && plan.Customer != o.ID:
		return plan, nil, unknown
	case err != nil:
		return plan, nil, err
	case !plan.Subscribed:
		return plan, nil, Errorf(Conflict, "subscribers", "pool plan %d has no subscribers", offer)
	}
	balances, err := u.tx.PoolBalances(offer)
	return plan, balances, err
}

func allowanceOf(list []PoolBalance, unit Unit) (*PoolBalance, error) {
	i := slices.IndexFunc(list, func(b PoolBalance) bool { return b.Unit == unit })
	if i < 0 {
		return nil, Errorf(NotFound, "balance", "the pool plan has no balance in %s", unit)
	}
	return &list[i], nil
}

// newPoolTopUpID is a random UUID (RFC 9562, version 4): ids cannot be probed.
func newPoolTopUpID() PoolTopUpID {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return PoolTopUpID(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}

// PoolTopUpKept is how long a finished request can be asked after.
const PoolTopUpKept = 30 * 24 * time.Hour

// PoolTopUpStatus reads a request of the acting customer's own. Another's, an unknown
// one and one that was finished too long ago are the same. Errors: NotFound (request).
func (e *Engine) PoolTopUpStatus(ctx context.Context, id PoolTopUpID) (t PoolTopUp, err error) {
	err = e.view(ctx, func(r Reader) error {
		t, err = r.PoolTopUp(id)
		if err != nil {
			return err
		}
		old := !t.FinishedAt.IsZero() && t.FinishedAt.Before(realNow().Add(-PoolTopUpKept))
		if t.Requester != ActorFrom(ctx).Customer || old {
			return Errorf(NotFound, "request", "there is no such request of yours")
		}
		return nil
	})
	if err != nil {
		return PoolTopUp{}, err
	}
	return t, nil
}
