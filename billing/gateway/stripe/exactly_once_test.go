package stripe_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/stripe"
	"topupd/billing/gateway/stripe/stripefake"
)

// Charges under random faults, driven as the engine drives them: prepare, keep the
// id, charge; look up what is unknown, send again what was not attempted. In the
// end each card that pays was charged once, each other one never, and what the
// caller was told is what the oracle says.
func TestAnyFaultsCaptureOnce(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var mu sync.Mutex
	dice := rand.New(rand.NewPCG(seed, 1))
	kinds := []stripefake.Kind{
		stripefake.CutBefore, stripefake.CutAfter, stripefake.ErrorBefore, stripefake.ErrorAfter, stripefake.Unavailable,
		stripefake.RateLimited, stripefake.Locked, stripefake.NotStripe,
	}
	f := newFake(t, stripefake.Options{Plan: func(stripefake.Call) stripefake.Fault {
		mu.Lock()
		defer mu.Unlock()
		if dice.IntN(2) == 0 {
			return stripefake.Fault{Kind: kinds[dice.IntN(len(kinds))], Forget: dice.IntN(2) == 0}
		}
		return stripefake.Fault{Delay: time.Duration(dice.IntN(3)) * time.Millisecond}
	}})
	g := newGateway(t, f.URL, func(o *stripe.Options) { o.Timeout = 20 * time.Second })
	tokens := []string{"pm_card_visa", "pm_card_visa_chargeDeclinedLostCard", "pm_card_authenticationRequired"}
	var wg sync.WaitGroup
	for n := range 60 {
		wg.Go(func() {
			c := charge(fmt.Sprintf("k%d", n), tokens[n%len(tokens)])
			r := drive(t.Context(), g, &c)
			want := billing.OutcomeSucceeded
			if n%len(tokens) > 0 {
				want = billing.OutcomeDeclined
			}
			if r.Outcome != want {
				t.Errorf("%s: %+v", c.Token.Reveal(), r)
			}
			captures := f.Captured(c.Key)
			if captures > 1 || (captures == 1) != (r.Outcome == billing.OutcomeSucceeded) {
				t.Errorf("%s was told %s and captured %d times", c.Key, r.Outcome, captures)
			}
			if n%20 == 0 {
				f.ForgetKeys() // a day passes for all
			}
		})
	}
	wg.Wait()
}

// drive takes a charge through what the engine does until it is settled.
func drive(ctx context.Context, g *stripe.Gateway, c *billing.GatewayCharge) billing.GatewayResult {
	var r billing.GatewayResult
	for range 200 {
		c.SubmittedAt = time.Now()
		ref := c.GatewayRef
		if ref == "" {
			if ref, r = g.Prepare(ctx, *c); ref == "" {
				if r.Outcome == billing.OutcomeDeclined {
					return r
				}
				continue
			}
			c.GatewayRef = ref
		}
		r = g.Charge(ctx, *c)
		for tries := 0; r.Outcome == billing.OutcomeUnknown && tries < 200; tries++ {
			r = g.Lookup(ctx, *c)
		}
		if r.Outcome != billing.OutcomeNotAttempted {
			return r
		}
	}
	return r
}
