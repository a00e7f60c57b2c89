package billing_test

import (
	"testing"
	"time"

	"topupd/billing"
)

// daily is a rule of 10 a day on account 100, of which the first period was asked for.
func (k *kit) daily(periods int64) {
	k.t.Helper()
	_, err := k.engine.CreateBalanceTopup(root(t0), billing.CreateBalanceTopupParams{
		Owner: billing.Account(100), Amount: 10 * usd, Currency: "USD", Rule: &billing.NewTopupRule{Period: billing.TopupDaily, Periods: &periods},
	})
	k.ok(err)
	k.drain(t0)
}

func (k *kit) recurring(at time.Time) {
	k.t.Helper()
	_, _, err := k.engine.RunRecurring(root(at), billing.RunParams{Trigger: "command"})
	k.ok(err)
	k.drain(at)
}

// rule is account 100's only one.
func (k *kit) rule() (r billing.TopupRule) {
	k.t.Helper()
	k.ok(k.store.View(root(t0), func(rd billing.Reader) error {
		all, err := rd.TopupRulesOf(billing.Account(100))
		if err == nil {
			r = all[0]
		}
		return err
	}))
	return r
}

// A period that is captured after it was given up counts once: when it failed, or when it
// is paid after all.
func TestLateCaptureOfAPeriodCountsOnce(t *testing.T) {
	for name, c := range map[string]struct {
		again         bool // failed periods are made up
		periods       int64
		failed, after int64 // what is done, before and after the capture
		state         billing.RuleState
	}{
		"counted when it failed":            {false, 3, 2, 2, billing.RuleActive},
		"counted when it is paid":           {true, 3, 1, 2, billing.RuleActive},
		"the last one, when it failed":      {false, 2, 2, 2, billing.RuleFinished},
		"the last one, when it is paid":     {true, 2, 1, 2, billing.RuleFinished},
		"the first one, of a rule that was": {true, 1, 0, 1, billing.RuleFailed},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, func(set *billing.Config) { set.Settings.FailedTopupsAgain, set.Settings.PaymentWait = c.again, 0 })
			if c.periods == 1 {
				k.seed("tok_lost")
				k.daily(c.periods)
			} else {
				k.seed("tok_ok")
				k.daily(c.periods)
				k.swapToken("tok_lost")
				k.recurring(t0.Add(25 * time.Hour))
			}
			if got := k.rule().Done; got != c.failed {
				t.Errorf("%d are done before", got)
			}
			at := t0.Add(26 * time.Hour)
			rows := k.charges()
			row := rows[len(rows)-1]
			k.ok(k.event(at, billing.GatewayEvent{
				ID: "e1", Kind: billing.EventCharge, Key: row.Attempts[0].Key, Result: billing.GatewayResult{Outcome: billing.OutcomeSucceeded, Ref: "pi_1"},
			}))
			k.drain(at)
			if r := k.rule(); r.Done != c.after || r.State != c.state {
				t.Errorf("%d are done, %s; want %d, %s", r.Done, r.State, c.after, c.state)
			}
			k.verify()
		})
	}
}

// What could not be credited is not charged: neither decided on, nor sent when there was
// room while it was decided.
func TestAutomaticChargeNeedsRoom(t *testing.T) {
	const most = 1<<63 - 1
	k := newKit(t, func(set *billing.Config) { set.Settings.PaymentWait = 0 })
	k.seed("tok_ok")
	k.daily(5)
	fill := func(at time.Time, left int64) {
		t.Helper()
		k.move(at, billing.PostAddFunds, most-left-k.balance(billing.Account(100)))
	}
	last := func(want billing.Reason) {
		t.Helper()
		k.ok(k.store.View(root(t0), func(r billing.Reader) error {
			got, err := r.LatestExecution(k.rule().ID)
			if billing.Reason(got.Reason) != want {
				t.Errorf("%s because of %q, want %q", got.State, got.Reason, want)
			}
			return err
		}))
	}
	fill(t0, 10*usd-1)
	k.recurring(t0.Add(25 * time.Hour))
	k.wantStates(billing.ChargeSucceeded)
	last(billing.ReasonNoRoom)
	k.debit(t0.Add(26*time.Hour), 1)
	at := t0.Add(49 * time.Hour)
	_, _, err := k.engine.RunRecurring(root(at), billing.RunParams{Trigger: "command"})
	k.ok(err)
	k.wantStates(billing.ChargeSucceeded, billing.ChargeCreated)
	fill(at, 0)
	k.drain(at)
	k.wantStates(billing.ChargeSucceeded, billing.ChargeCancelled)
	last(billing.ReasonNoRoom)
	k.verify()
	// Low balance and the billing run ask the same.
	k.set(at, billing.SetLowBalanceParams{Threshold: billing.To(int64(most)), ChargeCard: billing.To(true), ChargeAmount: billing.To(int64(10 * usd))})
	k.debit(at, usd)
	k.wantStates(billing.ChargeSucceeded, billing.ChargeCancelled)
	k.wantReason(billing.ReasonNoRoom)
}
