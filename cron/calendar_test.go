package cron

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAtIsTheInstantOfADate(t *testing.T) {
	for _, c := range []struct{ zone, spec, date, want, why string }{
		{"UTC", "5 0 * * *", "2026-11-22", "2026-11-22T00:05:00Z", "plain"},
		{"UTC", "30 9,7 * * *", "2026-11-22", "2026-11-22T07:30:00Z", "the first of several"},
		{"Asia/Kathmandu", "5 0 * * *", "2026-11-22", "2026-11-21T18:20:00Z", "a zone of three quarters"},

		{"America/New_York", "5 0 * * *", "2026-03-08", "2026-03-08T05:05:00Z", "spring: before the gap"},
		{"America/New_York", "30 1 * * *", "2026-03-08", "2026-03-08T06:30:00Z", "spring: before the gap"},
		{"America/New_York", "0 2 * * *", "2026-03-08", "2026-03-08T07:00:00Z", "spring: the gap's first minute"},
		{"America/New_York", "30 2 * * *", "2026-03-08", "2026-03-08T07:00:00Z", "spring: in the gap"},
		{"America/New_York", "59 2 * * *", "2026-03-08", "2026-03-08T07:00:00Z", "spring: the gap's last minute"},
		{"America/New_York", "0 3 * * *", "2026-03-08", "2026-03-08T07:00:00Z", "spring: the first after the gap"},
		{"America/New_York", "30 2 * * *", "2026-03-09", "2026-03-09T06:30:00Z", "the day after"},
		{"America/New_York", "5 0 * * *", "2026-11-01", "2026-11-01T04:05:00Z", "autumn: before"},
		{"America/New_York", "0 1 * * *", "2026-11-01", "2026-11-01T05:00:00Z", "autumn: the first of two"},
		{"America/New_York", "30 1 * * *", "2026-11-01", "2026-11-01T05:30:00Z", "autumn: the first of two"},
		{"America/New_York", "0 2 * * *", "2026-11-01", "2026-11-01T07:00:00Z", "autumn: there is one 02:00, the second hour's end"},
		{"America/New_York", "0 3 * * *", "2026-11-01", "2026-11-01T08:00:00Z", "autumn: after"},

		{"Europe/Berlin", "30 2 * * *", "2026-03-29", "2026-03-29T01:00:00Z", "spring"},
		{"Europe/Berlin", "5 0 * * *", "2026-03-29", "2026-03-28T23:05:00Z", "spring: before"},
		{"Europe/Berlin", "30 2 * * *", "2026-10-25", "2026-10-25T00:30:00Z", "autumn: the first of two"},
		{"Europe/Berlin", "0 3 * * *", "2026-10-25", "2026-10-25T02:00:00Z", "autumn: after"},

		{"America/Santiago", "0 0 * * *", "2026-09-06", "2026-09-06T04:00:00Z", "no midnight"},
		{"America/Santiago", "5 0 * * *", "2026-09-06", "2026-09-06T04:00:00Z", "no 00:05"},
		{"America/Santiago", "30 23 * * *", "2026-04-04", "2026-04-05T02:30:00Z", "23:30 twice on one date"},
		{"America/Santiago", "5 0 * * *", "2026-04-05", "2026-04-05T04:05:00Z", "after the second 23:30"},
		{"Asia/Beirut", "5 0 * * *", "2026-03-29", "2026-03-28T22:00:00Z", "no 00:05"},
		{"Asia/Beirut", "0 1 * * *", "2026-03-29", "2026-03-28T22:00:00Z", "the first after the gap"},
		{"Asia/Beirut", "5 0 * * *", "2026-10-25", "2026-10-24T22:05:00Z", "midnight comes after the second 23 o'clock"},

		{"Australia/Lord_Howe", "0 2 * * *", "2026-10-04", "2026-10-03T15:30:00Z", "half an hour is lost"},
		{"Australia/Lord_Howe", "15 2 * * *", "2026-10-04", "2026-10-03T15:30:00Z", "half an hour is lost"},
		{"Australia/Lord_Howe", "30 2 * * *", "2026-10-04", "2026-10-03T15:30:00Z", "the first after it"},
		{"Australia/Lord_Howe", "31 2 * * *", "2026-10-04", "2026-10-03T15:31:00Z", "after it"},
		{"Australia/Lord_Howe", "45 1 * * *", "2026-04-05", "2026-04-04T14:45:00Z", "half an hour twice: the first"},
		{"Australia/Lord_Howe", "15 1 * * *", "2026-04-05", "2026-04-04T14:15:00Z", "before it"},
		{"Australia/Lord_Howe", "0 2 * * *", "2026-04-05", "2026-04-04T15:30:00Z", "after both"},

		{"Pacific/Apia", "5 0 * * *", "2011-12-30", "2011-12-30T10:00:00Z", "a date that the island left out"},
		{"Pacific/Apia", "5 0 * * *", "2011-12-31", "2011-12-30T10:05:00Z", "the date after it"},
		{"America/St_Johns", "0 0 * * *", "2010-11-07", "2010-11-07T02:30:00Z", "set back from 00:01 to 23:01: the first midnight"},
	} {
		got := cal(t, c.spec, c.zone).at(day0(t, c.date))
		if !got.Equal(instant(t, c.want)) {
			t.Errorf("%s, %s on %s: %s, want %s (%s)", c.zone, c.spec, c.date, got.UTC().Format(time.RFC3339), c.want, c.why)
		}
	}
}

