package billing_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"topupd/billing"
)

// charged is a kit with one charge of 10.00 that succeeded: balance 14.00.
func charged(t *testing.T, change ...func(*billing.Config)) *kit {
	t.Helper()
	k := newKit(t, change...)
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantStates(billing.ChargeSucceeded)
	k.wantBalance(14 * usd)
	k.mailbox.take()
	return k
}

// ref is the gateway's id of the first charge's first attempt.
func (k *kit) ref() string { k.t.Helper(); return k.charges()[0].Attempts[0].Ref }

func (k *kit) event(at time.Time, ev billing.GatewayEvent) error {
	return k.engine.GatewayEvent(root(at), "sandbox", ev)
}

func (k *kit) reasons() (list []billing.Reason) {
	k.t.Helper()
	all, err := k.engine.Why(root(t0), billing.Account(100), 0, 100)
	k.ok(err)
	for _, d := range all {
		list = append(list, d.Reason)
	}
	slices.Reverse(list)
	return list
}

func money(micros int64) billing.Amount { return billing.Money(micros, "USD") }

func TestRefundGoesBackOnceAndNeverCharges(t *testing.T) {
	k := charged(t)
	part := int64(4 * usd)
	f, err := k.engine.RefundCharge(root(t0), billing.RefundParams{Charge: 1, Amount: &part, Reason: "goodwill"})
	k.ok(err)
	if f.State != billing.RefundCreated {
		t.Errorf("refund %+v", f)
	}
	if _, err := k.engine.RefundCharge(root(t0), billing.RefundParams{Charge: 1}); !errors.Is(err, billing.Conflict) {
		t.Errorf("a second refund beside an open one: %v", err)
	}
	k.drain(t0)
	k.wantBalance(10 * usd)
	k.verify()
	left := int64(7 * usd)
	if _, err := k.engine.RefundCharge(root(t0), billing.RefundParams{Charge: 1, Amount: &left}); !errors.Is(err, billing.Invalid) {
		t.Errorf("more than what is left: %v", err)
	}
	_, err = k.engine.RefundCharge(root(t0), billing.RefundParams{Charge: 1, Reason: "the rest"})
	k.ok(err)
	k.drain(t0)
	k.wantBalance(4 * usd) // below its threshold, by a correction
	if _, err := k.engine.RefundCharge(root(t0), billing.RefundParams{Charge: 1}); !errors.Is(err, billing.Conflict) {
		t.Errorf("nothing is left: %v", err)
	}
	k.sweep(t0.Add(24 * time.Hour))
	k.sweep(t0.Add(48 * time.Hour))
	k.wantStates(billing.ChargeSucceeded)
	k.wantReason(billing.ReasonCorrection)
	// Usage is another cause.
	k.debit(t0.Add(49*time.Hour), usd)
	k.drain(t0.Add(49 * time.Hour))
	k.wantStates(billing.ChargeSucceeded, billing.ChargeSucceeded)
	k.verify()
}

// A correction does not take away what was planned for an owner that was low before.
func TestRefundOfALowOwnerLeavesItsPlan(t *testing.T) {
	k := charged(t)
	k.debit(t0.Add(time.Minute), 12*usd) // 2.00, too soon after the first charge
	k.wantReason(billing.ReasonInterval)
	_, err := k.engine.RefundCharge(root(t0.Add(2*time.Minute)), billing.RefundParams{Charge: 1})
	k.ok(err)
	k.drain(t0.Add(2 * time.Minute))
	k.wantBalance(-8 * usd)
	k.sweep(t0.Add(20 * time.Minute))
	k.wantStates(billing.ChargeSucceeded, billing.ChargeSucceeded)
	k.verify()
}

func TestRefundWithTaxAndFeeGoesBackInProportion(t *testing.T) {
	k := charged(t, func(c *billing.Config) { c.Levies = tenths{} })
	for range 3 {
		part := int64(4 * usd) // gross is 12.00
		_, err := k.engine.RefundCharge(root(t0), billing.RefundParams{Charge: 1, Amount: &part})
		k.ok(err)
		k.drain(t0)
		k.verify()
	}
	k.wantBalance(4 * usd)
}

