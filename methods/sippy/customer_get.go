package sippy

import (
	"context"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func getCustomerInfoMethod() method {
	return method{
		name: "getCustomerInfo", use: billing.UseReads, about: "Returns a customer; its balance is what it owes, so a credit is negative.",
		caller:  byWholesaler,
		params:  aCustomer.eitherParams(),
		returns: []param{{name: "customer", kind: "struct", note: "its members, without passwords"}},
		run:     (*api).getCustomerInfo,
	}
}

func (a *api) getCustomerInfo(ctx context.Context, c call) (xmlrpc.Value, error) {
	info, err := a.ownerInfo(ctx, c, aCustomer)
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