// The definition, walked minute by minute: the first instant at which the clock
// shows the wall time or a later one.
func TestReachAgreesWithAWalk(t *testing.T) {
	zones := []string{
		"UTC", "America/New_York", "Europe/Berlin", "America/Santiago", "Asia/Beirut", "Australia/Lord_Howe",
		"Europe/Dublin", "Africa/Casablanca", "Pacific/Chatham", "America/Havana", "Asia/Tehran",
	}
	walls := []time.Duration{0, 5 * time.Minute, 90 * time.Minute, 2 * time.Hour, 150 * time.Minute, 3 * time.Hour, 23*time.Hour + 30*time.Minute}
	for _, name := range zones {
		loc := zone(t, name)
		for _, changed := range changes(loc, 2026) {
			around := dateOf(changed)
			for d := around - 2; d <= around+2; d++ {
				for _, w := range walls {
					w := d.midnight().Add(w)
					walk := w.Add(-16 * time.Hour).In(loc)
					for wall(walk).Before(w) {
						walk = walk.Add(time.Minute)
					}
					if got := reach(w, loc); !got.Equal(walk) {
						t.Errorf("%s %s: %s, a walk finds %s", name, w.Format("2006-01-02 15:04"), got.UTC(), walk.UTC())
					}
				}
			}
		}
	}
}

// changes are the instants of a year at which the clock of a zone is changed,
// and two ordinary ones.
func changes(loc *time.Location, year int) []time.Time {
	t := time.Date(year, time.January, 1, 12, 0, 0, 0, loc)
	all := []time.Time{t, t.AddDate(0, 5, 20)}
	for {
		_, end := t.ZoneBounds()
		if end.IsZero() || end.Year() > year {
			return all
		}
		all = append(all, end)
		t = end
	}
}

func TestAtIsInTheOrderOfDates(t *testing.T) {
	for _, name := range []string{"America/New_York", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns"} {
		for _, text := range []string{"0 0 * * *", "5 0 * * *", "30 2 * * *", "59 23 * * *"} {
			c := cal(t, text, name)
			for d := day0(t, "2009-12-31"); d < day0(t, "2012-03-01"); d++ {
				if at, next := c.at(d), c.at(d+1); next.Before(at) {
					t.Errorf("%s %s: %s comes before %s", name, text, d+1, d)
				}
			}
		}
	}
}

