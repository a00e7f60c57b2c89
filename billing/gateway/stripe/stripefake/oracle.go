package stripefake

import "slices"

// Capture is money that a payment intent took: what really happened.
type Capture struct {
	Key           string // topupd_key of the metadata
	Charge        string // topupd_charge
	Owner         string // topupd_owner
	PaymentIntent string
	Customer      string
	Amount        int64 // in Stripe's units of the currency
	Currency      string
	Refunded      int64 // given back, or about to be
	Disputed      bool  // a dispute is open or lost
}

// Captures are all captures, oldest payment first.
func (s *Server) Captures() []Capture {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []Capture{}
	for _, p := range s.intentOrder {
		if p.status != succeeded {
			continue
		}
		c := Capture{
			Key: p.metadata["topupd_key"], Charge: p.metadata["topupd_charge"], Owner: p.metadata["topupd_owner"],
			PaymentIntent: p.id, Customer: p.customer, Amount: p.amount, Currency: p.currency, Refunded: s.refunded(p),
		}
		for _, d := range s.disputes {
			c.Disputed = c.Disputed || d.intent == p && (d.open() || d.status == "lost")
		}
		list = append(list, c)
	}
	return list
}

// Captured is how many payments of an attempt's key took money.
func (s *Server) Captured(key string) int {
	n := 0
	for _, c := range s.Captures() {
		if c.Key == key {
			n++
		}
	}
	return n
}

// Payments are the ids of the payment intents that were made for a key, whatever
// became of them, oldest first.
func (s *Server) Payments(key string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, p := range s.intentOrder {
		if p.metadata["topupd_key"] == key {
			ids = append(ids, p.id)
		}
	}
	return ids
}

// Refunds is how many refunds carry a key of ours.
func (s *Server) Refunds(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.refundOrder {
		if r.metadata["topupd_key"] == key {
			n++
		}
	}
	return n
}

// Calls are all requests with a good key so far, oldest first.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Count is how many requests of an op were received.
func (s *Server) Count(op Op) int {
	n := 0
	for _, c := range s.Calls() {
		if c.Op == op {
			n++
		}
	}
	return n
}

// MaxInFlight is the greatest number of requests that were open at once.
func (s *Server) MaxInFlight() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.maxInFlight
}
