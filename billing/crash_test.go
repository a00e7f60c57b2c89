package billing_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"topupd/billing"
	"topupd/db/dbtest"
)

// story is a sequence of calls that leads to one end, however often the process
// dies on the way. Each step may be done again: that is what its caller does
// who got no answer.
type story struct {
	name    string
	plan    func(call) fault
	verdict []verdict // of the payments, in order; approve beyond
	twoStep bool
	events  bool // the bank's events are told, where the engine hears them
	reopen  bool // a new process opens the file anew
	steps   []step
	// took is how many payments capture.
	took int
	// customer: it is about a customer, not an account.
	customer bool
	// prepare adds what the story needs beside its account; may be nil.
	prepare func(*scene, *billing.Importer) error
	// leave ends what would go on after it; may be nil.
	leave func(*scene, *billing.Importer) error
}

// step is one call, after a wait.
type step struct {
	wait time.Duration
	do   func(*scene) error
}

// call1 is the switch that reports a call of 16: the balance falls from 20
// below the threshold of 5.
var call1 = step{0, debitOnce(16 * usd)}

// work is a worker that goes on until nothing is due.
func work(wait time.Duration) step {
	return step{wait, func(c *scene) error { return c.p.engine.Drain(c.p.ctx) }}
}

// sweep is the low-balance job.
func sweep(wait time.Duration) step {
	return step{wait, func(c *scene) error {
		_, _, err := c.p.engine.RunLowBalance(c.p.ctx, billing.RunParams{Trigger: "command"})
		return err
	}}
}

// nextNight is the billing run a day after the scene began, called again until
// it is done, as cron does.
var nextNight = step{25 * time.Hour, func(c *scene) error {
	for {
		err := c.p.engine.Fire(c.p.ctx, billing.JobBilling, fmt.Sprint("night of ", c.owner))
		if billing.ErrorCode(err) != billing.Busy || c.p.isDead() {
			return err
		}
		time.Sleep(time.Minute)
	}
}}

// payOnce is a person who asks again until there is an answer.
var payOnce = step{0, func(c *scene) error {
	_, err := c.p.engine.MakePayment(c.p.ctx, billing.MakePaymentParams{
		Owner: c.owner, Amount: 10 * usd, Currency: "USD", Payer: "192.0.2.7", IdempotencyKey: fmt.Sprint("pay ", c.owner),
	})
	return err
}}

func debitOnce(micros int64) func(*scene) error {
	return func(c *scene) error {
		_, err := c.p.engine.MoveFunds(c.p.ctx, billing.MoveFundsParams{
			Owner: c.owner, Kind: billing.PostDebit, Amount: micros, Currency: "USD", IdempotencyKey: fmt.Sprint(c.owner),
		})
		return err
	}
}

// faultAt gives the n-th payment's nth call of a kind a fault.
func faultAt(kind string, n, nth int, f fault) func(call) fault {
	return func(c call) fault {
		if c.kind == kind && c.n == n && c.nth == nth {
			return f
		}
		return honest
	}
}