func TestDueDates(t *testing.T) {
	for _, c := range []struct {
		name, zone, spec, after, now string
		want                         []string
	}{
		{"before the time", "UTC", "5 0 * * *", "2026-11-21", "2026-11-22T00:04:59Z", nil},
		{"at the time", "UTC", "5 0 * * *", "2026-11-21", "2026-11-22T00:05:00Z", []string{"2026-11-22"}},
		{"done", "UTC", "5 0 * * *", "2026-11-22", "2026-11-22T23:59:00Z", nil},
		{"three nights, oldest first", "UTC", "5 0 * * *", "2026-11-19", "2026-11-22T10:00:00Z", []string{"2026-11-20", "2026-11-21", "2026-11-22"}},
		{"a year's end", "UTC", "5 0 * * *", "2026-12-30", "2027-01-01T10:00:00Z", []string{"2026-12-31", "2027-01-01"}},
		{"Mondays only", "UTC", "5 0 * * 1", "2026-11-09", "2026-11-24T10:00:00Z", []string{"2026-11-16", "2026-11-23"}},
		{"several times a day, one key", "UTC", "0 6,18 * * *", "2026-11-21", "2026-11-22T20:00:00Z", []string{"2026-11-22"}},
		{"the last one is ahead", "UTC", "5 0 * * *", "2027-11-21", "2026-11-22T20:00:00Z", nil},
		{"the zone's date, west", "America/New_York", "5 0 * * *", "2026-11-20", "2026-11-22T04:00:00Z", []string{"2026-11-21"}},
		{"the zone's date, east", "Asia/Tokyo", "5 0 * * *", "2026-11-21", "2026-11-21T15:05:00Z", []string{"2026-11-22"}},
		{"the gap's end", "America/New_York", "30 2 * * *", "2026-03-07", "2026-03-08T07:00:00Z", []string{"2026-03-08"}},
		{"before the gap's end", "America/New_York", "30 2 * * *", "2026-03-07", "2026-03-08T06:59:59Z", nil},
		{"the second 01:30", "America/New_York", "30 1 * * *", "2026-11-01", "2026-11-01T06:30:00Z", nil},
		{"a date that was left out", "Pacific/Apia", "5 0 * * *", "2011-12-29", "2011-12-30T10:05:00Z", []string{"2011-12-30", "2011-12-31"}},
	} {
		cal := cal(t, c.spec, c.zone)
		var got []string
		for _, d := range cal.due(day0(t, c.after), instant(t, c.now)) {
			got = append(got, d.String())
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestPassedIsTheNewestDateWhoseTimeHasCome(t *testing.T) {
	for _, c := range []struct{ zone, spec, now, want string }{
		{"UTC", "5 0 * * *", "2026-11-22T00:04:00Z", "2026-11-21"},
		{"UTC", "5 0 * * *", "2026-11-22T00:05:00Z", "2026-11-22"},
		{"America/New_York", "5 0 * * *", "2026-11-22T04:00:00Z", "2026-11-21"},
		{"Pacific/Kiritimati", "5 0 * * *", "2026-11-21T10:05:00Z", "2026-11-22"},
		{"America/St_Johns", "0 0 * * *", "2010-11-07T03:00:00Z", "2010-11-07"},
	} {
		if got := cal(t, c.spec, c.zone).passed(instant(t, c.now)); got.String() != c.want {
			t.Errorf("%s %s at %s: %s, want %s", c.zone, c.spec, c.now, got, c.want)
		}
	}
}

func TestLastMinute(t *testing.T) {
	for _, c := range []struct{ name, zone, spec, after, now, want string }{
		{"at it", "UTC", "*/15 * * * *", "2026-11-22T10:00:30Z", "2026-11-22T10:15:00Z", "2026-11-22T10:15:00Z"},
		{"after it", "UTC", "*/15 * * * *", "2026-11-22T10:00:30Z", "2026-11-22T10:29:59Z", "2026-11-22T10:15:00Z"},
		{"before it", "UTC", "*/15 * * * *", "2026-11-22T10:00:30Z", "2026-11-22T10:14:59Z", ""},
		{"seen already", "UTC", "*/15 * * * *", "2026-11-22T10:15:00Z", "2026-11-22T10:15:01Z", ""},
		{"only the latest", "UTC", "*/15 * * * *", "2026-11-22T07:00:30Z", "2026-11-22T10:20:00Z", "2026-11-22T10:15:00Z"},
		{"time went back", "UTC", "*/15 * * * *", "2026-11-22T10:15:00Z", "2026-11-22T09:15:00Z", ""},
		{"half-hour zone", "Asia/Kolkata", "0 * * * *", "2026-11-22T10:00:00Z", "2026-11-22T10:45:00Z", "2026-11-22T10:30:00Z"},
		{"lost in the gap", "America/New_York", "30 2 * * *", "2026-03-08T06:59:00Z", "2026-03-08T07:00:00Z", "2026-03-08T07:00:00Z"},
		{"lost in the gap, looked for later", "America/New_York", "30 2 * * *", "2026-03-08T06:59:00Z", "2026-03-08T09:00:00Z", "2026-03-08T07:00:00Z"},
		{"the gap's first minute", "America/New_York", "0 2 * * *", "2026-03-08T06:59:00Z", "2026-03-08T09:00:00Z", "2026-03-08T07:00:00Z"},
		{"not on the gap's date", "America/New_York", "30 2 9 * *", "2026-03-08T06:59:00Z", "2026-03-08T07:00:00Z", ""},
		{"just before the gap", "America/New_York", "59 1 * * *", "2026-03-08T06:59:30Z", "2026-03-08T07:30:00Z", ""},
		{"no loss in autumn", "America/New_York", "0 2 * * *", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", ""},
		{"first 01:30", "America/New_York", "30 1 * * *", "2026-11-01T05:00:00Z", "2026-11-01T05:40:00Z", "2026-11-01T05:30:00Z"},
		{"second 01:30", "America/New_York", "30 1 * * *", "2026-11-01T05:40:00Z", "2026-11-01T06:40:00Z", "2026-11-01T06:30:00Z"},
		{"no midnight", "America/Santiago", "5 0 * * *", "2026-09-06T03:00:00Z", "2026-09-06T04:00:00Z", "2026-09-06T04:00:00Z"},
		{"half an hour lost", "Australia/Lord_Howe", "15 2 * * *", "2026-10-03T15:00:00Z", "2026-10-03T15:30:00Z", "2026-10-03T15:30:00Z"},
		{"booted in 1970", "UTC", "5 0 * * *", "1970-01-01T00:00:00Z", "2026-11-22T10:00:00Z", "2026-11-22T00:05:00Z"},
		{"booted in 1970, rare", "UTC", "5 0 29 2 *", "1970-01-01T00:00:00Z", "2026-11-22T10:00:00Z", ""},
	} {
		got, ok := cal(t, c.spec, c.zone).lastMinute(instant(t, c.after), instant(t, c.now))
		if ok != (c.want != "") || ok && !got.Equal(instant(t, c.want)) {
			t.Errorf("%s: %s (%v), want %q", c.name, got.UTC().Format(time.RFC3339), ok, c.want)
		}
	}
}

func TestParseDate(t *testing.T) {
	for _, s := range []string{"1969-12-31", "1970-01-01", "2026-11-22", "2028-02-29"} {
		if got := day0(t, s).String(); got != s {
			t.Errorf("%s became %s", s, got)
		}
	}
	for _, s := range []string{"2026-11-31", "2026-1-1", "22.11.2026", "2026-11-22T10:15Z", " "} {
		if d, err := parseDate(s); err == nil {
			t.Errorf("%q was taken as %s", s, d)
		}
	}
}
