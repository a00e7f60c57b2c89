package sippy

import (
	"context"

	"topupd/methods/xmlrpc"
)

func blockCustomerMethod() method {
	return method{
		name: "blockCustomer", about: "Blocks a customer and all below it: no job charges their cards.",
		caller: byWholesaler, params: []param{iCustomerParam},
		run: func(a *api, ctx context.Context, c call) (xmlrpc.Value, error) {
			return a.onOwner(ctx, c, customerOf, a.block(true))
		},
	}
}

func unblockCustomerMethod() method {
	return method{
		name: "unblockCustomer", about: "Lifts what blockCustomer did, and no other block.",
		caller: byWholesaler, params: []param{iCustomerParam},
		run: func(a *api, ctx context.Context, c call) (xmlrpc.Value, error) {
			return a.onOwner(ctx, c, customerOf, a.block(false))
		},
	}
}
