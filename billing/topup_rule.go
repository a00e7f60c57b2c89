package billing

import "time"

// TopupPeriod is how often a rule tops up.
type TopupPeriod string

// The periods.
const (
	TopupDaily       TopupPeriod = "daily"
	TopupWeekly      TopupPeriod = "weekly"
	TopupFortnightly TopupPeriod = "fortnightly"
	TopupMonthly     TopupPeriod = "monthly"
)

// ParseTopupPeriod reads a period's word. Errors: Invalid.
func ParseTopupPeriod(text string) (TopupPeriod, error) {
	switch p := TopupPeriod(text); p {
	case TopupDaily, TopupWeekly, TopupFortnightly, TopupMonthly:
		return p, nil
	}
	return "", Errorf(Invalid, "period", "period must be daily, weekly, fortnightly or monthly")
}

// days is a period's fixed length; zero for the monthly one, which has none.
func (p TopupPeriod) days() int {
	switch p {
	case TopupDaily:
		return 1
	case TopupWeekly:
		return 7
	case TopupFortnightly:
		return 14
	default:
		return 0
	}
}

// retries are the waits before each further try within one period (spec/tmf654.md section
// 7: the fortnight has the week's).
func (p TopupPeriod) retries() []time.Duration {
	const day = 24 * time.Hour
	switch p {
	case TopupDaily:
		return []time.Duration{time.Hour}
	case TopupMonthly:
		return []time.Duration{2 * day, 2 * day, 2 * day, 2 * day, 2 * day}
	default:
		return []time.Duration{day, day, day}
	}
}

// RuleState is where a rule is.
type RuleState string

// The states of a rule. All but active are ends.
const (
	RuleActive    RuleState = "active"
	RuleFinished  RuleState = "finished"  // all periods are done
	RuleCancelled RuleState = "cancelled" // by its client, or with its owner
	RuleFailed    RuleState = "failed"    // its first period was not paid
)

// ruleFailures in a row suspend a rule.
const ruleFailures = 3

// TopupRule is a recurring top-up. What it tops up, how much, when and from which card
// never changes.
type TopupRule struct {
	ID     TopupID // also its first execution's
	Owner  OwnerID
	Top    OwnerID
	Unit   Unit
	Amount int64
	// Card is the one that was named for it; nil is the owner's primary one by then.
	Card   *CardID
	Period TopupPeriod
	// Periods is how many executions there are, the first included; nil is no end.
	Periods *int64
	// Anchor is when period 0 started: period n starts n periods later in the owner's zone.
	Anchor time.Time
	// Next is the number of the next period, NextAt when it starts; zero time once the rule
	// has ended.
	Next   int64
	NextAt time.Time
	// Done counts executions that are settled. Failures counts those in a row that were
	// not paid.
	Done     int64
	Failures int64
	State    RuleState
	// Suspended: it waits until a payment, a new card or a person lets it go on.
	Suspended Suspension
	// Reason is why the due period waits.
	Reason    Reason
	CreatedAt time.Time
	UpdatedAt time.Time
}

// calendar counts the rule's periods in a zone.
func (r *TopupRule) calendar(loc *time.Location) calendar {
	if d := r.Period.days(); d > 0 {
		return calendar{first: r.Anchor.In(loc), wall: intendedWall(r.Anchor, loc), days: d, loc: loc}
	}
	return newCalendar(r.Anchor, CycleMonthly, 0, loc)
}

// PeriodStart is when period n starts in a zone: n periods after the anchor, of a short
// month the last day.
func (r *TopupRule) PeriodStart(n int64, loc *time.Location) time.Time {
	return r.calendar(loc).start(int(n)).UTC()
}

// due is the latest period that has started by now; -1 before period 0.
func (r *TopupRule) due(now time.Time, loc *time.Location) int64 {
	if now.Before(r.Anchor) {
		return -1
	}
	return int64(r.calendar(loc).last(now))
}

// plan sets the next period.
func (r *TopupRule) plan(next int64, loc *time.Location) {
	r.Next, r.NextAt = next, r.PeriodStart(next, loc)
}

// end closes the rule.
func (r *TopupRule) end(s RuleState) {
	r.State, r.NextAt, r.Suspended, r.Reason = s, zeroTime, "", ""
}

// executed counts a settled execution; the last one finishes the rule.
func (r *TopupRule) executed() {
	if r.Periods == nil || r.Done < *r.Periods {
		r.Done++
	}
	if r.State == RuleActive && r.Periods != nil && r.Done >= *r.Periods {
		r.end(RuleFinished)
	}
}
