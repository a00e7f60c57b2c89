package stripefake

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log"
	"net/http"
	"time"
)

// Op is one of Stripe's requests.
type Op string

// The requests that the fake knows.
const (
	OpCreate         Op = "create"
	OpConfirm        Op = "confirm"
	OpRetrieve       Op = "retrieve"
	OpList           Op = "list"
	OpCancel         Op = "cancel"
	OpMethod         Op = "payment_method"
	OpMethodRetrieve Op = "payment_method_retrieve"
	OpCustomer       Op = "customer"
	OpRefund         Op = "refund"
	OpRefundList     Op = "refund_list"
	OpRefundRetrieve Op = "refund_retrieve"
)

// Call is one request, as a plan and the oracle see it.
type Call struct {
	Op Op
	// N counts the calls of this Op for this Key, or for this idempotency key
	// where there is none, from 1.
	N              int
	IdempotencyKey string
	// Key and Charge are topupd_key and topupd_charge of the metadata: the
	// request's own, or of the payment intent that it is about.
	Key           string
	Charge        string
	PaymentIntent string
	PaymentMethod string
	Customer      string
}

// Kind is what goes wrong with a request.
type Kind uint8

// The kinds of fault. "Before" is before the effect, which then does not happen;
// "after" is after it, and the answer is kept under the key.
const (
	Healthy    Kind = iota
	HangBefore      // no answer until the client goes away
	HangAfter
	CutBefore // the connection ends without an answer
	CutAfter
	ErrorBefore    // 500; kept under the key, unless Forget
	ErrorAfter     // 500; kept under the key, unless Forget
	Unavailable    // 503, nothing happened, nothing kept
	RateLimited    // 429 with Retry-After, nothing happened, nothing kept
	Locked         // 429 lock_timeout, likewise
	RequiresAction // a confirmation ends in requires_action with 200
	Processing     // a confirmation stays in processing until SettlePayment
	NotStripe      // a proxy's page with status 502, nothing happened
)

// Fault is what a plan wants of one request.
type Fault struct {
	Kind  Kind
	Delay time.Duration // before the effect, which happens whether the client waits or not
	// Forget makes an ErrorBefore or ErrorAfter be kept under no key: the same
	// key then finds what happened, or makes it happen.
	Forget bool
}

// Once is a plan of one fault for the first call of an op of each charge.
func Once(op Op, f Fault) func(Call) Fault {
	return func(c Call) Fault {
		if c.Op == op && c.N == 1 {
			return f
		}
		return Fault{}
	}
}

var silent = log.New(io.Discard, "", 0)

// answer is what is kept under an idempotency key.
type answer struct {
	params string // a digest of method, path and parameters
	done   bool
	reply  reply
}

// work takes a request through its fault and its idempotency key.
func (s *Server) work(w http.ResponseWriter, r *http.Request, req *request) {
	planned := s.note(req)
	if s.pause(s.opts.Latency) != nil {
		return
	}
	if a, ok := planned.refusal(); ok {
		s.respond(w, a)
		return
	}
	params := digest(req.route.method, r.URL.Path, req.form.Encode())
	kept, a := s.begin(req, params)
	if kept {
		// A plan spoils a kept answer too; what a card does, it did before.
		s.end(w, r, planned, a)
		return
	}
	f := planned
	if f.Kind == Healthy && f.Delay == 0 {
		f = s.cardFault(&req.call)
	}
	if a, ok := f.refusal(); ok {
		s.abandon(req)
		s.respond(w, a)
		return
	}
	if s.pause(f.Delay) != nil {
		s.abandon(req)
		return
	}
	switch f.Kind {
	case HangBefore, CutBefore:
		s.abandon(req)
		s.end(w, r, f, reply{})
		return
	case ErrorBefore:
		a = failed()
	default:
		a = s.do(req, f)
	}
	if f.Kind == ErrorAfter && !f.Forget {
		a = failed()
	}
	if f.Kind == ErrorBefore && f.Forget {
		s.abandon(req)
	} else {
		s.keep(req, a)
	}
	if f.Kind == ErrorAfter {
		a = failed()
	}
	s.end(w, r, f, a)
}

// end answers, or spoils the answer.
func (s *Server) end(w http.ResponseWriter, r *http.Request, f Fault, a reply) {
	switch f.Kind {
	case HangBefore, HangAfter:
		select {
		case <-r.Context().Done():
		case <-s.done:
		}
		panic(http.ErrAbortHandler)
	case CutBefore, CutAfter:
		panic(http.ErrAbortHandler) // the connection ends without an answer
	}
	s.respond(w, a)
}

