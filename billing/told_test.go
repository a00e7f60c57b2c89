package billing_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"topupd/billing"
)

func (k *kit) tellAll() {
	k.t.Helper()
	k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
		return tx.PutHub(&billing.HubSubscription{Top: billing.Root, Customer: billing.Root, Callback: "https://x.example/", Secret: []byte{1}, CreatedAt: t0})
	}))
}

// A posting with several entries of one bucket changes it once.
func TestCostIsToldOnce(t *testing.T) {
	for _, by := range []billing.CostBearer{billing.CostByOriginator, billing.CostByReceiver} {
		k := newKit(t)
		k.actions()
		k.tellAll()
		_, err := k.engine.Transfer(root(t0), billing.TransferParams{
			From: billing.Account(101), To: billing.Account(110), Unit: "USD", Amount: 2 * usd, Cost: usd, CostBy: by,
		})
		k.ok(err)
		var last billing.EventID
		if got := k.told(&last); !slices.Equal(got, []string{"bucket:change", "bucket:change", "transfer:create"}) {
			t.Errorf("the %s pays: told %q", by, got)
		}
		k.verify()
	}
}

// An owner's rules end with it, and each is told of.
func TestDeletedOwnersRulesAreTold(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Settings.PaymentWait = 0 })
	k.seed("tok_ok")
	k.daily(5)
	k.daily(5)
	k.move(t0, billing.PostDebit, k.balance(billing.Account(100)))
	k.drain(t0)
	k.move(t0, billing.PostDebit, k.balance(billing.Account(100)))
	k.tellAll()
	var last billing.EventID
	k.set(t0, billing.SetLowBalanceParams{ChargeCard: billing.To(false)})
	k.drain(t0)
	if b := k.balance(billing.Account(100)); b != 0 {
		k.move(t0, billing.PostDebit, b)
	}
	k.told(&last)
	k.ok(k.engine.DeleteOwner(root(t0), billing.Account(100)))
	if got := k.told(&last); !slices.Equal(got, []string{"topup:cancel completed", "topup:cancel completed"}) {
		t.Errorf("told %q", got)
	}
	if r := k.rule(); r.State != billing.RuleCancelled {
		t.Errorf("the rule is %s", r.State)
	}
	k.verify()
}

// What is delivered late shows its rule as it was.
func TestRuleAsItWas(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Settings.PaymentWait = 0 })
	k.seed("tok_ok")
	k.tellAll()
	k.daily(5)
	_, err := k.withdraw(t0.Add(time.Hour), k.rule().ID)
	k.ok(err)
	want := map[billing.EventKind]billing.RuleState{
		billing.EventCreate: billing.RuleActive, billing.EventStatus: billing.RuleActive, billing.EventCancel: billing.RuleCancelled,
	}
	seen := 0
	k.ok(k.store.View(root(t0), func(r billing.Reader) error {
		for id := billing.EventID(1); ; id++ {
			ev, err := r.Event(id)
			if err != nil {
				return nil
			}
			if ev.Resource != billing.ResourceTopup {
				continue
			}
			seen++
			v, err := k.engine.TopupAsItWas(root(t0), &ev)
			if err != nil || v.Rule == nil || v.Rule.State != want[ev.Kind] || v.ID != v.Rule.ID || v.Amount != 10*usd {
				t.Errorf("%s shows %+v: %v", ev.EventType, v.Rule, err)
			}
		}
	}))
	if seen != len(want) {
		t.Errorf("%d events", seen)
	}
}
