package sippy

import (
	"context"
	"slices"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func updateAccountMethod() method {
	return method{
		name:   "updateAccount",
		about:  "Changes an account; what is not given stays, and at least one member is needed.",
		caller: byCustomer, params: slices.Concat([]param{anAccount.param()}, accountChanges()), run: (*api).updateAccount,
	}
}

func accountChanges() []param {
	return slices.Concat([]param{{name: "username", kind: "string", note: "unique, 1 to 255 characters"}, {name: "i_billing_plan", kind: "int", note: "counts from the next period"}}, accountMembers())
}

func (a *api) updateAccount(ctx context.Context, c call) (xmlrpc.Value, error) {
	account, err := anAccount.read(c.Params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if !anyGiven(c.Params, c.method.params[1:]) {
		return xmlrpc.Value{}, missing("username")
	}
	update := billing.UpdateOwnerParams{Terms: billing.OwnerLine{Owner: account}}
	r := changes{p: c.Params}
	r.accountTerms(&update.Terms)
	update.Passwords = r.secrets(accountSecrets)
	update.Terms.Extra = r.fields(accountFields).merge()
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
