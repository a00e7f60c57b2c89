package billing_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"topupd/billing"
	"topupd/db"
)

// two payments of one attempt were captured, and nobody is told.
func TestReviewSecondPaymentOfOneAttempt(t *testing.T) {
	k := charged(t)
	k.importRoot()
	a := k.charges()[0].Attempts[0]
	k.ok(k.event(t0, billing.GatewayEvent{ID: "e1", Kind: billing.EventCharge, Key: a.Key, Ref: "pi_other", Amount: money(10 * usd), Result: succeededAs("pi_other")}))
	k.drain(t0)
	if m := k.mailbox.take(); !strings.Contains(strings.Join(m, "\n"), "does not know") {
		t.Errorf("the gateway captured %s and pi_other under one key; mails %q", a.Ref, m)
	}
}

// as E, with the gateway naming the same refund in its answer.
type sameRef struct {
	billing.Gateway
	n int
}

func (g *sameRef) Refund(context.Context, billing.GatewayRefund) billing.GatewayResult {
	if g.n++; g.n == 1 {
		return billing.GatewayResult{Code: "pending"}
	}
	return succeededAs("re_1")
}

func TestReviewRefundToldByRefOnlySameRef(t *testing.T) {
	g := &sameRef{}
	k := charged(t, func(c *billing.Config) { g.Gateway = c.Gateways[0]; c.Gateways[0] = g })
	k.config.Observer = nil
	part := int64(4 * usd)
	_, err := k.engine.RefundCharge(root(t0), billing.RefundParams{Charge: 1, Amount: &part})
	k.ok(err)
	k.drain(t0)
	ev := billing.GatewayEvent{ID: "e1", Kind: billing.EventRefund, Ref: k.ref(), RefundRef: "re_1", Amount: money(4 * usd), Result: succeededAs("")}
	if err := k.event(t0, ev); !errors.Is(err, billing.Busy) {
		t.Errorf("told before our own refund knows its id: %v", err)
	}
	k.later(t0)
	k.ok(k.event(t0, ev))
	_, err = k.engine.RefundCharge(root(t0), billing.RefundParams{Charge: 1, Amount: &part})
	if err != nil {
		t.Errorf("balance %s; another refund: %v", billing.FormatMicros(k.balance(billing.Account(100))), err)
	}
}

// Drain returns while what its last charge led to is due.
type hooked struct {
	*db.Store
	after func()
}

func (h hooked) View(ctx context.Context, fn func(billing.Reader) error) error {
	err := h.Store.View(ctx, fn)
	h.after()
	return err
}

func TestReviewDrainEndsTooEarly(t *testing.T) {
	release := make(chan struct{})
	g := &gated{at: func(int) { <-release }}
	k := newKit(t, func(c *billing.Config) { g.Gateway = c.Gateways[0]; c.Gateways[0] = g })
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	cfg := k.config
	cfg.Settings.GatewayTimeout = 10 * time.Second
	var views atomic.Int64
	cfg.Store = hooked{k.store, func() {
		if views.Add(1) == 2 { // the second look, with the charge in flight
			close(release)
			time.Sleep(300 * time.Millisecond)
		}
	}}
	k.ok(billing.New(cfg).Drain(root(t0)))
	if m := k.mailbox.take(); len(m) == 0 {
		t.Error("Drain ended, the receipt is due and not sent")
	}
}

// an unknown outcome is asked about after everything that is not sent yet.
type firstUnknown struct {
	billing.Gateway
	charges, before atomic.Int64
}

func (g *firstUnknown) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	time.Sleep(40 * time.Millisecond)
	if g.charges.Add(1) == 1 {
		return billing.GatewayResult{Code: "no_answer"}
	}
	return g.Gateway.Charge(ctx, c)
}

func (g *firstUnknown) Lookup(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	g.before.CompareAndSwap(0, g.charges.Load())
	return g.Gateway.Lookup(ctx, c)
}

func TestReviewUnknownWaitsBehindTheQueue(t *testing.T) {
	g := &firstUnknown{}
	k := newKit(t, func(c *billing.Config) {
		g.Gateway = c.Gateways[0]
		c.Gateways[0] = g
		c.Settings.ChargeConcurrency = 1
		c.Settings.GatewayTimeout = time.Second
	})
	ctx := billing.WithActor(context.Background(), billing.Actor{Login: "root", Customer: billing.Root, API: "test"})
	k.seed("tok_ok")
	k.lowAccounts(ctx, 101, 180)
	_, _, err := k.engine.RunLowBalance(ctx, billing.RunParams{Trigger: "command"})
	k.ok(err)
	begin := time.Now()
	work, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { k.engine.Work(work); close(done) }()
	for g.before.Load() == 0 && time.Since(begin) < 30*time.Second {
		time.Sleep(20 * time.Millisecond)
	}
	took := time.Since(begin)
	stop()
	<-done
	if g.before.Load() >= 80 {
		t.Errorf("asked after %d charges (%v); due after 1 s", g.before.Load(), took)
	}
}

// Card: the row got another token while the old card's charge was unknown; the old card's hard decline puts the new card aside.
func TestReviewHardDeclineOfTheOldToken(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Gateways[0] = silentTwoStep{c.Gateways[0]} })
	k.seed("tok_ok")
	k.debit(time.Now(), 16*usd)
	k.drain(time.Now())
	a := k.charges()[0].Attempts[0]
	time.Sleep(5 * time.Millisecond)
	k.ok(k.engine.Import(root(time.Now()), false, func(im *billing.Importer) error {
		return im.Card(billing.CardLine{ID: 1000, Owner: billing.Account(100), Token: billing.To(billing.Secret("tok_new"))})
	}))
	k.ok(k.event(time.Now(), billing.GatewayEvent{ID: "d", Kind: billing.EventCharge, Key: a.Key, Ref: "pi_2",
		Result: billing.GatewayResult{Outcome: billing.OutcomeDeclined, Class: billing.DeclineHard, Code: "stolen_card", Ref: "pi_2", Card: &billing.GatewayCard{Fingerprint: "old"}}}))
	k.ok(k.store.View(context.Background(), func(r billing.Reader) error {
		c, err := r.Card(1000)
		if c.State != billing.CardUsable {
			t.Errorf("the new card is %s (%s), suspended %q", c.State, c.Aside, k.policy().State.Suspended)
		}
		return err
	}))
}

// A card without the gateway's customer never hears of its renewal.
func TestReviewRenewalOfACardWithoutCustomer(t *testing.T) {
	k := charged(t)
	err := k.event(t0, billing.GatewayEvent{ID: "u", Kind: billing.EventCardUpdated, Token: "tok_ok", Card: billing.GatewayCard{Customer: "cus_1", Last4: "4242", ExpMonth: 1, ExpYear: 2040}})
	if err != nil {
		t.Errorf("renewal: %v", err)
	}
}

// Pace: a moment of a wrong clock holds everything until that moment comes.
func TestReviewPaceOfAWrongClock(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Settings.ChargeRate = 50 })
	k.seed("tok_ok")
	k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
		return tx.SetPace(&billing.Pace{Gateway: "sandbox", Slow: 1, NextAt: time.Now().Add(24 * time.Hour)})
	}))
	k.debit(t0, 16*usd)
	ctx, stop := context.WithTimeout(root(t0), 20*time.Second)
	defer stop()
	_ = k.engine.Drain(ctx)
	if k.charges()[0].Charge.State != billing.ChargeSucceeded {
		t.Errorf("%s: held for a day", k.charges()[0].Charge.State)
	}
}
