package sippy

import (
	"context"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func blockAccountMethod() method {
	return method{
		name: "blockAccount", about: "Blocks an account: no job charges its cards.",
		caller: byCustomer, params: []param{iAccountParam},
		run: func(a *api, ctx context.Context, c call) (xmlrpc.Value, error) {
			return a.onOwner(ctx, c, accountOf, a.block(true))
		},
	}
}

func unblockAccountMethod() method {
	return method{
		name: "unblockAccount", about: "Lifts what blockAccount did, and no other block.",
		caller: byCustomer, params: []param{iAccountParam},
		run: func(a *api, ctx context.Context, c call) (xmlrpc.Value, error) {
			return a.onOwner(ctx, c, accountOf, a.block(false))
		},
	}
}

func (a *api) block(on bool) func(context.Context, billing.OwnerID) error {
	return func(ctx context.Context, o billing.OwnerID) error { return a.engine.BlockOwner(ctx, o, on) }
}