func stories() []story {
	list := []story{
		{name: "approved", took: 1, reopen: true, steps: []step{call1, work(0)}},
		{name: "soft decline, then approved", verdict: []verdict{soft}, took: 1, steps: []step{call1, work(0), work(time.Hour)}},
		{name: "hard decline", verdict: []verdict{hard}, steps: []step{call1, work(0), sweep(24 * time.Hour), work(0)}},
		{name: "authentication", verdict: []verdict{authenticate}, steps: []step{call1, work(0), sweep(24 * time.Hour), work(0)}},
		{name: "time-out after the effect", plan: faultAt("charge", 1, 1, silentAfter), took: 1, steps: []step{call1, work(0)}},
		{name: "time-out before the effect", plan: faultAt("charge", 1, 1, silentBefore), took: 1, steps: []step{call1, work(0)}},
		{name: "gateway fault, then approved", plan: faultAt("charge", 1, 1, failed), took: 1, steps: []step{call1, work(0)}},
		{name: "payment by hand", took: 1, steps: []step{payOnce, work(0), payOnce}},
		{name: "payment by hand, declined", verdict: []verdict{soft}, steps: []step{payOnce, work(0), payOnce, work(100 * time.Hour)}},
		{name: "payment by hand, time-out after the effect", plan: faultAt("charge", 1, 1, silentAfter), took: 1, steps: []step{payOnce, work(0)}},
		{name: "billing run", took: 1, steps: []step{nextNight, work(0)}},
		{name: "billing run, declined, not covered", verdict: []verdict{soft}, took: 1,
			steps: []step{{0, debitOnce(10 * usd)}, nextNight, work(0), work(48 * time.Hour)}},
	}
	for _, s := range slices.Clone(list) {
		switch s.name {
		case "approved", "soft decline, then approved", "time-out after the effect", "time-out before the effect", "gateway fault, then approved":
			s.name, s.twoStep, s.reopen = "two steps: "+s.name, true, false
			list = append(list, s)
		}
	}
	list = append(list, actionStories()...)
	list = append(list, autoTopupStories()...)
	list = append(list, topupStories()...)
	return append(list,
		story{name: "late effect", plan: faultAt("charge", 1, 1, lateEffect), took: 1, steps: []step{call1, work(0)}},
		story{name: "two steps: made, nobody heard", plan: faultAt("prepare", 1, 1, silentAfter), twoStep: true, took: 1, steps: []step{call1, work(0)}},
		story{name: "two steps: not made", plan: faultAt("prepare", 1, 1, silentBefore), twoStep: true, took: 1, steps: []step{call1, work(0)}},
		story{name: "event before the answer", events: true, plan: faultAt("charge", 1, 1, eventFirst), took: 1, steps: []step{call1, work(0)}},
		story{name: "soft decline, events", events: true, verdict: []verdict{soft}, took: 1, steps: []step{call1, work(0), work(time.Hour)}},
	)
}

// stride is every point; a short run, under the race detector, takes some, and so does
// the second engine.
func stride() int {
	if testing.Short() || dbtest.Fewer() {
		return 5
	}
	return 1
}

// TestCrashAtEveryPoint kills the process at every call of a port, and before
// and after each commit and each effect: what comes out is what comes out when
// nobody dies.
func TestCrashAtEveryPoint(t *testing.T) {
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			// In a bubble time costs nothing: every wait is the real one.
			synctest.Test(t, func(t *testing.T) {
				st := newStage(t, &s)
				defer st.close()
				want, _ := st.play()
				if s.twoStep != st.bank.twoStep {
					t.Fatal("a gateway of two steps was not asked to make the payment first")
				}
				for k := 1; !t.Failed(); k += stride() {
					got, died := st.play(k)
					if !died {
						t.Logf("%d points", k-1)
						break
					}
					st.compare(fmt.Sprintf("death at point %d", k), got, want)
				}
			})
		})
	}
}

// TestCrashTwice kills the process at every point, and the one that follows it
// at every point of its own.
func TestCrashTwice(t *testing.T) {
	s := story{took: 1, steps: []step{call1, work(0)}}
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t, &s)
		defer st.close()
		want, _ := st.play()
		pairs := 0
		for k1, more := 1, true; more && !t.Failed(); k1 += stride() {
			more = false
			for k2 := 1; !t.Failed(); k2 += stride() {
				got, died := st.play(k1, k2)
				if !died {
					break
				}
				more = true
				pairs++
				st.compare(fmt.Sprintf("deaths at points %d and %d", k1, k2), got, want)
			}
		}
		t.Logf("%d pairs", pairs)
	})
}

// A bank that forgets what it did, and captures again, has to be noticed: else
// every test above would pass whatever the engine does.
func TestCrashTestNotices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := story{took: 1, steps: []step{call1, work(0)}}
		st := newStage(t, &s)
		defer st.close()
		st.gate = forgetful{st.bank}
		twice := 0
		for k, died := 1, true; died; k++ {
			_, died = st.play(k)
			if slices.Contains(st.wrong, "the bank captured 2 payments, want 1") {
				twice++
			}
			st.wrong = nil
		}
		// After the effect, after the answer, before what follows is committed.
		if twice < 3 {
			t.Errorf("%d deaths let the card be charged twice, want at least 3", twice)
		}
	})
}

// forgetful knows nothing of what it did, and does it again under another key.
type forgetful struct{ *bank }

func (f forgetful) Lookup(context.Context, billing.GatewayCharge) billing.GatewayResult {
	return billing.GatewayResult{Outcome: billing.OutcomeNotAttempted}
}

func (f forgetful) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	c.Key += fmt.Sprint("-", len(f.list))
	return f.bank.Charge(ctx, c)
}
