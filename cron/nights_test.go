package cron

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Four hundred nights hold a spring and an autumn: each date once, at its
// instant, for the time that robfig skips in spring and the one that it takes
// twice in autumn.
func TestFourHundredNights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		stop := start(t, Options{Location: zone(t, "America/New_York")}, b.daily("skipped", "30 2 * * *"), b.daily("doubled", "30 1 * * *"))
		end, last := "2001-02-04T04:00:00Z", "2001-02-03" // 23:00 in New York
		if testing.Short() {
			end, last = "2000-05-02T03:00:00Z", "2000-05-01" // the race detector needs no more of the same
		}
		sleepTo(t, end)
		stop()

		want := fromTo(t, "2000-01-01", last)
		for _, name := range []string{"skipped", "doubled"} {
			if diff := cmp.Diff(want, b.keys(name)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			for _, c := range b.of(name) {
				if !c.Now.Equal(c.At) || c.MadeUp {
					t.Errorf("%s %s: scheduled %s, called %s, made up %v", name, c.Key, c.At.UTC(), c.Now.UTC(), c.MadeUp)
				}
			}
		}
	})
}

func TestTheNightsOfTheChange(t *testing.T) {
	for _, c := range []struct {
		zone, from string
		key        string
		want       map[string]string // spec → instant of the key
	}{
		{"America/New_York", "2000-04-01T12:00:00Z", "2000-04-02", map[string]string{
			"5 0 * * *": "05:05", "30 1 * * *": "06:30", "0 2 * * *": "07:00", "30 2 * * *": "07:00", "0 3 * * *": "07:00",
		}},
		{"America/New_York", "2000-10-28T12:00:00Z", "2000-10-29", map[string]string{
			"5 0 * * *": "04:05", "30 1 * * *": "05:30", "0 2 * * *": "07:00", "30 2 * * *": "07:30", "0 3 * * *": "08:00",
		}},
		{"Europe/Berlin", "2000-03-25T12:00:00Z", "2000-03-26", map[string]string{
			"5 0 * * *": "23:05", "30 1 * * *": "00:30", "0 2 * * *": "01:00", "30 2 * * *": "01:00", "0 3 * * *": "01:00",
		}},
		{"Europe/Berlin", "2000-10-28T12:00:00Z", "2000-10-29", map[string]string{
			"5 0 * * *": "22:05", "30 1 * * *": "23:30", "0 2 * * *": "00:00", "30 2 * * *": "00:30", "0 3 * * *": "02:00",
		}},
		{"America/Santiago", "2000-10-14T12:00:00Z", "2000-10-15", map[string]string{
			"5 0 * * *": "04:00", "30 1 * * *": "04:30", "0 2 * * *": "05:00", "30 2 * * *": "05:30", "0 3 * * *": "06:00",
		}},
		{"Asia/Beirut", "2000-03-25T12:00:00Z", "2000-03-26", map[string]string{
			"5 0 * * *": "22:00", "30 1 * * *": "22:30", "0 2 * * *": "23:00", "30 2 * * *": "23:30", "0 3 * * *": "00:00",
		}},
		{"Australia/Lord_Howe", "2000-03-25T06:00:00Z", "2000-03-26", map[string]string{
			"5 0 * * *": "13:05", "30 1 * * *": "14:30", "0 2 * * *": "15:30", "30 2 * * *": "16:00", "0 3 * * *": "16:30",
		}},
		{"UTC", "2000-03-25T12:00:00Z", "2000-03-26", map[string]string{
			"5 0 * * *": "00:05", "30 1 * * *": "01:30", "0 2 * * *": "02:00", "30 2 * * *": "02:30", "0 3 * * *": "03:00",
		}},
	} {
		t.Run(c.zone+" "+c.key, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sleepTo(t, c.from)
				b := newBook()
				var jobs []Job
				for spec := range c.want {
					jobs = append(jobs, b.daily(spec, spec))
				}
				stop := start(t, Options{Location: zone(t, c.zone)}, jobs...)
				time.Sleep(3 * day)
				stop()
				for spec, want := range c.want {
					calls := b.of(spec)
					if len(calls) != 3 || calls[0].Key != c.key {
						t.Errorf("%s: %v, want three nights from %s", spec, b.keys(spec), c.key)
						continue
					}
					if got := calls[0].Now.UTC().Format("15:04"); got != want {
						t.Errorf("%s on %s: called at %sZ, want %sZ", spec, c.key, got, want)
					}
				}
			})
		})
	}
}

