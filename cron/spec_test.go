package cron

import (
	"context"
	"strings"
	"testing"
	"time"
)

func nothing(context.Context, Firing) error          { return nil }
func noLast(context.Context) (key string, err error) { return "", nil }

func TestNewRefusesABadSpec(t *testing.T) {
	for _, c := range []struct{ spec, reason string }{
		{"TZ=UTC", "zone of its own"},
		{"TZ=UTC 5 0 * * *", "zone of its own"},
		{"CRON_TZ=", "zone of its own"},
		{"CRON_TZ=Europe/Berlin 5 0 * * *", "zone of its own"},
		{"TZ=0", "zone of its own"},
		{" TZ=UTC 5 0 * * *", "zone of its own"},
		{" ", "expected exactly 5 fields, found 0"},
		{"5 0 * *", "expected exactly 5 fields, found 4"},
		{"0 5 0 * * *", "expected exactly 5 fields, found 6"},
		{"@daily", "'@' is not part"},
		{"@every 1s", "'@' is not part"},
		{"5\n0 * * *", `'\n' is not part`},
		{"5 0 * * *\x1b[2J", "is not part"},
		{"60 0 * * *", "above maximum"},
		{"5 24 * * *", "above maximum"},
		{"5 0 0 * *", "below minimum"},
		{"5 0 * 13 *", "above maximum"},
		{"5 0 * * 7", "above maximum"},
		{"5 0 * * mo", "failed to parse"},
		{"*/0 * * * *", "positive number"},
		{"30-10 * * * *", "beyond end of range"},
		{"-5 0 * * *", "failed to parse"},
		{"1-2-3 0 * * *", "too many hyphens"},
		{"1/2/3 0 * * *", "too many slashes"},
		{"0 0 31 2 *", "never fires"},
		{"0 0 30 feb *", "never fires"},
		{"0 0 31 4,6,9,11 *", "never fires"},
		{", 0 * * *", "never fires"},
		{"0 , * * *", "never fires"},
		{"0 0 , * *", "never fires"},
		{"0 0 * , *", "never fires"},
		{"0 0 * * ,", "never fires"},
	} {
		_, err := New([]Job{{Name: "billing", Spec: c.spec, Setting: "--schedule-billing", Run: nothing}}, Options{})
		if err == nil {
			t.Errorf("%q: taken", c.spec)
			continue
		}
		text := err.Error()
		if !strings.HasPrefix(text, "--schedule-billing: \"") || !strings.Contains(text, "five fields") || strings.ContainsAny(text, "\n\x1b") {
			t.Errorf("%q: the error is not one line with the setting, the value and what is allowed: %s", c.spec, text)
		}
		if !strings.Contains(text, c.reason) {
			t.Errorf("%q: %s; want the reason %q", c.spec, text, c.reason)
		}
	}
}

