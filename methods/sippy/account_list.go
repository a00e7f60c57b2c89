package sippy

import (
	"context"
	"time"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func listAccountsMethod() method {
	return method{
		name: "listAccounts", use: billing.UseReads, about: "Lists the caller's accounts by i_account; the balance is what they have.",
		caller: byCustomer, params: pageParams(billing.MaxOwnerRows),
		returns: []param{{name: "accounts", kind: "array", note: "of i_account, username, description, blocked, expired, balance, credit_limit, base_currency, registration_status"}},
		run:     (*api).listAccounts,
	}
}

func (a *api) listAccounts(ctx context.Context, c call) (xmlrpc.Value, error) {
	list, err := a.owners(ctx, c, billing.KindAccount)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	rows := make([]xmlrpc.Value, len(list.Rows))
	for i := range list.Rows {
		rows[i] = accountRow(&list.Rows[i], list.At)
	}
	return xmlrpc.Struct(resultOK, xmlrpc.Member{Name: "accounts", Value: xmlrpc.Array(rows...)}), nil
}

// owners reads one page. Whoever the caller member names has its own listed; root
// without it has all (S-405).
func (a *api) owners(ctx context.Context, c call, kind billing.OwnerKind) (list billing.OwnerList, err error) {
	rows, err := pageOf(c.Params, billing.MaxOwnerRows)
	if err != nil {
		return list, err
	}
	p := billing.ListOwnersParams{Kind: kind, Offset: rows.offset, Limit: rows.limit}
	n, named, err := idOf(c.Params, string(c.method.caller))
	if err != nil {
		return list, err
	}
	if named {
		p.Parent = billing.Customer(n)
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return list, err
	}
	return a.engine.ListOwners(ctx, p)
}

// accountRow has the natural sign, and no -0.0 (S-401).
func accountRow(r *billing.OwnerRow, now time.Time) xmlrpc.Value {
	return xmlrpc.Struct(
		xmlrpc.Member{Name: "i_account", Value: xmlrpc.Int(r.ID.Number())},
		xmlrpc.Member{Name: "username", Value: xmlrpc.String(r.Username)},
		xmlrpc.Member{Name: "description", Value: xmlrpc.String(r.Name)},
		xmlrpc.Member{Name: "blocked", Value: xmlrpc.Bool(r.Blocked != 0)},
		xmlrpc.Member{Name: "expired", Value: xmlrpc.Bool(r.Expired(now))},
		xmlrpc.Member{Name: "balance", Value: double(r.Balance)},
		xmlrpc.Member{Name: "credit_limit", Value: doubleOrNil(r.CreditLimit)},
		xmlrpc.Member{Name: "base_currency", Value: xmlrpc.String(string(r.Currency))},
		xmlrpc.Member{Name: "registration_status", Value: xmlrpc.Nil()},
	)
}
