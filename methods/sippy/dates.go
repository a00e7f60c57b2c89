package sippy

import (
	"time"

	"topupd/methods/xmlrpc"
)

// The switch's two date formats (1.8), both UTC. The first is what payments
// and the audit log use; the milliseconds are always written as zeros, since
// one known client looks for exactly ".000 GMT".
const (
	longDate    = "15:04:05.000 GMT Mon Jan 02 2006"
	longDateIn  = "15:04:05.000 GMT Mon Jan 2 2006" // the day with one digit too
	shortDateIn = "20060102T15:04:05"               // with or without a fraction
)

// What a date may be without being a slip of the keyboard (S-11).
var earliestDate = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

const latestDate = 366 * 24 * time.Hour // from now

// formatDate writes the long format: 09:57:29.000 GMT Tue Apr 07 2026.
func formatDate(t time.Time) string {
	return t.UTC().Truncate(time.Second).Format(longDate)
}

// parseDate reads either format. The name of the day is not checked against
// the date: people build these strings by hand.
func parseDate(text string) (time.Time, bool) {
	for _, layout := range [...]string{longDateIn, shortDateIn} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// momentOf reads an optional date, sent as a string or as a dateTime.iso8601;
// zero when absent.
func momentOf(p xmlrpc.Params, name string) (time.Time, error) {
	v, given := p.Value(name)
	if !given {
		return time.Time{}, nil
	}
	if v.Kind() != xmlrpc.KindString && v.Kind() != xmlrpc.KindDateTime {
		return time.Time{}, wrong(name)
	}
	t, ok := parseDate(v.Text())
	if !ok {
		return time.Time{}, wrong(name)
	}
	return t, nil
}

// dateOf is momentOf for a date that is kept: one far out is wrong.
func dateOf(p xmlrpc.Params, name string, now time.Time) (time.Time, error) {
	t, err := momentOf(p, name)
	if err == nil && !t.IsZero() && (t.Before(earliestDate) || t.After(now.Add(latestDate))) {
		err = wrong(name)
	}
	return t, err
}
