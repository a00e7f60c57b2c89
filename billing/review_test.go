package billing_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/sandbox"
)

func succeededAs(ref string) billing.GatewayResult {
	return billing.GatewayResult{Outcome: billing.OutcomeSucceeded, Ref: ref}
}

// the operator gives the second capture back, as the alarm tells; the owner pays for it.
func TestReviewRefundOfTheSecondCapture(t *testing.T) {
	k := newKit(t)
	k.seed("tok_declined")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.swapToken("tok_ok")
	k.later(t0.Add(2 * time.Hour))
	row := k.wantStates(billing.ChargeSucceeded)[0]
	k.wantBalance(14 * usd)
	// The first attempt was captured after all: alarm captured_twice, "refund it there".
	k.ok(k.event(t0, billing.GatewayEvent{ID: "e1", Kind: billing.EventCharge, Key: row.Attempts[0].Key, Ref: row.Attempts[0].Ref, Result: succeededAs("")}))
	k.wantBalance(14 * usd)
	k.ok(k.event(t0, billing.GatewayEvent{ID: "e2", Kind: billing.EventRefund, Ref: row.Attempts[0].Ref, RefundRef: "re_1", Amount: money(10 * usd), Result: succeededAs("")}))
	if got := k.balance(billing.Account(100)); got != 14*usd {
		t.Errorf("balance %s after the uncredited capture was given back, want 14", billing.FormatMicros(got))
	}
	k.verify()
	// And charges refund: which payment would it give back?
	if _, err := k.engine.RefundCharge(root(t0), billing.RefundParams{Charge: 1}); err != nil {
		t.Errorf("the booked capture cannot be refunded any more: %v", err)
	}
}

// charges refund goes to the attempt that is not booked.
func TestReviewRefundGoesToTheBookedAttempt(t *testing.T) {
	g := &refundSpy{}
	k := newKit(t, func(c *billing.Config) { g.Gateway = c.Gateways[0]; c.Gateways[0] = g })
	k.seed("tok_declined")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.swapToken("tok_ok")
	k.later(t0.Add(2 * time.Hour))
	row := k.wantStates(billing.ChargeSucceeded)[0]
	k.ok(k.event(t0, billing.GatewayEvent{ID: "e1", Kind: billing.EventCharge, Key: row.Attempts[0].Key, Ref: "pi_1", Result: succeededAs("pi_1")}))
	_, err := k.engine.RefundCharge(root(t0), billing.RefundParams{Charge: 1})
	k.ok(err)
	k.drain(t0)
	if len(g.refs) == 0 || g.refs[0] != row.Attempts[1].Ref {
		t.Errorf("refund sent to %q, the booked attempt is %q", g.refs, row.Attempts[1].Ref)
	}
}

type refundSpy struct {
	billing.Gateway
	refs []string
}

func (g *refundSpy) Refund(ctx context.Context, r billing.GatewayRefund) billing.GatewayResult {
	g.refs = append(g.refs, r.ChargeRef)
	return succeededAs("re_x")
}

// an event about another payment with the same key replaces an attempt whose outcome is not known.
type silentTwoStep struct{ billing.Gateway }

func (silentTwoStep) Prepare(_ context.Context, c billing.GatewayCharge) (string, billing.GatewayResult) {
	return "pi_2", billing.GatewayResult{}
}
func (silentTwoStep) Charge(context.Context, billing.GatewayCharge) billing.GatewayResult {
	return billing.GatewayResult{}
}
func (silentTwoStep) Lookup(context.Context, billing.GatewayCharge) billing.GatewayResult {
	return billing.GatewayResult{}
}

func TestReviewEventOfAnotherPaymentWithTheKey(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Gateways[0] = silentTwoStep{c.Gateways[0]} })
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	k.drain(t0)
	a := k.wantStates(billing.ChargeUnknown)[0].Attempts[0]
	k.ok(k.event(t0, billing.GatewayEvent{ID: "e1", Kind: billing.EventCharge, Key: a.Key, Ref: "pi_1",
		Result: billing.GatewayResult{Outcome: billing.OutcomeDeclined, Class: billing.DeclineSoft, Code: "canceled", Ref: "pi_1"}}))
	row := k.charges()[0]
	if row.Charge.State != billing.ChargeUnknown || row.Attempts[0].Ref != "pi_2" {
		t.Errorf("charge %s, next attempt %d, attempt 1 is %s with ref %s", row.Charge.State, row.Charge.Attempt, row.Attempts[0].State, row.Attempts[0].Ref)
	}
}

