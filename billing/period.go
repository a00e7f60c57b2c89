package billing

import "time"

// Cycle is how often a plan's period starts.
type Cycle string

// The cycles of a plan.
const (
	CycleWeekly   Cycle = "weekly"
	CycleBiweekly Cycle = "bi-weekly"
	CycleMonthly  Cycle = "monthly"
)

// ParseCycle reads a cycle's word. Errors: Invalid.
func ParseCycle(text string) (Cycle, error) {
	switch c := Cycle(text); c {
	case CycleWeekly, CycleBiweekly, CycleMonthly:
		return c, nil
	}
	return "", Errorf(Invalid, "billing_cycle", "billing_cycle must be weekly, bi-weekly or monthly")
}

// days is a cycle's fixed length; zero for the monthly one, which has none.
func (c Cycle) days() int {
	switch c {
	case CycleWeekly:
		return 7
	case CycleBiweekly:
		return 14
	default:
		return 0
	}
}

// maxDuePeriods bounds what DuePeriods lists: a century of months.
const maxDuePeriods = 1200

// NextPeriod is the start of the period that follows the one started at start.
// A weekly or bi-weekly period keeps the weekday of start; a monthly one begins
// on the first anchor day after start's date, or on the last day of a month that
// is too short for it. An anchor day outside 1 to 31 is the day of start.
//
// A start on the eve of the anchor day stands for that day: an imported billing
// time is often midnight of another zone, and must not be billed twice in a day.
//
// The local time of day stays over changes of the clock. One that does not
// exist on a spring night becomes the first instant after the gap; an ambiguous
// one is the first of the two.
func NextPeriod(start time.Time, c Cycle, anchorDay int, loc *time.Location) time.Time {
	return newCalendar(start, c, anchorDay, loc).start(1)
}

// PeriodDate is the key of the period that starts at start: its local date.
func PeriodDate(start time.Time, loc *time.Location) string {
	return start.In(loc).Format(time.DateOnly)
}

// DuePeriods lists the starts of periods from next to now, both included,
// oldest first; none when next is still to come. The last one is the current
// period. Of more than 1200 only the latest are listed.
func DuePeriods(next, now time.Time, c Cycle, anchorDay int, loc *time.Location) []time.Time {
	if next.After(now) {
		return nil
	}
	cal := newCalendar(next, c, anchorDay, loc)
	last := cal.last(now)
	first := max(0, last-maxDuePeriods+1)
	due := make([]time.Time, 0, last-first+1)
	for n := first; n <= last; n++ {
		due = append(due, cal.start(n))
	}
	return due
}

// calendar computes the n-th period after a first one directly, so that going
// over many periods is cheap and one night's gap does not move those after it.
type calendar struct {
	first  time.Time // period 0 as it was given
	wall   time.Time // its local date and time of day, written as if in UTC
	days   int       // zero: monthly
	anchor int
	skip   int // months from period 0 to period 1
	loc    *time.Location
}

func newCalendar(first time.Time, c Cycle, anchorDay int, loc *time.Location) calendar {
	cal := calendar{first: first.In(loc), wall: intendedWall(first, loc), days: c.days(), anchor: anchorDay, loc: loc}
	if cal.anchor < 1 || cal.anchor > 31 {
		cal.anchor = cal.wall.Day()
	}
	// An account that joined in the middle of a month may meet its anchor day in
	// that same month; one that starts on the eve of it must not.
	y, m, d := cal.wall.Date()
	eve := time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC)
	for cal.skip < 2 && !cal.anchorDate(cal.skip).After(eve) {
		cal.skip++
	}
	return cal
}

// anchorDate is the anchor day, at midnight, that many months after period 0's.
func (cal calendar) anchorDate(months int) time.Time {
	y, m, _ := cal.wall.Date()
	lastDay := time.Date(y, m+time.Month(months)+1, 0, 0, 0, 0, 0, time.UTC)
	return lastDay.AddDate(0, 0, min(cal.anchor, lastDay.Day())-lastDay.Day())
}

// start is the instant at which period n starts.
func (cal calendar) start(n int) time.Time {
	if n == 0 {
		return cal.first
	}
	if cal.days > 0 {
		return atWall(cal.wall.AddDate(0, 0, n*cal.days), cal.loc)
	}
	timeOfDay := cal.wall.Sub(cal.wall.Truncate(24 * time.Hour))
	return atWall(cal.anchorDate(cal.skip+n-1).Add(timeOfDay), cal.loc)
}

// last is the number of the latest period that has started by now, which is
// not before period 0.
func (cal calendar) last(now time.Time) int {
	local := wallOf(now, cal.loc)
	var n int
	if cal.days > 0 {
		// Seconds, since a Duration ends after 292 years.
		n = int((local.Unix() - cal.wall.Unix()) / 86400 / int64(cal.days))
	} else {
		y, m, _ := cal.wall.Date()
		ny, nm, _ := local.Date()
		n = (ny-y)*12 + int(nm-m) - cal.skip + 1
	}
	// The estimate ignores the time of day and the clock's changes.
	for n++; n > 0 && cal.start(n).After(now); n-- {
	}
	return max(n, 0)
}

// wallOf is what the clocks of loc show at t, written as if in UTC.
func wallOf(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// intendedWall is the local time that a start stands for. A start at the very
// end of a gap that swallowed midnight was meant to be midnight; else one such
// night would move all later periods to one o'clock.
func intendedWall(start time.Time, loc *time.Location) time.Time {
	wall := wallOf(start, loc)
	begin, _ := start.In(loc).ZoneBounds()
	if begin.IsZero() || !begin.Equal(start) {
		return wall
	}
	before := wallOf(start.Add(-1), loc)
	midnight := wall.Truncate(24 * time.Hour)
	if before.Before(midnight) && midnight.Before(wall) {
		return midnight
	}
	return wall
}

// atWall is the instant at which the clocks of loc show wall: the first of two
// when they are turned back over it, the end of the gap when they skip it.
func atWall(wall time.Time, loc *time.Location) time.Time {
	y, m, d := wall.Date()
	t := time.Date(y, m, d, wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), loc)
	begin, end := t.ZoneBounds()
	// In a gap time.Date gives an instant on either side of it.
	switch shown := wallOf(t, loc); {
	case shown.After(wall):
		return begin
	case shown.Before(wall):
		return end
	}
	if begin.IsZero() {
		return t
	}
	// The same wall time before the clocks were last changed, if it was shown then.
	_, offset := begin.Add(-1).Zone()
	if first := wall.Add(-time.Duration(offset) * time.Second).In(loc); first.Before(begin) {
		return first
	}
	return t
}
