package hook

import (
	"time"

	"topupd/billing"
)

// call is what a bridge is asked for; its words are the requests' "type".
type call string

const (
	callCharge call = "charge"
	callLookup call = "lookup"
	callRefund call = "refund"
)

// sentAtLayout has always six decimals, so that two of them compare as text.
const sentAtLayout = "2006-01-02T15:04:05.000000Z"

func sentAt(t time.Time) string { return t.UTC().Format(sentAtLayout) }

// amount says the same three times, for processors that want text, and for
// those that count minor units.
type amount struct {
	Amount     string `json:"amount"`
	Currency   string `json:"currency"`
	MinorUnits int64  `json:"minor_units"`
	Exponent   int    `json:"exponent"`
}

// wireAmount is a positive amount of whole minor units. Errors: Invalid.
func wireAmount(a billing.Amount) (amount, error) {
	currency, known := billing.LookupCurrency(string(a.Unit))
	switch {
	case !known:
		return amount{}, billing.Errorf(billing.Invalid, "amount", "the currency is not known")
	case a.Micros <= 0 || !currency.Whole(a.Micros):
		return amount{}, billing.Errorf(billing.Invalid, "amount", "the amount must be positive and whole minor units")
	}
	minor := int64(billing.Micro)
	for range currency.Digits {
		minor /= 10
	}
	return amount{
		Amount: billing.FixedMicros(a.Micros, currency.Digits), Currency: string(currency.Code),
		MinorUnits: a.Micros / minor, Exponent: currency.Digits,
	}, nil
}

// owner is one of the two, named as in an import.
type owner struct {
	Account  int64 `json:"i_account,omitempty"`
	Customer int64 `json:"i_customer,omitempty"`
}

func wireOwner(o billing.OwnerID) owner {
	if o.IsAccount() {
		return owner{Account: o.Number()}
	}
	return owner{Customer: o.Number()}
}

// chargeRequest is the body of a charge and of a lookup, which has all of the
// charge, for processors that know no lookup but answer a repeated key.
type chargeRequest struct {
	Type     call   `json:"type"`
	SentAt   string `json:"sent_at"`
	Key      string `json:"key"`
	ChargeID int64  `json:"charge_id"`
	Owner    owner  `json:"owner"`
	amount
	Token           string `json:"token"`
	GatewayCustomer string `json:"gateway_customer,omitempty"`
	MandateID       int64  `json:"mandate_id,omitempty"`
	Use             string `json:"use"`
	Description     string `json:"description"`
	Ref             string `json:"ref,omitempty"`
}

func newChargeRequest(k call, c billing.GatewayCharge) (*chargeRequest, error) {
	if c.Key == "" {
		return nil, billing.Errorf(billing.Invalid, "key", "a charge needs an idempotency key")
	}
	a, err := wireAmount(c.Amount)
	if err != nil {
		return nil, err
	}
	use := "unscheduled"
	if c.Recurring {
		use = "recurring"
	}
	return &chargeRequest{
		Type: k, Key: c.Key, ChargeID: int64(c.ChargeID), Owner: wireOwner(c.Owner), amount: a,
		Token: c.Token.Reveal(), GatewayCustomer: c.GatewayCustomer, MandateID: int64(c.MandateID),
		Use: use, Description: c.Description, Ref: c.GatewayRef,
	}, nil
}

// refundRequest is the body of a refund. ref is the refund's, charge_ref the payment's.
type refundRequest struct {
	Type      call   `json:"type"`
	SentAt    string `json:"sent_at"`
	Key       string `json:"key"`
	RefundID  int64  `json:"refund_id"`
	ChargeID  int64  `json:"charge_id"`
	ChargeKey string `json:"charge_key"`
	ChargeRef string `json:"charge_ref,omitempty"`
	amount
	Ref string `json:"ref,omitempty"`
}

func newRefundRequest(r billing.GatewayRefund) (*refundRequest, error) {
	if r.Key == "" || (r.ChargeKey == "" && r.ChargeRef == "") {
		return nil, billing.Errorf(billing.Invalid, "key", "a refund needs a key and a payment")
	}
	a, err := wireAmount(r.Amount)
	if err != nil {
		return nil, err
	}
	return &refundRequest{
		Type: callRefund, Key: r.Key, RefundID: int64(r.RefundID), ChargeID: int64(r.ChargeID),
		ChargeKey: r.ChargeKey, ChargeRef: r.ChargeRef, amount: a, Ref: r.GatewayRef,
	}, nil
}
