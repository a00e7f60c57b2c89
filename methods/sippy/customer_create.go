package sippy

import (
	"context"
	"slices"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func createCustomerMethod() method {
	return method{
		name: "createCustomer", about: "Makes a customer below the one who calls.",
		caller:  byWholesaler,
		params:  slices.Concat([]param{{name: "name", kind: "string", need: true, note: "unique below its parent"}}, customerMembers()),
		returns: []param{{name: "i_customer", kind: "int"}},
		run:     (*api).createCustomer,
	}
}

func (a *api) createCustomer(ctx context.Context, c call) (xmlrpc.Value, error) {
	create := billing.CreateOwnerParams{Kind: billing.KindCustomer}
	r := changes{p: c.Params}
	create.APIAccess = r.customerTerms(&create.Terms)
	switch name := create.Terms.Name; {
	case !name.Given:
		return xmlrpc.Value{}, missing("name")
	case r.err != nil:
		return xmlrpc.Value{}, r.err
	}
	ctx, err := a.scope(ctx, c)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	id, err := a.engine.CreateOwner(ctx, create)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	return xmlrpc.Struct(resultOK, xmlrpc.Member{Name: "i_customer", Value: xmlrpc.Int(id.Number())}), nil
}
