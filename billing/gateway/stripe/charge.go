package stripe

import (
	"context"
	"net/http"

	"github.com/stripe/stripe-go/v85"

	"topupd/billing"
)

// confirmSuffix makes the confirmation's idempotency key from the attempt's.
const confirmSuffix = "-confirm"

// Charge confirms the attempt's PaymentIntent, which Prepare made; without a
// GatewayRef it makes it first.
func (g *Gateway) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	if c.GatewayRef == "" {
		ref, f, r := g.create(ctx, &c)
		switch {
		case f != nil && f.what == reused:
			return f.unknown("") // something else was made under this key, and maybe paid
		case ref == "":
			return r
		}
		c.GatewayRef = ref
	}
	return g.confirm(ctx, &c)
}

// confirm makes Stripe take the money. The customer is not there: what needs an
// authentication is declined instead of waiting for one.
func (g *Gateway) confirm(ctx context.Context, c *billing.GatewayCharge) billing.GatewayResult {
	ref := c.GatewayRef
	var r billing.GatewayResult
	for _, key := range keys(c.Key + confirmSuffix) {
		params := &stripe.PaymentIntentConfirmParams{
			OffSession:            stripe.Bool(true),
			ErrorOnRequiresAction: stripe.Bool(true),
			Expand:                stripe.StringSlice([]string{"latest_charge"}),
		}
		var p paymentIntent
		f := g.call(ctx, http.MethodPost, intentPath(ref)+"/confirm", key, params, &p)
		if f == nil {
			return outcome(&p, c)
		}
		r = g.unconfirmed(ctx, c, f)
		if f.what != faulty || !f.replayed || r.Outcome != billing.OutcomeNotAttempted {
			break
		}
	}
	return r
}

// unconfirmed is the result of a confirmation that was not answered with a
// PaymentIntent.
func (g *Gateway) unconfirmed(ctx context.Context, c *billing.GatewayCharge, f *failure) billing.GatewayResult {
	ref := c.GatewayRef
	switch f.what {
	case limited:
		if f.said.Code == string(stripe.ErrorCodeLockTimeout) {
			return f.unknown(ref) // what holds the payment may be its confirmation
		}
		return f.notAttempted(ref)
	case unsent, unkeyed:
		return f.notAttempted(ref)
	case declined:
		if p := f.said.PaymentIntent; p != nil {
			if r, ok := isFor(p, c); !ok {
				return r
			}
		}
		return declineOf(&f.said, ref)
	case faulty:
		if !f.replayed {
			return f.unknown(ref)
		}
		// That request is over; the PaymentIntent shows what it did.
		return g.look(ctx, c)
	case refused:
		// It may have been confirmed before; a refusal says nothing about that.
		r := g.look(ctx, c)
		if r.Outcome != billing.OutcomeNotAttempted {
			return r
		}
		if d, ok := f.refusedCard(ref); ok {
			return d
		}
		return f.notAttempted(ref)
	default:
		return f.unknown(ref)
	}
}
