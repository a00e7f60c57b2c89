package billing

import "time"

// OnPayment is what a payment does to an account beside its balance
// (on_payment_action of the switch).
type OnPayment string

// The actions.
const (
	OnPaymentNone    OnPayment = ""
	OnPaymentExtend  OnPayment = "extend_lifetime" // the lifetime counts from the payment
	OnPaymentClear   OnPayment = "clear_first_use" // the lifetime waits for the next use
	OnPaymentRestart OnPayment = "restart_billing" // a cycle that had stopped counts from the payment
)

// ParseOnPayment reads an action's word. Errors: Invalid.
func ParseOnPayment(text string) (OnPayment, error) {
	switch a := OnPayment(text); a {
	case OnPaymentNone, OnPaymentExtend, OnPaymentClear, OnPaymentRestart:
		return a, nil
	}
	return "", Errorf(Invalid, "on_payment_action", "on_payment_action is none of the known ones")
}

// MaxLifetime bounds a lifetime, in days.
const MaxLifetime = 36500

// setLifetime changes how long an account lives; one in use lives on from its
// first use. It is pure.
func (o *Owner) setLifetime(days *int64) error {
	switch {
	case days == nil:
		o.Lifetime, o.FirstUsedAt, o.ExpiresAt = nil, zeroTime, zeroTime
		return nil
	case o.Lifetime != nil && *o.Lifetime == *days:
		return nil // a form that is sent back whole takes nothing from what was paid for
	case *days < 1 || *days > MaxLifetime || !o.ID.IsAccount():
		return Errorf(Invalid, "lifetime", "an account's lifetime is 1 to %d days", MaxLifetime)
	}
	o.Lifetime = days
	if !o.FirstUsedAt.IsZero() {
		o.ExpiresAt = o.FirstUsedAt.Add(time.Duration(*days) * day)
	}
	return nil
}

// used notes a debit; it reports whether that was the first use.
func (o *Owner) used(now time.Time) bool {
	if o.Lifetime == nil || !o.FirstUsedAt.IsZero() {
		return false
	}
	o.FirstUsedAt, o.ExpiresAt = now, now.Add(time.Duration(*o.Lifetime)*day)
	return true
}

// paidAt is what a payment does to the lifetime; it reports whether it did.
// An end that lies later than the payment would bring stays.
func (o *Owner) paidAt(now time.Time) bool {
	if o.FirstUsedAt.IsZero() {
		return false
	}
	switch o.OnPayment {
	case OnPaymentClear:
		o.FirstUsedAt, o.ExpiresAt = zeroTime, zeroTime
		return true
	case OnPaymentExtend:
		if end := now.Add(time.Duration(*o.Lifetime) * day); end.After(o.ExpiresAt) {
			o.ExpiresAt = end
			return true
		}
	}
	return false
}

// takesPayment refuses a payment by hand below the owner's least one; payments that a
// job makes are not asked.
func (o *Owner) takesPayment(micros int64) error {
	if micros < o.MinPayment {
		return Errorf(Invalid, "amount", "%s takes payments of %s and more", o.ID, Money(o.MinPayment, o.Currency))
	}
	return nil
}

// payment follows one that was booked: lifetime first, since what comes after
// judges by it. Stopped billing is restarted by restartBilling, once it was paid.
func (u *unitOfWork) payment(j *Judged) error {
	if !j.Owner.paidAt(u.now) {
		return nil
	}
	j.Owner.UpdatedAt = u.now
	return u.tx.PutOwner(&j.Owner)
}

// restartBilling starts the cycle anew when a payment paid all that was open:
// the period that was paid counts from the payment, the next is due one cycle
// later. No period is ever billed twice by it.
func (u *unitOfWork) restartBilling(j *Judged, wereOpen bool) error {
	if j.Owner.OnPayment != OnPaymentRestart || !wereOpen || j.OpenPeriods {
		return nil
	}
	ap, err := u.tx.AccountPlan(j.Owner.ID)
	if err != nil {
		return err
	}
	plan, err := u.tx.Plan(ap.Plan)
	if err != nil {
		return err
	}
	loc := u.e.zone(ap.TimeZone, j.Owner.TimeZone)
	y, m, d := u.now.In(loc).Date()
	ap.AnchorDay = d
	ap.NextAt = NextPeriod(time.Date(y, m, d, 0, 0, 0, 0, loc), plan.Cycle, d, loc).UTC()
	return u.tx.PutAccountPlan(&ap)
}

// paymentMembers applies what a line or call gives of the rules above.
func paymentMembers(o *Owner, l OwnerLine) error {
	if l.Lifetime.Given {
		if err := o.setLifetime(l.Lifetime.Value); err != nil {
			return err
		}
	}
	if l.FirstUsedAt.Given {
		o.FirstUsedAt, o.ExpiresAt = zeroTime, zeroTime
		switch {
		case l.FirstUsedAt.Value == nil:
		case o.Lifetime == nil:
			return Errorf(Invalid, "first_used_at", "only an account with a lifetime has a first use")
		default:
			o.used(l.FirstUsedAt.Value.UTC())
		}
	}
	if l.ExpiresAt.Given && l.ExpiresAt.Value != nil {
		if o.FirstUsedAt.IsZero() {
			return Errorf(Invalid, "expires_at", "a lifetime ends only after a first use")
		}
		o.ExpiresAt = l.ExpiresAt.Value.UTC()
	}
	if l.OnPayment.Given {
		o.OnPayment = OnPaymentNone
		if l.OnPayment.Value != nil {
			action, err := ParseOnPayment(*l.OnPayment.Value)
			if err != nil || action != OnPaymentNone && !o.ID.IsAccount() {
				return Errorf(Invalid, "on_payment_action", "not an account's action")
			}
			o.OnPayment = action
		}
	}
	if l.MinPayment.Given {
		set(&o.MinPayment, l.MinPayment)
		if o.MinPayment < 0 {
			return Errorf(Invalid, "min_payment_amount", "min_payment_amount is 0 or more")
		}
	}
	return nil
}
