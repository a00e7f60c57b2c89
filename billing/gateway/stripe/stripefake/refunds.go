package stripefake

import (
	"net/http"
	"strconv"
)

type refund struct {
	id       string
	intent   *intent
	amount   int64
	status   string
	failure  string
	metadata map[string]string
}

func (r *refund) object() object {
	o := object{
		"id": r.id, "object": "refund", "amount": r.amount, "currency": r.intent.currency, "status": r.status,
		"payment_intent": r.intent.id, "charge": r.intent.latest().id, "metadata": r.metadata,
	}
	if r.failure != "" {
		o["failure_reason"] = r.failure
	}
	return o
}

// refunded is what an intent gave back, or is about to. Under the lock.
func (s *Server) refunded(p *intent) int64 {
	var sum int64
	for _, r := range s.refundOrder {
		if r.intent == p && r.status != "failed" && r.status != "canceled" {
			sum += r.amount
		}
	}
	return sum
}

func (s *Server) createRefund(r *request) reply {
	p := s.intents[r.get("payment_intent")]
	if p == nil {
		return missing("payment_intent", "payment_intent", r.get("payment_intent"))
	}
	left := p.amount - s.refunded(p)
	amount := left
	if text := r.get("amount"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return invalid("parameter_invalid_integer", "amount", "Invalid positive integer")
		}
		amount = n
	}
	switch {
	case p.status != succeeded:
		return invalid("", "payment_intent", "This PaymentIntent does not have a successful charge to refund.")
	case left == 0:
		return invalid("charge_already_refunded", "", "The charge has already been refunded.")
	case amount > left:
		return invalid("", "amount", "Refund amount is greater than unrefunded amount on charge.")
	}
	for _, d := range s.disputes {
		if d.intent == p && d.open() {
			return invalid("charge_disputed", "", "The charge has been charged back.")
		}
	}
	return good(s.refund(p, amount, r.metadata()).object())
}

// refund makes one. Under the lock.
func (s *Server) refund(p *intent, amount int64, metadata map[string]string) *refund {
	made := &refund{id: s.id("re"), intent: p, amount: amount, status: "succeeded", metadata: metadata}
	if card := p.latest().card.card; card.refund != "" {
		made.status = "pending"
	}
	s.refunds[made.id], s.refundOrder = made, append(s.refundOrder, made)
	s.emit("refund.created", made.object())
	s.emit("charge.refunded", p.latest().object(p))
	if p.latest().card.card.refund == "failed" {
		s.settleRefund(made, false)
	}
	return made
}

func (s *Server) settleRefund(r *refund, ok bool) {
	r.status = "succeeded"
	if !ok {
		r.status, r.failure = "failed", "expired_or_canceled_card"
	}
	s.emit("refund.updated", r.object())
	if !ok {
		s.emit("refund.failed", r.object())
	}
}

func (s *Server) retrieveRefund(r *request) reply {
	made := s.refunds[r.id]
	if made == nil {
		return refuse(http.StatusNotFound, apiError{
			Type: "invalid_request_error", Code: "resource_missing", Param: "id", Message: "No such refund: '" + r.id + "'",
		})
	}
	return good(made.object())
}

func (s *Server) listRefunds(r *request) reply {
	p := s.intents[r.get("payment_intent")]
	if p == nil {
		return missing("payment_intent", "payment_intent", r.get("payment_intent"))
	}
	data := []object{}
	for i := len(s.refundOrder) - 1; i >= 0 && len(data) < 100; i-- {
		if s.refundOrder[i].intent == p {
			data = append(data, s.refundOrder[i].object())
		}
	}
	return good(object{"object": "list", "data": data, "has_more": false})
}

// RefundByHand gives back a part of a payment, as a person does at Stripe, and
// returns the refund's id.
func (s *Server) RefundByHand(payment string, amount int64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refund(s.intents[payment], amount, map[string]string{}).id
}

// SettleRefund ends a refund that is pending.
func (s *Server) SettleRefund(id string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settleRefund(s.refunds[id], ok)
}
