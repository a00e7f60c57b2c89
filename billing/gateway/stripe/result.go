package stripe

import (
	"strings"
	"unicode/utf8"

	"topupd/billing"
)

// The statuses of a PaymentIntent.
const (
	statusNeedsMethod  = "requires_payment_method"
	statusNeedsConfirm = "requires_confirmation"
	statusNeedsAction  = "requires_action"
	statusProcessing   = "processing"
	statusCanceled     = "canceled"
	statusSucceeded    = "succeeded"
)

// outcome is what a PaymentIntent's status says about an attempt.
func outcome(p *paymentIntent, c *billing.GatewayCharge) billing.GatewayResult {
	if r, ok := isFor(p, c); !ok {
		return r
	}
	r := billing.GatewayResult{Ref: p.ID}
	switch p.Status {
	case statusSucceeded:
		if p.AmountReceived != p.Amount {
			return mismatch(p.ID)
		}
		r.Outcome, r.Card = billing.OutcomeSucceeded, p.LatestCharge.card()
	case statusNeedsMethod:
		return failedTry(p)
	case statusNeedsConfirm:
		r.Outcome = billing.OutcomeNotAttempted
		r.Code, r.Message = "not_confirmed", "Stripe has the payment and was not told to make it"
	case statusNeedsAction:
		r.Outcome, r.Class, r.Code = billing.OutcomeDeclined, billing.DeclineAuthentication, "authentication_required"
		r.Message = "The customer has to authenticate this payment."
	case statusCanceled:
		r.Outcome, r.Class, r.Code = billing.OutcomeDeclined, billing.DeclineSoft, statusCanceled
		r.Message = "The payment was canceled at Stripe."
	case statusProcessing:
		r.Code, r.Message = statusProcessing, "Stripe is still processing the payment"
	default:
		r.Code, r.Message = "unexpected_status", "the payment has a status that topupd does not use"
	}
	return r
}

// failedTry is a PaymentIntent whose confirmation failed, or whose card was taken
// away before it; it can only go on with another card.
func failedTry(p *paymentIntent) billing.GatewayResult {
	if p.LastPaymentError == nil {
		return billing.GatewayResult{
			Outcome: billing.OutcomeDeclined, Class: billing.DeclineSoft, Ref: p.ID,
			Code: statusNeedsMethod, Message: "Stripe holds no card for this payment.",
		}
	}
	e := *p.LastPaymentError
	if p.LatestCharge != nil && p.LatestCharge.Status == "failed" {
		if e.Advice == "" {
			e.Advice = p.LatestCharge.Outcome.Advice
		}
		if e.NetworkAdvice == "" {
			e.NetworkAdvice = p.LatestCharge.Outcome.NetworkAdvice
		}
	}
	r := declineOf(&e, p.ID)
	if r.Card == nil {
		r.Card = p.LatestCharge.card()
	}
	return r
}

// declineOf is the result of a card error.
func declineOf(e *apiError, ref string) billing.GatewayResult {
	code, brand := e.word(), ""
	r := billing.GatewayResult{Outcome: billing.OutcomeDeclined, Ref: ref, Code: code}
	if e.PaymentMethod != nil {
		r.Card = cardFacts(e.PaymentMethod.Card)
		if e.PaymentMethod.Card != nil {
			brand = e.PaymentMethod.Card.Brand
		}
	}
	meaning, worded := e.advice(brand)
	r.Class, r.Advice = classOf(code, meaning), worded
	r.Message = "Your card was declined."
	if e.Type == "card_error" && !unspoken[code] {
		r.Message = forPeople(e.Message, r.Message)
	}
	return r
}

// isFor checks that a PaymentIntent is this attempt's: a mistaken reference must
// not book what somebody else paid.
func isFor(p *paymentIntent, c *billing.GatewayCharge) (billing.GatewayResult, bool) {
	amount, err := minorUnits(c.Amount)
	key, marked := p.Metadata[metaKey]
	if p.ID == "" || err != nil || amount != p.Amount || currencyCode(c.Amount.Unit) != p.Currency || marked && key != c.Key {
		return mismatch(p.ID), false
	}
	return billing.GatewayResult{}, true
}

func mismatch(ref string) billing.GatewayResult {
	return billing.GatewayResult{
		Outcome: billing.OutcomeUnknown, Ref: ref, Code: "payment_mismatch",
		Message: "Stripe's payment differs from this charge in key, amount or currency",
	}
}

func (c *charge) card() *billing.GatewayCard {
	if c == nil {
		return nil
	}
	return cardFacts(c.Details.Card)
}

func cardFacts(c *card) *billing.GatewayCard {
	if c == nil || (c.Fingerprint == "" && c.Last4 == "") {
		return nil
	}
	brand, known := brands[c.Brand]
	if !known {
		brand = c.Brand
	}
	return &billing.GatewayCard{
		Fingerprint: c.Fingerprint, Brand: brand, Last4: c.Last4, ExpMonth: c.ExpMonth, ExpYear: c.ExpYear,
	}
}

// brands are Stripe's names of networks as people write them.
var brands = map[string]string{
	"amex": "American Express", "cartes_bancaires": "Cartes Bancaires", "diners": "Diners Club",
	"discover": "Discover", "eftpos_au": "eftpos Australia", "jcb": "JCB", "link": "Link",
	"mastercard": "Mastercard", "unionpay": "UnionPay", "visa": "Visa", "unknown": "",
}

// forPeople passes a sentence of Stripe's on if it is one: short, printable, and
// without an id or key in it.
func forPeople(text, fallback string) string {
	const longest = 300
	if text == "" || len(text) > longest || !utf8.ValidString(text) ||
		strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '_' }) {
		return fallback
	}
	return text
}
