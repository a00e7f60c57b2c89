package sippy

import (
	"context"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func getCustomerInfoMethod() method {
	return method{
		name: "getCustomerInfo", about: "Returns a customer; its balance is what it owes, so a credit is negative.",
		caller: byWholesaler,
		params: []param{
			{name: "i_customer", kind: "int", note: "the customer; this or name"},
			{name: "name", kind: "string", note: "this or i_customer"},
		},
		returns: []param{{name: "customer", kind: "struct", note: "its members, without passwords"}},
		run:     (*api).getCustomerInfo,
	}
}

// eitherCustomer has the form of the note on i_account and i_customer.
var eitherCustomer = xmlrpc.Fault{Code: 400, String: "Either i_customer or name is to be supplied, not both"}

func (a *api) getCustomerInfo(ctx context.Context, c call) (xmlrpc.Value, error) {
	q := billing.OwnerQuery{Kind: billing.KindCustomer}
	n, byID, err := idOf(c.Params, "i_customer")
	if err != nil {
		return xmlrpc.Value{}, err
	}
	name, byName, err := textOf(c.Params, "name")
	switch {
	case err != nil:
		return xmlrpc.Value{}, err
	case byID && byName:
		return xmlrpc.Value{}, eitherCustomer
	case byID:
		q.Owner = billing.Customer(n)
	case !byName:
		return xmlrpc.Value{}, missing("i_customer")
	}
	q.Name = name
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	info, err := a.engine.GetOwner(ctx, q)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	return xmlrpc.Struct(resultOK, xmlrpc.Member{Name: "customer", Value: xmlrpc.Struct(customerInfo(&info)...)}), nil
}

func customerInfo(info *billing.OwnerInfo) []xmlrpc.Member {
	o := &info.Owner
	access := int64(0)
	if info.Login.Name != "" && !info.Login.Disabled {
		access = 1
	}
	parent := xmlrpc.Nil()
	if o.Parent != 0 {
		parent = xmlrpc.Int(o.Parent.Number())
	}
	members := []xmlrpc.Member{
		{Name: "i_customer", Value: xmlrpc.Int(o.ID.Number())},
		{Name: "i_wholesaler", Value: parent},
		{Name: "name", Value: xmlrpc.String(o.Name)},
		{Name: "web_login", Value: xmlrpc.String(info.Login.Name)},
		{Name: "api_access", Value: xmlrpc.Int(access)},
		{Name: "balance", Value: inverted(info.Balance)},
		{Name: "base_currency", Value: xmlrpc.String(string(o.Currency))},
		{Name: "blocked", Value: xmlrpc.Bool(o.Blocked != 0)},
	}
	members = append(members, termValues(o)...)
	return append(members, attributesOf(o.Extra).members(customerFields)...)
}
