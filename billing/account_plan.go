package billing

import (
	"errors"
	"time"
)

// accountPlan puts an account into its plan, or changes its place there; another
// plan counts from the next period.
func (u *unitOfWork) accountPlan(o *Owner, l OwnerLine) error {
	ap, err := u.tx.AccountPlan(o.ID)
	isNew := errors.Is(err, NotFound)
	if err != nil && !isNew {
		return err
	}
	switch {
	case isNew && l.Plan.Value == nil:
		return nil
	case isNew:
		ap = AccountPlan{Owner: o.ID, Top: o.Top}
	case l.Plan.Given && l.Plan.Value == nil:
		return Errorf(Conflict, "i_billing_plan", "%s has plan %d: a plan can be changed, not taken away", o.ID, ap.Plan)
	}
	if l.Plan.Given && l.Plan.Value != nil {
		ap.Plan = PlanID(*l.Plan.Value)
	}
	plan, err := u.plan(ap.Plan, l.Plan.Given)
	if err != nil {
		return err
	}
	if plan.Currency != o.Currency {
		return Errorf(WrongCurrency, "i_billing_plan", "plan %d is in %s, the account in %s", plan.ID, plan.Currency, o.Currency)
	}
	if l.NextBillingAt.Given && l.NextBillingAt.Value != nil {
		ap.NextAt = l.NextBillingAt.Value.UTC()
	}
	set(&ap.TimeZone, l.BillingZone)
	loc := u.e.zone(ap.TimeZone, o.TimeZone)
	if ap.NextAt.IsZero() {
		// The first period is due when the plan is assigned.
		y, m, d := u.now.In(loc).Date()
		ap.NextAt = time.Date(y, m, d, 0, 0, 0, 0, loc).UTC()
	}
	if l.AnchorDay.Given && l.AnchorDay.Value != nil {
		ap.AnchorDay = int(min(max(*l.AnchorDay.Value, 0), 99))
	}
	if ap.AnchorDay == 0 {
		ap.AnchorDay = ap.NextAt.In(loc).Day()
	}
	if ap.AnchorDay > 31 {
		return Errorf(Invalid, "billing_anchor_day", "1 to 31")
	}
	return u.tx.PutAccountPlan(&ap)
}
