package sippy

import (
	"context"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// A method about one kind of owner differs from its twin in little: the member that
// numbers the owner, the one that names it, and who calls in trusted mode.
type ownerKind struct {
	kind   billing.OwnerKind
	number string
	name   string
	caller caller
	id     func(int64) billing.OwnerID
}

var (
	anAccount = &ownerKind{billing.KindAccount, "i_account", "username", byCustomer, billing.Account}
	aCustomer = &ownerKind{billing.KindCustomer, "i_customer", "name", byWholesaler, billing.Customer}
)

func (k *ownerKind) param() param { return param{name: k.number, kind: "int", need: true} }

// read reads the owner's number, which is needed.
func (k *ownerKind) read(p xmlrpc.Params) (billing.OwnerID, error) {
	n, given, err := idOf(p, k.number)
	if err == nil && !given {
		err = missing(k.number)
	}
	return k.id(n), err
}

// eitherParams are the two of which readEither takes exactly one.
func (k *ownerKind) eitherParams() []param {
	return []param{{name: k.number, kind: "int", note: "this or " + k.name}, {name: k.name, kind: "string", note: "this or " + k.number}}
}

// readEither reads the owner's number or its name, exactly one: guessing which of two
// was meant could answer for, or credit, a stranger (S-1, S-511).
func (k *ownerKind) readEither(p xmlrpc.Params) (o billing.OwnerID, name string, err error) {
	n, byID, err := idOf(p, k.number)
	if err != nil {
		return 0, "", err
	}
	name, byName, err := textOf(p, k.name)
	switch {
	case err != nil:
		return 0, "", err
	case byID && byName:
		return 0, "", either(k.number, k.name)
	case byID:
		return k.id(n), "", nil
	case !byName:
		return 0, "", missing(k.number)
	case name == "":
		return 0, "", wrong(k.name)
	}
	return 0, name, nil
}

// either has the words of the source page's note on i_account and i_customer.
func either(a, b string) xmlrpc.Fault {
	return xmlrpc.Fault{Code: 400, String: "Either " + a + " or " + b + " is to be supplied, not both"}
}

// method is one that takes the owner's number and answers nothing.
func (k *ownerKind) method(name, about string, run func(*api, context.Context, billing.OwnerID) error) method {
	return method{
		name: name, about: about, caller: k.caller, params: []param{k.param()},
		run: func(a *api, ctx context.Context, c call) (xmlrpc.Value, error) {
			o, err := k.read(c.Params)
			if err != nil {
				return xmlrpc.Value{}, err
			}
			if ctx, err = a.scope(ctx, c); err != nil {
				return xmlrpc.Value{}, err
			}
			if err := run(a, ctx, o); err != nil {
				return xmlrpc.Value{}, err
			}
			return succeeded, nil
		},
	}
}

func blockOwner(a *api, ctx context.Context, o billing.OwnerID) error {
	return a.engine.BlockOwner(ctx, o, true)
}

func unblockOwner(a *api, ctx context.Context, o billing.OwnerID) error {
	return a.engine.BlockOwner(ctx, o, false)
}

func deleteOwner(a *api, ctx context.Context, o billing.OwnerID) error {
	return a.engine.DeleteOwner(ctx, o)
}
