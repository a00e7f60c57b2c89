package stripe

import (
	"encoding/json"

	"github.com/stripe/stripe-go/v85"
)

// The parts of Stripe's objects that are read here. They are the same in answers
// and in webhooks, whose API version is the account's and not the library's, and
// they hold the advice codes of errors, which the library's own types do not.

// reference is an object that Stripe sends as its id, or whole when asked to.
type reference struct{ ID string }

func (r *reference) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &r.ID)
	}
	var whole struct {
		ID string `json:"id"`
	}
	err := json.Unmarshal(data, &whole)
	r.ID = whole.ID
	return err
}

type paymentIntent struct {
	stripe.APIResource `json:"-"`

	ID               string            `json:"id"`
	Status           string            `json:"status"`
	Amount           int64             `json:"amount"`
	AmountReceived   int64             `json:"amount_received"`
	Currency         string            `json:"currency"`
	Metadata         map[string]string `json:"metadata"`
	LatestCharge     *charge           `json:"latest_charge"`
	LastPaymentError *apiError         `json:"last_payment_error"`
}

type paymentIntentList struct {
	stripe.APIResource `json:"-"`

	Data    []paymentIntent `json:"data"`
	HasMore bool            `json:"has_more"`
}

// charge is one try of a PaymentIntent; only its ID is known unless it was
// expanded.
type charge struct {
	ID       string            `json:"id"`
	Status   string            `json:"status"`
	Payment  reference         `json:"payment_intent"`
	Metadata map[string]string `json:"metadata"`
	Outcome  struct {
		Advice        string `json:"advice_code"`
		NetworkAdvice string `json:"network_advice_code"`
	} `json:"outcome"`
	Details struct {
		Card *card `json:"card"`
	} `json:"payment_method_details"`
	Refunds struct {
		Data []refund `json:"data"`
	} `json:"refunds"`
}

func (c *charge) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &c.ID)
	}
	type whole charge // without this method
	return json.Unmarshal(data, (*whole)(c))
}

type card struct {
	Fingerprint string `json:"fingerprint"`
	Brand       string `json:"brand"`
	Last4       string `json:"last4"`
	ExpMonth    int    `json:"exp_month"`
	ExpYear     int    `json:"exp_year"`
}

type paymentMethod struct {
	stripe.APIResource `json:"-"`

	ID       string     `json:"id"`
	Type     string     `json:"type"`
	Card     *card      `json:"card"`
	Customer *reference `json:"customer"`
}

type customer struct {
	stripe.APIResource `json:"-"`

	ID string `json:"id"`
}

// apiError is why Stripe refused a request, or what the last try of a
// PaymentIntent ended with.
type apiError struct {
	Type          string         `json:"type"`
	Code          string         `json:"code"`
	DeclineCode   string         `json:"decline_code"`
	Advice        string         `json:"advice_code"`
	NetworkAdvice string         `json:"network_advice_code"`
	Param         string         `json:"param"`
	Message       string         `json:"message"`
	PaymentMethod *paymentMethod `json:"payment_method"`
	PaymentIntent *paymentIntent `json:"payment_intent"`
}

type refund struct {
	stripe.APIResource `json:"-"`

	ID            string            `json:"id"`
	Status        string            `json:"status"`
	Amount        int64             `json:"amount"`
	Currency      string            `json:"currency"`
	Payment       reference         `json:"payment_intent"`
	FailureReason string            `json:"failure_reason"`
	Metadata      map[string]string `json:"metadata"`
}

type refundList struct {
	stripe.APIResource `json:"-"`

	Data    []refund `json:"data"`
	HasMore bool     `json:"has_more"`
}

type dispute struct {
	ID       string    `json:"id"`
	Status   string    `json:"status"`
	Reason   string    `json:"reason"`
	Amount   int64     `json:"amount"`
	Currency string    `json:"currency"`
	Payment  reference `json:"payment_intent"`
	// Movements are what left the account and came back, in the account's own
	// currency: negative is taken.
	Movements []struct {
		Amount   int64  `json:"amount"`
		Fee      int64  `json:"fee"`
		Currency string `json:"currency"`
	} `json:"balance_transactions"`
}

type fraudWarning struct {
	ID        string    `json:"id"`
	FraudType string    `json:"fraud_type"`
	Payment   reference `json:"payment_intent"`
}
