package billing_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"topupd/billing"
)

// executions are the states of account 100's top-ups, by id.
func (k *kit) executions() (states []billing.TopupState) {
	k.t.Helper()
	list, _, err := k.engine.BalanceTopups(root(t0), billing.BalanceTopupQuery{Owner: billing.Account(100), Limit: 100})
	k.ok(err)
	for _, v := range list {
		states = append(states, v.State)
	}
	return states
}

func (k *kit) wantExecutions(what string, want ...billing.TopupState) {
	k.t.Helper()
	if got := k.executions(); !slices.Equal(got, want) {
		k.t.Errorf("%s: the top-ups are %v, want %v", what, got, want)
	}
}

// heldPeriod is a daily rule of two whose second period's charge was made and not taken
// when its owner was blocked; at is when.
func heldPeriod(t *testing.T, set func(*billing.Settings), says *billing.GatewayResult) (k *kit, g *wayward, at time.Time) {
	g = &wayward{}
	k = newKit(t, func(c *billing.Config) {
		g.Gateway = c.Gateways[0]
		c.Gateways[0], c.Settings.PaymentWait = g, 0
		if set != nil {
			set(&c.Settings)
		}
	})
	k.seed("tok_ok")
	k.daily(2)
	at = t0.Add(25 * time.Hour)
	_, _, err := k.engine.RunRecurring(root(at), billing.RunParams{Trigger: "command"})
	k.ok(err)
	if g.says = says; says != nil {
		k.later(at)
		g.says = nil
	}
	k.block(at, true)
	g.charges = 0
	return k, g, at
}

func (k *kit) block(at time.Time, on bool) {
	k.t.Helper()
	k.ok(k.engine.BlockOwner(root(at), billing.Account(100), on))
}

// A block makes a period wait also when its charge was made before: it is paid once, when
// the block is over.
func TestHoldAfterTheChargeWasMade(t *testing.T) {
	for name, says := range map[string]*billing.GatewayResult{
		"before it was sent": nil, "the gateway was down": neverSent, "between two tries": declinedNow,
	} {
		t.Run(name, func(t *testing.T) {
			k, g, at := heldPeriod(t, nil, says)
			for i := range 3 {
				k.later(at.Add(time.Duration(2+i) * time.Hour))
			}
			k.wantExecutions("blocked", billing.TopupCompleted, billing.TopupCreated)
			n := 0
			list, err := k.engine.Why(root(t0), billing.Account(100), 0, 100)
			k.ok(err)
			for _, d := range list {
				if d.Purpose == billing.PurposeRecurring && d.Reason == billing.ReasonBlocked {
					n++
				}
			}
			if n != 1 || g.charges != 0 {
				t.Errorf("%d decisions say that it is blocked; %d charges", n, g.charges)
			}
			k.block(at.Add(5*time.Hour), false)
			k.later(at.Add(5 * time.Hour))
			k.later(at.Add(6 * time.Hour))
			k.recurring(at.Add(7 * time.Hour))
			k.recurring(at.Add(40 * 24 * time.Hour))
			k.wantExecutions("unblocked", billing.TopupCompleted, billing.TopupCompleted)
			if r := k.rule(); r.Done != 2 || r.State != billing.RuleFinished || g.charges != 1 {
				t.Errorf("%d are done, %s, by %d charges", r.Done, r.State, g.charges)
			}
			k.wantBalance(40 * usd)
			k.verify()
		})
	}
}

// A block that lasts beyond the next period is an outage to the rule: what of it is made
// up is the setting's, and what is missed does not count.
func TestHoldBeyondTheNextPeriod(t *testing.T) {
	done, gone, open := billing.TopupCompleted, billing.TopupCancelled, billing.TopupCreated
	for name, c := range map[string]struct {
		missed            billing.MissedPeriods
		look              bool // while it is blocked, not only afterwards
		blocked, after    []billing.TopupState
		captures, settled int64
	}{
		"the latest":                {billing.MissedCurrent, true, []billing.TopupState{done, gone}, []billing.TopupState{done, gone, done}, 1, 2},
		"the latest, nobody looked": {billing.MissedCurrent, false, []billing.TopupState{done, open}, []billing.TopupState{done, gone, done}, 1, 2},
		"all":                       {billing.MissedAll, true, []billing.TopupState{done, open}, []billing.TopupState{done, done}, 1, 2},
		"none that is a day old":    {billing.MissedNone, true, []billing.TopupState{done, gone}, []billing.TopupState{done, gone, done}, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			k, g, at := heldPeriod(t, func(s *billing.Settings) { s.MissedPeriods = c.missed }, nil)
			k.later(at)
			at = at.Add(6 * 24 * time.Hour)
			if c.look {
				k.later(at)
			}
			k.wantExecutions("blocked", c.blocked...)
			k.block(at, false)
			k.later(at)
			k.recurring(at.Add(time.Second))
			k.wantExecutions("unblocked", c.after...)
			if r := k.rule(); r.Done != c.settled || int64(g.charges) != c.captures {
				t.Errorf("%d are done by %d charges, want %d by %d", r.Done, g.charges, c.settled, c.captures)
			}
			k.verify()
		})
	}
}