// tenths is a tax and a fee of 10 % each.
type tenths struct{}

func (tenths) Levy(_ billing.OwnerID, credit billing.Amount) (tax, fee int64) {
	return credit.Micros / 10, credit.Micros / 10
}

func TestRefundThatIsPendingIsAskedAgainWithItsKey(t *testing.T) {
	slow := &pendingRefunds{left: 2}
	k := charged(t, func(c *billing.Config) {
		slow.Gateway = c.Gateways[0]
		c.Gateways[0] = slow
	})
	_, err := k.engine.RefundCharge(root(t0), billing.RefundParams{Charge: 1})
	k.ok(err)
	for range 3 {
		k.later(t0)
	}
	k.wantBalance(4 * usd)
	if len(slow.keys) != 3 || slow.keys[0] != slow.keys[1] || slow.keys[1] != slow.keys[2] {
		t.Errorf("keys %q", slow.keys)
	}
	k.verify()
}

type pendingRefunds struct {
	billing.Gateway
	left int
	keys []string
}

func (g *pendingRefunds) Refund(ctx context.Context, r billing.GatewayRefund) billing.GatewayResult {
	g.keys = append(g.keys, r.Key)
	if g.left--; g.left >= 0 {
		return billing.GatewayResult{Outcome: billing.OutcomeUnknown, Code: "pending"}
	}
	return g.Gateway.Refund(ctx, r)
}

// Refunds made at the gateway are told by webhook: once, however often.
func TestRefundMadeAtTheGateway(t *testing.T) {
	k := charged(t)
	ev := billing.GatewayEvent{
		ID: "e1", Kind: billing.EventRefund, Ref: k.ref(), RefundRef: "re_1", Amount: money(3 * usd),
		Result: billing.GatewayResult{Outcome: billing.OutcomeUnknown},
	}
	k.ok(k.event(t0, ev)) // pending
	k.wantBalance(14 * usd)
	ev.ID, ev.Result.Outcome = "e2", billing.OutcomeSucceeded
	for range 10 {
		k.ok(k.event(t0, ev))
	}
	ev.ID = "e3" // another event about the same refund
	k.ok(k.event(t0, ev))
	k.wantBalance(11 * usd)
	k.verify()
	// The card's bank sends it back.
	ev.ID, ev.Result.Outcome = "e4", billing.OutcomeDeclined
	k.ok(k.event(t0, ev))
	k.ok(k.event(t0, ev))
	k.wantBalance(14 * usd)
	k.verify()
	if err := k.event(t0, billing.GatewayEvent{ID: "e5", Kind: billing.EventRefund, Ref: "nobody", RefundRef: "re_2"}); !errors.Is(err, billing.NotFound) {
		t.Errorf("of another's payment: %v", err)
	}
}

// The gateway's word about an attempt books once, whoever hears it first.
func TestWebhookSettlesAnUnknownCharge(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Gateways[0] = silentGateway{c.Gateways[0]} })
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	k.drain(t0)
	key := k.wantStates(billing.ChargeUnknown)[0].Attempts[0].Key
	ev := billing.GatewayEvent{
		ID: "e1", Kind: billing.EventCharge, Key: key, Ref: "pi_1",
		Result: billing.GatewayResult{Outcome: billing.OutcomeSucceeded, Ref: "pi_1"},
	}
	done := make(chan error, 10)
	for range 10 {
		go func() { done <- k.event(t0, ev) }()
	}
	for range 10 {
		k.ok(<-done)
	}
	k.wantStates(billing.ChargeSucceeded)
	k.wantBalance(14 * usd)
	ev.ID, ev.Result.Outcome, ev.Result.Class = "e2", billing.OutcomeDeclined, billing.DeclineSoft
	k.ok(k.event(t0, ev)) // late and out of order
	k.wantStates(billing.ChargeSucceeded)
	k.verify()
}

