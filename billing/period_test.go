package billing

import (
	"errors"
	"testing"
	"time"
	_ "time/tzdata" // the tests do not depend on the machine's zones

	"github.com/google/go-cmp/cmp"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	tm, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return tm
}

func TestParseCycle(t *testing.T) {
	for _, c := range []Cycle{CycleWeekly, CycleBiweekly, CycleMonthly} {
		if got, err := ParseCycle(string(c)); err != nil || got != c {
			t.Errorf("ParseCycle(%s) = %s, %v", c, got, err)
		}
	}
	for _, text := range []string{"", "Monthly", "biweekly", "daily", "monthly "} {
		if c, err := ParseCycle(text); !errors.Is(err, Invalid) || ErrorField(err) != "billing_cycle" {
			t.Errorf("ParseCycle(%q) = %q, %v", text, c, err)
		}
	}
}

// Each row is a chain: every start is computed from the one before it, as the
// nightly run does.
func TestNextPeriod(t *testing.T) {
	for name, tc := range map[string]struct {
		zone   string
		cycle  Cycle
		anchor int
		starts []string
	}{
		"the_31st_falls_on_the_last_day_and_returns": {"UTC", CycleMonthly, 31, []string{
			"2026-12-31T00:00:00Z", "2027-01-31T00:00:00Z", "2027-02-28T00:00:00Z", "2027-03-31T00:00:00Z",
			"2027-04-30T00:00:00Z", "2027-05-31T00:00:00Z"}},
		"the_29th_in_a_leap_year":   {"UTC", CycleMonthly, 29, []string{"2028-01-29T00:00:00Z", "2028-02-29T00:00:00Z", "2028-03-29T00:00:00Z"}},
		"the_29th_in_a_common_year": {"UTC", CycleMonthly, 29, []string{"2027-01-29T00:00:00Z", "2027-02-28T00:00:00Z", "2027-03-29T00:00:00Z"}},
		"the_30th":                  {"UTC", CycleMonthly, 30, []string{"2027-01-30T00:00:00Z", "2027-02-28T00:00:00Z", "2027-03-30T00:00:00Z"}},
		"2100_is_no_leap_year":      {"UTC", CycleMonthly, 31, []string{"2100-01-31T00:00:00Z", "2100-02-28T00:00:00Z"}},
		"weekly":                    {"UTC", CycleWeekly, 1, []string{"2026-12-28T09:30:00Z", "2027-01-04T09:30:00Z", "2027-01-11T09:30:00Z"}},
		"bi-weekly":                 {"UTC", CycleBiweekly, 0, []string{"2028-02-21T00:00:00Z", "2028-03-06T00:00:00Z", "2028-03-20T00:00:00Z"}},
		"joined_before_the_anchor":  {"UTC", CycleMonthly, 15, []string{"2026-11-10T00:00:00Z", "2026-11-15T00:00:00Z", "2026-12-15T00:00:00Z"}},
		"joined_after_the_anchor":   {"UTC", CycleMonthly, 1, []string{"2026-11-20T00:00:00Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"}},
		"no_anchor_is_its_own_day":  {"UTC", CycleMonthly, 0, []string{"2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z"}},
		"anchor_beyond_a_month":     {"UTC", CycleMonthly, 32, []string{"2026-11-20T00:00:00Z", "2026-12-20T00:00:00Z"}},
		"eve_of_the_1st_is_the_1st": {"America/New_York", CycleMonthly, 1, []string{
			"2026-12-01T00:00:00Z" /* 30 November there */, "2027-01-02T00:00:00Z", "2027-02-02T00:00:00Z"}},
		"eve_of_the_15th_is_the_15th": {"America/New_York", CycleMonthly, 15, []string{"2026-12-15T00:00:00Z", "2027-01-16T00:00:00Z"}},

		"new_york_midnight": {"America/New_York", CycleMonthly, 1, []string{
			"2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z", "2026-05-01T04:00:00Z"}},
		"new_york_autumn":         {"America/New_York", CycleMonthly, 1, []string{"2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"}},
		"new_york_gap_at_0230":    {"America/New_York", CycleWeekly, 0, []string{"2026-03-01T07:30:00Z", "2026-03-08T07:00:00Z"}},
		"new_york_0130_is_twice":  {"America/New_York", CycleWeekly, 0, []string{"2026-10-25T05:30:00Z", "2026-11-01T05:30:00Z", "2026-11-08T06:30:00Z"}},
		"berlin_weekly_at_noon":   {"Europe/Berlin", CycleWeekly, 0, []string{"2026-10-18T10:00:00Z", "2026-10-25T11:00:00Z", "2026-11-01T11:00:00Z"}},
		"berlin_gap_at_0200":      {"Europe/Berlin", CycleMonthly, 29, []string{"2026-02-28T01:00:00Z", "2026-03-29T01:00:00Z"}},
		"berlin_0230_is_twice":    {"Europe/Berlin", CycleMonthly, 25, []string{"2026-09-25T00:30:00Z", "2026-10-25T00:30:00Z", "2026-11-25T01:30:00Z"}},
		"santiago_no_midnight":    {"America/Santiago", CycleMonthly, 6, []string{"2026-08-06T04:00:00Z", "2026-09-06T04:00:00Z", "2026-10-06T03:00:00Z"}},
		"beirut_no_midnight":      {"Asia/Beirut", CycleWeekly, 0, []string{"2026-03-21T22:00:00Z", "2026-03-28T22:00:00Z", "2026-04-04T21:00:00Z"}},
		"beirut_midnight_autumn":  {"Asia/Beirut", CycleWeekly, 0, []string{"2026-10-17T21:00:00Z", "2026-10-24T22:00:00Z", "2026-10-31T22:00:00Z"}},
		"havana_no_midnight":      {"America/Havana", CycleMonthly, 8, []string{"2026-02-08T05:00:00Z", "2026-03-08T05:00:00Z", "2026-04-08T04:00:00Z"}},
		"havana_midnight_twice":   {"America/Havana", CycleMonthly, 1, []string{"2026-10-01T04:00:00Z", "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"}},
		"lord_howe_half_an_hour":  {"Australia/Lord_Howe", CycleMonthly, 1, []string{"2026-09-30T13:30:00Z", "2026-10-31T13:00:00Z"}},
		"kathmandu_odd_offset":    {"Asia/Kathmandu", CycleMonthly, 31, []string{"2027-01-30T18:15:00Z", "2027-02-27T18:15:00Z", "2027-03-30T18:15:00Z"}},
		"a_day_that_never_was":    {"Pacific/Apia", CycleMonthly, 30, []string{"2011-11-30T10:00:00Z", "2011-12-30T10:00:00Z", "2012-01-29T10:00:00Z"}},
		"after_the_zone_tables":   {"America/New_York", CycleMonthly, 14, []string{"2060-02-14T05:00:00Z", "2060-03-14T05:00:00Z", "2060-04-14T04:00:00Z"}},
		"nanoseconds_are_kept":    {"UTC", CycleMonthly, 5, []string{"2026-01-05T01:02:03.000004Z", "2026-02-05T01:02:03.000004Z"}},
		"given_in_another_zone":   {"America/New_York", CycleMonthly, 1, []string{"2026-05-01T06:00:00+02:00", "2026-06-01T04:00:00Z"}},
		"berlin_year_end_and_eve": {"Europe/Berlin", CycleMonthly, 31, []string{"2026-12-30T23:00:00Z", "2027-01-30T23:00:00Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			loc := zone(t, tc.zone)
			start := at(t, tc.starts[0])
			for _, want := range tc.starts[1:] {
				got := NextPeriod(start, tc.cycle, tc.anchor, loc)
				if !got.Equal(at(t, want)) {
					t.Fatalf("after %s: %s, want %s", start.UTC().Format(time.RFC3339Nano), got.UTC().Format(time.RFC3339Nano), want)
				}
				start = got
			}
		})
	}
}

