package billing

import (
	"fmt"
	"math/big"
	"time"
)

// ProfileFacts is all that a top-up by a profile depends on. What follows Standing needs
// to be loaded only when First is ReasonCharge, what follows Card when WantsCard.
type ProfileFacts struct {
	Now     time.Time
	Today   string // the run's date in the instance's zone
	Owner   OwnerID
	Top     OwnerID
	Unit    Unit
	Profile Profile
	Terms   TopupTerms

	Standing Standing
	// OpenCharge: an automatic charge of the owner is open, for any purpose.
	OpenCharge bool
	// OpenExpected: an expected payment of the owner is open, of any profile.
	OpenExpected bool
	// Last is the date of the newest expected payment of any profile, deleted ones too.
	Last string

	Card     CardChoice
	Mandate  MandateID
	Tax, Fee int64
	History  []AutomaticCharge
	Limits   Limits
}

// Topup is what a decision says of a profile.
type Topup struct {
	Profile ProfileID
	Basis   TopupBasis
	// Debt is what is owed of the basis, Limit the reference limit (nil: the customer
	// has none), Threshold what Debt must be above.
	Debt      int64
	Limit     *int64
	Threshold *int64
	// Amount is what is topped up; 0 is nothing.
	Amount int64
	Method CollectMethod
	// NotCollected says why Method is CollectNone.
	NotCollected Reason
	// StillLow: the amount does not bring the debt back to the threshold.
	StillLow bool
	Letter   LetterTypeID
	Date     string
}

// First is what can be said without history: ReasonCharge when it has to be looked at.
func (f *ProfileFacts) First() Reason {
	p := &f.Profile
	switch {
	case !p.Enabled:
		return ReasonProfileOff
	case p.Customer != 0 && p.Customer != f.Owner:
		return ReasonOtherCustomer
	}
	threshold := f.threshold()
	switch {
	case threshold == nil:
		return ReasonNoLimit
	case f.Terms.Debt(p.Basis) <= *threshold:
		return ReasonNotLow
	}
	return ReasonCharge
}

// threshold is what the debt must be above: the headroom below the limit is then
// strictly less than the trigger's (rest.md 1.4). Nil without a limit.
func (f *ProfileFacts) threshold() *int64 {
	p := &f.Profile
	limit := f.Terms.Limit(p.Limit)
	if limit == nil {
		return nil
	}
	if p.Trigger == TriggerAbsolute {
		t := saturate(*limit, -p.TriggerValue)
		return &t
	}
	return limitPart(limit, p.TriggerValue)
}

// limitPart is that part of a limit, rounded down; nil for a limit that has no parts.
func limitPart(limit *int64, percent int64) *int64 {
	if limit == nil || *limit <= 0 {
		return nil
	}
	n := new(big.Int).Mul(big.NewInt(*limit), big.NewInt(percent))
	n.Div(n, big.NewInt(whole))
	if !n.IsInt64() {
		return nil
	}
	part := n.Int64()
	return &part
}

// Amount is what the profile tops up by, in whole minor units; ReasonCharge beside it,
// or why there is none.
func (f *ProfileFacts) Amount() (int64, Reason) {
	p := &f.Profile
	amount := p.TopupValue
	switch {
	case f.Terms.Amount != nil && *f.Terms.Amount > 0:
		amount = *f.Terms.Amount
	case p.Mode == TopupToPercent:
		name := p.TopupLimit
		if name == "" {
			name = p.Limit
		}
		target := limitPart(f.Terms.Limit(name), p.TopupValue)
		if target == nil {
			return 0, ReasonNoLimit
		}
		if amount = saturate(f.Terms.Debt(p.Basis), -*target); amount <= 0 {
			return 0, ReasonAtTarget
		}
	}
	if amount <= 0 {
		return 0, ReasonNoAmount
	}
	if amount > MaxCharge {
		return 0, ReasonAmountRefused
	}
	if cur, ok := LookupCurrency(string(f.Unit)); ok {
		up, err := cur.RoundUp(amount)
		if err != nil {
			return 0, ReasonAmountRefused
		}
		amount = up
	}
	return amount, ReasonCharge
}

// WantsCard reports whether the decision depends on card, mandate and history.
func (f *ProfileFacts) WantsCard() bool {
	return f.Profile.AutoCollect && f.Terms.Suspended == "" &&
		(f.Terms.PaymentType == PaysByCard || f.Terms.PaymentType == PaysUntold)
}