func TestLateCaptureIsCreditedAndTold(t *testing.T) {
	k := newKit(t)
	k.importRoot()
	k.seed("tok_lost")
	k.debit(t0, 16*usd)
	k.drain(t0)
	row := k.wantStates(billing.ChargeFailed)[0]
	k.mailbox.take()
	ev := billing.GatewayEvent{ID: "e1", Kind: billing.EventCharge, Key: row.Attempts[0].Key, Result: billing.GatewayResult{Outcome: billing.OutcomeSucceeded, Ref: "pi_1"}}
	k.ok(k.event(t0, ev))
	k.wantStates(billing.ChargeSucceeded)
	k.wantBalance(14 * usd)
	k.drain(t0)
	k.wantMails("Receipt: 10.00 USD charged to Visa 4242", "topupd: charge 1 of account 100 was captured after it had ended as failed")
	k.verify()
}

// importRoot gives the operator an address.
func (k *kit) importRoot() {
	k.t.Helper()
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		return im.Owner(billing.OwnerLine{Owner: billing.Root, Email: billing.To("ops@example.net")})
	}))
}

func TestDisputeHoldsOwnerAndCardUntilAPersonLiftsIt(t *testing.T) {
	k := charged(t)
	k.importRoot()
	event := func(id string, kind billing.GatewayEventKind, amount, fee int64, won bool) {
		t.Helper()
		ev := billing.GatewayEvent{ID: id, Kind: kind, Ref: k.ref(), DisputeRef: "dp_1", DisputeReason: "fraudulent", Amount: money(amount), Fee: money(fee)}
		if won {
			ev.Result.Outcome = billing.OutcomeSucceeded
		} else {
			ev.Result.Outcome = billing.OutcomeDeclined
		}
		k.ok(k.event(t0, ev))
		k.ok(k.event(t0, ev))
		k.verify()
	}
	// Out of order: the withdrawal is told before the dispute itself.
	event("e1", billing.EventDisputeWithdrawn, 10*usd, 15*usd, false)
	event("e2", billing.EventDisputeOpened, 10*usd, 0, false)
	k.wantBalance(4 * usd)
	k.drain(t0)
	if mails := k.mailbox.take(); !slices.Contains(mails, "topupd: charge 1 of account 100 is disputed") {
		t.Errorf("mails %q", mails)
	}
	k.debit(t0.Add(time.Hour), usd)
	k.sweep(t0.Add(2 * time.Hour))
	k.wantStates(billing.ChargeSucceeded)
	if o := k.owner(); o.Blocked&billing.BlockDispute == 0 {
		t.Errorf("blocked %v", o.Blocked)
	}
	event("e3", billing.EventDisputeReinstated, 10*usd, 15*usd, false)
	event("e4", billing.EventDisputeClosed, 0, 0, true)
	k.wantBalance(13 * usd)
	k.debit(t0.Add(3*time.Hour), 9*usd)
	k.drain(t0.Add(3 * time.Hour))
	k.wantStates(billing.ChargeSucceeded) // won, and still held
	k.ok(k.engine.ResumeOwner(root(t0.Add(4*time.Hour)), billing.Account(100), 0, "the bank called"))
	k.drain(t0.Add(4 * time.Hour))
	k.wantStates(billing.ChargeSucceeded, billing.ChargeSucceeded)
	if err := k.engine.ResumeOwner(root(t0.Add(4*time.Hour)), billing.Account(100), 0, "again"); !errors.Is(err, billing.Conflict) {
		t.Errorf("resumed again: %v", err)
	}
	k.verify()
}

