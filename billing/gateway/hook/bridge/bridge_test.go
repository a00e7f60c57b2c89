package bridge

import (
	"context"
	"errors"
	"testing"
)

// stub is a processor that is told what to say.
type stub struct {
	charge func() (Answer, error)
	find   func() (Answer, bool, error)
	calls  int
}

func (s *stub) Charge(context.Context, Request) (Answer, error) { s.calls++; return s.charge() }
func (s *stub) Find(context.Context, string) (Answer, bool, error) {
	return s.find()
}
func (s *stub) Refund(context.Context, Request) (Answer, error) { s.calls++; return s.charge() }

var paid = Answer{Outcome: "succeeded", Ref: "p"}

func newStub() *stub {
	return &stub{
		charge: func() (Answer, error) { return paid, nil },
		find:   func() (Answer, bool, error) { return Answer{}, false, nil },
	}
}

func request(kind, sentAt string) Request {
	return Request{Type: kind, SentAt: sentAt, Key: "k", MinorUnits: 1000, Currency: "USD", Token: "tok_ok"}
}

// "not_found" keeps what was sent before it, and comes late, from being charged.
func TestNotFoundIsKept(t *testing.T) {
	s := newStub()
	b := &Bridge{processor: s}
	if a := b.answer(t.Context(), request("lookup", "2026-11-22T10:00:30.000000Z")); a.Outcome != "not_found" {
		t.Fatalf("%+v", a)
	}
	for _, late := range []string{"2026-11-22T10:00:00.000000Z", "2026-11-22T10:00:30.000000Z"} {
		if a := b.answer(t.Context(), request("charge", late)); a.Outcome != "not_attempted" || s.calls != 0 {
			t.Errorf("a charge of %s: %+v", late, a)
		}
	}
	if a := b.answer(t.Context(), request("charge", "2026-11-22T10:00:30.000001Z")); a != paid || s.calls != 1 {
		t.Errorf("the same key, sent again: %+v", a)
	}
}

// While a key is being sent it is neither sent again nor "not found".
func TestKeyOnItsWay(t *testing.T) {
	s := newStub()
	b := &Bridge{processor: s}
	s.charge = func() (Answer, error) {
		for _, kind := range []string{"charge", "lookup"} {
			if a := b.answer(t.Context(), request(kind, "2")); a != inProgress {
				t.Errorf("%s of a key on its way: %+v", kind, a)
			}
		}
		return paid, nil
	}
	if a := b.answer(t.Context(), request("charge", "1")); a != paid || s.calls != 1 {
		t.Errorf("%+v, %d calls", a, s.calls)
	}
}

func TestNobodyKnows(t *testing.T) {
	s := newStub()
	b := &Bridge{processor: s}
	s.charge = func() (Answer, error) { return paid, errors.New("connection lost") }
	for range 2 { // the processor is asked each time: it has the key
		if a := b.answer(t.Context(), request("charge", "1")); a.Outcome != "unknown" {
			t.Errorf("%+v", a)
		}
	}
	s.find = func() (Answer, bool, error) { return Answer{}, false, errors.New("connection lost") }
	if a := b.answer(t.Context(), request("lookup", "2")); a.Outcome != "unknown" {
		t.Errorf("%+v", a)
	}
	s.find = func() (Answer, bool, error) { return paid, true, nil }
	if a := b.answer(t.Context(), request("lookup", "2")); a != paid || s.calls != 2 {
		t.Errorf("%+v, %d calls", a, s.calls)
	}
}

func TestPanicFreesTheKey(t *testing.T) {
	s := newStub()
	b := &Bridge{processor: s}
	s.charge = func() (Answer, error) { panic("processor") }
	func() {
		defer func() { _ = recover() }()
		b.answer(t.Context(), request("charge", "1"))
	}()
	s.charge = newStub().charge
	if a := b.answer(t.Context(), request("charge", "1")); a != paid {
		t.Errorf("%+v", a)
	}
}

func TestKeyOfAnotherPayment(t *testing.T) {
	s := newStub()
	b := &Bridge{processor: s}
	b.answer(t.Context(), request("charge", "1"))
	for _, kind := range []string{"charge", "lookup"} {
		r := request(kind, "2")
		r.MinorUnits = 2000
		if a := b.answer(t.Context(), r); a != keyReused || s.calls != 1 {
			t.Errorf("%s: %+v", kind, a)
		}
	}
}

func TestRefunds(t *testing.T) {
	b := &Bridge{processor: &Sandbox{}}
	b.answer(t.Context(), request("charge", "1"))
	ask := func(key string, minor int64) Answer {
		return b.answer(t.Context(), Request{Type: "refund", SentAt: "1", Key: key, ChargeKey: "k", ChargeRef: "pay_1", MinorUnits: minor, Currency: "USD"})
	}
	first := ask("r1", 600)
	if first.Outcome != "succeeded" || ask("r1", 600) != first {
		t.Errorf("%+v, again %+v", first, ask("r1", 600))
	}
	if a := ask("r2", 401); a.Outcome != "declined" {
		t.Errorf("more than is left: %+v", a)
	}
	if a := ask("r3", 400); a.Outcome != "succeeded" {
		t.Errorf("what is left: %+v", a)
	}
}
