package guard_test

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"topupd/billing"
	"topupd/billing/gateway/guard"
	"topupd/billing/gateway/gwtest"
	"topupd/billing/gateway/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	gwtest.Run(t, func(*testing.T) gwtest.Harness {
		g := sandbox.New(sandbox.WithSlow(10 * time.Second))
		return gwtest.Harness{
			Gateway: guard.New(g, nil),
			Tokens: gwtest.Tokens{
				OK: sandbox.TokenOK, Soft: sandbox.TokenDeclined, Hard: sandbox.TokenLost,
				Authentication: sandbox.TokenAuthenticationRequired, Invalid: "tok_nobody",
				Timeout: sandbox.TokenTimeout, TimeoutLost: sandbox.TokenTimeoutLost,
				Error: sandbox.TokenError, Slow: sandbox.TokenSlow,
			},
			Captures: func(key string) int { return g.Captures()[key] },
			Timeout:  20 * time.Millisecond,
		}
	})
}

// scripted answers each call with what it is set to, and counts the calls.
type scripted struct {
	mu     sync.Mutex
	calls  int
	answer func() billing.GatewayResult
}

func (s *scripted) set(f func() billing.GatewayResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

func (s *scripted) call() billing.GatewayResult {
	s.mu.Lock()
	s.calls++
	f := s.answer
	s.mu.Unlock()
	return f()
}

func (s *scripted) made() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func (s *scripted) Name() string { return "scripted" }
func (s *scripted) Charge(context.Context, billing.GatewayCharge) billing.GatewayResult {
	return s.call()
}
func (s *scripted) Lookup(context.Context, billing.GatewayCharge) billing.GatewayResult {
	return s.call()
}
func (s *scripted) Refund(context.Context, billing.GatewayRefund) billing.GatewayResult {
	return s.call()
}
func (s *scripted) Chargeable(billing.Amount) error {
	return billing.Errorf(billing.Invalid, "amount", "scripted")
}
func (s *scripted) Traits() billing.GatewayTraits { return billing.GatewayTraits{Rate: 7} }

func always(r billing.GatewayResult) func() billing.GatewayResult {
	return func() billing.GatewayResult { return r }
}

var (
	fault    = always(billing.GatewayResult{Outcome: billing.OutcomeUnknown, Code: "down", Trouble: billing.TroubleFault})
	notSent  = always(billing.GatewayResult{Outcome: billing.OutcomeNotAttempted, Code: "down", Trouble: billing.TroubleFault})
	limited  = always(billing.GatewayResult{Outcome: billing.OutcomeNotAttempted, Code: "429", Trouble: billing.TroubleLimited})
	decline  = always(billing.GatewayResult{Outcome: billing.OutcomeDeclined, Class: billing.DeclineSoft, Code: "insufficient_funds"})
	success  = always(billing.GatewayResult{Outcome: billing.OutcomeSucceeded, Ref: "r"})
	nowhere  = always(billing.GatewayResult{Outcome: billing.OutcomeUnknown, Code: "mismatch"})
	notFound = always(billing.GatewayResult{Outcome: billing.OutcomeNotAttempted, Code: "not_found"})
)

// bench is a guarded gateway in fake time, and what was told of it.
type bench struct {
	*scripted
	guard billing.Gateway
	told  []string
}

func newBench() *bench {
	b := &bench{scripted: &scripted{answer: success}}
	b.guard = guard.New(b.scripted, func(name string, open bool) { b.told = append(b.told, fmt.Sprint(name, " ", open)) })
	return b
}

func (b *bench) charge(t *testing.T) billing.GatewayResult {
	return b.guard.Charge(t.Context(), billing.GatewayCharge{})
}

// send makes n calls that are answered with f.
func (b *bench) send(t *testing.T, n int, f func() billing.GatewayResult) {
	t.Helper()
	b.set(f)
	for range n {
		before := b.made()
		b.charge(t)
		if b.made() != before+1 {
			t.Fatal("a call was kept back")
		}
	}
}

// open is whether a charge is kept back now; it does not reach the gateway if so.
func (b *bench) open(t *testing.T) bool {
	t.Helper()
	before := b.made()
	r := b.charge(t)
	kept := b.made() == before
	if kept && (r.Outcome != billing.OutcomeNotAttempted || r.Code != "gateway_paused" || r.Trouble != billing.TroubleFault) {
		t.Errorf("kept back with %+v", r)
	}
	if kept != (r.Code == "gateway_paused") {
		t.Errorf("kept %v, answered %+v", kept, r)
	}
	return kept
}

func (b *bench) until() time.Time { return b.guard.(billing.Paused).PausedUntil() }

func TestOpensAtTheDocumentedNumbers(t *testing.T) {
	for _, tc := range []struct {
		name         string
		fine, faulty int
		open         bool
	}{
		{"19_of_19_faults", 0, 19, false},
		{"20_of_20_faults", 0, 20, true},
		{"19_of_20_faults", 1, 19, true},
		{"18_of_20_faults", 2, 18, false}, // 90 % is not over 90 %
		{"90_of_100_faults", 10, 90, false},
		{"91_of_101_faults", 10, 91, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench()
				b.send(t, tc.fine, success)
				b.send(t, tc.faulty, fault)
				b.set(success)
				if got := b.open(t); got != tc.open {
					t.Errorf("open %v, want %v", got, tc.open)
				}
				if want := []string{"scripted true"}; tc.open && !reflect.DeepEqual(b.told, want) {
					t.Errorf("told %v", b.told)
				}
			})
		})
	}
}

func TestFaultsFadeWithTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.send(t, 19, fault)
		time.Sleep(31 * time.Second)
		b.send(t, 19, fault)
		if b.open(t) {
			t.Error("what was 31 seconds ago counts")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		for range 20 { // spread over 28 seconds
			b.send(t, 1, fault)
			time.Sleep(1400 * time.Millisecond)
		}
		if !b.open(t) {
			t.Error("20 faults in 28 seconds did not open it")
		}
	})
}

// A gateway that hangs is what a breaker is for: its calls take as long as the
// window, and have to count all the same.
func TestOpensOnCallsAsLongAsTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.set(func() billing.GatewayResult { time.Sleep(45 * time.Second); return fault() })
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { b.charge(t) })
		}
		wg.Wait()
		if !b.open(t) {
			t.Error("20 calls that timed out after 45 s did not open it")
		}
	})
}

func TestAnswersNeverOpen(t *testing.T) {
	for name, f := range map[string]func() billing.GatewayResult{
		"success": success, "decline": decline, "limited": limited, "unknown": nowhere, "not_found": notFound,
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench()
			b.send(t, 500, f)
			if b.open(t) || len(b.told) != 0 || !b.until().IsZero() {
				t.Errorf("%s opened it", name)
			}
			if got, want := b.charge(t), f(); !reflect.DeepEqual(got, want) {
				t.Errorf("%s became %+v", name, got)
			}
		})
	}
}

// opened is a bench whose gateway failed 20 times just now.
func opened(t *testing.T) *bench {
	t.Helper()
	b := newBench()
	b.send(t, 20, notSent)
	if !b.open(t) {
		t.Fatal("not open")
	}
	return b
}

func TestWhatIsKeptBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := opened(t)
		before := b.made()
		for name, tc := range map[string]struct {
			got  billing.GatewayResult
			want billing.Outcome
		}{
			"charge": {b.guard.Charge(t.Context(), billing.GatewayCharge{}), billing.OutcomeNotAttempted},
			"lookup": {b.guard.Lookup(t.Context(), billing.GatewayCharge{}), billing.OutcomeUnknown},
			"refund": {b.guard.Refund(t.Context(), billing.GatewayRefund{}), billing.OutcomeNotAttempted},
		} {
			if tc.got.Outcome != tc.want || tc.got.Code != "gateway_paused" || tc.got.Class != billing.DeclineNone {
				t.Errorf("%s: %+v", name, tc.got)
			}
		}
		if b.made() != before {
			t.Error("the gateway was called")
		}
	})
}

func TestEveryCallCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.set(fault)
		for range 10 {
			b.guard.Lookup(t.Context(), billing.GatewayCharge{})
			b.guard.Refund(t.Context(), billing.GatewayRefund{})
		}
		if !b.open(t) {
			t.Error("lookups and refunds do not count")
		}
	})
}

func TestHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := opened(t)
		until := b.until()
		if d := time.Until(until).Round(10 * time.Millisecond); d != 5*time.Second {
			t.Errorf("paused for %s", d)
		}
		time.Sleep(4990 * time.Millisecond)
		if !b.open(t) {
			t.Error("open for less than 5 s")
		}
		time.Sleep(time.Until(until))
		if !b.until().IsZero() {
			t.Error("no probe may be made at the time that was told")
		}

		b.send(t, 1, fault) // the probe fails
		if !b.open(t) || b.until().IsZero() {
			t.Error("a failed probe did not open it again")
		}
		time.Sleep(time.Until(b.until()))
		b.send(t, 1, decline) // a decline is an answer
		b.send(t, 19, fault)
		b.set(success)
		if b.open(t) {
			t.Error("a good probe did not close it, or old faults still count")
		}
		if want := []string{"scripted true", "scripted false"}; !reflect.DeepEqual(b.told, want) {
			t.Errorf("told %v, want %v", b.told, want)
		}
	})
}

func TestLimitedProbeCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := opened(t)
		time.Sleep(time.Until(b.until()))
		b.send(t, 2, limited)
	})
}

