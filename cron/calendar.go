package cron

import (
	"fmt"
	"time"
)

// date is a business date: days since 1970-01-01, without a zone.
type date int64

const day = 24 * time.Hour

// lookback bounds the search for the latest scheduled minute after the wall
// clock has jumped, as it does on a machine that boots in 1970.
const lookback = 366 * day

func parseDate(s string) (date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a business date (YYYY-MM-DD)", s)
	}
	return date(t.Unix() / int64(day/time.Second)), nil
}

// dateOf is the date that the wall clock of t's own location shows.
func dateOf(t time.Time) date {
	return date(wall(t).Truncate(day).Unix() / int64(day/time.Second))
}

// wall is what the clock of t's location shows, written as if it were UTC, so
// that wall times can be counted and compared without any zone in between.
func wall(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// midnight is the wall time at which the date starts.
func (d date) midnight() time.Time {
	return time.Unix(int64(d)*int64(day/time.Second), 0).UTC()
}

// String is the date as it stands in keys.
func (d date) String() string { return d.midnight().Format(time.DateOnly) }

// calendar is a schedule in a zone.
type calendar struct {
	spec spec
	loc  *time.Location
}

// at is the instant at which the date comes due, whether or not the schedule
// fires on it. Of several times a day it is the first: a date has one key.
func (c calendar) at(d date) time.Time {
	return reach(d.midnight().Add(c.spec.first()), c.loc)
}

// due lists the dates after the given one whose time has come and on which the
// schedule fires.
func (c calendar) due(after date, now time.Time) []date {
	var dates []date
	for d := after + 1; !c.at(d).After(now); d++ {
		if c.spec.onDate(d.midnight()) {
			dates = append(dates, d)
		}
	}
	return dates
}

// passed is the newest date whose time has come.
func (c calendar) passed(now time.Time) date {
	// A clock set back over midnight shows the old date again after the new one
	// has begun, so the search starts tomorrow.
	d := dateOf(now.In(c.loc)) + 1
	for c.at(d).After(now) {
		d--
	}
	return d
}

// lastMinute is the latest scheduled minute after one instant and not after
// another.
func (c calendar) lastMinute(after, now time.Time) (time.Time, bool) {
	if floor := now.Add(-lookback); after.Before(floor) {
		after = floor
	}
	for m := now.In(c.loc).Truncate(time.Minute); m.After(after); m = m.Add(-time.Minute) {
		if c.fires(m) {
			return m, true
		}
	}
	return time.Time{}, false
}

// fires tells whether a minute is scheduled: its wall time is, or it is the
// first after a gap in which a scheduled wall time was lost. An hour that the
// clock shows twice counts twice: these jobs are keyed by the UTC minute.
func (c calendar) fires(m time.Time) bool {
	w := wall(m)
	if c.spec.matches(w) {
		return true
	}
	start, _ := m.ZoneBounds()
	if !start.Equal(m) {
		return false
	}
	for lost := wall(m.Add(-time.Second)).Add(time.Second); lost.Before(w); lost = lost.Add(time.Minute) {
		if c.spec.matches(lost) {
			return true
		}
	}
	return false
}

// reach is the first instant at which a clock in loc shows the given wall time
// or a later one. So a wall time that the clock jumps over is the first instant
// after the gap, one that it shows twice is the first of the two, and the order
// of wall times is the order of instants.
func reach(w time.Time, loc *time.Location) time.Time {
	// No zone is two days from UTC, so this is before the wall time everywhere.
	t := w.Add(-2 * day).In(loc)
	for {
		start, end := t.ZoneBounds()
		_, offset := t.Zone()
		at := w.Add(-time.Duration(offset) * time.Second).In(loc)
		if at.Before(start) {
			return start
		}
		if end.IsZero() || at.Before(end) {
			return at
		}
		t = end
	}
}
