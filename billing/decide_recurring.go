package billing

import "time"

// RecurringFacts are all that a decision about one due rule depends on.
type RecurringFacts struct {
	Now   time.Time
	Owner OwnerID
	Top   OwnerID
	Rule  TopupRule
	// OpenCharge: another automatic charge of the owner is open. OpenExecution: an earlier
	// execution of the rule is.
	OpenCharge    bool
	OpenExecution bool
	Available     *int64
	Standing      Standing
	Card          CardChoice
	Mandate       MandateID
	Tax, Fee      int64
	History       []AutomaticCharge
	Limits        Limits
}

// DecideRecurring is the one rule of recurring top-ups, for the run and the dry run alike.
// It is pure. What waits is looked at again by the next run; what fails is a failed
// execution of its period.
func DecideRecurring(f *RecurringFacts) (d Decision, fails bool) {
	d = Decision{
		Owner: f.Owner, Top: f.Top, At: f.Now, Trigger: TriggerRecurring, Purpose: PurposeRecurring,
		Available: f.Available, Unit: f.Rule.Unit,
	}
	if d.Reason, d.Detail = f.Standing.hold(); d.Reason != ReasonCharge {
		return d, false
	}
	switch {
	case f.OpenExecution || f.OpenCharge:
		d.Reason = ReasonOpenCharge
		return d, false
	case f.Card.Reason == ReasonNetworkLimit:
		d.Reason, d.Detail = f.Card.Reason, f.Card.Detail
		return d, false
	case f.Card.Reason != ReasonCharge || f.Card.Card == nil:
		d.Reason, d.Detail = f.Card.Reason, f.Card.Detail
		return d, true
	case f.Mandate == 0:
		d.Reason = ReasonNoMandate
		return d, true
	}
	plan := &ChargePlan{Card: *f.Card.Card, Mandate: f.Mandate, Credit: f.Rule.Amount, Tax: f.Tax, Fee: f.Fee}
	if r, free := f.Limits.checkMoney(f.Now, plan.Gross(), f.History); r != ReasonCharge {
		d.Reason, d.Detail = r, "until "+free.UTC().Format(time.RFC3339)
		return d, false
	}
	d.Charge = plan
	return d, false
}
