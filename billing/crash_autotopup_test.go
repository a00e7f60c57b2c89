package billing_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"topupd/billing"
)

// autoTopupStories are those of the REST interfaces: a profile's top-up, a subscription's
// order, a pool's allowance.
func autoTopupStories() []story {
	profile := func(name string, change func(*billing.OwnerLine)) story {
		return story{name: "profile, " + name, customer: true, prepare: linked(change), leave: unlinked, steps: []step{profilesNight(0), work(0)}}
	}
	card := func(*billing.OwnerLine) {}
	approved, slow, declined, later := profile("approved", card), profile("time-out after the effect", card), profile("hard decline", card), profile("soft decline", card)
	approved.took, slow.took, later.took = 1, 1, 1
	approved.reopen = true
	slow.plan = faultAt("charge", 1, 1, silentAfter)
	declined.verdict, later.verdict = []verdict{hard}, []verdict{soft}
	later.steps = append(later.steps, work(time.Hour))
	expected := profile("only expected", func(l *billing.OwnerLine) { l.Topup.PaymentType = billing.To("other") })
	expected.steps = append(expected.steps, profilesNight(24*time.Hour), work(0))
	order := story{name: "subscription order", took: 1, prepare: subscribed, steps: []step{enableAutoTopup, sweep(0), work(0), enableAutoTopup, work(0)}}
	pool := story{name: "pool top-up", customer: true, prepare: pooled, steps: []step{topUpPoolOnce, work(0), topUpPoolOnce, work(0)}}
	low := story{name: "pool top-up that makes low", took: 1, customer: true, prepare: pooled, steps: []step{{0, debitOnce(14 * usd)}, topUpPoolOnce, work(0)}}
	return []story{approved, slow, declined, later, expected, order, pool, low}
}

// linked gives the customer a debt of 460 of 500, above the threshold of 450, and a profile
// that tops up by 100.
func linked(change func(*billing.OwnerLine)) func(*scene, *billing.Importer) error {
	return func(c *scene, im *billing.Importer) error {
		err := im.Profile(billing.ProfileLine{ID: 1, ProfileParams: billing.ProfileParams{
			Name: billing.To("Standard"), TriggerValue: billing.To(int64(50 * usd)), TopupValue: billing.To(int64(100 * usd)),
			AutoCollect: billing.To(true), LetterExpected: billing.To("Auto Top-up Expected"), LetterCard: billing.To("Auto Top-up Card"),
		}})
		if err != nil {
			return err
		}
		l := billing.OwnerLine{Owner: c.owner, Topup: billing.TopupTermsParams{
			Profile: billing.To(int64(1)), Outstanding: billing.To(int64(460 * usd)), Overdue: billing.To(int64(30 * usd)),
			Limits: billing.To([]billing.NamedLimit{{Name: "Credit Limit", Micros: 500 * usd}}),
		}}
		change(&l)
		return im.Owner(l)
	}
}

func unlinked(c *scene, im *billing.Importer) error {
	return im.Owner(billing.OwnerLine{Owner: c.owner, Topup: billing.TopupTermsParams{Profile: billing.ToNull[int64]()}})
}

// profilesNight is the profile run, called again until it is done, as cron does.
func profilesNight(wait time.Duration) step {
	return step{wait, func(c *scene) error {
		for {
			err := c.p.engine.Fire(c.p.ctx, billing.JobProfiles, fmt.Sprint("night of ", c.owner, wait))
			if billing.ErrorCode(err) != billing.Busy || c.p.isDead() {
				return err
			}
			time.Sleep(time.Minute)
		}
	}}
}

// subscribed is a subscription of the account, and a payment of 5 by its card.
func subscribed(c *scene, im *billing.Importer) error {
	n := c.owner.Number()
	if err := im.Subscription(billing.SubscriptionLine{ID: billing.SubscriptionID(n), Owner: c.owner, PhoneNumber: billing.To("1555")}); err != nil {
		return err
	}
	return im.GatewayPayment(billing.GatewayPaymentLine{
		ID: billing.GatewayPaymentID(n), Owner: c.owner, Amount: billing.To(int64(5 * usd)), Currency: billing.To("USD"), Card: billing.To(c.card), Status: billing.To("paid"),
	})
}

