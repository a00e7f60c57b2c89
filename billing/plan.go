package billing

import "time"

// Plan is a billing plan: what an account pays per period.
type Plan struct {
	ID       PlanID
	Name     string
	Price    int64
	Currency Unit
	Cycle    Cycle
	// Prepaid plans are posted only when available covers the price.
	Prepaid   bool
	OnFailure OnFailure
	// What follows is told by getServicePlanInfo and decides nothing here.
	Description     string
	SuspendAllCalls bool
	Tariff          int64 // i_tariff, 0 for none
	// Customer is whose plan it is; 0 is root's, which everybody may use.
	Customer OwnerID
}

// OnFailure is what happens when a prepaid plan's price is not covered.
type OnFailure string

// The three answers (DESIGN section 5).
const (
	FailBlock    OnFailure = "block"    // the account is blocked for billing
	FailTariff   OnFailure = "tariff"   // the plan is suspended, the account goes on
	FailOverdraw OnFailure = "overdraw" // posted anyway
)

// AccountPlan is an account's place in its plan.
type AccountPlan struct {
	Owner OwnerID
	Top   OwnerID
	Plan  PlanID
	// NextAt is the start of the next period to bill.
	NextAt time.Time
	// AnchorDay is 1 to 31 for monthly plans.
	AnchorDay int
	TimeZone  string // IANA name; empty: the owner's, else the setting's
	// Suspended: on_failure tariff took the plan out of force.
	Suspended bool
}

// PeriodState is where one account's billing of one period is.
type PeriodState string

// The states of a billed period.
const (
	PeriodDue      PeriodState = "due"      // waits for another open charge to settle
	PeriodCharging PeriodState = "charging" // its card charge has no first outcome yet
	PeriodUnpaid   PeriodState = "unpaid"   // not covered; each later credit tries again
	PeriodPosted   PeriodState = "posted"
	PeriodSkipped  PeriodState = "skipped" // a missed period that is not billed
)

// Settled reports whether nothing more happens to the period.
func (s PeriodState) Settled() bool { return s == PeriodPosted || s == PeriodSkipped }

// Period is one account's billing of one period; (Owner, Date) is its key, so
// that a period is billed once whatever runs twice.
type Period struct {
	Owner OwnerID
	Top   OwnerID
	Date  string // local date of the start, "2026-12-01"
	Plan  PlanID
	// Price is frozen when the period falls due.
	Price   int64
	Unit    Unit
	Prepaid bool
	// OnFailure is frozen with the price.
	OnFailure OnFailure
	State     PeriodState
	Reason    string
	Charge    ChargeID // 0 when no card was charged
	Posting   PostingID
	Run       RunID
	StartAt   time.Time
	CreatedAt time.Time
	SettledAt time.Time
}
