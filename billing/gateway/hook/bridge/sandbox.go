package bridge

import (
	"context"
	"fmt"
	"sync"
)

// Sandbox is a processor in memory that moves no money: cards behave by their
// token, as those of topupd's own sandbox do.
type Sandbox struct {
	mu       sync.Mutex
	payments map[string]*payment
	refunds  map[string]Answer
}

type payment struct {
	answer Answer
	taken  int64 // minor units
	back   int64
	times  int
}

// Charge does what the token stands for. Its Idempotency-Key is the key.
func (s *Sandbox) Charge(_ context.Context, r Request) (Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, again := s.payments[r.Key]; again {
		return p.answer, nil
	}
	p := &payment{answer: Answer{Outcome: "declined", Class: "hard", Code: "invalid_token", Message: "no such card"}}
	switch r.Token {
	case "tok_ok", "tok_slow", "tok_timeout": // the last two are what networks do
		p.answer = Answer{Outcome: "succeeded", Ref: fmt.Sprintf("pay_%d", len(s.payments)+1)}
		p.taken, p.times = r.MinorUnits, 1
	case "tok_declined":
		p.answer = Answer{Outcome: "declined", Class: "soft", Code: "insufficient_funds", Message: "not enough money"}
	case "tok_lost":
		p.answer = Answer{Outcome: "declined", Class: "hard", Code: "lost_card", Message: "reported lost"}
	case "tok_authentication_required":
		p.answer = Answer{Outcome: "declined", Class: "authentication_required", Code: "authentication_required"}
	case "tok_error":
		// Nothing was done, so nothing is remembered: the key may come again.
		return Answer{Outcome: "not_attempted", Code: "processor_down"}, nil
	}
	if s.payments == nil {
		s.payments = map[string]*payment{}
	}
	s.payments[r.Key] = p
	return p.answer, nil
}

// Find tells what became of a key.
func (s *Sandbox) Find(_ context.Context, key string) (Answer, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, found := s.payments[key]
	if !found {
		return Answer{}, false, nil
	}
	return p.answer, true, nil
}

// Refund gives back at most what was taken.
func (s *Sandbox) Refund(_ context.Context, r Request) (Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, again := s.refunds[r.Key]; again {
		return a, nil
	}
	a := Answer{Outcome: "declined", Class: "hard", Code: "amount_too_large", Message: "more than what is left of the payment"}
	if p := s.payments[r.ChargeKey]; p != nil && p.answer.Ref == r.ChargeRef && r.MinorUnits <= p.taken-p.back {
		p.back += r.MinorUnits
		a = Answer{Outcome: "succeeded", Ref: fmt.Sprintf("refund_%d", len(s.refunds)+1)}
	}
	if s.refunds == nil {
		s.refunds = map[string]Answer{}
	}
	s.refunds[r.Key] = a
	return a, nil
}

// Captures is how often a key took money.
func (s *Sandbox) Captures(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.payments[key]; p != nil {
		return p.times
	}
	return 0
}
