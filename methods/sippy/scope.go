package sippy

import (
	"context"
	"slices"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// ownerOf reads which owner a call is about: exactly one of i_account and
// i_customer (S-1).
func ownerOf(p xmlrpc.Params) (billing.OwnerID, error) {
	account, hasAccount, err := idOf(p, "i_account")
	if err != nil {
		return 0, err
	}
	customer, hasCustomer, err := idOf(p, "i_customer")
	switch {
	case err != nil:
		return 0, err
	case hasAccount && hasCustomer:
		return 0, bothOwners
	case hasAccount:
		return billing.Account(account), nil
	case hasCustomer:
		return billing.Customer(customer), nil
	}
	return 0, missing("i_account")
}

var bothOwners = either("i_account", "i_customer")

// idOf reads an owner's number. One that is too large for any owner is an
// owner that does not exist.
func idOf(p xmlrpc.Params, name string) (n int64, given bool, err error) {
	n, state, err := p.Int(name)
	switch {
	case err != nil || state == xmlrpc.Absent:
		return 0, false, err
	case n < 1: // null too
		return 0, false, wrong(name)
	case n > billing.MaxOwnerNumber:
		return 0, false, billing.Errorf(billing.NotFound, name, "there is no such owner")
	}
	return n, true, nil
}

// scope returns the context of the engine's call: the actor, narrowed to the
// customer that the method's caller member names (S-5) and to the switch's rule of
// own accounts and direct sub-customers (1.4, S-4).
func (a *api) scope(ctx context.Context, c call) (context.Context, error) {
	actor := billing.ActorFrom(ctx)
	if actor.IsRoot() {
		// Who says for whom it calls in the other member would call as root.
		for _, other := range []caller{byWholesaler, byCustomer} {
			if _, given := c.Params.Value(string(other)); given && !slices.Contains(c.method.known(), string(other)) {
				return ctx, wrong(string(other))
			}
		}
	}
	if field := string(c.method.caller); field != "" {
		n, given, err := idOf(c.Params, field)
		if err != nil {
			return ctx, err
		}
		if caller := billing.Customer(n); given && caller != actor.Customer {
			if !actor.IsRoot() {
				return ctx, billing.Errorf(billing.NotFound, field, "a login acts for its own customer only")
			}
			if ctx, err = a.engine.ActAs(ctx, caller, field); err != nil {
				return ctx, err
			}
			actor = billing.ActorFrom(ctx)
		}
	}
	if actor.IsRoot() {
		return ctx, nil
	}
	actor.Direct = true
	return billing.WithActor(ctx, actor), nil
}
