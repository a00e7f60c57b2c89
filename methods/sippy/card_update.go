package sippy

import (
	"context"
	"slices"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func updateCardMethod() method {
	return method{
		name: "updateDebitCreditCard", about: "Changes a payment card; what is not given stays, and at least one member is needed.",
		params: slices.Concat(ownerParams, []param{cardParam}, optional(cardMembers)), run: (*api).updateCard,
	}
}

func (a *api) updateCard(ctx context.Context, c call) (xmlrpc.Value, error) {
	owner, card, err := cardOf(c)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	terms, err := cardTerms(c.Params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	if err := a.engine.UpdateCard(ctx, billing.UpdateCardParams{Owner: owner, Card: card, CardTerms: terms}); err != nil {
		return xmlrpc.Value{}, err
	}
	return succeeded, nil
}
