package stripefake

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// intent is a payment intent with its tries.
type intent struct {
	id          string
	status      string
	amount      int64
	currency    string
	customer    string
	method      string
	description string
	metadata    map[string]string
	created     int64
	charges     []*charge
	lastError   *apiError
}

// charge is one try of an intent.
type charge struct {
	id      string
	status  string // succeeded, failed, pending
	card    *method
	advice  string
	network string
}

const (
	needsMethod  = "requires_payment_method"
	needsConfirm = "requires_confirmation"
	needsAction  = "requires_action"
	processing   = "processing"
	succeeded    = "succeeded"
	canceled     = "canceled"
)

func (p *intent) latest() *charge {
	if len(p.charges) == 0 {
		return nil
	}
	return p.charges[len(p.charges)-1]
}

// object is the intent in JSON; expanded shows its latest charge whole.
func (p *intent) object(expanded bool) object {
	o := object{
		"id": p.id, "object": "payment_intent", "status": p.status, "amount": p.amount, "currency": p.currency,
		"amount_received": int64(0), "created": p.created, "description": p.description, "metadata": p.metadata,
		"customer": none(p.customer), "payment_method": none(p.method), "latest_charge": nil, "last_payment_error": nil,
		"client_secret": p.id + "_secret_fake", "livemode": false,
	}
	if p.status == succeeded {
		o["amount_received"] = p.amount
	}
	if c := p.latest(); c != nil {
		o["latest_charge"] = c.id
		if expanded {
			o["latest_charge"] = c.object(p)
		}
	}
	if p.lastError != nil {
		o["last_payment_error"] = p.lastError
	}
	return o
}

func (c *charge) object(p *intent) object {
	return object{
		"id": c.id, "object": "charge", "status": c.status, "amount": p.amount, "currency": p.currency,
		"payment_intent": p.id, "metadata": p.metadata,
		"outcome":                object{"advice_code": none(c.advice), "network_advice_code": none(c.network)},
		"payment_method_details": object{"type": "card", "card": c.card.cardObject()},
	}
}

