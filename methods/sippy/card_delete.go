package sippy

import (
	"context"
	"slices"

	"topupd/methods/xmlrpc"
)

func deleteCardMethod() method {
	return method{
		name: "deleteDebitCreditCard", about: "Deletes a payment card; a policy that charges it pauses, and its owner is told.",
		params: slices.Concat(ownerParams, []param{cardParam}), run: (*api).deleteCard,
	}
}

func (a *api) deleteCard(ctx context.Context, c call) (xmlrpc.Value, error) {
	owner, card, err := cardOf(c)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	if err := a.engine.DeleteCard(ctx, owner, card); err != nil {
		return xmlrpc.Value{}, err
	}
	return succeeded, nil
}
