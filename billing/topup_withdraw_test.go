package billing_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"topupd/billing"
)

// wayward answers charges and lookups as it is told, and counts the charges; without an
// answer the sandbox's counts.
type wayward struct {
	billing.Gateway
	says    *billing.GatewayResult
	during  func()
	charges int
}

func (g *wayward) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	g.charges++
	if g.during != nil {
		g.during()
	}
	if g.says != nil {
		return *g.says
	}
	return g.Gateway.Charge(ctx, c)
}

func (g *wayward) Lookup(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	if g.says != nil {
		return *g.says
	}
	return g.Gateway.Lookup(ctx, c)
}

func waywardKit(t *testing.T) (*kit, *wayward) {
	g := &wayward{}
	k := newKit(t, func(c *billing.Config) {
		g.Gateway = c.Gateways[0]
		c.Gateways[0], c.Settings.PaymentWait = g, 0
	})
	k.seed("tok_ok")
	k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
		return tx.PutHub(&billing.HubSubscription{Top: billing.Root, Customer: billing.Root, Callback: "https://x.example/", Secret: []byte{1}, CreatedAt: t0})
	}))
	return k, g
}

func (k *kit) topUpByCard(rule *billing.NewTopupRule) billing.TopupID {
	k.t.Helper()
	m, err := k.engine.CreateBalanceTopup(root(t0), billing.CreateBalanceTopupParams{Owner: billing.Account(100), Amount: 10 * usd, Currency: "USD", Rule: rule})
	k.ok(err)
	return m.ID
}

func (k *kit) withdraw(at time.Time, id billing.TopupID) (billing.BalanceTopupView, error) {
	return k.engine.ChangeBalanceTopup(root(at), billing.ChangeBalanceTopupParams{ID: id, Cancel: true})
}

var (
	neverSent   = &billing.GatewayResult{Outcome: billing.OutcomeNotAttempted, Code: "down"}
	noAnswer    = &billing.GatewayResult{Code: "no_answer"}
	declinedNow = &billing.GatewayResult{Outcome: billing.OutcomeDeclined, Class: billing.DeclineSoft, Code: "no"}
)

// A top-up by card is withdrawn as long as its charge is known not to have been taken, and
// is never charged afterwards; one that may have been stays.
func TestWithdrawTopup(t *testing.T) {
	for name, c := range map[string]struct {
		says      []*billing.GatewayResult // one by one, each with a worker
		withdrawn bool
		state     billing.TopupState // if it is not
	}{
		"nobody took it up yet":         {nil, true, ""},
		"the gateway is down":           {[]*billing.GatewayResult{neverSent}, true, ""},
		"it stays down":                 {[]*billing.GatewayResult{neverSent, neverSent}, true, ""},
		"no answer, it never arrived":   {[]*billing.GatewayResult{noAnswer, neverSent}, true, ""},
		"no answer":                     {[]*billing.GatewayResult{noAnswer}, false, billing.TopupCreated},
		"down, and then no answer":      {[]*billing.GatewayResult{neverSent, noAnswer}, false, billing.TopupCreated},
		"declined":                      {[]*billing.GatewayResult{declinedNow}, false, billing.TopupFailed},
		"down, and then it was charged": {[]*billing.GatewayResult{neverSent, nil}, false, billing.TopupCompleted},
	} {
		for _, rule := range []*billing.NewTopupRule{nil, {Period: billing.TopupDaily}} {
			word := ", once"
			if rule != nil {
				word = ", recurring"
			}
			t.Run(name+word, func(t *testing.T) {
				k, g := waywardKit(t)
				id := k.topUpByCard(rule)
				for _, g.says = range c.says {
					k.later(t0)
				}
				charges := g.charges
				var last billing.EventID
				k.told(&last)
				v, err := k.withdraw(t0, id)
				events := k.told(&last)
				switch {
				case !c.withdrawn && rule == nil:
					wantError(t, "withdraw", err, billing.Conflict, "status")
					if len(events) != 0 {
						t.Errorf("told %q", events)
					}
				case !c.withdrawn: // the rule ends, what was sent goes on
				case err != nil || v.State != billing.TopupCancelled || v.SettledAt.IsZero() || v.Reason == "" ||
					!slices.Equal(events, []string{"topup:cancel cancelled"}):
					t.Fatalf("%+v, told %q: %v", v.BalanceTopup, events, err)
				}
				if !c.withdrawn {
					if v, err := k.engine.BalanceTopup(root(t0), id); err != nil || v.State != c.state {
						t.Errorf("it is %s: %v", v.State, err)
					}
					k.verify()
					return
				}
				_, err = k.withdraw(t0, id) // again is as good as once
				k.ok(err)
				if events := k.told(&last); len(events) != 0 {
					t.Errorf("told %q of a repeat", events)
				}
				g.says = nil
				k.later(t0.Add(time.Hour))
				k.recurring(t0.Add(25 * time.Hour))
				k.wantStates(billing.ChargeCancelled)
				if g.charges != charges {
					t.Errorf("the card was charged %d times afterwards", g.charges-charges)
				}
				k.wantBalance(20 * usd)
				if rule != nil {
					if r := k.rule(); r.State != billing.RuleCancelled || r.Done != 0 {
						t.Errorf("the rule is %+v", r)
					}
				}
				k.ok(k.engine.DeleteBalanceTopup(root(t0), id))
				k.verify()
			})
		}
	}
}

// What a worker is sending is not withdrawn, also while it only waits for its place.
func TestWithdrawWhileSending(t *testing.T) {
	k, g := waywardKit(t)
	id := k.topUpByCard(nil)
	g.during = func() {
		_, err := k.withdraw(t0, id)
		wantError(t, "withdraw", err, billing.Conflict, "status")
	}
	k.drain(t0)
	if g.charges != 1 {
		t.Fatalf("%d charges", g.charges)
	}
	k.wantStates(billing.ChargeSucceeded)
	k.wantBalance(30 * usd)
	k.verify()
}

// Money that moved is credited, whatever the gateway had said before.
func TestWithdrawnAndCapturedAfterAll(t *testing.T) {
	k, g := waywardKit(t)
	id := k.topUpByCard(nil)
	g.says = neverSent
	k.later(t0)
	_, err := k.withdraw(t0, id)
	k.ok(err)
	k.ok(k.event(t0, billing.GatewayEvent{
		ID: "e1", Kind: billing.EventCharge, Key: k.charges()[0].Attempts[0].Key, Result: billing.GatewayResult{Outcome: billing.OutcomeSucceeded, Ref: "pi_1"},
	}))
	if v, err := k.engine.BalanceTopup(root(t0), id); err != nil || v.State != billing.TopupCompleted {
		t.Errorf("it is %s: %v", v.State, err)
	}
	k.wantBalance(30 * usd)
	k.verify()
}
