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
		params:  newCustomerParams(),
		returns: []param{{name: "i_customer", kind: "int"}},
		run:     (*api).createCustomer,
	}
}

// newCustomerParams begins with what the switch asks for, in its order (S-404).
func newCustomerParams() []param {
	needed := []param{
		{name: "i_tariff", kind: "int or nil", need: true, note: "nil is its own tariff"},
		{name: "name", kind: "string", need: true, note: "unique below its parent, 1 to 255 characters"},
		{name: "web_password", kind: "string", need: true, note: "checked and not kept"},
	}
	return append(needed, slices.DeleteFunc(customerMembers(), func(p param) bool {
		return slices.ContainsFunc(needed, func(n param) bool { return n.name == p.name })
	})...)
}

func (a *api) createCustomer(ctx context.Context, c call) (xmlrpc.Value, error) {
	if name := firstMissing(c); name != "" {
		// Another number than that of the switch's other methods (1.9).
		return xmlrpc.Value{}, xmlrpc.Fault{Code: 410, String: "Parameter " + name + " is required"}
	}
	create := billing.CreateOwnerParams{Kind: billing.KindCustomer}
	r := changes{p: c.Params}
	create.APIAccess = r.customerTerms(&create.Terms)
	r.secrets(customerSecrets)
	if r.err != nil {
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