func none(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// createIntent makes an intent; the real one's limits are kept roughly.
func (s *Server) createIntent(r *request) reply {
	amount, err := strconv.ParseInt(r.get("amount"), 10, 64)
	currency, token, customer := r.get("currency"), r.get("payment_method"), r.get("customer")
	switch {
	case err != nil || amount < 1:
		return invalid("parameter_invalid_integer", "amount", "Invalid positive integer")
	case len(currency) != 3 || strings.ToLower(currency) != currency:
		return invalid("", "currency", "Invalid currency")
	case strings.Contains(" isk ugx ", " "+currency+" ") && amount%100 != 0,
		strings.Contains(" bhd jod kwd omr tnd ", " "+currency+" ") && amount%10 != 0:
		return invalid("", "amount", "Invalid amount for the currency")
	case currency == "usd" && amount < 50:
		return invalid("amount_too_small", "amount", "Amount must be at least $0.50 usd")
	case amount > 999_999_999_999:
		return invalid("amount_too_large", "amount", "Amount must be no more than 999999999999")
	case r.get("confirm") == "true":
		return invalid("parameter_unknown", "confirm", "This fake confirms in a call of its own")
	}
	if token == "" || s.method(token) == nil {
		return missing("payment_method", "PaymentMethod", token)
	}
	if customer != "" && !strings.HasPrefix(customer, "cus_") {
		return missing("customer", "customer", customer)
	}
	if owner := s.method(token).customer; owner != customer && owner != "" {
		return invalid("", "payment_method", "The PaymentMethod belongs to a customer that must be given.")
	}
	p := &intent{
		id: s.id("pi"), status: needsConfirm, amount: amount, currency: currency, customer: customer, method: token,
		description: r.get("description"), metadata: r.metadata(), created: time.Now().Unix(),
	}
	s.intents[p.id], s.intentOrder = p, append(s.intentOrder, p)
	s.emit("payment_intent.created", p.object(false))
	return good(p.object(false))
}

func (s *Server) retrieveIntent(r *request) reply {
	p := s.intents[r.id]
	if p == nil {
		return missing("intent", "payment_intent", r.id)
	}
	return good(p.object(r.expands("latest_charge")))
}

// listIntents lists the newest first, as Stripe does.
func (s *Server) listIntents(r *request) reply {
	limit, err := strconv.Atoi(r.get("limit"))
	if err != nil || limit < 1 || limit > 100 {
		limit = 10
	}
	since, _ := strconv.ParseInt(r.get("created[gte]"), 10, 64)
	after, skipping := r.get("starting_after"), r.get("starting_after") != ""
	data, more := []object{}, false
	for i := len(s.intentOrder) - 1; i >= 0; i-- {
		p := s.intentOrder[i]
		if skipping {
			skipping = p.id != after
			continue
		}
		if customer := r.get("customer"); customer != "" && p.customer != customer || p.created < since {
			continue
		}
		if len(data) == limit {
			more = true
			break
		}
		data = append(data, p.object(r.expands("data.latest_charge")))
	}
	return good(object{"object": "list", "data": data, "has_more": more})
}

func (s *Server) cancelIntent(r *request) reply {
	p := s.intents[r.id]
	switch {
	case p == nil:
		return missing("intent", "payment_intent", r.id)
	case p.status == succeeded || p.status == canceled || p.status == processing:
		return s.unexpected(p)
	}
	s.cancel(p)
	return good(p.object(false))
}

func (s *Server) cancel(p *intent) {
	p.status = canceled
	s.emit("payment_intent.canceled", p.object(false))
}

func (s *Server) unexpected(p *intent) reply {
	return refuse(http.StatusBadRequest, apiError{
		Type: "invalid_request_error", Code: "payment_intent_unexpected_state",
		Message: "This PaymentIntent cannot be used like this in its status.", PaymentIntent: p.object(false),
	})
}

// confirmIntent is what the table of routes names; confirm does it, with a fault.
func (s *Server) confirmIntent(r *request) reply { return s.confirm(r, Healthy) }

func (s *Server) confirm(r *request, kind Kind) reply {
	p := s.intents[r.id]
	switch {
	case p == nil:
		return missing("intent", "payment_intent", r.id)
	case p.status == needsMethod:
		return refuse(http.StatusBadRequest, apiError{
			Type: "invalid_request_error", Code: "payment_intent_unexpected_state",
			Message: "The PaymentIntent has no payment method.", PaymentIntent: p.object(false),
		})
	case p.status != needsConfirm && p.status != needsAction:
		return s.unexpected(p)
	}
	m := s.method(p.method)
	c := &charge{id: s.id("ch"), card: m}
	switch {
	case kind == RequiresAction:
		p.status = needsAction
		s.emit("payment_intent.requires_action", p.object(false))
	case kind == Processing:
		c.status, p.status = "pending", processing
		p.charges = append(p.charges, c)
		s.emit("payment_intent.processing", p.object(false))
	case m.card.action:
		return s.decline(p, c, apiError{
			Type: "card_error", Code: "authentication_required", DeclineCode: "authentication_required",
			Message: "Your card was declined. This transaction requires authentication.",
		})
	case m.card.decline != "":
		e := apiError{Type: "card_error", Code: "card_declined", DeclineCode: m.card.decline, Advice: m.card.advice, Message: m.card.message}
		switch m.card.decline {
		case "expired_card", "incorrect_cvc", "processing_error":
			e.Code = m.card.decline
		}
		if strings.HasPrefix(m.id, "pm_fake_networkStop") {
			e.NetworkAdvice = "03"
		}
		return s.decline(p, c, e)
	default:
		s.capture(p, c)
	}
	return good(p.object(r.expands("latest_charge")))
}

// decline ends a try; the intent then has no payment method.
func (s *Server) decline(p *intent, c *charge, e apiError) reply {
	c.status, c.advice, c.network = "failed", e.Advice, e.NetworkAdvice
	p.charges = append(p.charges, c)
	e.Charge, e.PaymentMethod = c.id, c.card.object()
	last := e
	p.status, p.method, p.lastError = needsMethod, "", &last
	s.emit("payment_intent.payment_failed", p.object(false))
	e.PaymentIntent = p.object(false)
	return refuse(http.StatusPaymentRequired, e)
}

func (s *Server) capture(p *intent, c *charge) {
	c.status, p.status, p.lastError = "succeeded", succeeded, nil
	if p.latest() != c {
		p.charges = append(p.charges, c)
	}
	s.emit("charge.succeeded", c.object(p))
	s.emit("payment_intent.succeeded", p.object(false))
	if c.card.card.fraud {
		s.warn(p)
	}
	if c.card.card.dispute {
		s.open(p, "fraudulent")
	}
}

// SettlePayment ends a payment that is processing, or waits for the customer.
func (s *Server) SettlePayment(id string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.intents[id]
	c := p.latest()
	if c == nil || c.status != "pending" {
		c = &charge{id: s.id("ch"), card: s.method(p.method)}
	}
	if ok {
		s.capture(p, c)
		return
	}
	if p.latest() == c {
		p.charges = p.charges[:len(p.charges)-1]
	}
	s.decline(p, c, apiError{Type: "card_error", Code: "card_declined", DeclineCode: "generic_decline", Message: declinedText})
}

// CancelPayment cancels a payment as a person does at Stripe.
func (s *Server) CancelPayment(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel(s.intents[id])
}
