package stripefake

import (
	"net/http"
	"strings"
)

// method is a payment method.
type method struct {
	id          string
	card        card
	customer    string
	fingerprint string
	expMonth    int
	expYear     int
	refusedBy   bool // its number is declined when a customer gets it
}

// method finds a payment method, made by a test or standing for a test card.
// Under the lock.
func (s *Server) method(token string) *method {
	if m := s.methods[token]; m != nil {
		return m
	}
	c, ok := behaviour(token)
	if !ok {
		return nil
	}
	m := &method{id: token, card: c, fingerprint: "fp" + digest("token", token)[:14], expMonth: 12, expYear: 2034}
	s.methods[token] = m
	return m
}

func (m *method) object() object {
	o := object{
		"id": m.id, "object": "payment_method", "type": "card", "customer": nil,
		"card": m.cardObject(),
	}
	if m.customer != "" {
		o["customer"] = m.customer
	}
	return o
}

func (m *method) cardObject() object {
	return object{
		"brand": m.card.brand, "last4": m.card.last4, "fingerprint": m.fingerprint,
		"exp_month": m.expMonth, "exp_year": m.expYear, "funding": "credit", "country": "US",
	}
}

func cardError(code, decline, message string) reply {
	return refuse(http.StatusPaymentRequired, apiError{Type: "card_error", Code: code, DeclineCode: decline, Message: message})
}

func (s *Server) createMethod(r *request) reply {
	number := r.get("card[number]")
	base, known := numbers[number]
	switch {
	case r.get("type") != "card":
		return invalid("parameter_missing", "type", "Missing required param: type.")
	case !luhn(number):
		return cardError("incorrect_number", "incorrect_number", "Your card number is incorrect.")
	case !known:
		return cardError("card_declined", "testmode_decline", declinedText)
	}
	m := &method{
		id: s.id("pm"), card: cards[base], fingerprint: "fp" + digest("number", number)[:14],
		expMonth: number2(r.get("card[exp_month]")), expYear: number2(r.get("card[exp_year]")),
		refusedBy: declinedWhenAttached[number],
	}
	switch {
	case m.expMonth < 1 || m.expMonth > 12:
		return cardError("invalid_expiry_month", "", "Your card's expiration month is invalid.")
	case m.expYear < 2025 || m.expYear > 2099:
		return cardError("invalid_expiry_year", "", "Your card's expiration year is invalid.")
	}
	m.card.last4 = number[len(number)-4:]
	s.methods[m.id] = m
	return good(m.object())
}

func (s *Server) retrieveMethod(r *request) reply {
	m := s.method(r.id)
	if m == nil {
		return missing("payment_method", "PaymentMethod", r.id)
	}
	return good(m.object())
}

// createCustomer makes a customer, and gives it a payment method if one is named.
func (s *Server) createCustomer(r *request) reply {
	var m *method
	if token := r.get("payment_method"); token != "" {
		if m = s.method(token); m == nil {
			return missing("payment_method", "PaymentMethod", token)
		}
		if m.refusedBy {
			return cardError("card_declined", m.card.decline, declinedText)
		}
	}
	id := s.id("cus")
	if m != nil {
		m.customer = id
	}
	return good(object{"id": id, "object": "customer"})
}

// missing is Stripe's word for an id that it does not know; like Stripe's own it
// repeats the id.
func missing(param, what, id string) reply {
	return invalid("resource_missing", param, "No such "+what+": '"+id+"'")
}

// UpdateCard renews a payment method's card, as the network does, and tells it.
func (s *Server) UpdateCard(token string, month, year int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.method(token)
	m.expMonth, m.expYear = month, year
	s.emit("payment_method.automatically_updated", m.object())
}

// Attach gives a payment method to a customer.
func (s *Server) Attach(token, customer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.method(token).customer = customer
}

func luhn(number string) bool {
	if len(number) < 12 || strings.Trim(number, "0123456789") != "" {
		return false
	}
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// number2 is a small number, 0 if it is none.
func number2(text string) int {
	n := 0
	for _, d := range text {
		if d < '0' || d > '9' || n > 99_999 {
			return 0
		}
		n = n*10 + int(d-'0')
	}
	return n
}
