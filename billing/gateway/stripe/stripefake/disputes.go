package stripefake

// disputeFee is what a dispute costs, in cents.
const disputeFee = 1500

type dispute struct {
	id     string
	intent *intent
	reason string
	status string
	moved  []object // balance transactions
}

func (d *dispute) open() bool { return d.status == "needs_response" }

func (d *dispute) object() object {
	return object{
		"id": d.id, "object": "dispute", "amount": d.intent.amount, "currency": d.intent.currency,
		"charge": d.intent.latest().id, "payment_intent": d.intent.id, "reason": d.reason, "status": d.status,
		"balance_transactions": append([]object{}, d.moved...), "metadata": object{},
	}
}

// open opens a dispute. Under the lock.
func (s *Server) open(p *intent, reason string) *dispute {
	d := &dispute{id: s.id("du"), intent: p, reason: reason, status: "needs_response"}
	s.disputes[d.id] = d
	s.emit("charge.dispute.created", d.object())
	return d
}

// warn tells of an early fraud warning. Under the lock.
func (s *Server) warn(p *intent) {
	s.emit("radar.early_fraud_warning.created", object{
		"id": s.id("issfr"), "object": "radar.early_fraud_warning", "charge": p.latest().id, "payment_intent": p.id,
		"fraud_type": "made_with_stolen_card", "actionable": true,
	})
}

// Dispute makes the cardholder dispute a payment, and returns the dispute's id.
func (s *Server) Dispute(payment, reason string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open(s.intents[payment], reason).id
}

// WithdrawDispute takes a disputed amount and the fee from the account, which
// holds it in currency; empty is the payment's.
func (s *Server) WithdrawDispute(id, currency string) {
	s.moveDispute(id, currency, -1, disputeFee, "charge.dispute.funds_withdrawn")
}

// ReinstateDispute gives both back.
func (s *Server) ReinstateDispute(id, currency string) {
	s.moveDispute(id, currency, +1, -disputeFee, "charge.dispute.funds_reinstated")
}

func (s *Server) moveDispute(id, currency string, sign, fee int64, event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.disputes[id]
	if currency == "" {
		currency = d.intent.currency
	}
	amount := sign * d.intent.amount
	d.moved = append(d.moved, object{
		"id": s.id("txn"), "object": "balance_transaction", "amount": amount, "fee": fee, "net": amount - fee, "currency": currency,
	})
	s.emit(event, d.object())
}

// CloseDispute ends a dispute with one of Stripe's statuses: won, lost,
// warning_closed.
func (s *Server) CloseDispute(id, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.disputes[id]
	d.status = status
	s.emit("charge.dispute.closed", d.object())
}

// WarnOfFraud sends an issuer's early warning about a payment.
func (s *Server) WarnOfFraud(payment string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.warn(s.intents[payment])
}
