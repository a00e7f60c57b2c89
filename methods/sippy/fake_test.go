package sippy

import (
	"context"
	"errors"
	"testing"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// fake is an engine that keeps what it was asked and answers what it is told.
type fake struct {
	calls int
	actor billing.Actor // of the last operation
	owner billing.OwnerID
	set   billing.SetLowBalanceParams
	funds billing.MoveFundsParams
	fakeOwners
	policy billing.LowBalance
	card   billing.CardID
	terms  billing.CardTerms
	cards  billing.CardsParams
	stored []billing.Card
	err    error
	fakeAudit
	fakeVoucher
	fakePlan
	fakePayments
}

func (f *fake) ActAs(ctx context.Context, c billing.OwnerID, field string) (context.Context, error) {
	if c == billing.Customer(404) {
		return ctx, billing.Errorf(billing.NotFound, field, "there is no such customer")
	}
	a := billing.ActorFrom(ctx)
	a.Customer = c
	return billing.WithActor(ctx, a), nil
}

func (f *fake) GetLowBalance(ctx context.Context, o billing.OwnerID) (billing.LowBalance, error) {
	f.calls, f.actor, f.owner = f.calls+1, billing.ActorFrom(ctx), o
	return f.policy, f.err
}

func (f *fake) SetLowBalance(ctx context.Context, p billing.SetLowBalanceParams) error {
	f.calls, f.actor, f.owner, f.set = f.calls+1, billing.ActorFrom(ctx), p.Owner, p
	return f.err
}

func (f *fake) MoveFunds(ctx context.Context, p billing.MoveFundsParams) (billing.MoveFundsResult, error) {
	f.calls, f.actor, f.owner, f.funds = f.calls+1, billing.ActorFrom(ctx), p.Owner, p
	return billing.MoveFundsResult{}, f.err
}

func (f *fake) askedCard(ctx context.Context, o billing.OwnerID, c billing.CardID) {
	f.calls, f.actor, f.owner, f.card = f.calls+1, billing.ActorFrom(ctx), o, c
}

func (f *fake) AddCard(ctx context.Context, p billing.AddCardParams) (billing.CardID, error) {
	f.askedCard(ctx, p.Owner, 0)
	f.terms = p.CardTerms
	return 1002, f.err
}

func (f *fake) UpdateCard(ctx context.Context, p billing.UpdateCardParams) error {
	f.askedCard(ctx, p.Owner, p.Card)
	f.terms = p.CardTerms
	return f.err
}

func (f *fake) DeleteCard(ctx context.Context, o billing.OwnerID, c billing.CardID) error {
	f.askedCard(ctx, o, c)
	return f.err
}

func (f *fake) Card(ctx context.Context, o billing.OwnerID, c billing.CardID) (billing.Card, error) {
	f.askedCard(ctx, o, c)
	if f.err != nil || len(f.stored) == 0 {
		return billing.Card{}, f.err
	}
	return f.stored[0], nil
}

func (f *fake) Cards(ctx context.Context, p billing.CardsParams) ([]billing.Card, error) {
	f.askedCard(ctx, p.Owner, 0)
	f.cards = p
	return f.stored, f.err
}

// members is what one call sends; a later one of a name replaces the earlier.
type members []xmlrpc.Member

func with(m members, more ...xmlrpc.Member) members {
	out := append(members{}, m...)
	for _, add := range more {
		out = append(without(out, add.Name), add)
	}
	return out
}

func without(m members, name string) members {
	var out members
	for _, member := range m {
		if member.Name != name {
			out = append(out, member)
		}
	}
	return out
}

func m(name string, v xmlrpc.Value) xmlrpc.Member { return xmlrpc.Member{Name: name, Value: v} }

var acme = billing.Actor{Login: "acme", Customer: billing.Customer(10)}

// call runs a method by its name and returns its reply, or its fault.
func (f *fake) call(t *testing.T, as billing.Actor, method string, in members) (xmlrpc.Value, *xmlrpc.Fault) {
	t.Helper()
	for _, candidate := range Methods(f, Options{}) {
		if candidate.Name != method {
			continue
		}
		v, err := candidate.Call(billing.WithActor(t.Context(), as), []xmlrpc.Value{xmlrpc.Struct(in...)})
		if err == nil {
			return v, nil
		}
		fault, ok := errors.AsType[xmlrpc.Fault](err)
		if !ok {
			fault = Fault(err)
		}
		return v, &fault
	}
	t.Fatalf("there is no method %s", method)
	return xmlrpc.Value{}, nil
}

// refuses checks that a call is answered by a fault and never reaches the engine.
func refuses(t *testing.T, method string, in members, code int, text string) {
	t.Helper()
	var f fake
	_, fault := f.call(t, acme, method, in)
	if fault == nil || fault.Code != code || fault.String != text {
		t.Errorf("%s %s: got %v, want %d %s", method, named(in), fault, code, text)
	}
	if f.calls != 0 {
		t.Errorf("%s %s reached the engine", method, named(in))
	}
}

// accepts checks that a call reaches the engine and returns what it was told.
func accepts(t *testing.T, method string, in members) *fake {
	t.Helper()
	f := &fake{}
	if _, fault := f.call(t, acme, method, in); fault != nil || f.calls != 1 {
		t.Errorf("%s %s: %v, %d engine calls", method, named(in), fault, f.calls)
	}
	return f
}

func named(in members) string {
	s := ""
	for _, member := range in {
		s += member.Name + "=" + member.Value.Kind().String() + "(" + member.Value.Text() + ") "
	}
	return s
}
