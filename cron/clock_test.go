package cron

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEmptySpecIsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook(Firing{Job: "billing", Key: "1999-12-01"})
		stop := start(t, Options{}, b.daily("billing", ""), b.other("low-balance", ""), b.other("on", "0 * * * *"))
		sleepTo(t, "2000-01-04T00:00:01Z")
		stop()
		if got := len(b.of("on")); got != 72 {
			t.Errorf("the job that is on was called %d times in three days, want 72", got)
		}
		for _, c := range b.calls {
			if c.Job != "on" {
				t.Errorf("called: %+v", c)
			}
		}
		if b.asked > 0 {
			t.Errorf("Last was asked %d times", b.asked)
		}
	})
}

func TestAClockWithoutJobsRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := start(t, Options{})
		time.Sleep(day)
		stop()
	})
}

func TestRunRefusesASecondRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		c, err := New([]Job{b.other("j", "* * * * *")}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var first sync.WaitGroup
		first.Go(func() {
			if err := c.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if err := c.Run(ctx); err == nil {
			t.Error("it ran twice at once")
		}
		cancel()
		first.Wait()

		// A stopped clock can be started again.
		ctx, cancel = context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
		if got := len(b.of("j")); got < 59 {
			t.Errorf("%d minutes in an hour", got)
		}
	})
}

func TestAnErroringJobIsTriedAgainEachMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepTo(t, "2000-01-10T00:04:00Z")
		b, l := newBook(Firing{Job: "billing", Key: "2000-01-08"}), &logged{}
		healed := instant(t, "2000-01-10T00:08:00Z")
		b.work = func(_ context.Context, f Firing) error {
			if f.Key != "" && time.Now().Before(healed) {
				return errors.New("database is locked")
			}
			return nil
		}
		stop := start(t, Options{Log: l.log}, b.daily("billing", "5 0 * * *"))
		sleepTo(t, "2000-01-10T12:00:00Z")
		stop()

		// The 9th is missed and fails at the start; the 10th waits until it is done.
		var got []string
		for _, c := range b.of("billing") {
			got = append(got, c.Now.UTC().Format("15:04:05 ")+c.Key)
		}
		want := []string{
			"00:04:00 2000-01-09", "00:05:00 2000-01-09", "00:06:00 2000-01-09", "00:07:00 2000-01-09", "00:08:00 2000-01-09",
			"00:08:00 2000-01-10",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if errs := l.errors(); len(errs) != 4 || errs[0] != "billing 2000-01-09: database is locked" {
			t.Errorf("logged: %q", errs)
		}
	})
}

func TestAFailedMinuteIsTriedAgainUntilALaterOneComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.work = func(_ context.Context, f Firing) error {
			if f.Key == "2000-01-01T00:15Z" || f.Key == "2000-01-01T00:30Z" && time.Now().Before(instant(t, "2000-01-01T00:32:00Z")) {
				return errors.New("busy")
			}
			return nil
		}
		stop := start(t, Options{}, b.other("low-balance", "*/15 * * * *"))
		sleepTo(t, "2000-01-01T00:46:00Z")
		stop()
		tries := map[string]int{}
		for _, key := range b.keys("low-balance") {
			tries[key]++
		}
		want := map[string]int{"2000-01-01T00:15Z": 15, "2000-01-01T00:30Z": 3, "2000-01-01T00:45Z": 1}
		if diff := cmp.Diff(want, tries); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// An error that took most of a minute is not followed by the next try at once.
func TestASlowErrorIsGivenAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.work = func(_ context.Context, f Firing) error {
			if f.Key == "" {
				return nil
			}
			time.Sleep(50 * time.Second)
			return errors.New("time-out")
		}
		stop := start(t, Options{}, b.other("j", "0 1 * * *"))
		sleepTo(t, "2000-01-01T01:08:59Z")
		stop()
		var got []string
		for _, c := range b.of("j") {
			got = append(got, c.Now.UTC().Format("15:04"))
		}
		if diff := cmp.Diff([]string{"01:00", "01:02", "01:04", "01:06", "01:08"}, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestAFailedSweepIsTriedAgainAndHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepTo(t, "2000-01-10T10:00:00Z")
		b := newBook(Firing{Job: "billing", Key: "2000-01-08"})
		sweeps := 0
		b.work = func(_ context.Context, f Firing) error {
			if f.Key == "" {
				if sweeps++; sweeps < 3 {
					return errors.New("no")
				}
			}
			return nil
		}
		stop := start(t, Options{}, b.daily("billing", "5 0 * * *"))
		if got := b.keys("billing"); len(got) != 2 {
			t.Errorf("made up at the start: %q, want two nights", got)
		}
		sleepTo(t, "2000-01-10T12:00:00Z")
		stop()
		if sweeps != 3 {
			t.Errorf("%d sweeps, want 3", sweeps)
		}
	})
}

func TestAPanicIsAnErrorOfThatJobOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.work = func(_ context.Context, f Firing) error {
			if f.Job == "low-balance" && f.Key == "2000-01-01T00:15Z" && time.Now().Before(instant(t, "2000-01-01T00:17:00Z")) {
				panic("index out of range")
			}
			return nil
		}
		var panics []*PanicError
		o := Options{Log: func(_ string, _ Firing, err error, _ time.Duration) {
			if p, ok := errors.AsType[*PanicError](err); ok {
				panics = append(panics, p)
			}
		}}
		stop := start(t, o, b.other("low-balance", "*/15 * * * *"), b.other("recurring", "*/5 * * * *"))
		sleepTo(t, "2000-01-01T00:31:00Z")
		stop()
		if len(panics) != 2 || panics[0].Error() != "panic: index out of range" || !strings.Contains(string(panics[0].Stack), "TestAPanicIsAnError") {
			t.Errorf("panics: %v", panics)
		}
		want := []string{"2000-01-01T00:15Z", "2000-01-01T00:15Z", "2000-01-01T00:15Z", "2000-01-01T00:30Z"}
		if diff := cmp.Diff(want, b.keys("low-balance")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if got := len(b.of("recurring")); got != 6 {
			t.Errorf("the other job was called %d times, want 6", got)
		}
	})
}

func TestALastThatFailsIsAskedAgain(t *testing.T) {
	for name, fail := range map[string]func() (string, error){
		"error":  func() (string, error) { return "", errors.New("database is locked") },
		"panic":  func() (string, error) { panic("no database") },
		"no key": func() (string, error) { return "yesterday", nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sleepTo(t, "2000-01-10T10:00:00Z")
				b, l := newBook(Firing{Job: "billing", Key: "2000-01-08"}), &logged{}
				job := b.daily("billing", "5 0 * * *")
				job.Last = func(ctx context.Context) (string, error) {
					if time.Now().Before(instant(t, "2000-01-10T10:03:00Z")) {
						return fail()
					}
					return b.last("billing")(ctx)
				}
				stop := start(t, Options{Log: l.log}, job)
				if got := b.keys("billing"); got != nil {
					t.Errorf("called for %q without knowing the last date", got)
				}
				sleepTo(t, "2000-01-10T12:00:00Z")
				stop()
				if diff := cmp.Diff([]string{"2000-01-09", "2000-01-10"}, b.keys("billing")); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				if errs := l.errors(); len(errs) != 3 || !strings.HasPrefix(errs[0], "billing : reading the newest recorded date: ") {
					t.Errorf("logged: %q", errs)
				}
			})
		})
	}
}

// The database is asked when something is due, not at each of the 1440 alarms
// of a day.
func TestLastIsAskedOnceANight(t *testing.T) {
	for _, recorded := range []string{"", "1999-12-31"} {
		synctest.Test(t, func(t *testing.T) {
			b := newBook(Firing{Job: "billing", Key: recorded})
			stop := start(t, Options{}, b.daily("billing", "5 0 * * *"))
			time.Sleep(10 * day)
			stop()
			if len(b.of("billing")) != 10 || b.asked > 11 {
				t.Errorf("%d nights, asked %d times", len(b.of("billing")), b.asked)
			}
		})
	}
}

func TestANightThatAnotherServerDidIsNotCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook(Firing{Job: "billing", Key: "1999-12-31"})
		stop := start(t, Options{}, b.daily("billing", "5 0 * * *"))
		sleepTo(t, "2000-01-02T12:00:00Z")
		b.record(Firing{Job: "billing", Key: "2000-01-03"})
		sleepTo(t, "2000-01-04T12:00:00Z")
		stop()
		if diff := cmp.Diff([]string{"2000-01-01", "2000-01-02", "2000-01-04"}, b.keys("billing")); diff != "" || b.refused > 0 {
			t.Errorf("%d calls for a date that is done; -want +got:\n%s", b.refused, diff)
		}
	})
}

