package sippy

import (
	"bytes"
	"context"
	"slices"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func createAccountMethod() method {
	return method{
		name:   "createAccount",
		about:  "Makes an account of the customer who calls; root names the customer by i_customer. Texts may hold the generator's patterns, as in ${N:[1-9][0-9]}, ${P:8}, ${C:username}; ${$} is a dollar sign.",
		caller: byCustomer,
		params: slices.Concat([]param{
			{name: "username", kind: "string", need: true, note: "unique, 1 to 255 characters"},
			{name: "i_billing_plan", kind: "int", need: true},
		}, accountMembers()),
		returns: []param{
			{name: "i_account", kind: "int"},
			{name: "username", kind: "string"},
			{name: "web_password", kind: "string", note: "as given, or made here"},
			{name: "authname", kind: "string"},
			{name: "voip_password", kind: "string"},
			{name: "vm_password", kind: "string"},
		},
		run: (*api).createAccount,
	}
}

func (a *api) createAccount(ctx context.Context, c call) (reply xmlrpc.Value, err error) {
	err = generated(c.Params, func(p xmlrpc.Params) (err error) {
		made := c
		made.Params = p
		reply, err = a.createGenerated(ctx, made)
		return err
	})
	return reply, err
}

func (a *api) createGenerated(ctx context.Context, c call) (xmlrpc.Value, error) {
	p, err := newAccount(c.Params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	_, named, err := idOf(c.Params, string(byCustomer))
	if err == nil && !named && billing.ActorFrom(ctx).IsRoot() {
		err = missing(string(byCustomer))
	}
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	id, err := a.engine.CreateOwner(ctx, p)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	username := *p.Terms.Username.Value
	return xmlrpc.Struct(
		resultOK,
		xmlrpc.Member{Name: "i_account", Value: xmlrpc.Int(id.Number())},
		xmlrpc.Member{Name: "username", Value: xmlrpc.String(username)},
		xmlrpc.Member{Name: "web_password", Value: givenOr(c.Params, "web_password", newPassword)},
		xmlrpc.Member{Name: "authname", Value: givenOr(c.Params, "authname", func() string { return username })},
		xmlrpc.Member{Name: "voip_password", Value: givenOr(c.Params, "voip_password", newPassword)},
		xmlrpc.Member{Name: "vm_password", Value: givenOr(c.Params, "vm_password", newPassword)},
	), nil
}

// newAccount reads the members; of those that the page calls required only those
// are demanded that billing cannot do without (S-404).
func newAccount(p xmlrpc.Params) (billing.CreateOwnerParams, error) {
	create := billing.CreateOwnerParams{Kind: billing.KindAccount}
	l := &create.Terms
	r := changes{p: p}
	r.accountTerms(l)
	r.secrets(accountSecrets)
	kept := r.fields(accountFields)
	switch {
	case !l.Username.Given:
		return create, missing("username")
	case !l.Plan.Given:
		return create, missing("i_billing_plan")
	case l.Username.Value == nil:
		r.fail("username")
	case l.Plan.Value == nil:
		r.fail("i_billing_plan")
	}
	if r.err != nil {
		return create, r.err
	}
	if name := kept["authname"]; name == nil || bytes.Equal(name, jsonNull) {
		kept["authname"] = toJSON(xmlrpc.String(*l.Username.Value))
	}
	l.Extra = kept.merge()
	return create, nil
}

func newPassword() string { return billing.NewPassword().Reveal() }

// givenOr is a text of the call, or another when it is empty or was not given.
func givenOr(p xmlrpc.Params, name string, other func() string) xmlrpc.Value {
	if text, state, err := p.String(name); err == nil && state == xmlrpc.Given && text != "" {
		return xmlrpc.String(text)
	}
	return xmlrpc.String(other())
}