// A job that is not daily keeps its rhythm of UTC minutes, also where its only
// wall time of the day is lost or comes twice.
func TestMinutesOfTheChange(t *testing.T) {
	for _, c := range []struct {
		from, spec string
		want       []string
	}{
		{"2000-04-01T12:00:30Z", "30 2 * * *", []string{"2000-04-02T07:00Z", "2000-04-03T06:30Z"}},
		{"2000-10-28T12:00:30Z", "30 1 * * *", []string{"2000-10-29T05:30Z", "2000-10-29T06:30Z", "2000-10-30T06:30Z"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			sleepTo(t, c.from)
			began := time.Now()
			b := newBook()
			stop := start(t, Options{Location: zone(t, "America/New_York")}, b.other("night", c.spec), b.other("quarter", "*/15 * * * *"))
			time.Sleep(2 * day)
			stop()
			if diff := cmp.Diff(c.want, b.keys("night")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.spec, diff)
			}
			quarter := b.of("quarter")
			if len(quarter) != 2*96 {
				t.Fatalf("%d quarters of an hour in two days", len(quarter))
			}
			for i, q := range quarter {
				at := began.Truncate(time.Hour).Add(time.Duration(i+1) * 15 * time.Minute).UTC()
				if !q.Now.Equal(at) || !q.At.Equal(at) || q.Key != at.Format(keyMinute) || q.MadeUp {
					t.Fatalf("quarter %d: %+v, want %s", i, q, at)
				}
			}
		})
	}
}

func TestRestartInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		o := Options{Location: zone(t, "America/New_York")}
		job := b.daily("billing", "30 1 * * *")
		// Up and down before, within and after nights, those of both changes among
		// them: in spring between 01:30 and the gap, in autumn between the two 01:30.
		for _, up := range [][2]string{
			{"2000-01-01T00:00:00Z", "2000-01-10T06:29:30Z"},
			{"2000-01-10T06:29:30Z", "2000-01-10T06:30:30Z"},
			{"2000-01-10T06:30:30Z", "2000-01-12T06:30:00Z"},
			{"2000-01-14T20:00:00Z", "2000-01-15T00:00:00Z"},
			{"2000-03-31T06:29:00Z", "2000-04-02T06:29:00Z"},
			{"2000-04-02T06:29:30Z", "2000-04-02T06:31:00Z"},
			{"2000-04-02T06:59:30Z", "2000-04-02T07:00:00Z"},
			{"2000-04-02T07:00:00Z", "2000-04-05T00:00:00Z"},
			{"2000-10-28T12:00:00Z", "2000-10-29T05:20:00Z"},
			{"2000-10-29T05:29:00Z", "2000-10-29T05:40:00Z"},
			{"2000-10-29T06:20:00Z", "2000-10-29T06:40:00Z"},
			{"2000-10-29T06:40:00Z", "2000-11-05T00:00:00Z"},
		} {
			sleepTo(t, up[0])
			stop := start(t, o, job)
			sleepTo(t, up[1])
			stop()
		}
		if diff := cmp.Diff(fromTo(t, "2000-01-01", "2000-11-04"), b.keys("billing")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestAnOutageIsMadeUpInOrder(t *testing.T) {
	for _, c := range []struct {
		name, spec string
		recorded   string
		want       []string
		madeUp     int
	}{
		{"three nights", "5 0 * * *", "2000-01-10", []string{"2000-01-11", "2000-01-12", "2000-01-13", "2000-01-14"}, 3},
		{"nothing missed", "5 0 * * *", "2000-01-13", []string{"2000-01-14"}, 0},
		{"Mondays", "5 0 * * 1", "2000-01-03", []string{"2000-01-10"}, 1},
		{"no Monday missed", "5 0 * * 1", "2000-01-10", nil, 0},
		{"a later zone's date is recorded", "5 0 * * *", "2000-01-14", nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sleepTo(t, "2000-01-13T10:00:20Z")
				b := newBook(Firing{Job: "billing", Key: c.recorded})
				stop := start(t, Options{}, b.daily("billing", c.spec))
				if first := b.calls[0]; first.Key != "" || !first.MadeUp || !first.At.Equal(time.Now()) {
					t.Errorf("the first call is %+v, want the start sweep", first)
				}
				sleepTo(t, "2000-01-14T12:00:00Z")
				stop()
				if diff := cmp.Diff(c.want, b.keys("billing")); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				for i, call := range b.of("billing") {
					late := call.Now.After(instant(t, "2000-01-13T10:00:20Z"))
					if call.MadeUp != (i < c.madeUp) || late == call.MadeUp {
						t.Errorf("%s: made up %v, called %s", call.Key, call.MadeUp, call.Now)
					}
				}
				if sweeps := len(b.calls) - len(b.of("billing")); sweeps != 1 {
					t.Errorf("%d start sweeps", sweeps)
				}
			})
		})
	}
}

