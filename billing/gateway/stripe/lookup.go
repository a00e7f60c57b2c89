package stripe

import (
	"context"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v85"

	"topupd/billing"
)

const (
	// replayWindow is how long after an attempt was submitted its key is sure to
	// be known at Stripe, which keeps keys for 24 hours at least.
	replayWindow = 20 * time.Hour
	// An attempt without a reference is searched in so many pages of a hundred.
	mostPages = 20
	// Without a customer only what was made around the attempt is searched.
	searchBefore = 72 * time.Hour
)

// Lookup asks what became of an attempt. With its GatewayRef that is one question.
// Without one, a key that Stripe still knows leads to the PaymentIntent (and makes
// an unconfirmed one if there was none); an older key is searched in the list.
func (g *Gateway) Lookup(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	if c.GatewayRef == "" {
		if g.now().Sub(c.SubmittedAt) >= replayWindow { // an unknown time is long ago
			return g.search(ctx, &c)
		}
		ref, f, r := g.create(ctx, &c)
		switch {
		case f != nil && r.Outcome == billing.OutcomeNotAttempted:
			return f.unknown("")
		case ref == "":
			return r
		}
		c.GatewayRef = ref
	}
	return g.stillOut(g.look(ctx, &c), &c)
}

// stillOut makes "not attempted" wait while the confirmation may be on its way:
// Stripe shows a payment that is just being confirmed as unconfirmed.
func (g *Gateway) stillOut(r billing.GatewayResult, c *billing.GatewayCharge) billing.GatewayResult {
	if r.Outcome == billing.OutcomeNotAttempted && !c.SubmittedAt.IsZero() && g.now().Sub(c.SubmittedAt) < g.inFlight {
		r.Outcome, r.Code = billing.OutcomeUnknown, "not_confirmed_yet"
	}
	return r
}

// look reads the attempt's PaymentIntent.
func (g *Gateway) look(ctx context.Context, c *billing.GatewayCharge) billing.GatewayResult {
	params := &stripe.PaymentIntentRetrieveParams{Expand: stripe.StringSlice([]string{"latest_charge"})}
	var p paymentIntent
	if f := g.call(ctx, http.MethodGet, intentPath(c.GatewayRef), "", params, &p); f != nil {
		return f.unseen(c.GatewayRef)
	}
	return outcome(&p, c)
}

// unseen is the result of a question that was not answered.
func (f *failure) unseen(ref string) billing.GatewayResult {
	r := f.unknown(ref)
	if f.what == refused {
		r.Trouble = billing.TroubleNone // Stripe works, and does not know it
	}
	return r
}

// search goes through the customer's PaymentIntents for the attempt's key. It
// lists: Stripe's search index may be an hour behind.
func (g *Gateway) search(ctx context.Context, c *billing.GatewayCharge) billing.GatewayResult {
	params := &stripe.PaymentIntentListParams{Expand: stripe.StringSlice([]string{"data.latest_charge"})}
	params.Limit = stripe.Int64(100)
	if c.GatewayCustomer != "" {
		params.Customer = stripe.String(c.GatewayCustomer)
	} else if !c.SubmittedAt.IsZero() {
		params.CreatedRange = &stripe.RangeQueryParams{GreaterThanOrEqual: c.SubmittedAt.Add(-searchBefore).Unix()}
	}
	var found *billing.GatewayResult
	for range mostPages {
		var page paymentIntentList
		if f := g.call(ctx, http.MethodGet, intentsPath, "", params, &page); f != nil {
			return f.unseen("")
		}
		for i := range page.Data {
			p := &page.Data[i]
			if p.Metadata[metaKey] != c.Key {
				continue
			}
			if r := outcome(p, c); found == nil || rank(r.Outcome) > rank(found.Outcome) {
				found = &r
			}
		}
		if !page.HasMore || len(page.Data) == 0 {
			return g.searched(found, c)
		}
		params.StartingAfter = stripe.String(page.Data[len(page.Data)-1].ID)
	}
	return billing.GatewayResult{
		Code: "too_many_payments", Message: "the payment was not found among the newest; look for its key at Stripe",
	}
}

// searched is the end of a whole list. That an attempt is not in it is certain
// only for one of a known customer, sent long enough ago.
func (g *Gateway) searched(found *billing.GatewayResult, c *billing.GatewayCharge) billing.GatewayResult {
	r := billing.GatewayResult{Code: "not_found", Message: "Stripe has no payment with this key"}
	switch {
	case found != nil:
		return g.stillOut(*found, c)
	case c.GatewayCustomer != "" && !c.SubmittedAt.IsZero():
		r.Outcome = billing.OutcomeNotAttempted
	}
	return r
}

// rank orders what several PaymentIntents of one key say: money first.
func rank(o billing.Outcome) int {
	switch o {
	case billing.OutcomeSucceeded:
		return 3
	case billing.OutcomeUnknown:
		return 2
	case billing.OutcomeDeclined:
		return 1
	default:
		return 0
	}
}
