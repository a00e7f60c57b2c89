package stripe

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/stripe/stripe-go/v85"

	"topupd/billing"
)

// Metadata of what we make at Stripe. A person who looks at a payment there finds
// its charge by it, and so do webhooks.
const (
	metaKey      = "topupd_key" // the attempt's key, or the refund's
	metaCharge   = "topupd_charge"
	metaOwner    = "topupd_owner"
	metaMandate  = "topupd_mandate"
	metaSchedule = "topupd_schedule" // recurring or unscheduled
	metaRefund   = "topupd_refund"
	metaAttempt  = "topupd_attempt" // of a refund: the key of what captured
)

const intentsPath = "/v1/payment_intents"

func intentPath(ref string) string { return intentsPath + "/" + url.PathEscape(ref) }

// Prepare makes the attempt's PaymentIntent without confirming it.
func (g *Gateway) Prepare(ctx context.Context, c billing.GatewayCharge) (string, billing.GatewayResult) {
	ref, _, r := g.create(ctx, &c)
	return ref, r
}

// create makes the attempt's PaymentIntent, or finds the one that its key made
// before. Without a ref the result says why, and f is Stripe's answer if there
// was one.
func (g *Gateway) create(ctx context.Context, c *billing.GatewayCharge) (ref string, f *failure, r billing.GatewayResult) {
	amount, r, ok := checkCharge(c)
	if !ok {
		return "", nil, r
	}
	customer := c.GatewayCustomer
	if customer == "" {
		if customer, f = g.customerOf(ctx, c.Token); f != nil {
			return "", f, f.notAttempted("")
		}
	}
	for _, key := range keys(c.Key) {
		params := createParams(c, amount, customer)
		var p paymentIntent
		f = g.call(ctx, http.MethodPost, intentsPath, key, params, &p)
		if f == nil && p.ID != "" {
			return p.ID, nil, billing.GatewayResult{}
		}
		if f == nil {
			f = &failure{what: silent}
		}
		if f.what != faulty || !f.replayed {
			break
		}
	}
	return "", f, f.unprepared()
}

// keys are the idempotency keys of one request. Stripe stores a 500 like any
// answer and gives it again for a day; by then that request is over, and where it
// cannot have moved money (a PaymentIntent is made unconfirmed, and confirmed at
// most once) the next key makes it again.
func keys(first string) []string { return []string{first, first + "-2", first + "-3"} }

const longestKey = 255 - len(confirmSuffix) - len("-3")

// checkCharge refuses what Stripe would refuse without looking at the card.
func checkCharge(c *billing.GatewayCharge) (int64, billing.GatewayResult, bool) {
	switch {
	case c.Key == "" || len(c.Key) > longestKey || strings.TrimSpace(c.Key) != c.Key:
		return 0, billing.GatewayResult{
			Outcome: billing.OutcomeNotAttempted, Code: "invalid_request",
			Message: fmt.Sprintf("a charge needs an idempotency key of 1 to %d characters", longestKey),
		}, false
	case c.Token == "":
		return 0, billing.GatewayResult{
			Outcome: billing.OutcomeDeclined, Class: billing.DeclineHard, Code: "invalid_token",
			Message: "The card has no token at Stripe.",
		}, false
	}
	amount, err := chargeable(c.Amount)
	if err != nil {
		return 0, billing.GatewayResult{
			Outcome: billing.OutcomeDeclined, Class: billing.DeclineSoft, Code: "amount_not_chargeable",
			Message: err.Error(),
		}, false
	}
	return amount, billing.GatewayResult{}, true
}

// customerOf finds the customer that a payment method belongs to: Stripe refuses
// to charge one without naming it. Most cards come with it.
func (g *Gateway) customerOf(ctx context.Context, token billing.Secret) (string, *failure) {
	if !strings.HasPrefix(token.Reveal(), "pm_") {
		return "", nil
	}
	var m paymentMethod
	f := g.call(ctx, http.MethodGet, "/v1/payment_methods/"+url.PathEscape(token.Reveal()), "", &stripe.PaymentMethodRetrieveParams{}, &m)
	switch {
	case f != nil && f.what == refused:
		return "", nil // what is wrong with it, the payment tells
	case f != nil:
		return "", f
	case m.Customer == nil:
		return "", nil
	}
	return m.Customer.ID, nil
}

func createParams(c *billing.GatewayCharge, amount int64, customer string) *stripe.PaymentIntentCreateParams {
	schedule := "unscheduled"
	if c.Recurring {
		schedule = "recurring"
	}
	p := &stripe.PaymentIntentCreateParams{
		Amount:        stripe.Int64(amount),
		Currency:      stripe.String(currencyCode(c.Amount.Unit)),
		PaymentMethod: stripe.String(c.Token.Reveal()),
		// Other methods answer days later, and wait for a person on the way.
		PaymentMethodTypes: stripe.StringSlice([]string{"card"}),
		Metadata: map[string]string{
			metaKey:      c.Key,
			metaCharge:   strconv.FormatInt(int64(c.ChargeID), 10),
			metaOwner:    c.Owner.String(),
			metaMandate:  strconv.FormatInt(int64(c.MandateID), 10),
			metaSchedule: schedule,
		},
	}
	if c.Description != "" {
		p.Description = stripe.String(c.Description)
	}
	if customer != "" {
		p.Customer = stripe.String(customer)
	}
	return p
}

// unprepared is why there is no PaymentIntent; nothing was captured.
func (f *failure) unprepared() billing.GatewayResult {
	if f.what == declined {
		return declineOf(&f.said, "")
	}
	if f.what == refused {
		if r, ok := f.refusedCard(""); ok {
			return r
		}
	}
	return f.notAttempted("")
}

// refusedCard is the decline that a refused request amounts to, if it was refused
// for the card, the customer or the amount.
func (f *failure) refusedCard(ref string) (billing.GatewayResult, bool) {
	class := f.said.refusal()
	if class == billing.DeclineNone {
		return billing.GatewayResult{}, false
	}
	r := billing.GatewayResult{
		Outcome: billing.OutcomeDeclined, Class: class, Ref: ref, Code: f.said.word(),
		Message: "Stripe does not know this card, or does not take it any more.",
	}
	if class == billing.DeclineSoft {
		r.Message = "Stripe does not take this amount."
	}
	return r, true
}