// A job that takes longer than its rhythm is never beside itself, and takes up
// the latest minute when it is free. Other jobs do not wait.
func TestALongJobIsNotBesideItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		var running, most atomic.Int32
		b.work = func(_ context.Context, f Firing) error {
			if f.Job != "slow" {
				return nil
			}
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(40 * time.Minute)
			return nil
		}
		stop := start(t, Options{}, b.other("slow", "*/15 * * * *"), b.other("quick", "*/5 * * * *"))
		sleepTo(t, "2000-01-01T02:50:00Z")
		if got := len(b.of("quick")); got != 34 {
			t.Errorf("the quick job was called %d times, want 34", got)
		}
		stop()
		var got []string
		for _, c := range b.of("slow") {
			got = append(got, c.Now.UTC().Format("15:04 for ")+c.At.UTC().Format("15:04"))
		}
		want := []string{"00:40 for 00:30", "01:20 for 01:15", "02:00 for 02:00", "02:40 for 02:30"}
		if diff := cmp.Diff(want, got); diff != "" || most.Load() != 1 {
			t.Errorf("%d at once; -want +got:\n%s", most.Load(), diff)
		}
	})
}

// A night that took longer than a day is followed by those it held up.
func TestNightsHeldUpByALongOneAreMadeUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.work = func(_ context.Context, f Firing) error {
			if f.Key == "2000-01-02" {
				time.Sleep(60 * time.Hour)
			}
			return nil
		}
		stop := start(t, Options{}, b.daily("billing", "5 0 * * *"))
		sleepTo(t, "2000-01-05T12:00:00Z")
		stop()
		var got []string
		for _, c := range b.of("billing") {
			mark := ""
			if c.MadeUp {
				mark = " made up"
			}
			got = append(got, c.Key+c.Now.UTC().Format(" 02 15:04")+mark)
		}
		want := []string{
			"2000-01-01 01 00:05", "2000-01-02 02 00:05", "2000-01-03 04 12:05 made up", "2000-01-04 04 12:05", "2000-01-05 05 00:05",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestStopWaitsForARunningJobAndStartsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepTo(t, "2000-01-10T10:00:00Z")
		b := newBook(Firing{Job: "billing", Key: "2000-01-01"})
		told, finished := false, false
		b.work = func(ctx context.Context, f Firing) error {
			if f.Key == "" {
				return nil
			}
			<-ctx.Done()
			told = true
			time.Sleep(7 * time.Second)
			finished = true
			return nil
		}
		stop := start(t, Options{}, b.daily("billing", "5 0 * * *"))
		time.Sleep(time.Minute)
		began := time.Now()
		stop()
		if !told || !finished || time.Since(began) != 7*time.Second {
			t.Errorf("told %v, finished %v, Run returned after %v", told, finished, time.Since(began))
		}
		if diff := cmp.Diff([]string{"2000-01-02"}, b.keys("billing")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// A night cut short by the stop is undone; the next start makes it up.
func TestANightCutShortIsMadeUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.work = func(ctx context.Context, f Firing) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Minute):
				return nil
			}
		}
		job := b.daily("billing", "5 0 * * *")
		stop := start(t, Options{}, job)
		sleepTo(t, "2000-01-02T00:05:30Z")
		stop()
		sleepTo(t, "2000-01-02T10:00:00Z")
		stop = start(t, Options{}, job)
		sleepTo(t, "2000-01-02T12:00:00Z")
		stop()
		if diff := cmp.Diff([]string{"2000-01-01", "2000-01-02", "2000-01-02"}, b.keys("billing")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if calls := b.of("billing"); !calls[2].MadeUp || calls[1].MadeUp {
			t.Errorf("made up: %v, then %v", calls[1].MadeUp, calls[2].MadeUp)
		}
	})
}

// robfig waits for what Next returns. With a monotonic reading that is a wait of
// a known length, whatever is done to the wall clock meanwhile. Not in a bubble:
// its clock has no such reading.
func TestTheAlarmKeepsTheMonotonicReading(t *testing.T) {
	now := time.Now()
	got := everyMinute{}.Next(now)
	if want := now.Truncate(time.Minute).Add(time.Minute); !got.Round(0).Equal(want) {
		t.Errorf("%s, want %s", got, want)
	}
	if got == got.Round(0) {
		t.Errorf("the monotonic reading is gone: %v", got)
	}
}
