package sippy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"topupd/methods/xmlrpc"
)

func TestFormatDate(t *testing.T) {
	for want, in := range map[string]time.Time{
		"09:57:29.000 GMT Tue Apr 07 2026": time.Date(2026, 4, 7, 9, 57, 29, 0, time.UTC),
		"23:59:59.000 GMT Thu Dec 31 2026": time.Date(2026, 12, 31, 23, 59, 59, 999_999_999, time.UTC), // no rounding, no fraction
		"22:30:00.000 GMT Sat Feb 28 2026": time.Date(2026, 3, 1, 0, 30, 0, 0, time.FixedZone("", 2*3600)),
		"00:00:00.000 GMT Thu Feb 29 2024": time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
	} {
		if got := formatDate(in); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestParseDate(t *testing.T) {
	day := time.Date(2026, 4, 7, 9, 57, 29, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"09:57:29.000 GMT Tue Apr 07 2026": day,
		"09:57:29.000 GMT Tue Apr 7 2026":  day,
		"09:57:29.000 GMT Fri Apr 07 2026": day, // by hand, the day's name wrong
		"09:57:29.250 GMT Tue Apr 07 2026": day.Add(250 * time.Millisecond),
		"00:00:00.000 GMT Thu Feb 29 2024": time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
		"20260407T09:57:29":                day,
		"20260407T09:57:29.250":            day.Add(250 * time.Millisecond),
	} {
		if got, ok := parseDate(text); !ok || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%s: got %v %v", text, got, ok)
		}
	}
	for _, text := range []string{
		"", " ", "now", "2026-04-07", "2026-04-07T09:57:29", "2026-04-07T09:57:29Z", "20260407", "20260407T09:57", "20260407T0957:29",
		"20260407T09:57:29Z", "20260407T09:57:29+0200", "20260407T24:00:00", "20260230T09:57:29", "20261301T09:57:29", " 20260407T09:57:29", "20260407T09:57:29.",
		"09:57:29 GMT Tue Apr 07 2026", "09:57:29.000 UTC Tue Apr 07 2026", "09:57:29.000 GMT Apr 07 2026", "09:57:29.000 GMT Tue Apr 31 2026",
		"09:57:29.000 GMT Tue Apr 07 26", "09:57:60.000 GMT Tue Apr 07 2026", "25:57:29.000 GMT Tue Apr 07 2026", "09:57:29.000 GMT Dienstag Apr 07 2026",
		"09:57:29.000 GMT Tue Apr 07 2026 ", "09:57:29.000 GMT Thu Feb 29 2026", "1775555849",
	} {
		if got, ok := parseDate(text); ok {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func TestDatesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := time.Unix(rapid.Int64Range(0, 253402300799).Draw(t, "seconds"), 0)
		if got, ok := parseDate(formatDate(in)); !ok || !got.Equal(in) {
			t.Fatalf("%v became %v", in, got)
		}
	})
}

func TestDatesFarOut(t *testing.T) {
	now := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		at   time.Time
		good bool
	}{
		{time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC), false},
		{time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), true},
		{now, true},
		{now.Add(latestDate), true},
		{now.Add(latestDate + time.Second), false},
	} {
		p, err := xmlrpc.OneStruct([]xmlrpc.Value{xmlrpc.Struct(m("payment_time", xmlrpc.String(formatDate(c.at))))})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := dateOf(p, "payment_time", now); (err == nil) != c.good || c.good && !got.Equal(c.at) {
			t.Errorf("%v: %v %v", c.at, got, err)
		}
	}
}

// scriptDates are the values of the wire scripts that are dates, or should be.
func scriptDates(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../../testdata/wire/sippy/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var dates []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range dateMember.FindAllStringSubmatch(string(text), -1) {
			dates = append(dates, found[1])
		}
	}
	slices.Sort(dates)
	if dates = slices.Compact(dates); len(dates) < 10 {
		t.Fatalf("%d dates", len(dates))
	}
	return dates
}

var dateMember = regexp.MustCompile(`<name>\w*(?:_date|_time|_on)</name>\s*<value><(?:string|dateTime\.iso8601)>([^<]*)<`)

// Whatever a client writes for a date, what is taken reads the same after it was
// written again.
func FuzzParseDate(f *testing.F) {
	for _, seed := range []string{
		"09:57:29.000 GMT Tue Apr 07 2026", "09:57:29.000 GMT Tue Apr 7 2026", "20260407T09:57:29", "20260407T09:57:29.123",
		"00:00:00.000 GMT Thu Feb 29 2024", "24:00:00.000 GMT Tue Apr 07 2026", "", "20260407T09:57:29Z", "09:57:29.000 UTC Tue Apr 07 2026",
	} {
		f.Add(seed)
	}
	for _, seed := range scriptDates(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, ok := parseDate(text)
		if !ok {
			return
		}
		if at.Location() != time.UTC {
			t.Fatalf("%q is read as %s", text, at)
		}
		again, ok := parseDate(formatDate(at))
		if !ok || !again.Equal(at.Truncate(time.Second)) {
			t.Errorf("%q is %s, and read again %s", text, at, again)
		}
	})
}
