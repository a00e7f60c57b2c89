package sandbox

import "topupd/billing"

// The tokens. Any other one is declined as invalid_token, for good.
const (
	TokenOK                     = "tok_ok"
	TokenDeclined               = "tok_declined"                // insufficient funds, may be retried
	TokenLost                   = "tok_lost"                    // hard decline, never retried
	TokenAuthenticationRequired = "tok_authentication_required" // the customer has to act
	TokenTimeout                = "tok_timeout"                 // the answer never comes, the charge did happen
	TokenTimeoutLost            = "tok_timeout_lost"            // never comes, did not happen
	TokenError                  = "tok_error"                   // the gateway fails, nothing charged
	TokenSlow                   = "tok_slow"                    // answers after two seconds
)

// behaviour is what a token does.
type behaviour struct {
	// result is what became of a charge, as Lookup tells it. Its Ref is made
	// from the key.
	result billing.GatewayResult
	silent bool // Charge never answers
	slow   bool // Charge answers late
}

var behaviours = map[string]behaviour{
	TokenOK:   {result: succeeded},
	TokenSlow: {result: succeeded, slow: true},
	TokenDeclined: {result: billing.GatewayResult{
		Outcome: billing.OutcomeDeclined, Class: billing.DeclineSoft,
		Code: "insufficient_funds", Message: "the card has insufficient funds",
	}},
	TokenLost: {result: billing.GatewayResult{
		Outcome: billing.OutcomeDeclined, Class: billing.DeclineHard,
		Code: "lost_card", Message: "the card was reported lost",
	}},
	TokenAuthenticationRequired: {result: billing.GatewayResult{
		Outcome: billing.OutcomeDeclined, Class: billing.DeclineAuthentication,
		Code: "authentication_required", Message: "the customer has to authenticate this payment",
	}},
	TokenTimeout: {result: succeeded, silent: true},
	TokenTimeoutLost: {silent: true, result: billing.GatewayResult{
		Outcome: billing.OutcomeNotAttempted,
		Code:    "not_found", Message: "the sandbox never received this charge",
	}},
	TokenError: {result: billing.GatewayResult{
		Outcome: billing.OutcomeNotAttempted,
		Code:    "gateway_error", Message: "the sandbox failed before anything was charged",
	}},
}

var succeeded = billing.GatewayResult{Outcome: billing.OutcomeSucceeded}

var unknownToken = behaviour{result: billing.GatewayResult{
	Outcome: billing.OutcomeDeclined, Class: billing.DeclineHard,
	Code: "invalid_token", Message: "the sandbox knows no card with this token",
}}

func behaviourOf(token billing.Secret) behaviour {
	if b, ok := behaviours[token.Reveal()]; ok {
		return b
	}
	return unknownToken
}
