package stripe

import (
	"strings"

	"topupd/billing"
)

// declineCodes is the one table from Stripe's words to what may follow. A word is
// a decline_code, else the error's code. What is not listed is soft: the retry
// plan ends by itself. Source: docs.stripe.com/declines/codes and
// docs.stripe.com/error-codes, April 2026; what Smart Retries never repeats is hard.
var declineCodes = map[string]billing.DeclineClass{
	// The card is gone, or the issuer will not take it back into favour.
	"lost_card":                         billing.DeclineHard,
	"stolen_card":                       billing.DeclineHard,
	"pickup_card":                       billing.DeclineHard,
	"restricted_card":                   billing.DeclineHard,
	"fraudulent":                        billing.DeclineHard,
	"merchant_blacklist":                billing.DeclineHard,
	"highest_risk_level":                billing.DeclineHard,
	"invalid_account":                   billing.DeclineHard,
	"account_closed":                    billing.DeclineHard,
	"new_account_information_available": billing.DeclineHard,
	"incorrect_number":                  billing.DeclineHard,
	"invalid_number":                    billing.DeclineHard,
	"expired_card":                      billing.DeclineHard,
	"card_not_supported":                billing.DeclineHard,
	"currency_not_supported":            billing.DeclineHard,
	"transaction_not_allowed":           billing.DeclineHard,
	"testmode_decline":                  billing.DeclineHard,
	"do_not_try_again":                  billing.DeclineHard,
	"previously_declined_do_not_retry":  billing.DeclineHard,
	// The cardholder told the bank to stop.
	"stop_payment_order":                       billing.DeclineHard,
	"revocation_of_authorization":              billing.DeclineHard,
	"revocation_of_all_authorizations":         billing.DeclineHard,
	"debit_not_authorized":                     billing.DeclineHard,
	"india_recurring_payment_mandate_canceled": billing.DeclineHard,

	// The customer has to act; then this card may work.
	"authentication_required":               billing.DeclineAuthentication,
	"authentication_not_handled":            billing.DeclineAuthentication,
	"payment_intent_authentication_failure": billing.DeclineAuthentication,
	"payment_intent_action_required":        billing.DeclineAuthentication,
	"mobile_device_authentication_required": billing.DeclineAuthentication,
	"intent_verification_method_missing":    billing.DeclineAuthentication,
	"payment_intent_mandate_invalid":        billing.DeclineAuthentication,
	"cardholder_phone_number_required":      billing.DeclineAuthentication,
	"offline_pin_required":                  billing.DeclineAuthentication,
	"online_or_offline_pin_required":        billing.DeclineAuthentication,
	"incorrect_cvc":                         billing.DeclineAuthentication,
	"invalid_cvc":                           billing.DeclineAuthentication,
	"incorrect_zip":                         billing.DeclineAuthentication,
	"incorrect_address":                     billing.DeclineAuthentication,
	"invalid_expiry_month":                  billing.DeclineAuthentication,
	"invalid_expiry_year":                   billing.DeclineAuthentication,

	"insufficient_funds":              billing.DeclineSoft,
	"card_velocity_exceeded":          billing.DeclineSoft,
	"withdrawal_count_limit_exceeded": billing.DeclineSoft,
	"processing_error":                billing.DeclineSoft,
	"issuer_not_available":            billing.DeclineSoft,
	"reenter_transaction":             billing.DeclineSoft,
	"try_again_later":                 billing.DeclineSoft,
	"duplicate_transaction":           billing.DeclineSoft,
	"approve_with_id":                 billing.DeclineSoft,
	"invalid_amount":                  billing.DeclineSoft,
	"call_issuer":                     billing.DeclineSoft,
	"do_not_honor":                    billing.DeclineSoft,
	"generic_decline":                 billing.DeclineSoft,
	"no_action_taken":                 billing.DeclineSoft,
	"not_permitted":                   billing.DeclineSoft,
	"security_violation":              billing.DeclineSoft,
	"service_not_allowed":             billing.DeclineSoft,
}

// unspoken are the declines whose reason is not told to the cardholder, who may
// not be the one who reads it (docs.stripe.com/declines/codes).
var unspoken = map[string]bool{
	"lost_card": true, "stolen_card": true, "pickup_card": true, "restricted_card": true,
	"fraudulent": true, "merchant_blacklist": true, "highest_risk_level": true,
}

// Stripe's own reading of the issuer's advice.
const (
	adviceStop    = "do_not_try_again"
	adviceLater   = "try_again_later"
	adviceConfirm = "confirm_card_data"
)

// mastercardAdvice is Mastercard's merchant advice codes in Stripe's words, for
// when Stripe gives the number alone. Other brands use the same numbers for other
// things.
var mastercardAdvice = map[string]string{
	"01": adviceConfirm, "02": adviceLater, "03": adviceStop, "21": adviceStop,
	"24": adviceLater, "25": adviceLater, "26": adviceLater, "27": adviceLater,
	"28": adviceLater, "29": adviceLater, "30": adviceLater,
}

// classOf is what may follow a decline: the issuer's advice first, then the code.
// Advice to go on does not bring back a card that is known to be gone, and none
// replaces an authentication.
func classOf(code, advice string) billing.DeclineClass {
	class := declineCodes[code]
	switch {
	case advice == adviceStop || class == billing.DeclineHard:
		return billing.DeclineHard
	case advice == adviceConfirm || class == billing.DeclineAuthentication:
		return billing.DeclineAuthentication
	default:
		return billing.DeclineSoft
	}
}

// advice is the issuer's advice in Stripe's words, and as it was worded.
func (e *apiError) advice(brand string) (meaning, worded string) {
	switch {
	case e.Advice != "":
		return e.Advice, e.Advice
	case brand == "mastercard":
		return mastercardAdvice[e.NetworkAdvice], e.NetworkAdvice
	default:
		return "", e.NetworkAdvice
	}
}

// word is the most exact of Stripe's words for an error.
func (e *apiError) word() string {
	for _, w := range []string{e.DeclineCode, e.Code, e.Type} {
		if w != "" && len(w) <= 80 && strings.Trim(w, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" {
			return w
		}
	}
	return "unreadable_error"
}

// refusal is the class of a request that Stripe refuses because of the card, the
// customer or the amount, before anything is sent to a network; none for any
// other reason, which is ours or the account's.
func (e *apiError) refusal() billing.DeclineClass {
	switch {
	case e.Code == "amount_too_small" || e.Code == "amount_too_large":
		return billing.DeclineSoft // the card is fine; the plan ends and says why
	case e.Param == "payment_method" || e.Param == "customer":
		return billing.DeclineHard
	default:
		return billing.DeclineNone
	}
}

// otherMode: what is asked for exists, in test mode for a live key or the other
// way round. Stripe has no code for it, and reads like a card that is gone.
func otherMode(e *apiError) bool {
	return e.Code == "livemode_mismatch" ||
		e.Code == "resource_missing" && strings.Contains(e.Message, "similar object exists in")
}
