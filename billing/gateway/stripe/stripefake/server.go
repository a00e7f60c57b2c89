package stripefake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Key is the secret key that a fake accepts unless its options say otherwise.
const Key = "sk_test_fake_5f0d"

// Options are the settings of a fake; the zero value is a healthy Stripe.
type Options struct {
	// Key is the only secret key that is accepted.
	Key string
	// Latency is how long each answer takes.
	Latency time.Duration
	// Slow is how long pm_fake_slow takes; two seconds if zero.
	Slow time.Duration
	// Plan is asked before each request is worked on; see Fault. It may be called
	// by several requests at once.
	Plan func(Call) Fault
}

// Server is a fake Stripe. It is safe for concurrent use.
type Server struct {
	// URL is the base of its requests.
	URL string

	opts  Options
	http  *http.Server
	done  chan struct{} // closed by Close
	once  sync.Once
	tasks sync.WaitGroup

	mu          sync.Mutex
	plan        func(Call) Fault
	ids         int
	intents     map[string]*intent
	intentOrder []*intent
	methods     map[string]*method
	refunds     map[string]*refund
	refundOrder []*refund
	disputes    map[string]*dispute
	answers     map[string]*answer // by idempotency key
	events      []Event
	news        chan struct{} // closed when an event is added
	calls       []Call
	counts      map[string]int // of calls, by op and key
	inFlight    int
	maxInFlight int
}

// New starts a fake on a port of this machine. Close ends it.
func New(o Options) (*Server, error) {
	if o.Key == "" {
		o.Key = Key
	}
	if o.Slow == 0 {
		o.Slow = 2 * time.Second
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{
		URL: "http://" + l.Addr().String(), opts: o, plan: o.Plan,
		done: make(chan struct{}), news: make(chan struct{}),
		intents: map[string]*intent{}, methods: map[string]*method{},
		refunds: map[string]*refund{}, disputes: map[string]*dispute{}, answers: map[string]*answer{},
		counts: map[string]int{},
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: silent}
	s.tasks.Go(func() { _ = s.http.Serve(l) })
	return s, nil
}

// Close ends the fake, with whatever hangs in it.
func (s *Server) Close() { s.once.Do(s.close) }

func (s *Server) close() {
	close(s.done)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
	s.tasks.Wait()
}

// Plan replaces the plan of faults; nil is none.
func (s *Server) Plan(plan func(Call) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan = plan
}

// request is what a handler gets: the route, and the parameters by name, with
// brackets as Stripe spells them.
type request struct {
	call  Call
	id    string // of the object in the path
	form  url.Values
	write bool
	route *route
}

func (r *request) get(name string) string { return r.form.Get(name) }

// metadata is the members of metadata[...].
func (r *request) metadata() map[string]string {
	m := map[string]string{}
	for name := range r.form {
		if key, ok := strings.CutPrefix(name, "metadata["); ok {
			m[strings.TrimSuffix(key, "]")] = r.form.Get(name)
		}
	}
	return m
}

func (r *request) expands(what string) bool {
	for name, values := range r.form {
		if strings.HasPrefix(name, "expand[") && values[0] == what {
			return true
		}
	}
	return false
}

// route is one of Stripe's requests. handle runs under the lock.
type route struct {
	op     Op
	method string
	path   string // {id} stands for one segment
	handle func(*Server, *request) reply
}

var routes = []*route{
	{OpCreate, "POST", "/v1/payment_intents", (*Server).createIntent},
	{OpList, "GET", "/v1/payment_intents", (*Server).listIntents},
	{OpRetrieve, "GET", "/v1/payment_intents/{id}", (*Server).retrieveIntent},
	{OpConfirm, "POST", "/v1/payment_intents/{id}/confirm", (*Server).confirmIntent},
	{OpCancel, "POST", "/v1/payment_intents/{id}/cancel", (*Server).cancelIntent},
	{OpMethod, "POST", "/v1/payment_methods", (*Server).createMethod},
	{OpMethodRetrieve, "GET", "/v1/payment_methods/{id}", (*Server).retrieveMethod},
	{OpCustomer, "POST", "/v1/customers", (*Server).createCustomer},
	{OpRefund, "POST", "/v1/refunds", (*Server).createRefund},
	{OpRefundList, "GET", "/v1/refunds", (*Server).listRefunds},
	{OpRefundRetrieve, "GET", "/v1/refunds/{id}", (*Server).retrieveRefund},
}

func match(method, path string) (*route, string) {
	for _, rt := range routes {
		if rt.method != method {
			continue
		}
		before, after, one := strings.Cut(rt.path, "{id}")
		if !one && path == rt.path {
			return rt, ""
		}
		id, ok := strings.CutPrefix(path, before)
		if id, ok2 := strings.CutSuffix(id, after); one && ok && ok2 && id != "" && !strings.Contains(id, "/") {
			return rt, id
		}
	}
	return nil, ""
}

// ServeHTTP is Stripe's API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.enter()
	defer s.leave()
	rt, id := match(r.Method, r.URL.Path)
	switch {
	case r.Header.Get("Authorization") != "Bearer "+s.opts.Key:
		s.respond(w, refuse(http.StatusUnauthorized, apiError{Type: "invalid_request_error", Message: "Invalid API Key provided"}))
		return
	case rt == nil:
		s.respond(w, refuse(http.StatusNotFound, apiError{Type: "invalid_request_error", Message: "Unrecognized request URL"}))
		return
	}
	req, err := read(w, r, rt, id)
	if err != nil {
		s.respond(w, refuse(http.StatusBadRequest, apiError{Type: "invalid_request_error", Message: "The request cannot be read"}))
		return
	}
	s.work(w, r, req)
}

