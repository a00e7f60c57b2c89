package sippy

import (
	"context"
	"encoding/json"
	"strings"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func listCustomersMethod() method {
	return method{
		name: "listCustomers", use: billing.UseReads, about: "Lists the caller's direct customers by i_customer; the balance is what they have.",
		caller: byWholesaler, params: pageParams(billing.MaxOwnerRows),
		returns: []param{{name: "customers", kind: "array", note: "of i_customer, name, web_login, description, balance, credit_limit, base_currency"}},
		run:     (*api).listCustomers,
	}
}

func (a *api) listCustomers(ctx context.Context, c call) (xmlrpc.Value, error) {
	list, err := a.owners(ctx, c, billing.KindCustomer)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	rows := make([]xmlrpc.Value, len(list.Rows))
	for i := range list.Rows {
		rows[i] = customerRow(&list.Rows[i])
	}
	return xmlrpc.Struct(resultOK, xmlrpc.Member{Name: "customers", Value: xmlrpc.Array(rows...)}), nil
}

func customerRow(r *billing.OwnerRow) xmlrpc.Value {
	return xmlrpc.Struct(
		xmlrpc.Member{Name: "i_customer", Value: xmlrpc.Int(r.ID.Number())},
		xmlrpc.Member{Name: "name", Value: xmlrpc.String(r.Name)},
		xmlrpc.Member{Name: "web_login", Value: xmlrpc.String(r.Login)},
		xmlrpc.Member{Name: "description", Value: xmlrpc.String(descriptionOf(r.Extra))},
		xmlrpc.Member{Name: "balance", Value: double(r.Balance)},
		xmlrpc.Member{Name: "credit_limit", Value: doubleOrNil(r.CreditLimit)},
		xmlrpc.Member{Name: "base_currency", Value: xmlrpc.String(string(r.Currency))},
	)
}

// descriptionOf reads one field, without the cost of the others.
func descriptionOf(extra string) string {
	var holder struct {
		Sippy struct {
			Description string `json:"description"`
		} `json:"sippy"`
	}
	if !strings.Contains(extra, `"description":`) || json.Unmarshal([]byte(extra), &holder) != nil {
		return ""
	}
	return holder.Sippy.Description
}