// Waits says why a customer whose debt is above the threshold is left alone today.
func (f *ProfileFacts) waits() (Reason, string) {
	if r, detail := f.Standing.hold(); r != ReasonCharge {
		return r, detail
	}
	switch days := daysBetween(f.Last, f.Today); {
	case f.Last == "":
	case days <= 0:
		return ReasonToppedUp, ""
	case days < f.Profile.MinDays:
		return ReasonCoolDown, fmt.Sprintf("%d of %d days since %s", days, f.Profile.MinDays, f.Last)
	}
	switch {
	case f.OpenCharge:
		return ReasonOpenCharge, ""
	case f.OpenExpected:
		return ReasonOpenExpected, ""
	}
	return ReasonCharge, ""
}

// daysBetween counts calendar days between two dates.
func daysBetween(from, to string) int64 {
	a, errA := time.Parse(time.DateOnly, from)
	b, errB := time.Parse(time.DateOnly, to)
	if errA != nil || errB != nil {
		return 0
	}
	return int64(b.Sub(a) / (24 * time.Hour))
}

// DecideProfile is the one rule of profiles, for the run, the dry run and evaluate
// alike. It is pure. In the decision, what is available is the debt with its sign
// turned, so that low is below the threshold there too.
func DecideProfile(f *ProfileFacts) Decision {
	p := &f.Profile
	t := &Topup{Profile: p.ID, Basis: p.Basis, Debt: f.Terms.Debt(p.Basis), Limit: f.Terms.Limit(p.Limit), Threshold: f.threshold(), Date: f.Today}
	available := -t.Debt
	d := Decision{
		Owner: f.Owner, Top: f.Top, At: f.Now, Trigger: TriggerProfiles, Purpose: PurposeProfile,
		Available: &available, Unit: f.Unit, Topup: t,
	}
	if t.Threshold != nil {
		turned := -*t.Threshold
		d.Threshold, d.Low = &turned, t.Debt > *t.Threshold
	}
	if d.Reason = f.First(); d.Reason != ReasonCharge {
		return d
	}
	if d.Reason, d.Detail = f.waits(); d.Reason != ReasonCharge {
		return d
	}
	amount, reason := f.Amount()
	if reason != ReasonCharge {
		d.Reason = reason
		return d
	}
	t.Method, t.Letter = CollectNone, p.LetterExpected
	var detail string
	if t.NotCollected, detail = f.notCollected(); t.NotCollected == "" {
		plan := &ChargePlan{Card: *f.Card.Card, Mandate: f.Mandate, Credit: amount, Tax: f.Tax, Fee: f.Fee}
		if r, _ := f.Limits.checkMoney(f.Now, plan.Gross(), f.History); r != ReasonCharge {
			t.Method, t.Letter, d.Reason = "", 0, r
			return d
		}
		d.Charge, t.Method, t.Letter = plan, CollectCard, p.LetterCard
	}
	t.Amount = amount
	t.StillLow = saturate(t.Debt, -amount) > *t.Threshold
	if d.Charge == nil {
		d.Reason, d.Detail = ReasonExpected, string(t.NotCollected)
		if detail != "" {
			d.Detail += ": " + detail
		}
	}
	if t.StillLow {
		d.Detail = join(d.Detail, "still below after top-up")
	}
	if t.Letter != 0 {
		d.Notice = NoticeTopup
	}
	return d
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// notCollected says why the payment is expected only; empty when a card is charged.
func (f *ProfileFacts) notCollected() (Reason, string) {
	switch {
	case !f.Profile.AutoCollect:
		return ReasonOff, ""
	case f.Terms.PaymentType == PaysByDirectDebit:
		return ReasonDirectDebit, ""
	case f.Terms.PaymentType == PaysOtherwise:
		return ReasonPaysOtherwise, ""
	case f.Terms.Suspended == NeedsCustomer:
		return ReasonNeedsCustomer, ""
	case f.Terms.Suspended != "":
		return ReasonSuspended, string(f.Terms.Suspended)
	case f.Card.Reason != ReasonCharge || f.Card.Card == nil:
		return f.Card.Reason, f.Card.Detail
	case f.Mandate == 0:
		return ReasonNoMandate, ""
	}
	return "", ""
}
