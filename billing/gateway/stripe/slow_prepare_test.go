package stripe_test

import (
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/stripe"
	"topupd/billing/gateway/stripe/stripefake"
)

// A confirmation may start as late as its turn and a slow first step take: with a
// time-out of 30 s it may be on its way after 45 s.
func TestConfirmationAfterASlowPrepare(t *testing.T) {
	t.Parallel()
	f := newFake(t, stripefake.Options{Plan: stripefake.Once(stripefake.OpConfirm, stripefake.Fault{Delay: 6 * time.Second})})
	g := newGateway(t, f.URL, func(o *stripe.Options) { o.InFlight = 72 * time.Second })
	c := charge("k1", "pm_card_visa")
	c = prepared(t, g, c)
	// Submitted 45 s ago: 2 s for its turn, 28 s for Prepare, 15 s of waiting for the confirmation.
	c.SubmittedAt = time.Now().Add(-45 * time.Second)
	if r := g.Charge(untilConfirming(t, f), c); r.Outcome != billing.OutcomeUnknown {
		t.Fatalf("%+v", r)
	}
	if r := g.Lookup(t.Context(), c); r.Outcome != billing.OutcomeUnknown {
		t.Errorf("lookup while it is being confirmed: %+v", r)
	}
	for end := time.Now().Add(30 * time.Second); f.Captured("k1") == 0 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	if n := f.Captured("k1"); n != 1 {
		t.Errorf("captured %d times in the end", n)
	}
}
