package billing

import "time"

// What follows a soft decline, by purpose (DESIGN section 5): the wait before
// each further attempt. When the plan is spent the charge has failed.
var (
	retryLowBalance = []time.Duration{time.Hour, 24 * time.Hour, 72 * time.Hour}
	retryBillingRun = []time.Duration{48 * time.Hour, 48 * time.Hour, 48 * time.Hour, 48 * time.Hour}
)

// RetryAfter is how long to wait before the attempt that follows attempt n;
// ok is false when n was the last.
func RetryAfter(p Purpose, n int) (wait time.Duration, ok bool) {
	var plan []time.Duration
	switch p {
	case PurposeLowBalance, PurposeProfile:
		plan = retryLowBalance
	case PurposeBillingRun:
		plan = retryBillingRun
	}
	if n < 1 || n > len(plan) {
		return 0, false
	}
	return plan[n-1], true
}

// An unknown outcome, and a gateway that fails, are asked again after 1, 2, 5,
// 15, 60 s, then every 5 minutes for an hour, then hourly (DESIGN section 6).
var askAgain = []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second, time.Minute}

// askAfter is the wait before ask number n+1, from 0.
func askAfter(n int) time.Duration {
	switch {
	case n < len(askAgain):
		return askAgain[n]
	case n < len(askAgain)+12:
		return 5 * time.Minute
	default:
		return time.Hour
	}
}

const (
	// unknownAlarm is after how long of not knowing the operator is told,
	// unresolvedAfter after how long it is for a person.
	unknownAlarm    = 15 * time.Minute
	unresolvedAfter = 72 * time.Hour
	// pausedWait is how long a charge rests that a spared gateway kept back.
	pausedWait = 5 * time.Second
	// leaseSlack is what a lease has beyond the gateway time-out.
	leaseSlack = 10 * time.Second
)
