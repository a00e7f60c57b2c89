package sippy

import (
	"context"

	"topupd/methods/xmlrpc"
)

func billingRunMethod() method {
	return method{
		name: "billingRun", about: "Bills what is due of an account's plan now; a repeat bills nothing.", run: (*api).billingRun,
		params: []param{anAccount.param()},
	}
}

func (a *api) billingRun(ctx context.Context, c call) (xmlrpc.Value, error) {
	account, err := anAccount.read(c.Params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	if err := a.engine.BillAccount(ctx, account); err != nil {
		return xmlrpc.Value{}, err
	}
	return succeeded, nil
}
