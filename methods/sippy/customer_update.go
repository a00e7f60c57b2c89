package sippy

import (
	"context"
	"slices"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func updateCustomerMethod() method {
	return method{
		name:   "updateCustomer",
		about:  "Changes a customer below the one who calls; what is not given stays, and at least one member is needed.",
		caller: byWholesaler,
		params: slices.Concat([]param{aCustomer.param(), {name: "name", kind: "string", note: "unique below its parent, 1 to 255 characters"}}, customerMembers()),
		run:    (*api).updateCustomer,
	}
}

func (a *api) updateCustomer(ctx context.Context, c call) (xmlrpc.Value, error) {
	customer, err := aCustomer.read(c.Params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if !anyGiven(c.Params, c.method.params[1:]) {
		return xmlrpc.Value{}, missing("name")
	}
	update := billing.UpdateOwnerParams{Terms: billing.OwnerLine{Owner: customer}}
	r := changes{p: c.Params}
	update.APIAccess = r.customerTerms(&update.Terms)
	update.Passwords = r.secrets(customerSecrets)
	if r.err != nil {
		return xmlrpc.Value{}, r.err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	if err := a.engine.UpdateOwner(ctx, update); err != nil {
		return xmlrpc.Value{}, err
	}
	return succeeded, nil
}
