package billing_test

import (
	"fmt"
	"time"

	"topupd/billing"
)

// topUpOnce is a client that asks for a top-up of 10 again, with its key, until there is
// an answer.
func topUpOnce(rule *billing.NewTopupRule) step {
	return step{0, func(c *scene) error {
		_, err := c.p.engine.CreateBalanceTopup(c.p.ctx, billing.CreateBalanceTopupParams{
			Owner: c.owner, Amount: 10 * usd, Currency: "USD", Rule: rule, Key: fmt.Sprintf("topup-%d", c.owner),
		})
		return err
	}}
}

// recurring is the job, run again until it is through.
func recurring(wait time.Duration) step {
	return step{wait, func(c *scene) error {
		_, _, err := c.p.engine.RunRecurring(c.p.ctx, billing.RunParams{Trigger: "command"})
		return err
	}}
}

// withdrawOnce is the client that wants no more of it.
var withdrawOnce = step{0, func(c *scene) error {
	list, _, err := c.p.engine.BalanceTopups(c.p.ctx, billing.BalanceTopupQuery{Owner: c.owner, Limit: 1})
	if err != nil {
		return err
	}
	_, err = c.p.engine.ChangeBalanceTopup(c.p.ctx, billing.ChangeBalanceTopupParams{ID: list[0].ID, Cancel: true})
	return err
}}

func topupStories() []story {
	twice := int64(2)
	daily := &billing.NewTopupRule{Period: billing.TopupDaily, Periods: &twice}
	return []story{
		{name: "top-up", took: 1, reopen: true, steps: []step{topUpOnce(nil), work(0), topUpOnce(nil)}},
		{name: "top-up, declined", verdict: []verdict{soft}, steps: []step{topUpOnce(nil), work(0), topUpOnce(nil)}},
		{name: "top-up, time-out after the effect", plan: faultAt("charge", 1, 1, silentAfter), took: 1, steps: []step{topUpOnce(nil), work(0)}},
		{name: "top-up, withdrawn", steps: []step{topUpOnce(nil), withdrawOnce, work(0), withdrawOnce}},
		{name: "recurring top-up", took: 2, steps: []step{topUpOnce(daily), work(0), recurring(25 * time.Hour), work(0), recurring(0)}},
		{name: "recurring top-up, declined, then approved", verdict: []verdict{approve, soft}, took: 2,
			steps: []step{topUpOnce(daily), work(0), recurring(25 * time.Hour), work(0), work(time.Hour), recurring(0)}},
	}
}

// endOfTopups are an owner's top-ups and rules, as the outside can tell them.
func endOfTopups(r billing.Reader, o billing.OwnerID) (all []string, err error) {
	topups, err := r.BalanceTopups(billing.BalanceTopupFilter{Owner: o})
	for _, t := range topups {
		before := int64(0)
		if t.Before != nil {
			before = *t.Before
		}
		all = append(all, fmt.Sprint(t.Amount, t.State, t.Reason, t.Period, t.Rule != 0, t.Posting != 0, before))
	}
	if err != nil {
		return nil, err
	}
	rules, err := r.TopupRulesOf(o)
	for _, t := range rules {
		all = append(all, fmt.Sprint(t.State, t.Suspended, t.Done, t.Failures, t.Next))
	}
	return all, err
}
