package stripe

import (
	"strings"
	"testing"

	"topupd/billing"
)

func TestClassOf(t *testing.T) {
	const soft, hard, auth = billing.DeclineSoft, billing.DeclineHard, billing.DeclineAuthentication
	for _, tc := range []struct {
		code, advice string
		want         billing.DeclineClass
	}{
		{"insufficient_funds", "", soft},
		{"insufficient_funds", adviceLater, soft},
		{"insufficient_funds", adviceStop, hard}, // the issuer's advice first
		{"insufficient_funds", adviceConfirm, auth},
		{"do_not_honor", "", soft},
		{"do_not_honor", adviceStop, hard},
		{"a_code_of_next_year", "", soft},
		{"a_code_of_next_year", "advice_of_next_year", soft},
		{"", "", soft},
		{"lost_card", "", hard},
		{"stolen_card", adviceLater, hard}, // no advice brings it back
		{"pickup_card", adviceConfirm, hard},
		{"fraudulent", "", hard},
		{"expired_card", "", hard},
		{"invalid_account", "", hard},
		{"revocation_of_all_authorizations", "", hard},
		{"authentication_required", "", auth},
		{"authentication_required", adviceLater, auth},
		{"authentication_required", adviceStop, hard},
		{"incorrect_cvc", "", auth},
		{"incorrect_cvc", adviceLater, auth},
	} {
		if got := classOf(tc.code, tc.advice); got != tc.want {
			t.Errorf("%s, %s: %s, want %s", tc.code, tc.advice, got, tc.want)
		}
	}
}

// A network's number means what it means on that network only.
func TestNetworkAdvice(t *testing.T) {
	for _, tc := range []struct{ brand, advice, network, meaning, worded string }{
		{"mastercard", "", "03", adviceStop, "03"},
		{"mastercard", "", "21", adviceStop, "21"},
		{"mastercard", "", "02", adviceLater, "02"},
		{"mastercard", "", "01", adviceConfirm, "01"},
		{"mastercard", "", "99", "", "99"},
		{"mastercard", adviceLater, "03", adviceLater, adviceLater}, // Stripe's own reading stands
		{"visa", "", "03", "", "03"},
		{"visa", "", "", "", ""},
	} {
		e := apiError{Advice: tc.advice, NetworkAdvice: tc.network}
		if meaning, worded := e.advice(tc.brand); meaning != tc.meaning || worded != tc.worded {
			t.Errorf("%+v: %q, %q", tc, meaning, worded)
		}
	}
}

func TestWordsAreWords(t *testing.T) {
	for want, e := range map[string]apiError{
		"lost_card":        {DeclineCode: "lost_card", Code: "card_declined", Type: "card_error"},
		"card_declined":    {Code: "card_declined", Type: "card_error"},
		"card_error":       {Type: "card_error"},
		"expired_card":     {DeclineCode: "<script>", Code: "expired_card"},
		"unreadable_error": {DeclineCode: strings.Repeat("x", 81), Code: "sk_Live", Type: ""},
	} {
		if got := e.word(); got != want {
			t.Errorf("%+v: %s", e, got)
		}
	}
}

// Stripe's sentences reach people only where they are sentences.
func TestMessages(t *testing.T) {
	for text, want := range map[string]string{
		"Your card has insufficient funds.": "Your card has insufficient funds.",
		"No such PaymentMethod: 'pm_1'":     "fallback",
		"two\nlines":                        "fallback",
		"":                                  "fallback",
		strings.Repeat("a", 301):            "fallback",
		"\xff":                              "fallback",
	} {
		if got := forPeople(text, "fallback"); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	lost := declineOf(&apiError{Type: "card_error", Code: "card_declined", DeclineCode: "lost_card", Message: "It was lost."}, "pi_1")
	if lost.Message != "Your card was declined." || lost.Class != billing.DeclineHard {
		t.Errorf("%+v", lost)
	}
}

func TestBrands(t *testing.T) {
	for brand, want := range map[string]string{
		"visa": "Visa", "amex": "American Express", "cartes_bancaires": "Cartes Bancaires", "unknown": "", "newpay": "newpay",
	} {
		if got := cardFacts(&card{Brand: brand, Last4: "4242"}); got.Brand != want {
			t.Errorf("%s: %s", brand, got.Brand)
		}
	}
	if cardFacts(nil) != nil || cardFacts(&card{Brand: "visa"}) != nil {
		t.Error("a card of which nothing is known has facts")
	}
}