func TestFraudWarningPutsTheCardAside(t *testing.T) {
	k := charged(t)
	k.ok(k.event(t0, billing.GatewayEvent{ID: "e1", Kind: billing.EventFraudWarning, Ref: k.ref()}))
	k.debit(t0.Add(time.Hour), 10*usd)
	k.drain(t0.Add(time.Hour))
	k.wantStates(billing.ChargeSucceeded)
	k.wantReason(billing.ReasonCardUnusable)
	k.ok(k.engine.ResumeOwner(root(t0.Add(2*time.Hour)), billing.Account(100), 0, "it was the customer"))
	k.drain(t0.Add(2 * time.Hour))
	k.wantStates(billing.ChargeSucceeded, billing.ChargeSucceeded)
}

func TestCardRenewedByTheNetwork(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.importCard(func(l *billing.CardLine) { l.ExpMonth, l.ExpYear = billing.To(int64(1)), billing.To(int64(2026)) })
	k.debit(t0, 16*usd)
	k.wantReason(billing.ReasonCardExpired)
	ev := billing.GatewayEvent{ID: "e1", Kind: billing.EventCardUpdated, Token: "tok_ok", Card: billing.GatewayCard{Last4: "1111", ExpMonth: 1, ExpYear: 2031}}
	k.ok(k.event(t0.Add(time.Minute), ev))
	k.ok(k.event(t0.Add(time.Minute), ev))
	k.sweep(t0.Add(time.Hour))
	k.wantStates(billing.ChargeSucceeded)
	k.wantMails("Receipt: 10.00 USD charged to Visa 1111", "Your balance is low: 4.00 USD")
	ev.ID, ev.Token = "e2", "tok_other"
	if err := k.event(t0, ev); !errors.Is(err, billing.NotFound) {
		t.Errorf("another card: %v", err)
	}
}

func TestPersonResolvesWhatNobodyKnows(t *testing.T) {
	for _, captured := range []bool{true, false} {
		k := newKit(t, func(c *billing.Config) { c.Gateways[0] = silentGateway{c.Gateways[0]} })
		k.importRoot()
		k.seed("tok_ok")
		k.debit(t0, 16*usd)
		k.drain(t0)
		k.age(16 * time.Minute)
		k.later(t0)
		k.wantMails("topupd: the outcome of charge 1 of account 100 is not known")
		k.age(73 * time.Hour)
		k.wantStates(billing.ChargeUnknown)
		k.askAgain(t0)
		k.wantMails("topupd: charge 1 of account 100 needs a person")
		k.wantStates(billing.ChargeUnresolved)
		k.later(t0.Add(240 * time.Hour))
		k.wantStates(billing.ChargeUnresolved)
		p := billing.ResolveParams{Charge: 1, Captured: captured, Reference: "case 7"}
		if _, err := k.engine.ResolveCharge(root(t0), p); !errors.Is(err, billing.Missing) {
			t.Errorf("without a reason: %v", err)
		}
		p.Reason = "seen in its list"
		at := t0.Add(241 * time.Hour)
		_, err := k.engine.ResolveCharge(root(at), p)
		k.ok(err)
		if captured {
			k.wantStates(billing.ChargeSucceeded)
			k.wantBalance(14 * usd)
		} else {
			// The need is still there: a new charge, by its own key.
			k.wantStates(billing.ChargeFailed, billing.ChargeCreated)
			k.wantBalance(4 * usd)
		}
		if r := k.reasons(); !slices.Contains(r, billing.ReasonResolved) || !slices.Contains(r, billing.ReasonUnresolved) {
			t.Errorf("history %v", r)
		}
		if _, err := k.engine.ResolveCharge(root(at), p); !errors.Is(err, billing.Conflict) {
			t.Errorf("resolved again: %v", err)
		}
		k.verify()
	}
}

// askAgain asks as often as three days of a running server surely do.
func (k *kit) askAgain(at time.Time) {
	k.t.Helper()
	for range 6 {
		k.later(at)
	}
}

// twoStep is a gateway whose payments are made first and captured second.
type twoStep struct {
	billing.Gateway
	prepared []string
	charges  int
	fail     bool
	before   func()
}