// an event with another amount is booked in full.
func TestReviewEventOfAnotherAmount(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Gateways[0] = silentTwoStep{c.Gateways[0]} })
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	k.drain(t0)
	a := k.wantStates(billing.ChargeUnknown)[0].Attempts[0]
	_ = k.event(t0, billing.GatewayEvent{ID: "e1", Kind: billing.EventCharge, Key: a.Key, Ref: "pi_2", Amount: money(1 * usd), Result: succeededAs("pi_2")})
	k.wantBalance(4 * usd)
}

// a gateway that is not set up any more.
func TestReviewSubmittedAtAGatewayThatIsGone(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Gateways[0] = silentGateway{c.Gateways[0]} })
	k.importRoot()
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	k.drain(t0) // the process ends in the call: the attempt stays submitted
	// What a process that was killed in the call leaves.
	k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
		c, _ := tx.Charge(1)
		as, _ := tx.Attempts(1)
		c.State, as[0].State = billing.ChargeSubmitted, billing.AttemptSubmitted
		if err := tx.SetAttempt(&as[0]); err != nil {
			return err
		}
		return tx.SetCharge(&c)
	}))
	row := k.charges()[0]
	k.config.Gateways = []billing.Gateway{other{sandbox.New()}}
	k.config.Observer = nil
	k.restart()
	k.age(100 * time.Hour)
	k.later(t0)
	k.later(t0.Add(200 * time.Hour))
	row = k.charges()[0]
	_, err := k.engine.ResolveCharge(root(t0), billing.ResolveParams{Charge: 1, Captured: true, Reference: "r", Reason: "seen"})
	if err != nil {
		t.Errorf("after 4 days: %s, mails %q, resolve: %v", row.Charge.State, k.mailbox.take(), err)
	}
}

type other struct{ billing.Gateway }

func (other) Name() string { return "other" }

func TestReviewCreatedAtAGatewayThatIsGone(t *testing.T) {
	k := newKit(t)
	k.importRoot()
	k.seed("tok_ok")
	k.debit(t0, 16*usd) // created, not sent yet
	k.config.Gateways = []billing.Gateway{other{sandbox.New()}}
	k.restart()
	// The operator moves the card to the new processor.
	k.importCard(func(l *billing.CardLine) {
		l.Gateway, l.Token = billing.To("other"), billing.To(billing.Secret("tok_ok"))
	})
	for i := range 5 {
		k.later(t0.Add(time.Duration(i) * 100 * time.Hour))
		k.sweep(t0.Add(time.Duration(i) * 100 * time.Hour))
	}
	rows := k.charges()
	if rows[0].Charge.State.Open() {
		t.Errorf("after 16 days the charge is %s, %d charges, mails %q", rows[0].Charge.State, len(rows), k.mailbox.take())
	}
}

// the card was moved to another gateway; its new token goes to the old one.
func TestReviewTokenGoesToTheOldGateway(t *testing.T) {
	spy := &tokenSpy{Gateway: sandbox.New()}
	k := newKit(t, func(c *billing.Config) { c.Gateways = []billing.Gateway{spy, other{sandbox.New()}} })
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	k.importCard(func(l *billing.CardLine) {
		l.Gateway, l.Token = billing.To("other"), billing.To(billing.Secret("pm_secret_of_other"))
	})
	k.drain(t0)
	for _, s := range spy.tokens {
		if s == "pm_secret_of_other" {
			t.Errorf("the old gateway was sent the token of the new one")
		}
	}
	rows := k.charges()
	t.Logf("%d charges, first %s at %s", len(rows), rows[0].Charge.State, rows[0].Charge.Gateway)
}

type tokenSpy struct {
	billing.Gateway
	tokens []string
}

func (g *tokenSpy) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	g.tokens = append(g.tokens, c.Token.Reveal())
	return g.Gateway.Charge(ctx, c)
}