func TestPeriodDate(t *testing.T) {
	midnight := at(t, "2026-12-01T00:00:00Z")
	for name, want := range map[string]string{"UTC": "2026-12-01", "America/New_York": "2026-11-30", "Asia/Tokyo": "2026-12-01"} {
		if got := PeriodDate(midnight, zone(t, name)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	// A midnight that did not exist keeps its date.
	if got := PeriodDate(at(t, "2026-09-06T04:00:00Z"), zone(t, "America/Santiago")); got != "2026-09-06" {
		t.Errorf("Santiago: %s", got)
	}
}

func dates(starts []time.Time, loc *time.Location) []string {
	var out []string
	for _, s := range starts {
		out = append(out, PeriodDate(s, loc))
	}
	return out
}

func TestDuePeriods(t *testing.T) {
	for name, tc := range map[string]struct {
		next, now string
		cycle     Cycle
		anchor    int
		want      []string
	}{
		"not_yet":            {"2026-12-01T00:00:00Z", "2026-11-30T23:59:59Z", CycleMonthly, 1, nil},
		"at_the_instant":     {"2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z", CycleMonthly, 1, []string{"2026-12-01"}},
		"one":                {"2026-12-01T00:00:00Z", "2026-12-31T23:59:59Z", CycleMonthly, 1, []string{"2026-12-01"}},
		"three_missed":       {"2026-01-31T00:00:00Z", "2026-04-30T00:00:00Z", CycleMonthly, 31, []string{"2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"}},
		"before_the_hour":    {"2026-01-31T12:00:00Z", "2026-03-31T11:59:59Z", CycleMonthly, 31, []string{"2026-01-31", "2026-02-28"}},
		"weekly":             {"2026-11-02T00:00:00Z", "2026-11-22T00:00:00Z", CycleWeekly, 0, []string{"2026-11-02", "2026-11-09", "2026-11-16"}},
		"weekly_on_the_dot":  {"2026-11-02T00:00:00Z", "2026-11-16T00:00:00Z", CycleWeekly, 0, []string{"2026-11-02", "2026-11-09", "2026-11-16"}},
		"bi-weekly":          {"2026-11-02T06:00:00Z", "2026-11-30T05:00:00Z", CycleBiweekly, 0, []string{"2026-11-02", "2026-11-16"}},
		"joined_mid_month":   {"2026-11-10T00:00:00Z", "2026-12-16T00:00:00Z", CycleMonthly, 15, []string{"2026-11-10", "2026-11-15", "2026-12-15"}},
		"eve_is_not_doubled": {"2026-11-30T00:00:00Z", "2026-12-02T00:00:00Z", CycleMonthly, 1, []string{"2026-11-30"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := DuePeriods(at(t, tc.next), at(t, tc.now), tc.cycle, tc.anchor, time.UTC)
			if diff := cmp.Diff(tc.want, dates(got, time.UTC)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever the zone, the list is the chain of NextPeriod from local midnight,
// and NextPeriod of its last element is still to come.
func TestDuePeriodsAgreesWithNextPeriod(t *testing.T) {
	for _, name := range []string{"UTC", "America/New_York", "Europe/Berlin", "America/Santiago", "Asia/Beirut", "America/Havana", "Australia/Lord_Howe"} {
		loc := zone(t, name)
		for _, c := range []Cycle{CycleWeekly, CycleBiweekly, CycleMonthly} {
			for anchor := 26; anchor <= 31; anchor++ {
				next := time.Date(2024, 1, anchor, 0, 0, 0, 0, loc)
				now := next.AddDate(4, 0, anchor)
				due := DuePeriods(next, now, c, anchor, loc)
				want := next
				for _, got := range due {
					if !got.Equal(want) {
						t.Fatalf("%s %s %d: %s, want %s", name, c, anchor, got, want)
					}
					want = NextPeriod(got, c, anchor, loc)
				}
				if !want.After(now) {
					t.Errorf("%s %s %d: the list ends before %s, which is due at %s", name, c, anchor, want, now)
				}
			}
		}
	}
}

// In the hour that is shown twice a period has started whose time of day the
// clocks will show again.
func TestDuePeriodsInTheRepeatedHour(t *testing.T) {
	loc := zone(t, "America/New_York")
	due := DuePeriods(at(t, "2026-10-25T05:30:00Z"), at(t, "2026-11-01T06:10:00Z"), CycleWeekly, 0, loc)
	if diff := cmp.Diff([]string{"2026-10-25", "2026-11-01"}, dates(due, loc)); diff != "" {
		t.Error(diff)
	}
}

func TestDuePeriodsIsBounded(t *testing.T) {
	now := at(t, "2026-11-22T00:00:00Z")
	for _, next := range []time.Time{{}, at(t, "1900-01-01T00:00:00Z")} {
		for _, c := range []Cycle{CycleWeekly, CycleMonthly} {
			due := DuePeriods(next, now, c, 1, time.UTC)
			if len(due) != maxDuePeriods {
				t.Fatalf("%s from %s: %d periods", c, next, len(due))
			}
			// The current period is what must not be lost.
			last := due[len(due)-1]
			if last.After(now) || !NextPeriod(last, c, 1, time.UTC).After(now) {
				t.Errorf("%s from %s: the last is %s", c, next, last)
			}
		}
	}
}
