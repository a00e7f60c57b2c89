package billing

import "time"

// Limits bound automatic charges of one owner (settings; DESIGN section 5).
// The zero value of each is "off".
type Limits struct {
	// Interval is the least time between low-balance charges.
	Interval time.Duration
	// DailyCount is the most low-balance charges in 24 hours.
	DailyCount int
	// CapDay and CapMonth bound the money of all automatic charges in a
	// calendar day and month of Location, in millionths of the owner's currency.
	CapDay   int64
	CapMonth int64
	Location *time.Location
}

// AutomaticCharge is a past automatic charge as the caps count it: not
// cancelled, and for the money caps not failed.
type AutomaticCharge struct {
	Purpose Purpose
	At      time.Time
	Gross   int64
	Failed  bool
}

// check says which cap forbids a low-balance charge of gross now, and when
// that cap frees; ReasonCharge when none does. History is newest first.
func (l Limits) check(now time.Time, gross int64, history []AutomaticCharge) (Reason, time.Time) {
	var low []time.Time
	for _, c := range history {
		if c.Purpose == PurposeLowBalance {
			low = append(low, c.At)
		}
	}
	if l.Interval > 0 && len(low) > 0 {
		if free := low[0].Add(l.Interval); free.After(now) {
			return ReasonInterval, free
		}
	}
	if n := l.DailyCount; n > 0 && len(low) >= n {
		if free := low[n-1].Add(24 * time.Hour); free.After(now) {
			return ReasonDailyCount, free
		}
	}
	return l.checkMoney(now, gross, history)
}

// checkMoney says which money cap forbids an automatic charge of gross now.
func (l Limits) checkMoney(now time.Time, gross int64, history []AutomaticCharge) (Reason, time.Time) {
	day, month := l.dayStart(now), l.monthStart(now)
	var inDay, inMonth int64
	for _, c := range history {
		if c.Failed {
			continue
		}
		if !c.At.Before(day) {
			inDay = saturate(inDay, c.Gross)
		}
		if !c.At.Before(month) {
			inMonth = saturate(inMonth, c.Gross)
		}
	}
	if l.CapDay > 0 && gross > l.CapDay-inDay {
		return ReasonCapDay, l.dayStart(day.Add(36 * time.Hour))
	}
	if l.CapMonth > 0 && gross > l.CapMonth-inMonth {
		return ReasonCapMonth, l.monthStart(month.AddDate(0, 0, 40))
	}
	return ReasonCharge, time.Time{}
}

// since is how far back history must reach for check.
func (l Limits) since(now time.Time) time.Time {
	back := now.Add(-24 * time.Hour)
	if l.Interval > 24*time.Hour {
		back = now.Add(-l.Interval)
	}
	if l.CapDay > 0 || l.CapMonth > 0 {
		if m := l.monthStart(now); m.Before(back) {
			back = m
		}
	}
	return back
}

func (l Limits) dayStart(t time.Time) time.Time {
	y, m, d := t.In(l.location()).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, l.location())
}

func (l Limits) monthStart(t time.Time) time.Time {
	y, m, _ := t.In(l.location()).Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, l.location())
}

func (l Limits) location() *time.Location {
	if l.Location == nil {
		return time.UTC
	}
	return l.Location
}
