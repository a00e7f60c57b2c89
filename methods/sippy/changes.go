package sippy

import (
	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// changes reads the members of a set call: absent leaves a setting as it is,
// null and a value replace it. It keeps the first error.
type changes struct {
	p   xmlrpc.Params
	err error
}

func (r *changes) money(name string) billing.Change[int64] {
	n, state, err := microsOf(r.p, name)
	return change(r, n, state, err)
}

func (r *changes) flag(name string) billing.Change[bool] {
	b, state, err := r.p.Bool(name)
	return change(r, b, state, err)
}

func (r *changes) number(name string) billing.Change[int64] {
	n, state, err := r.p.Int(name)
	return change(r, n, state, err)
}

func (r *changes) card(name string) billing.Change[billing.CardID] {
	n, state, err := r.p.Int(name)
	if err == nil && state == xmlrpc.Given && n < 1 {
		err = wrong(name)
	}
	return change(r, billing.CardID(n), state, err)
}

func (r *changes) text(name string) billing.Change[string] {
	s, state, err := r.p.String(name)
	return change(r, s, state, err)
}

func (r *changes) secret(name string) billing.Change[billing.Secret] {
	s, state, err := r.p.String(name)
	return change(r, billing.Secret(s), state, err)
}

func (r *changes) cardType(name string) billing.Change[billing.CardType] {
	n, state, err := r.p.Int(name)
	if err == nil && state == xmlrpc.Given && n != int64(int32(n)) {
		err = wrong(name) // it would be cut to another type
	}
	return change(r, billing.CardType(n), state, err)
}

func change[T any](r *changes, v T, state xmlrpc.State, err error) billing.Change[T] {
	switch {
	case r.err != nil:
	case err != nil:
		r.err = err
	case state == xmlrpc.Null:
		return billing.ToNull[T]()
	case state == xmlrpc.Given:
		return billing.To(v)
	}
	return billing.Change[T]{}
}