func TestNewTakesEachUsualSpec(t *testing.T) {
	for _, text := range []string{
		"", "*/15 * * * *", "5 0 * * *", "15 0 * * *", "*/5 * * * *", "0 0 29 2 *", "0 0 31 2 1", "5 0 ? * MON-FRI",
		"0,30 8-18/2 1,15 jan,jul *", "\t5  0 * * * ", "0 0 31 * *",
	} {
		if _, err := New([]Job{{Name: "j", Spec: text, Run: nothing}}, Options{}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestNewRefusesMiswiredJobs(t *testing.T) {
	good := Job{Name: "a", Spec: "* * * * *", Run: nothing}
	for name, jobs := range map[string][]Job{
		"no name":           {{Spec: "* * * * *", Run: nothing}},
		"name taken":        {good, good},
		"no Run":            {{Name: "a"}},
		"daily, no Last":    {{Name: "a", Daily: true, Run: nothing}},
		"taken though off":  {{Name: "a", Run: nothing}, good},
		"off, but no Last ": {{Name: "a", Daily: true, Spec: "", Run: nothing}},
	} {
		if _, err := New(jobs, Options{}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := New([]Job{good, {Name: "b", Daily: true, Run: nothing, Last: noLast}}, Options{}); err != nil {
		t.Error(err)
	}
}

// robfig itself panics on this one; the alphabet keeps it away, the recover is
// for what the alphabet does not know.
func TestAPanicOfTheParserIsAnError(t *testing.T) {
	if _, err := parseFields("TZ=UTC"); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("got %v", err)
	}
}

func TestSpecOnDate(t *testing.T) {
	for _, c := range []struct {
		spec string
		yes  []string
		no   []string
	}{
		{"5 0 * * *", []string{"2026-11-22", "2028-02-29"}, nil},
		{"5 0 * * 1", []string{"2026-11-23"}, []string{"2026-11-22", "2026-11-24"}},
		{"5 0 1 * *", []string{"2026-11-01"}, []string{"2026-11-02", "2026-10-31"}},
		{"5 0 13 * 5", []string{"2026-11-13", "2026-11-20", "2026-10-13"}, []string{"2026-11-12"}},
		{"5 0 29 2 *", []string{"2028-02-29"}, []string{"2026-03-01", "2028-02-28", "2028-03-29"}},
		{"5 0 31 2 0", []string{"2026-02-01"}, []string{"2026-02-02", "2026-03-01"}},
	} {
		s, err := parseSpec(c.spec)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range c.yes {
			if !s.onDate(day0(t, d).midnight()) {
				t.Errorf("%s does not fire on %s", c.spec, d)
			}
		}
		for _, d := range c.no {
			if s.onDate(day0(t, d).midnight()) {
				t.Errorf("%s fires on %s", c.spec, d)
			}
		}
	}
}

func TestSpecFirstIsTheFirstTimeOfTheDay(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5 0 * * *":       5 * time.Minute,
		"*/15 * * * *":    0,
		"45,30 9,7 * * *": 7*time.Hour + 30*time.Minute,
		"59 23 * * *":     23*time.Hour + 59*time.Minute,
	} {
		s, err := parseSpec(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.first(); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// What robfig says of an ordinary schedule and what we say are the same, where
// no clock is changed.
func TestSpecAgreesWithRobfigInUTC(t *testing.T) {
	for _, text := range []string{"*/15 * * * *", "5 0 * * *", "5 0 13 * 5", "0 9-17/3 */10 * *", "7 7 29 2 *", "0 0 ? 1,7 mon"} {
		c := cal(t, text, "UTC")
		c.spec.Location = time.UTC
		end := instant(t, "2029-01-01T00:00:00Z")
		fired := 0
		for at := instant(t, "2027-11-22T10:00:00Z"); at.Before(end) && fired < 3000; fired++ {
			next := c.spec.Next(at)
			if m, ok := c.lastMinute(at, next); !ok || !m.Equal(next) {
				t.Fatalf("%s after %s: %s (%v), robfig says %s", text, at, m, ok, next)
			}
			if m, ok := c.lastMinute(at, next.Add(-time.Second)); ok {
				t.Fatalf("%s after %s: %s is before what robfig says: %s", text, at, m, next)
			}
			at = next
		}
		if fired == 0 {
			t.Errorf("%s never fired", text)
		}
	}
}

func FuzzParseSpec(f *testing.F) {
	for _, s := range []string{"5 0 * * *", "TZ=UTC", "*/15 * * * *", "0 0 31 2 *", "@every 1s", "1-59/7 ? , jan *", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := New([]Job{{Name: "j", Setting: "--s", Spec: text, Run: nothing}}, Options{})
		if err != nil && strings.ContainsAny(err.Error(), "\n\r\x00\x1b") {
			t.Errorf("more than one line: %q", err)
		}
		if s, err := parseFields(text); err == nil && !s.never() && (s.first() < 0 || s.first() >= day) {
			t.Errorf("first time of day is %v", s.first())
		}
	})
}