func (g *twoStep) Prepare(_ context.Context, c billing.GatewayCharge) (string, billing.GatewayResult) {
	g.prepared = append(g.prepared, c.Key)
	if g.fail {
		return "", billing.GatewayResult{Outcome: billing.OutcomeUnknown, Trouble: billing.TroubleFault}
	}
	if g.before != nil {
		g.before()
	}
	return "pi_" + c.Key, billing.GatewayResult{}
}

func (g *twoStep) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	if c.GatewayRef != "pi_"+c.Key {
		return billing.GatewayResult{Outcome: billing.OutcomeDeclined, Class: billing.DeclineHard, Code: "not_prepared"}
	}
	g.charges++
	return g.Gateway.Charge(ctx, c)
}

func TestTwoStepGatewayCommitsTheIdFirst(t *testing.T) {
	g := &twoStep{}
	k := newKit(t, func(c *billing.Config) { g.Gateway = c.Gateways[0]; c.Gateways[0] = g })
	k.seed("tok_ok")
	g.fail = true
	k.debit(t0, 16*usd)
	k.drain(t0)
	// A first step of unknown outcome captured nothing.
	if a := k.wantStates(billing.ChargeCreated)[0].Attempts[0]; a.State != billing.AttemptNotSent {
		t.Errorf("attempt %+v", a)
	}
	g.fail = false
	k.later(t0)
	k.wantStates(billing.ChargeSucceeded)
	if len(g.prepared) != 2 || g.prepared[0] != g.prepared[1] || g.charges != 1 {
		t.Errorf("prepared %q, charged %d times", g.prepared, g.charges)
	}
	k.verify()
}

// What changes between the two steps is seen by a second last look.
func TestTwoStepGatewayLooksAgain(t *testing.T) {
	g := &twoStep{}
	k := newKit(t, func(c *billing.Config) { g.Gateway = c.Gateways[0]; c.Gateways[0] = g })
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	g.before = func() { k.move(t0, billing.PostAddFunds, 50*usd) }
	k.drain(t0)
	k.wantStates(billing.ChargeCancelled)
	if g.charges != 0 {
		t.Error("it was captured")
	}
	k.wantBalance(54 * usd)
}

func TestNetworkLimit(t *testing.T) {
	day := 24 * time.Hour
	now := t0
	tries := func(n int, apart time.Duration, gross int64) (list []billing.DeclinedTry) {
		for i := range n {
			list = append(list, billing.DeclinedTry{At: now.Add(-time.Duration(i+1) * apart), Unit: "USD", Gross: gross})
		}
		return list
	}
	for name, c := range map[string]struct {
		brand string
		tries []billing.DeclinedTry
		want  time.Duration // from now; 0 is free
	}{
		"none":                        {"Visa", nil, 0},
		"Visa, 14 of an amount":       {"Visa", tries(14, time.Hour, 10), 0},
		"Visa, 15 of an amount":       {"visa", tries(15, time.Hour, 10), 30*day - 15*time.Hour},
		"Visa, 20 of another":         {"Visa Debit", tries(20, time.Hour, 11), 0},
		"Mastercard, 9 in a day":      {"Mastercard", tries(9, time.Hour, 11), 0},
		"Mastercard, 10 in a day":     {"MasterCard", tries(10, time.Hour, 11), 14 * time.Hour},
		"Mastercard, 35 in a month":   {"Mastercard", tries(35, 12*time.Hour, 11), 30*day - 35*12*time.Hour},
		"Mastercard, 34 in a month":   {"Mastercard", tries(34, 12*time.Hour, 11), 0},
		"a brand without such a rule": {"Amex", tries(100, time.Minute, 10), 0},
	} {
		free := billing.NetworkFree(c.brand, c.tries, "USD", 10, now)
		if want := now.Add(c.want); c.want == 0 && free.After(now) || c.want != 0 && !free.Equal(want) {
			t.Errorf("%s: free at %v, want %v", name, free, want)
		}
	}
}

