package stripefake

import "strings"

// card is what a card does when it is charged.
type card struct {
	brand string
	last4 string
	// decline is the error of a charge; empty is none.
	decline string
	advice  string
	message string
	action  bool // off session: an authentication is required
	dispute bool // a successful charge is disputed at once
	refund  string
	fraud   bool
	fault   Fault // of the request that charges it, or makes its payment
	faultOp Op
	slow    bool
}

const declinedText = "Your card was declined."

// cards are the payment methods that exist without being made. What follows a
// "-" in a token only makes another card of the same behaviour: pm_card_visa-7.
// The pm_card_ ones are Stripe's own test methods, the pm_fake_ ones are ours.
var cards = map[string]card{
	"pm_card_visa":       {brand: "visa", last4: "4242"},
	"pm_card_mastercard": {brand: "mastercard", last4: "4444"},
	"pm_card_amex":       {brand: "amex", last4: "8431"},

	"pm_card_chargeDeclined":     {brand: "visa", last4: "0002", decline: "generic_decline", message: declinedText},
	"pm_card_chargeCustomerFail": {brand: "visa", last4: "0341", decline: "generic_decline", advice: "try_again_later", message: declinedText},
	"pm_card_visa_chargeDeclinedInsufficientFunds": {brand: "visa", last4: "9995", decline: "insufficient_funds",
		advice: "try_again_later", message: "Your card has insufficient funds."},
	"pm_card_visa_chargeDeclinedLostCard":              {brand: "visa", last4: "9987", decline: "lost_card", advice: "do_not_try_again", message: declinedText},
	"pm_card_visa_chargeDeclinedStolenCard":            {brand: "visa", last4: "9979", decline: "stolen_card", advice: "do_not_try_again", message: declinedText},
	"pm_card_visa_chargeDeclinedVelocityLimitExceeded": {brand: "visa", last4: "6975", decline: "card_velocity_exceeded", message: declinedText},
	"pm_card_chargeDeclinedExpiredCard":                {brand: "visa", last4: "0069", decline: "expired_card", message: "Your card has expired."},
	"pm_card_chargeDeclinedIncorrectCvc":               {brand: "visa", last4: "0127", decline: "incorrect_cvc", message: "Your card's security code is incorrect."},
	"pm_card_chargeDeclinedProcessingError":            {brand: "visa", last4: "0119", decline: "processing_error", message: "An error occurred while processing your card. Try again in a little bit."},
	"pm_card_chargeDeclinedFraudulent":                 {brand: "visa", last4: "0019", decline: "fraudulent", message: declinedText},
	"pm_card_authenticationRequired":                   {brand: "visa", last4: "3184", action: true},

	"pm_card_createDispute": {brand: "visa", last4: "0259", dispute: true},
	"pm_card_refundFail":    {brand: "visa", last4: "5126", refund: "failed"},
	"pm_card_pendingRefund": {brand: "visa", last4: "7726", refund: "pending"},
	"pm_card_fraudWarning":  {brand: "visa", last4: "5423", fraud: true},

	// Mastercard's advice as a number alone: stop.
	"pm_fake_networkStop": {brand: "mastercard", last4: "0003", decline: "do_not_honor", message: declinedText},

	"pm_fake_hang":        {brand: "visa", last4: "1001", faultOp: OpConfirm, fault: Fault{Kind: HangAfter}},
	"pm_fake_hangLost":    {brand: "visa", last4: "1002", faultOp: OpConfirm, fault: Fault{Kind: HangBefore}},
	"pm_fake_cut":         {brand: "visa", last4: "1003", faultOp: OpConfirm, fault: Fault{Kind: CutAfter}},
	"pm_fake_cutLost":     {brand: "visa", last4: "1004", faultOp: OpConfirm, fault: Fault{Kind: CutBefore}},
	"pm_fake_error":       {brand: "visa", last4: "1005", faultOp: OpConfirm, fault: Fault{Kind: ErrorAfter}},
	"pm_fake_errorLost":   {brand: "visa", last4: "1006", faultOp: OpConfirm, fault: Fault{Kind: ErrorBefore}},
	"pm_fake_processing":  {brand: "visa", last4: "1007", faultOp: OpConfirm, fault: Fault{Kind: Processing}},
	"pm_fake_unavailable": {brand: "visa", last4: "1008", faultOp: OpCreate, fault: Fault{Kind: Unavailable}},
	"pm_fake_limited":     {brand: "visa", last4: "1009", faultOp: OpConfirm, fault: Fault{Kind: RateLimited}},
	"pm_fake_slow":        {brand: "visa", last4: "1010", faultOp: OpConfirm, slow: true},
}

// numbers are the test numbers that make a payment method of a card.
var numbers = map[string]string{
	"4242424242424242": "pm_card_visa",
	"5555555555554444": "pm_card_mastercard",
	"4000000000000341": "pm_card_chargeCustomerFail",
	"4000000000009995": "pm_card_visa_chargeDeclinedInsufficientFunds",
	"4000000000009987": "pm_card_visa_chargeDeclinedLostCard",
	"4000002500003155": "pm_card_authenticationRequired",
	"4000000000000002": "pm_card_chargeDeclined",
}

// declinedWhenAttached are refused by Stripe already when a customer gets them.
var declinedWhenAttached = map[string]bool{
	"4000000000000002": true, "4000000000009995": true, "4000000000009987": true,
}

// behaviour is the card of a token; the base is before any "-".
func behaviour(token string) (card, bool) {
	base, _, _ := strings.Cut(token, "-")
	c, ok := cards[base]
	return c, ok
}

// cardFault is what the card of a request does to it.
func (s *Server) cardFault(c *Call) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.method(c.PaymentMethod)
	if m == nil || m.card.faultOp != c.Op {
		return Fault{}
	}
	if m.card.slow {
		return Fault{Delay: s.opts.Slow}
	}
	return m.card.fault
}