func read(w http.ResponseWriter, r *http.Request, rt *route, id string) (*request, error) {
	id, err := url.PathUnescape(id)
	if err != nil {
		return nil, err
	}
	req := &request{route: rt, id: id, write: rt.method == http.MethodPost, form: r.URL.Query()}
	if req.write {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			return nil, err
		}
		if req.form, err = url.ParseQuery(string(body)); err != nil {
			return nil, err
		}
	}
	req.call = Call{Op: rt.op, IdempotencyKey: r.Header.Get("Idempotency-Key")}
	return req, nil
}

func (s *Server) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight++
	s.maxInFlight = max(s.maxInFlight, s.inFlight)
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
}

// id makes an id with one of Stripe's prefixes. Under the lock.
func (s *Server) id(prefix string) string {
	s.ids++
	return fmt.Sprintf("%s_fake%08d", prefix, s.ids)
}

// reply is a status and a body.
type reply struct {
	status     int
	body       []byte
	replayed   bool
	retryAfter string
}

type object = map[string]any

func good(o object) reply {
	body, err := json.Marshal(o)
	if err != nil {
		panic(err) // our own maps
	}
	return reply{status: http.StatusOK, body: body}
}

// apiError is the error object of Stripe's answers.
type apiError struct {
	Type          string `json:"type"`
	Code          string `json:"code,omitempty"`
	DeclineCode   string `json:"decline_code,omitempty"`
	Advice        string `json:"advice_code,omitempty"`
	NetworkAdvice string `json:"network_advice_code,omitempty"`
	Param         string `json:"param,omitempty"`
	Message       string `json:"message"`
	Charge        string `json:"charge,omitempty"`
	PaymentMethod object `json:"payment_method,omitempty"`
	PaymentIntent object `json:"payment_intent,omitempty"`
}

func refuse(status int, e apiError) reply {
	r := good(object{"error": e})
	r.status = status
	return r
}

func invalid(code, param, message string) reply {
	status := http.StatusBadRequest
	if code == "resource_missing" && param == "intent" {
		status = http.StatusNotFound
	}
	return refuse(status, apiError{Type: "invalid_request_error", Code: code, Param: param, Message: message})
}

func (s *Server) respond(w http.ResponseWriter, a reply) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Request-Id", "req_fake")
	if a.replayed {
		h.Set("Idempotent-Replayed", "true")
	}
	if a.retryAfter != "" {
		h.Set("Retry-After", a.retryAfter)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// pause waits unless the fake is closed meanwhile.
func (s *Server) pause(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-s.done:
		return errClosed
	}
}

var errClosed = errors.New("the fake is closed")
