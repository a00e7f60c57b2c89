package sippy

import (
	"context"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func makePaymentMethod() method {
	return method{
		name: "makePayment", use: billing.UsePays, about: "Charges a stored card of an account or customer and waits for the outcome. A declined card is no fault.",
		caller: byWholesaler, run: (*api).makePayment,
		params: append(append([]param{}, ownerParams...),
			param{name: "amount", kind: "double", need: true, note: "above 0, to " + billing.FormatMicros(billing.MaxCharge) + ", whole minor units"},
			param{name: "currency", kind: "string", need: true, note: "ISO 4217, the owner's"},
			param{name: "payer_ip_address", kind: "string", need: true, note: "IPv4 or IPv6"},
			param{name: "i_debit_credit_card", kind: "int or nil", note: "nil is the primary card"},
			idempotencyParam,
		),
		returns: []param{{name: "i_payment", kind: "int"}},
	}
}

func (a *api) makePayment(ctx context.Context, c call) (xmlrpc.Value, error) {
	payment, err := makePaymentParams(c.Params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	made, err := a.engine.MakePayment(ctx, payment)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	return madeReply(made), nil
}

// makePaymentParams reads the members in the page's order.
func makePaymentParams(p xmlrpc.Params) (m billing.MakePaymentParams, err error) {
	if m, err = anyPaymentParams(p); err != nil {
		return m, err
	}
	m.Card, err = payingCard(p)
	return m, err
}

// anyPaymentParams reads what every payment has.
func anyPaymentParams(p xmlrpc.Params) (m billing.MakePaymentParams, err error) {
	if m.Owner, err = ownerOf(p); err != nil {
		return m, err
	}
	if m.Amount, err = amountOf(p); err != nil {
		return m, err
	}
	if m.Currency, err = currencyOf(p); err != nil {
		return m, err
	}
	payer, given, err := textOf(p, "payer_ip_address")
	switch {
	case err != nil:
		return m, err
	case !given:
		return m, missing("payer_ip_address")
	case payer == "": // the engine would call it missing
		return m, wrong("payer_ip_address")
	}
	m.Payer = payer
	m.IdempotencyKey, err = keyOf(p)
	return m, err
}

// payingCard reads which card is meant; nil is the primary one.
func payingCard(p xmlrpc.Params) (*billing.CardID, error) {
	n, state, err := p.Int("i_debit_credit_card")
	if err != nil || state != xmlrpc.Given {
		return nil, err
	}
	if n < 1 {
		return nil, wrong("i_debit_credit_card")
	}
	id := billing.CardID(n)
	return &id, nil
}

// madeReply has the outcome for its result: a decline is not a fault (S-301).
func madeReply(made billing.MadePayment) xmlrpc.Value {
	result := "PENDING"
	switch made.Result {
	case billing.PaymentOK:
		result = "OK"
	case billing.PaymentFailed:
		result = "FAILED"
	}
	return xmlrpc.Struct(
		xmlrpc.Member{Name: "result", Value: xmlrpc.String(result)},
		xmlrpc.Member{Name: "i_payment", Value: xmlrpc.Int(int64(made.ID))},
	)
}
