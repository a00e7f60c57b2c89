package sippy

import (
	"context"
	"slices"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func makePaymentByCardMethod() method {
	return method{
		name: "makePaymentByCard", use: billing.UsePays, about: "Charges a card that is given with the call and not kept, and waits for the outcome. A declined card is no fault.",
		caller: byWholesaler, run: (*api).makePaymentByCard,
		params: slices.Concat(ownerParams, []param{
			{name: "amount", kind: "double", need: true, note: "above 0, to " + billing.FormatMicros(billing.MaxCharge) + ", whole minor units"},
			{name: "currency", kind: "string", need: true, note: "ISO 4217, the owner's"},
			{name: "payer_ip_address", kind: "string", need: true, note: "IPv4 or IPv6"},
		}, oneTimeMembers(), []param{idempotencyParam}),
		returns: []param{{name: "i_payment", kind: "int"}},
	}
}

// oneTimeMembers are those of a card that is not kept: it has no name of its own.
func oneTimeMembers() []param {
	return slices.DeleteFunc(slices.Clone(cardMembers), func(p param) bool { return p.name == "alias" || p.name == "primary" })
}

func (a *api) makePaymentByCard(ctx context.Context, c call) (xmlrpc.Value, error) {
	payment, err := anyPaymentParams(c.Params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if err := required(c); err != nil {
		return xmlrpc.Value{}, err
	}
	terms, err := cardTerms(c.Params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	made, err := a.engine.MakePaymentByCard(ctx, billing.MakePaymentByCardParams{MakePaymentParams: payment, Terms: terms})
	if err != nil {
		return xmlrpc.Value{}, err
	}
	return madeReply(made), nil
}