// one charge above the money limit stops all sending, and again after each resume.
func TestReviewBreakerAndOneLargeCharge(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Settings.Breaker = billing.GlobalBreaker{Money: 25 * usd} })
	k.importRoot()
	k.seed("tok_ok")
	k.set(t0, billing.SetLowBalanceParams{ChargeAmount: billing.To(int64(30 * usd))})
	k.debit(t0, 16*usd)
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		if err := im.Owner(accountLine(101)); err != nil {
			return err
		}
		if err := im.Card(billing.CardLine{ID: 101, Owner: billing.Account(101), Token: billing.To(billing.Secret("tok_ok")), Primary: billing.To(true)}); err != nil {
			return err
		}
		return im.LowBalance(billing.SetLowBalanceParams{Owner: billing.Account(101), Threshold: billing.To(int64(25 * usd)), ChargeCard: billing.To(true), ChargeAmount: billing.To(int64(10 * usd))})
	}))
	k.sweep(t0.Add(time.Second))
	for range 3 {
		if err := k.engine.ResumeSending(root(t0), "looked at"); err != nil && !errors.Is(err, billing.Conflict) {
			t.Fatal(err)
		}
		k.drain(t0.Add(time.Minute))
	}
	// Not even switching the large one off helps: the last look is never taken.
	k.set(t0, billing.SetLowBalanceParams{ChargeCard: billing.To(false)})
	_ = k.engine.ResumeSending(root(t0), "looked at")
	k.later(t0.Add(time.Minute))
	stop, err := k.engine.SendingStopped(root(t0))
	k.ok(err)
	t.Logf("captures %d, stop %+v, charge of 100 %s", len(k.gateway.Captures()), stop, k.charges()[0].Charge.State)
	if k.charges()[0].Charge.State == billing.ChargeCreated {
		t.Error("the large charge can neither be sent nor cancelled")
	}
	if !stop.At.IsZero() {
		t.Error("stopped after each resume")
	}
}

// our own refund, told by an event without our key, while its answer is pending.
func TestReviewRefundToldByRefOnly(t *testing.T) {
	slow := &pendingRefunds{left: 1}
	k := charged(t, func(c *billing.Config) { slow.Gateway = c.Gateways[0]; c.Gateways[0] = slow })
	_, err := k.engine.RefundCharge(root(t0), billing.RefundParams{Charge: 1})
	k.ok(err)
	k.drain(t0) // pending, no ref yet
	ev := billing.GatewayEvent{ID: "e1", Kind: billing.EventRefund, Ref: k.ref(), RefundRef: "re_1", Amount: money(10 * usd), Result: succeededAs("")}
	if err := k.event(t0, ev); !errors.Is(err, billing.Busy) {
		t.Errorf("told before our own refund knows its id: %v", err)
	}
	k.later(t0) // now our own answer
	if got := k.balance(billing.Account(100)); got != 4*usd {
		t.Errorf("balance %s, want 4: 10 went back once", billing.FormatMicros(got))
	}
}

func TestReviewRefundToldByKeyOnly(t *testing.T) {
	slow := &pendingRefunds{left: 1}
	k := charged(t, func(c *billing.Config) { slow.Gateway = c.Gateways[0]; c.Gateways[0] = slow })
	f, err := k.engine.RefundCharge(root(t0), billing.RefundParams{Charge: 1})
	k.ok(err)
	k.drain(t0)
	if err := k.event(t0, billing.GatewayEvent{ID: "e1", Kind: billing.EventRefund, Ref: k.ref(), RefundKey: f.Key, Amount: money(10 * usd), Result: succeededAs("")}); err != nil {
		t.Errorf("documented form refused: %v", err)
	}
}

// a pending refund made at the gateway is asked about in vain, and blocks others.
func TestReviewPendingRefundOfTheGateway(t *testing.T) {
	k := charged(t)
	ev := billing.GatewayEvent{ID: "e1", Kind: billing.EventRefund, Ref: k.ref(), RefundRef: "re_1", Amount: money(3 * usd)}
	k.ok(k.event(t0, ev))
	ev.ID = "e2"
	k.ok(k.event(t0, ev)) // still pending
	for range 4 {
		k.later(t0)
	}
	var fs []billing.Refund
	k.ok(k.store.View(context.Background(), func(r billing.Reader) (err error) {
		fs, err = r.RefundsOf(1)
		return err
	}))
	if fs[0].Code == "invalid_request" {
		t.Errorf("refund %s after %d asks: %s", fs[0].State, fs[0].Lookups, fs[0].Code)
	}
	if _, err := k.engine.RefundCharge(root(t0.AddDate(1, 0, 0)), billing.RefundParams{Charge: 1}); err != nil {
		t.Errorf("a year later: %v", err)
	}
}

