package sippy

import (
	"context"

	"topupd/methods/xmlrpc"
)

func deleteCustomerMethod() method {
	return method{
		name: "deleteCustomer", about: "Deletes a customer that has no balance, nothing open, and nothing below it.",
		caller: byWholesaler, params: []param{iCustomerParam}, run: (*api).deleteCustomer,
	}
}

func (a *api) deleteCustomer(ctx context.Context, c call) (xmlrpc.Value, error) {
	return a.onOwner(ctx, c, customerOf, a.engine.DeleteOwner)
}
