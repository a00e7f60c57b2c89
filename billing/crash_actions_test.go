package billing_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"topupd/billing"
)

// once is a caller that asks again with its key until it has an answer.
func once(what string, wait time.Duration, do func(context.Context, *scene) error) step {
	return step{wait, func(c *scene) error {
		_, err := c.p.engine.Once(c.p.ctx, billing.OnceParams{Key: fmt.Sprintf("%s-%d", what, c.owner)}, func(ctx context.Context) (billing.Answer, error) {
			return billing.Answer{Status: http.StatusCreated}, do(ctx, c)
		})
		return err
	}}
}

// transferOnce gives 16 of 20 and a cost of 1 to the customer above: what is left is low.
var transferOnce = once("transfer", 0, func(ctx context.Context, c *scene) error {
	_, err := c.p.engine.Transfer(ctx, billing.TransferParams{
		From: c.owner, To: billing.Customer(10), Unit: "USD", Amount: 16 * usd, Cost: usd, CostBy: billing.CostByOriginator,
	})
	return err
})

// reserveOnce holds 16 of 20 for an hour: what is left is low.
var reserveOnce = once("reserve", 0, func(ctx context.Context, c *scene) error {
	_, err := c.p.engine.Reserve(ctx, billing.ReserveParams{Owner: c.owner, Unit: "USD", Amount: 16 * usd, EndsAt: time.Now().Add(time.Hour)})
	return err
})

var releaseOnce = once("release", 0, func(ctx context.Context, c *scene) error {
	list, err := c.p.engine.Reservations(ctx, billing.ActionFilter{Owner: c.owner})
	if err != nil {
		return err
	}
	_, err = release(c.p.engine, ctx, list[0].ID)
	return err
})

var adjustOnce = once("adjust", 0, func(ctx context.Context, c *scene) error {
	_, err := c.p.engine.Adjust(ctx, billing.AdjustParams{Owner: c.owner, Unit: "USD", Amount: -16 * usd})
	return err
})

func actionStories() []story {
	return []story{
		{name: "adjustment", took: 1, steps: []step{adjustOnce, work(0)}},
		{name: "transfer", took: 1, reopen: true, steps: []step{transferOnce, work(0)}},
		{name: "reservation that expires", took: 1, steps: []step{reserveOnce, work(0), work(2 * time.Hour)}},
		{name: "reservation that is released", took: 1, steps: []step{reserveOnce, work(0), releaseOnce, work(0)}},
	}
}

// endOfActions are an owner's balance actions, as the outside can tell them.
func endOfActions(r billing.Reader, o billing.OwnerID) (all []string, err error) {
	f := billing.ActionFilter{Owner: o}
	actions, err := r.BalanceActions(billing.BalanceActionFilter{ActionFilter: f})
	if err != nil {
		return nil, err
	}
	for _, a := range actions {
		all = append(all, string(a.Kind))
	}
	adjustments, err := r.Adjustments(f)
	for _, a := range adjustments {
		all = append(all, fmt.Sprint(a.Amount, a.Before, a.Posting != 0))
	}
	if err != nil {
		return nil, err
	}
	transfers, err := r.Transfers(f)
	for _, t := range transfers {
		all = append(all, fmt.Sprint(t.Amount, t.Cost, t.FromBefore, t.Out != 0, t.In != 0))
	}
	if err != nil {
		return nil, err
	}
	reservations, err := r.Reservations(f)
	for _, v := range reservations {
		all = append(all, fmt.Sprint(v.Amount, v.Before, v.State))
	}
	return all, err
}