// a card that was put aside by a fraud warning, then refused for good, comes back.
func TestReviewHardDeclineAfterFraudWarning(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Gateways[0] = silentTwoStep{c.Gateways[0]} })
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	k.drain(t0)
	a := k.charges()[0].Attempts[0]
	k.ok(k.event(t0, billing.GatewayEvent{ID: "w", Kind: billing.EventFraudWarning, Key: a.Key}))
	k.ok(k.event(t0, billing.GatewayEvent{ID: "d", Kind: billing.EventCharge, Key: a.Key, Ref: "pi_2",
		Result: billing.GatewayResult{Outcome: billing.OutcomeDeclined, Class: billing.DeclineHard, Code: "stolen_card", Ref: "pi_2"}}))
	k.wantStates(billing.ChargeFailed)
	k.ok(k.engine.ResumeOwner(root(t0.Add(time.Hour)), billing.Account(100), 0, "looked"))
	k.ok(k.store.View(context.Background(), func(r billing.Reader) error {
		c, err := r.Card(1000)
		if c.State == billing.CardUsable {
			t.Errorf("a stolen card is usable again; %d charges now", len(k.charges()))
		}
		return err
	}))
}

// a gateway whose charge never answers and whose lookup says "never arrived": nobody is told, for ever.
type rvForgetful struct{ billing.Gateway }

func (rvForgetful) Charge(context.Context, billing.GatewayCharge) billing.GatewayResult {
	return billing.GatewayResult{Code: "no_answer"}
}
func (rvForgetful) Lookup(context.Context, billing.GatewayCharge) billing.GatewayResult {
	return billing.GatewayResult{Outcome: billing.OutcomeNotAttempted, Code: "not_found"}
}

func TestReviewResentForEverWithoutAlarm(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Gateways[0] = rvForgetful{c.Gateways[0]} })
	k.importRoot()
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	k.drain(t0)
	for range 120 { // an hour each: five days
		k.age(time.Hour)
		k.later(t0)
	}
	row := k.charges()[0]
	if m := k.mailbox.take(); len(m) == 0 {
		t.Errorf("five days: %s, %d lookups, no alarm", row.Charge.State, row.Attempts[0].Lookups)
	}
}

// mails wait behind all charges.
type gated struct {
	billing.Gateway
	mu    sync.Mutex
	calls int
	at    func(int)
}

func (g *gated) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	g.mu.Lock()
	g.calls++
	n := g.calls
	g.mu.Unlock()
	g.at(n)
	return g.Gateway.Charge(ctx, c)
}

func TestReviewMailsWaitBehindAllCharges(t *testing.T) {
	g := &gated{}
	k := newKit(t, func(c *billing.Config) {
		g.Gateway = c.Gateways[0]
		c.Gateways[0] = g
		c.Settings.ChargeConcurrency = 2
	})
	k.seed("tok_ok")
	k.lowAccounts(root(t0), 101, 160)
	mailsAtHalf := -1
	g.at = func(n int) {
		if n == 55 {
			k.mailbox.mu.Lock()
			mailsAtHalf = len(k.mailbox.mails)
			k.mailbox.mu.Unlock()
		}
	}
	k.sweep(t0)
	if mailsAtHalf < 10 {
		t.Errorf("%d receipts sent after 54 of 60 charges", mailsAtHalf)
	}
}

// a card refused as expired, then renewed by the network.
func TestReviewExpiredCardRenewedByTheNetwork(t *testing.T) {
	k := newKit(t)
	k.seed("tok_lost")
	k.debit(t0, 16*usd)
	k.drain(t0)
	rows := k.charges()
	t.Logf("%s %s %s", rows[0].Charge.State, rows[0].Attempts[0].Code, rows[0].Attempts[0].Class)
	k.ok(k.event(t0, billing.GatewayEvent{ID: "u", Kind: billing.EventCardUpdated, Token: "tok_lost", Card: billing.GatewayCard{Last4: "1111", ExpMonth: 1, ExpYear: 2040}}))
	k.swapTokenKeep("tok_ok")
	k.sweep(t0.Add(48 * time.Hour))
	if len(k.charges()) == 1 {
		t.Errorf("suspended %q, %d charges: the renewed card is never tried", k.policy().State.Suspended, len(k.charges()))
	}
}

func (k *kit) swapTokenKeep(token billing.Secret) { k.swapToken(token) }