func (f Fault) refusal() (reply, bool) {
	switch f.Kind {
	case RateLimited:
		a := refuse(http.StatusTooManyRequests, apiError{Type: "invalid_request_error", Code: "rate_limit", Message: "Too many requests"})
		a.retryAfter = "1"
		return a, true
	case Locked:
		return refuse(http.StatusTooManyRequests, apiError{
			Type: "invalid_request_error", Code: "lock_timeout", Message: "This object cannot be accessed right now",
		}), true
	case Unavailable:
		return refuse(http.StatusServiceUnavailable, apiError{Type: "api_error", Message: "Unavailable"}), true
	case NotStripe:
		return reply{status: http.StatusBadGateway, body: []byte("<html>502</html>")}, true
	}
	return reply{}, false
}

func failed() reply {
	return refuse(http.StatusInternalServerError, apiError{Type: "api_error", Message: "An unknown error occurred"})
}

// note fills in what a call is about, counts it and asks the plan.
func (s *Server) note(req *request) Fault {
	s.mu.Lock()
	s.about(req)
	c := &req.call
	about := string(c.Op) + " " + c.Key
	if c.Key == "" {
		about += " " + c.IdempotencyKey
	}
	s.counts[about]++
	c.N = s.counts[about]
	s.calls = append(s.calls, *c)
	plan := s.plan
	s.mu.Unlock()
	if plan == nil {
		return Fault{}
	}
	return plan(*c)
}

// about names the payment that a request is about. Under the lock.
func (s *Server) about(req *request) {
	c := &req.call
	meta := req.metadata()
	c.Key, c.Charge = meta["topupd_key"], meta["topupd_charge"]
	c.PaymentMethod, c.Customer, c.PaymentIntent = req.get("payment_method"), req.get("customer"), req.get("payment_intent")
	p := s.intents[c.PaymentIntent]
	switch req.route.op {
	case OpConfirm, OpRetrieve, OpCancel:
		p = s.intents[req.id]
	case OpMethodRetrieve:
		c.PaymentMethod = req.id
	}
	if p == nil {
		return
	}
	c.PaymentIntent, c.Customer = p.id, p.customer
	if c.PaymentMethod == "" {
		c.PaymentMethod = p.method
	}
	if c.Key == "" {
		c.Key, c.Charge = p.metadata["topupd_key"], p.metadata["topupd_charge"]
	}
}

// begin looks a write's key up: true with the kept answer, or with the refusal of
// a key that is in use or was used for something else.
func (s *Server) begin(req *request, params string) (bool, reply) {
	key := req.call.IdempotencyKey
	if !req.write || key == "" {
		return false, reply{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.answers[key]
	switch {
	case a == nil:
		s.answers[key] = &answer{params: params}
		return false, reply{}
	case a.params != params:
		return true, refuse(http.StatusBadRequest, apiError{
			Type: "idempotency_error", Message: "Keys for idempotent requests can only be used with the same parameters they were first used with.",
		})
	case !a.done:
		return true, refuse(http.StatusConflict, apiError{
			Type: "idempotency_error", Code: "idempotency_key_in_use", Message: "There is currently another in-progress request using this key.",
		})
	}
	again := a.reply
	again.replayed = true
	return true, again
}

// keep stores an answer under its key. Stripe keeps none for a request that it
// refused unread.
func (s *Server) keep(req *request, a reply) {
	if a.status == http.StatusBadRequest || a.status == http.StatusNotFound {
		s.abandon(req)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.answers[req.call.IdempotencyKey]; kept != nil && req.write {
		kept.done, kept.reply = true, a
	}
}

func (s *Server) abandon(req *request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.answers[req.call.IdempotencyKey]; kept != nil && req.write && !kept.done {
		delete(s.answers, req.call.IdempotencyKey)
	}
}

// ForgetKeys makes the fake forget all idempotency keys, as Stripe does after a
// day.
func (s *Server) ForgetKeys() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.answers)
}

func (s *Server) do(req *request, f Fault) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if req.route.op == OpConfirm {
		return s.confirm(req, f.Kind)
	}
	return req.route.handle(s, req)
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		io.WriteString(h, p)
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}
