package sippy

import (
	"context"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func getPaymentInfoMethod() method {
	return method{
		name: "getPaymentInfo", use: billing.UseReads, about: "Returns one payment of an account or customer; every card charge is one, automatic ones too.",
		caller: byWholesaler, run: (*api).getPaymentInfo, returns: paymentMembers,
		params: append(append([]param{}, ownerParams...), param{name: "i_payment", kind: "int", need: true}),
	}
}

func (a *api) getPaymentInfo(ctx context.Context, c call) (xmlrpc.Value, error) {
	owner, err := ownerOf(c.Params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	id, err := paymentOf(c.Params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	p, err := a.engine.PaymentInfo(ctx, owner, id)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	return xmlrpc.Struct(paymentReply([]xmlrpc.Member{resultOK}, &p)...), nil
}

func paymentOf(p xmlrpc.Params) (billing.PaymentID, error) {
	n, state, err := p.Int("i_payment")
	switch {
	case err != nil:
		return 0, err
	case state == xmlrpc.Absent:
		return 0, missing("i_payment")
	case n < 1: // null too
		return 0, wrong("i_payment")
	}
	return billing.PaymentID(n), nil
}
