package billing

import (
	"errors"
	"time"
)

// MinutePlan is what a plan includes of seconds, and what is told to cost that much of
// the plan's price. It decides nothing here: the switch counts calls.
type MinutePlan struct {
	ID          MinutePlanID
	Plan        PlanID
	Description string
	Price       int64
	// Seconds are those of one period, 0 to MaxSeconds; nil is unlimited.
	Seconds *int64
}

// MinutePlanID numbers a minute plan, over all plans; 1 to MaxSeconds.
type MinutePlanID int64

// MaxSeconds is the largest count of seconds: what an int of XML-RPC holds.
const MaxSeconds = 1<<31 - 1

// MinutesUsed is what an account used of a minute plan, in the period that ends at Until.
type MinutesUsed struct {
	Owner   OwnerID
	Top     OwnerID
	Minutes MinutePlanID
	Seconds int64 // 0 to MaxSeconds
	Until   time.Time
}

// AccountMinutes is a minute plan of an account.
type AccountMinutes struct {
	MinutePlan
	// Left are seconds not used yet; nil is unlimited.
	Left *int64
	// Chargeable are seconds beyond those included.
	Chargeable int64
}

// minutesLeft says what is left of each minute plan. Seconds that were used in another
// period than the account's present one do not count.
func minutesLeft(ap *AccountPlan, plans []MinutePlan, used []MinutesUsed) []AccountMinutes {
	now := make(map[MinutePlanID]int64, len(used))
	for _, u := range used {
		if u.Until.Equal(ap.NextAt) {
			now[u.Minutes] = u.Seconds
		}
	}
	all := make([]AccountMinutes, len(plans))
	for i, p := range plans {
		all[i].MinutePlan = p
		if p.Seconds != nil {
			left := max(*p.Seconds-now[p.ID], 0)
			all[i].Left, all[i].Chargeable = &left, max(now[p.ID]-*p.Seconds, 0)
		}
	}
	return all
}

// accountMinutes lists the minute plans of an account, by id. One without a plan, or
// whose plan is suspended, has none.
func accountMinutes(r Reader, account OwnerID) ([]AccountMinutes, error) {
	ap, err := r.AccountPlan(account)
	if errors.Is(err, NotFound) || err == nil && ap.Suspended {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	plans, err := r.MinutePlans(ap.Plan)
	if err != nil || len(plans) == 0 {
		return nil, err
	}
	used, err := r.MinutesUsed(account)
	if err != nil {
		return nil, err
	}
	return minutesLeft(&ap, plans, used), nil
}