// One card with many owners: the network counts the card.
func TestNetworkLimitCountsByFingerprint(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Settings.Limits = billing.Limits{Location: time.UTC} })
	k.seed("tok_declined")
	k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
		c, err := tx.Card(1000)
		if err != nil {
			return err
		}
		c.Brand, c.Fingerprint = "Mastercard", "print"
		return tx.PutCard(&c)
	}))
	for n := int64(101); n <= 110; n++ {
		k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
			if err := im.Owner(accountLine(n)); err != nil {
				return err
			}
			if err := im.Card(billing.CardLine{ID: billing.CardID(n), Owner: billing.Account(n), Token: billing.To(billing.Secret("tok_declined")), Brand: billing.To("Mastercard"), Primary: billing.To(true)}); err != nil {
				return err
			}
			return im.LowBalance(billing.SetLowBalanceParams{
				Owner: billing.Account(n), Threshold: billing.To(int64(50 * usd)), ChargeCard: billing.To(true), ChargeAmount: billing.To(int64(10 * usd)),
			})
		}))
		k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
			c, err := tx.Card(billing.CardID(n))
			if err != nil {
				return err
			}
			c.Fingerprint = "print"
			return tx.PutCard(&c)
		}))
	}
	k.sweep(t0) // ten declines
	k.debit(t0.Add(time.Minute), 16*usd)
	k.wantStates()
	k.wantReason(billing.ReasonNetworkLimit)
	k.sweep(t0.Add(25 * time.Hour))
	if rows := k.charges(); len(rows) != 1 {
		t.Errorf("after a day: %d charges", len(rows))
	}
}

func TestAmountThatTheGatewayRefuses(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Gateways[0] = atLeast{c.Gateways[0]} })
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	k.wantStates()
	k.wantReason(billing.ReasonAmountRefused)
}

type atLeast struct{ billing.Gateway }

func (atLeast) Chargeable(a billing.Amount) error {
	if a.Micros < 20*usd {
		return billing.Errorf(billing.Invalid, "amount", "at least 20.00 USD")
	}
	return nil
}

func TestGlobalBreakerStopsUntilAPersonResumes(t *testing.T) {
	for name, breaker := range map[string]billing.GlobalBreaker{"charges": {Charges: 2}, "money": {Money: 25 * usd}} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, func(c *billing.Config) { c.Settings.Breaker = breaker })
			k.importRoot()
			k.seed("tok_ok")
			k.lowAccounts(root(t0), 101, 104)
			k.sweep(t0)
			stop, err := k.engine.SendingStopped(root(t0))
			k.ok(err)
			if stop.At.IsZero() || len(k.gateway.Captures()) != 2 {
				t.Fatalf("stop %+v after %d captures", stop, len(k.gateway.Captures()))
			}
			k.sweep(t0)
			if n := len(k.gateway.Captures()); n != 2 {
				t.Fatalf("%d captures while it is stopped", n)
			}
			mails := strings.Join(k.mailbox.take(), "\n")
			if !strings.Contains(mails, "topupd: sending of charges is stopped: more than") {
				t.Errorf("mails %s", mails)
			}
			k.ok(k.engine.ResumeSending(root(t0), "all is well"))
			k.drain(t0)
			if n := len(k.gateway.Captures()); n != 4 {
				t.Errorf("%d captures after it was resumed", n)
			}
		})
	}
}

func TestThreeChargesInAnHourAreAnAlarm(t *testing.T) {
	k := newKit(t)
	k.importRoot()
	k.seed("tok_ok")
	for i := range 4 {
		at := t0.Add(time.Duration(i) * 16 * time.Minute)
		k.debit(at, 10*usd)
		k.debit(at, 6*usd)
		k.drain(at)
	}
	n := 0
	for _, s := range k.mailbox.take() {
		if strings.HasPrefix(s, "topupd: account 100 had 3 automatic charges in an hour") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d alarms", n)
	}
}

