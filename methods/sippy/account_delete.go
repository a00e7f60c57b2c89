package sippy

import (
	"context"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func deleteAccountMethod() method {
	return method{
		name: "deleteAccount", about: "Deletes an account that has no balance and nothing open.",
		caller: byCustomer, params: []param{iAccountParam}, run: (*api).deleteAccount,
	}
}

func (a *api) deleteAccount(ctx context.Context, c call) (xmlrpc.Value, error) {
	return a.onOwner(ctx, c, accountOf, a.engine.DeleteOwner)
}

// onOwner runs an operation that takes an owner and answers nothing.
func (a *api) onOwner(ctx context.Context, c call, read func(xmlrpc.Params) (billing.OwnerID, error), run func(context.Context, billing.OwnerID) error) (xmlrpc.Value, error) {
	o, err := read(c.Params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	if err := run(ctx, o); err != nil {
		return xmlrpc.Value{}, err
	}
	return succeeded, nil
}
