package billing

import "time"

// BillingFacts is all that the billing run's card charge for one period
// depends on.
type BillingFacts struct {
	Now        time.Time
	Owner      OwnerID
	Top        OwnerID
	Unit       Unit
	Available  *int64
	Period     Period
	Policy     LowBalance
	Standing   Standing
	OpenCharge bool
	Card       CardChoice
	Mandate    MandateID
	Tax, Fee   int64
	History    []AutomaticCharge
	Limits     Limits
}

// Amount is what the billing run charges: br_charge_amount, or the plan's
// price when that is null, rounded up to whole minor units by the caller.
func (f *BillingFacts) Amount() int64 {
	if f.Policy.BRChargeAmount != nil {
		return *f.Policy.BRChargeAmount
	}
	return f.Period.Price
}

// DecideBillingCharge says whether the period's card charge is made. It is
// pure. ReasonOpenCharge means: wait; every other reason goes on to the price.
func DecideBillingCharge(f *BillingFacts) Decision {
	d := Decision{
		Owner: f.Owner, Top: f.Top, At: f.Now, Trigger: TriggerBilling, Purpose: PurposeBillingRun,
		Available: f.Available, Threshold: f.Policy.Threshold, Unit: f.Unit, State: f.Policy.State,
	}
	d.Reason, d.Detail = billingHindrance(f)
	if d.Reason != ReasonCharge {
		return d
	}
	plan := &ChargePlan{Card: *f.Card.Card, Mandate: f.Mandate, Credit: f.Amount(), Tax: f.Tax, Fee: f.Fee}
	if r, _ := f.Limits.checkMoney(f.Now, plan.Gross(), f.History); r != ReasonCharge {
		d.Reason = r
		return d
	}
	d.Charge = plan
	return d
}

func billingHindrance(f *BillingFacts) (Reason, string) {
	switch {
	case !f.Policy.BRChargeCard:
		return ReasonOff, ""
	case f.Amount() == 0:
		return ReasonNoAmount, ""
	case f.OpenCharge && !f.Standing.holds(): // the price waits for no charge that waits itself
		return ReasonOpenCharge, ""
	}
	if r, detail := f.Standing.hold(); r != ReasonCharge {
		return r, detail
	}
	switch {
	case f.Policy.State.BRSuspended == NeedsCustomer:
		return ReasonNeedsCustomer, ""
	case f.Policy.State.BRSuspended == SuspendedCardGone:
		return ReasonCardGone, ""
	case f.Policy.State.BRSuspended != "":
		return ReasonSuspended, string(f.Policy.State.BRSuspended)
	case f.Card.Reason != ReasonCharge:
		return f.Card.Reason, f.Card.Detail
	case f.Mandate == 0:
		return ReasonNoMandate, ""
	}
	return ReasonCharge, ""
}

// PriceAnswer is what happens to a period's price.
type PriceAnswer uint8

// The answers (DESIGN section 5, billing run).
const (
	PricePost        PriceAnswer = iota // post the service charge
	PriceBlock                          // not covered: block the account for billing
	PriceSuspendPlan                    // not covered: the plan is suspended, the account goes on
)

// DecidePrice says what happens to a period's price: a postpaid plan's is
// always posted, a prepaid one's only when available covers it, else the
// plan's on_failure decides. A nil available is unlimited.
func DecidePrice(p Period, available *int64) PriceAnswer {
	if !p.Prepaid || available == nil || *available >= p.Price {
		return PricePost
	}
	switch p.OnFailure {
	case FailOverdraw:
		return PricePost
	case FailTariff:
		return PriceSuspendPlan
	default:
		return PriceBlock
	}
}