// A gateway with a rate is called no faster, and 429 slows it further without
// counting as a failure.
func TestPace(t *testing.T) {
	g := &countingGateway{limited: 1}
	k := newKit(t, func(c *billing.Config) {
		g.Gateway = c.Gateways[0]
		c.Gateways[0] = g
		c.Settings.ChargeRate = 50
	})
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	before := time.Now().Truncate(time.Microsecond)
	k.drain(t0)
	row := k.wantStates(billing.ChargeCreated)[0]
	if a := row.Attempts[0]; a.State != billing.AttemptNotSent || row.Charge.Attempt != 1 {
		t.Errorf("429 is neither decline nor fault: %+v", a)
	}
	var p billing.Pace
	k.ok(k.store.View(context.Background(), func(r billing.Reader) (err error) {
		p, err = r.Pace("sandbox")
		return err
	}))
	if p.Slow != 2 || p.NextAt.Sub(before) < 500*time.Millisecond {
		t.Errorf("pace %+v", p)
	}
	k.later(t0)
	k.wantStates(billing.ChargeSucceeded)
	k.verify()
}

type countingGateway struct {
	billing.Gateway
	limited int
}

func (g *countingGateway) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	if g.limited--; g.limited >= 0 {
		return billing.GatewayResult{Outcome: billing.OutcomeNotAttempted, Code: "rate_limit", Trouble: billing.TroubleLimited}
	}
	return g.Gateway.Charge(ctx, c)
}

// A gateway that spares its processor is not called, and keeps nobody else waiting.
func TestPausedGatewayIsSpared(t *testing.T) {
	g := &pausedGateway{}
	k := newKit(t, func(c *billing.Config) { g.Gateway = c.Gateways[0]; c.Gateways[0] = g })
	k.seed("tok_ok")
	g.until = time.Now().Add(time.Hour)
	k.debit(t0, 16*usd)
	k.drain(t0)
	if row := k.wantStates(billing.ChargeCreated)[0]; len(row.Attempts) != 0 {
		t.Errorf("attempts %+v", row.Attempts)
	}
	g.until = time.Time{}
	k.drain(t0)
	k.wantStates(billing.ChargeSucceeded)
}

type pausedGateway struct {
	billing.Gateway
	until time.Time
}

func (g *pausedGateway) PausedUntil() time.Time { return g.until }

func TestCardFactsAreLearntFromAPayment(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Gateways[0] = telling{c.Gateways[0]} })
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantStates(billing.ChargeSucceeded)
	k.ok(k.store.View(context.Background(), func(r billing.Reader) error {
		c, err := r.Card(1000)
		if c.Fingerprint != "print" || c.Last4 != "1881" || c.ExpYear != 2033 {
			t.Errorf("card %+v", c)
		}
		return err
	}))
}

type telling struct{ billing.Gateway }

func (g telling) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	r := g.Gateway.Charge(ctx, c)
	r.Card = &billing.GatewayCard{Fingerprint: "print", Last4: "1881", ExpMonth: 3, ExpYear: 2033}
	return r
}

// No more charges are at the gateway at once than the setting allows, and so many
// when there are enough.
func TestChargesInFlight(t *testing.T) {
	g := &crowded{}
	k := newKit(t, func(c *billing.Config) {
		g.Gateway = c.Gateways[0]
		c.Gateways[0] = g
		c.Settings.ChargeConcurrency = 4
		c.Settings.GatewayTimeout = 10 * time.Second
	})
	k.seed("tok_ok")
	k.lowAccounts(root(t0), 101, 140)
	k.sweep(t0)
	if n := len(k.gateway.Captures()); n != 40 || g.most.Load() != 4 {
		t.Errorf("%d captures, at most %d at once", n, g.most.Load())
	}
}

type crowded struct {
	billing.Gateway
	now, most atomic.Int64
}

func (g *crowded) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	n := g.now.Add(1)
	defer g.now.Add(-1)
	for most := g.most.Load(); n > most && !g.most.CompareAndSwap(most, n); most = g.most.Load() {
	}
	for end := time.Now().Add(5 * time.Second); g.most.Load() < 4 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond) // and one too many would come
	return g.Gateway.Charge(ctx, c)
}
