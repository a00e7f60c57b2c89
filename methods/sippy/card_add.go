package sippy

import (
	"context"
	"slices"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func addCardMethod() method {
	return method{
		name: "addDebitCreditCard", about: "Keeps a payment card of an account or customer.",
		params: slices.Concat(ownerParams, cardMembers), returns: []param{{name: "i_debit_credit_card", kind: "int"}},
		run: (*api).addCard,
	}
}

func (a *api) addCard(ctx context.Context, c call) (xmlrpc.Value, error) {
	owner, err := ownerOf(c.Params)
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
	id, err := a.engine.AddCard(ctx, billing.AddCardParams{Owner: owner, CardTerms: terms})
	if err != nil {
		return xmlrpc.Value{}, err
	}
	return xmlrpc.Struct(resultOK, xmlrpc.Member{Name: "i_debit_credit_card", Value: xmlrpc.Int(int64(id))}), nil
}