// One probe at a time: the others are kept back, and told to ask again soon.
func TestOneProbeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := opened(t)
		time.Sleep(time.Until(b.until()))
		release := make(chan struct{})
		b.set(func() billing.GatewayResult { <-release; return success() })
		go b.charge(t)
		synctest.Wait()
		if !b.open(t) {
			t.Error("two probes at once")
		}
		if d := time.Until(b.until()); d <= 0 || d > 5*time.Second {
			t.Errorf("while a probe is out: paused for %s", d)
		}
		close(release)
		synctest.Wait()
		if b.open(t) {
			t.Error("the probe did not close it")
		}
	})
}

// What began before it opened does not decide about it afterwards.
func TestLateAnswersDoNotCount(t *testing.T) {
	for _, late := range []func() billing.GatewayResult{success, fault} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench()
			release := make(chan struct{})
			b.set(func() billing.GatewayResult { <-release; return late() })
			go b.charge(t)
			synctest.Wait()
			b.send(t, 20, fault)
			time.Sleep(time.Until(b.until()))
			if !b.until().IsZero() { // half-open from here
				t.Fatal("no probe may be made")
			}
			close(release)
			synctest.Wait()
			if !b.until().IsZero() || len(b.told) != 1 {
				t.Errorf("a late %s changed it: %v", late().Outcome, b.told)
			}
			b.send(t, 1, success)
		})
	}
}

// A caller that goes away says nothing about the gateway; one whose time-out
// passed does.
func TestCancelledCallsSayNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.set(fault)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 {
			b.guard.Charge(gone, billing.GatewayCharge{})
		}
		if len(b.told) != 0 {
			t.Error("cancelled calls opened it")
		}
		over, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		time.Sleep(2 * time.Second)
		for range 20 {
			b.guard.Charge(over, billing.GatewayCharge{})
		}
		if len(b.told) != 1 {
			t.Error("timed-out calls did not open it")
		}
		// As a probe it gives its place back.
		time.Sleep(time.Until(b.until()))
		b.guard.Charge(gone, billing.GatewayCharge{})
		b.send(t, 1, success)
		b.send(t, 1, success)
	})
}

func TestPanicsDoNotWedge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		panics := func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			b.charge(t)
		}
		b.set(func() billing.GatewayResult { panic("inner") })
		for range 20 {
			panics()
		}
		if !b.open(t) {
			t.Error("panics are no faults")
		}
		time.Sleep(time.Until(b.until()))
		panics() // a probe
		time.Sleep(time.Until(b.until()))
		b.set(func() billing.GatewayResult { runtime.Goexit(); return success() })
		exited := make(chan struct{})
		go func() { defer close(exited); b.charge(t) }()
		<-exited
		time.Sleep(time.Until(b.until()))
		b.send(t, 2, success)
	})
}

// onChange may use the gateway: it is told outside of every lock.
func TestOnChangeMayCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &scripted{answer: fault}
		var g billing.Gateway
		var told []string
		g = guard.New(inner, func(_ string, open bool) {
			told = append(told, fmt.Sprint("begin ", open))
			defer func() { told = append(told, fmt.Sprint("end ", open)) }()
			g.(billing.Paused).PausedUntil()
			g.Charge(t.Context(), billing.GatewayCharge{})
			if open {
				time.Sleep(6 * time.Second) // others change it meanwhile
				inner.set(success)
				g.Charge(t.Context(), billing.GatewayCharge{})
			}
		})
		for range 20 {
			g.Charge(t.Context(), billing.GatewayCharge{})
		}
		if want := []string{"begin true", "end true", "begin false", "end false"}; !reflect.DeepEqual(told, want) {
			t.Errorf("told %v, want %v", told, want)
		}
	})
}

func TestManyAtOnce(t *testing.T) {
	inner := &scripted{answer: fault}
	var mu sync.Mutex
	var told []bool
	g := guard.New(inner, func(_ string, open bool) { mu.Lock(); told = append(told, open); mu.Unlock() })
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for range 50 {
				r := g.Charge(t.Context(), billing.GatewayCharge{})
				l := g.Lookup(t.Context(), billing.GatewayCharge{})
				if r.Outcome == billing.OutcomeDeclined || l.Outcome == billing.OutcomeDeclined || l.Outcome == billing.OutcomeNotAttempted {
					t.Errorf("worker %d: %+v, %+v", i, r, l)
				}
				g.(billing.Paused).PausedUntil()
			}
		})
	}
	wg.Wait()
	if len(told) != 1 || !told[0] {
		t.Errorf("told %v", told)
	}
	if n := inner.made(); n < 20 || n > 20+2*64 {
		t.Errorf("%d calls reached a gateway that was down", n)
	}
}

func TestPassesThrough(t *testing.T) {
	g := guard.New(&scripted{answer: success}, nil)
	if g.Name() != "scripted" || g.Traits().Rate != 7 || billing.ErrorField(g.Chargeable(billing.Amount{})) != "amount" {
		t.Error("name, traits or chargeable differ")
	}
	for range 20 { // without anybody to tell
		guard.New(&scripted{answer: fault}, nil).Charge(t.Context(), billing.GatewayCharge{})
	}
}