// On a new installation the sweep stands for all that was before.
func TestANewInstallationStartsNow(t *testing.T) {
	for _, c := range []struct {
		now  string
		want []string
	}{
		{"2000-01-10T00:04:59Z", []string{"2000-01-10", "2000-01-11"}},
		{"2000-01-10T00:05:00Z", []string{"2000-01-11"}},
		{"2000-01-10T23:00:00Z", []string{"2000-01-11"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			sleepTo(t, c.now)
			b := newBook()
			stop := start(t, Options{}, b.daily("billing", "5 0 * * *"))
			sleepTo(t, "2000-01-11T12:00:00Z")
			stop()
			if diff := cmp.Diff(c.want, b.keys("billing")); diff != "" {
				t.Errorf("started at %s (-want +got):\n%s", c.now, diff)
			}
		})
	}
}

// What is too old is said once, also while the nights that are left fail.
func TestTooManyMissedNights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepTo(t, "2000-01-31T10:00:00Z")
		b, l := newBook(Firing{Job: "billing", Key: "2000-01-01"}), &logged{}
		b.work = func(_ context.Context, f Firing) error {
			if f.Key == "2000-01-29" && time.Now().Before(instant(t, "2000-01-31T10:02:00Z")) {
				return errors.New("busy")
			}
			return nil
		}
		stop := start(t, Options{MaxMadeUp: 3, Log: l.log}, b.daily("billing", "5 0 * * *"))
		sleepTo(t, "2000-02-01T10:00:00Z")
		stop()
		want := append([]string{"2000-01-29", "2000-01-29"}, fromTo(t, "2000-01-29", "2000-02-01")...)
		if diff := cmp.Diff(want, b.keys("billing")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		want = []string{
			"billing 2000-01-28: 27 dates from 2000-01-02 to 2000-01-28 are not made up: the limit is 3",
			"billing 2000-01-29: busy", "billing 2000-01-29: busy",
		}
		if diff := cmp.Diff(want, l.errors()); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

// A leap year's nights and one more are due at most, unless the options say
// otherwise.
func TestTheUsualLimitIs366(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepTo(t, "2001-12-31T10:00:00Z")
		b := newBook(Firing{Job: "billing", Key: "2000-01-01"})
		stop := start(t, Options{}, b.daily("billing", "5 0 * * *"))
		stop()
		if diff := cmp.Diff(fromTo(t, "2000-12-31", "2001-12-31"), b.keys("billing")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}
