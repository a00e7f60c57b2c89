package stripe

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/stripe/stripe-go/v85"

	"topupd/billing"
)

// Tokenize gives a card number to Stripe and returns its payment method, which
// belongs to a customer made for it: one that belongs to nobody can be charged
// once only. Stripe takes numbers from accounts that it allowed to send them.
func (g *Gateway) Tokenize(ctx context.Context, n billing.CardNumber) (billing.Secret, billing.GatewayCard, error) {
	details := &stripe.PaymentMethodCreateCardParams{
		Number:   stripe.String(n.Number.Reveal()),
		ExpMonth: stripe.Int64(int64(n.ExpMonth)),
		ExpYear:  stripe.Int64(int64(n.ExpYear)),
	}
	if n.CVV != "" {
		details.CVC = stripe.String(n.CVV.Reveal())
	}
	params := &stripe.PaymentMethodCreateParams{Type: stripe.String("card"), Card: details}
	owner := &stripe.CustomerCreateParams{}
	if n.Holder != "" {
		params.BillingDetails = &stripe.PaymentMethodCreateBillingDetailsParams{Name: stripe.String(n.Holder)}
		owner.Name = stripe.String(n.Holder)
	}
	var m paymentMethod
	if f := g.call(ctx, http.MethodPost, "/v1/payment_methods", rand.Text(), params, &m); f != nil {
		return "", billing.GatewayCard{}, f.untokenized()
	}
	if m.ID == "" {
		return "", billing.GatewayCard{}, (&failure{what: silent}).untokenized()
	}
	owner.PaymentMethod = stripe.String(m.ID)
	var c customer
	if f := g.call(ctx, http.MethodPost, "/v1/customers", rand.Text(), owner, &c); f != nil {
		return "", billing.GatewayCard{}, f.untokenized()
	}
	facts := billing.GatewayCard{}
	if known := cardFacts(m.Card); known != nil {
		facts = *known
	}
	facts.Customer = c.ID
	return billing.Secret(m.ID), facts, nil
}

// untokenized is why a number has no token. None of Stripe's own words is in it.
func (f *failure) untokenized() error {
	switch f.what {
	case declined:
		return billing.Errorf(billing.Invalid, "number", "Stripe does not take this card: %s", f.said.word())
	case refused:
		return billing.Errorf(billing.Invalid, "number", "Stripe does not take card numbers like this from this account: %s", f.said.word())
	}
	return billing.Errorf(billing.Busy, "number", "%s", f.notAttempted("").Message)
}