// A payment in two steps that was made is not captured while its owner is blocked.
func TestHoldBetweenTwoSteps(t *testing.T) {
	g := &twoStep{}
	k := newKit(t, func(c *billing.Config) {
		g.Gateway = c.Gateways[0]
		c.Gateways[0], c.Settings.PaymentWait = g, 0
	})
	k.seed("tok_ok")
	k.daily(2)
	at := t0.Add(25 * time.Hour)
	_, _, err := k.engine.RunRecurring(root(at), billing.RunParams{Trigger: "command"})
	k.ok(err)
	g.before = func() { k.block(at, true) }
	k.drain(at)
	g.before = nil
	k.later(at)
	k.wantExecutions("blocked", billing.TopupCompleted, billing.TopupCreated)
	k.wantBalance(30 * usd)
	k.block(at, false)
	k.later(at)
	k.wantExecutions("unblocked", billing.TopupCompleted, billing.TopupCompleted)
	k.wantBalance(40 * usd)
	k.verify()
}

// While a charge waits its client can end the rule, and its owner can be deleted.
func TestHeldPeriodIsCancelled(t *testing.T) {
	k, g, at := heldPeriod(t, nil, nil)
	k.later(at)
	_, err := k.withdraw(at, k.rule().ID)
	k.ok(err)
	k.wantExecutions("cancelled", billing.TopupCompleted, billing.TopupCancelled)
	k.wantStates(billing.ChargeSucceeded, billing.ChargeCancelled)
	k.block(at, false)
	k.later(at)
	if g.charges != 0 {
		t.Errorf("%d charges", g.charges)
	}
	k.verify()
}

// Nothing else waits for a charge that waits itself: neither a mail nor a plan's price.
func TestHeldPeriodHoldsNothingElse(t *testing.T) {
	k, _, at := heldPeriod(t, nil, nil)
	k.later(at)
	k.mailbox.take()
	k.debit(at, 28*usd)
	k.drain(at)
	if m := k.mailbox.take(); len(m) != 1 {
		t.Errorf("mails %q, want the one of a low balance", m)
	}
	k.ok(k.store.View(context.Background(), func(r billing.Reader) error {
		j, err := r.Judged(billing.Account(100))
		if j.OpenCharge == 0 {
			t.Error("no charge waits")
		}
		return err
	}))
	k.verify()
}

// A deleted card ends all the rules that name it, also those of an owner that an import
// holds, who is told of none.
func TestCardOfAHeldOwnersRulesIsDeleted(t *testing.T) {
	k := newKit(t)
	k.ok(k.engine.Import(root(t0), true, func(im *billing.Importer) error {
		if err := im.Owner(billing.OwnerLine{Owner: billing.Customer(10), Name: billing.To("Acme"), Currency: billing.To("USD")}); err != nil {
			return err
		}
		if err := im.Owner(accountLine(100)); err != nil {
			return err
		}
		err := im.Card(billing.CardLine{ID: 1000, Owner: billing.Account(100), Token: billing.To(billing.Secret("tok_ok")), Primary: billing.To(true)})
		for id := billing.TopupID(70); id < 73 && err == nil; id++ {
			err = im.TopupRule(billing.TopupRuleLine{
				ID: id, Owner: billing.Account(100), Amount: billing.To(int64(10 * usd)), Currency: billing.To("USD"), Period: billing.To("daily"),
				Done: billing.To(int64(1)), Anchor: billing.To(t0), Card: billing.To(billing.CardID(1000)),
			})
		}
		return err
	}))
	k.ok(k.engine.DeleteCard(root(t0), billing.Account(100), 1000))
	var rules []billing.TopupRule
	k.ok(k.store.View(root(t0), func(r billing.Reader) (err error) {
		rules, err = r.TopupRulesOf(billing.Account(100))
		return err
	}))
	if len(rules) != 3 {
		t.Errorf("%d rules", len(rules))
	}
	for _, r := range rules {
		if r.State != billing.RuleCancelled {
			t.Errorf("rule %d is %s", r.ID, r.State)
		}
	}
	k.verify()
}