// enableAutoTopup credits 5, and charges 10 whenever there is less than 30: 20 and 5 are.
var enableAutoTopup = step{0, func(c *scene) error {
	_, err := c.p.engine.EnableAutoTopup(c.p.ctx, billing.EnableAutoTopupParams{
		Subscription: billing.SubscriptionID(c.owner.Number()), Payment: billing.GatewayPaymentID(c.owner.Number()), Amount: 10 * usd, Threshold: 30 * usd,
	})
	return err
}}

// pooled is a pool plan of the customer.
func pooled(c *scene, im *billing.Importer) error {
	return im.PoolPlan(billing.PoolPlanLine{
		Offer: billing.OfferID(c.owner.Number()), Customer: billing.To(c.owner.Number()), Name: billing.To("Pool"), Currency: billing.To("USD"),
		Subscribers: billing.To([]string{"310150123456789"}), Balances: billing.To([]billing.Allowance{{Word: "SMS"}, {Word: "KB"}}),
	})
}

// topUpPoolOnce is a client with an Idempotency-Key that asks again until it is answered:
// 2 for 50 messages and a GB.
var topUpPoolOnce = step{0, func(c *scene) error {
	key := fmt.Sprint("pool-", c.owner.Number())
	_, err := c.p.engine.Once(c.p.ctx, billing.OnceParams{Key: key, Input: sha256.Sum256([]byte(key))}, func(ctx context.Context) (billing.Answer, error) {
		id, err := c.p.engine.TopUpPoolPlan(ctx, billing.TopUpPoolPlanParams{
			Customer: c.owner, Offer: billing.OfferID(c.owner.Number()), Charge: 2 * usd, Currency: "USD",
			Allowances: []billing.Allowance{messages(50), {Word: "GB", Micros: billing.Micro}},
		})
		return billing.Answer{Status: 200, Body: []byte(id)}, err
	})
	return err
}}

// endOfTopups tells what the story's interfaces show in the end.
func (c *scene) endOfTopups(r billing.Reader, e *ending) error {
	all, err := r.ExpectedPayments(billing.ExpectedFilter{Owner: c.owner})
	if err != nil {
		return err
	}
	for i := range all {
		ep := &all[i]
		l, err := r.LetterOf(ep.ID)
		if err != nil && !errors.Is(err, billing.NotFound) {
			return err
		}
		own := ep.Charge != 0 && ep.Payment == billing.ChargePayment(ep.Charge)
		e.Topups = append(e.Topups, fmt.Sprint("expected ", ep.Amount, " ", ep.Method, " ", ep.Reason, " open ", ep.Open(), " own ", own, " revision ", ep.Revision, " letter ", l.Type))
	}
	t, err := r.TopupTerms(c.owner)
	if err == nil {
		e.Topups = append(e.Topups, fmt.Sprint("owes ", t.Outstanding, " ", t.Overdue, " ", t.Suspended))
	} else if !errors.Is(err, billing.NotFound) {
		return err
	}
	n := c.owner.Number()
	switch d, err := r.NewestOrder(billing.SubscriptionID(n)); {
	case err == nil:
		e.Topups = append(e.Topups, fmt.Sprint("order ", d.Payment == billing.GatewayPaymentID(n), " ", d.Posting != 0, " ", d.Status))
	case !errors.Is(err, billing.NotFound):
		return err
	}
	balances, err := r.PoolBalances(billing.OfferID(n))
	for _, b := range balances {
		e.Topups = append(e.Topups, fmt.Sprint("pool ", b.Unit, " ", b.Left, " ", b.Total))
	}
	slices.Sort(e.Topups)
	return err
}
