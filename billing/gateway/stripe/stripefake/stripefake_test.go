package stripefake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"topupd/billing/gateway/stripe/stripefake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client speaks to a fake without the library.
type client struct {
	t *testing.T
	f *stripefake.Server
	h *http.Client
}

func start(t *testing.T, o stripefake.Options) *client {
	t.Helper()
	f, err := stripefake.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return &client{t, f, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

type answer struct {
	status   int
	header   http.Header
	ID       string
	Status   string
	Received int64 `json:"amount_received"`
	Error    struct {
		Type, Code, Param, Message string
		DeclineCode                string `json:"decline_code"`
	}
	Data []struct{ ID string }
	More bool `json:"has_more"`
	err  error
}

// do sends name=value pairs under a key; a GET if the key is "GET".
func (c *client) do(ctx context.Context, key, path string, form ...string) answer {
	values := url.Values{}
	for _, pair := range form {
		name, value, _ := strings.Cut(pair, "=")
		values.Set(name, value)
	}
	method, body, address := http.MethodPost, values.Encode(), c.f.URL+path
	if key == "GET" {
		method, body, address = http.MethodGet, "", address+"?"+body
	}
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+stripefake.Key)
	if method == http.MethodPost {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := c.h.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	a := answer{status: resp.StatusCode, header: resp.Header, err: err}
	_ = json.Unmarshal(text, &a)
	return a
}

func (c *client) create(key, token string, more ...string) answer {
	return c.do(c.t.Context(), key, "/v1/payment_intents",
		append([]string{"amount=1000", "currency=usd", "payment_method=" + token, "metadata[topupd_key]=" + key, "metadata[topupd_charge]=1"}, more...)...)
}

func (c *client) confirm(key, id string) answer {
	return c.do(c.t.Context(), key, "/v1/payment_intents/"+id+"/confirm", "off_session=true")
}

func TestKeys(t *testing.T) {
	c := start(t, stripefake.Options{})
	p := c.create("k1", "pm_card_visa")
	if p.status != 200 || p.Status != "requires_confirmation" || p.header.Get("Idempotent-Replayed") != "" {
		t.Fatalf("%+v", p)
	}
	if again := c.create("k1", "pm_card_visa"); again.ID != p.ID || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("again: %+v", again)
	}
	if other := c.create("k1", "pm_card_amex"); other.status != 400 || other.Error.Type != "idempotency_error" {
		t.Errorf("other parameters: %+v", other)
	}
	first := c.confirm("k1-confirm", p.ID)
	again := c.confirm("k1-confirm", p.ID)
	if first.Status != "succeeded" || first.Received != 1000 || again.Status != "succeeded" {
		t.Errorf("%+v, %+v", first, again)
	}
	if other := c.confirm("k2", p.ID); other.status != 400 || other.Error.Code != "payment_intent_unexpected_state" {
		t.Errorf("a second confirmation: %+v", other)
	}
	c.f.ForgetKeys()
	if fresh := c.create("k1", "pm_card_visa"); fresh.ID == p.ID {
		t.Error("a forgotten key was remembered")
	}
	if c.f.Captured("k1") != 1 || len(c.f.Payments("k1")) != 2 {
		t.Errorf("%+v", c.f.Captures())
	}
	// A decline is kept like any answer.
	p = c.create("k3", "pm_card_chargeDeclined")
	for range 2 {
		if a := c.confirm("k3-confirm", p.ID); a.status != 402 || a.Error.DeclineCode != "generic_decline" {
			t.Errorf("%+v", a)
		}
	}
}

func TestKeyInUse(t *testing.T) {
	t.Parallel()
	c := start(t, stripefake.Options{Plan: stripefake.Once(stripefake.OpConfirm, stripefake.Fault{Delay: 5 * time.Second})})
	p := c.create("k1", "pm_card_visa")
	got := make(chan answer)
	go func() { got <- c.confirm("k1-confirm", p.ID) }()
	for c.f.Count(stripefake.OpConfirm) == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond)
	if a := c.confirm("k1-confirm", p.ID); a.status != 409 || a.Error.Code != "idempotency_key_in_use" {
		t.Errorf("%+v", a)
	}
	if a := <-got; a.Status != "succeeded" || c.f.MaxInFlight() < 2 {
		t.Errorf("%+v", a)
	}
}

func TestFaults(t *testing.T) {
	for _, tc := range []struct {
		name     string
		fault    stripefake.Fault
		status   int // 0 is no answer
		captured int
		again    int // the status of the same key
		after    int // captures then
	}{
		{"error_before", stripefake.Fault{Kind: stripefake.ErrorBefore}, 500, 0, 500, 0},
		{"error_after", stripefake.Fault{Kind: stripefake.ErrorAfter}, 500, 1, 500, 1},
		{"error_before_forgotten", stripefake.Fault{Kind: stripefake.ErrorBefore, Forget: true}, 500, 0, 200, 1},
		{"error_after_forgotten", stripefake.Fault{Kind: stripefake.ErrorAfter, Forget: true}, 500, 1, 200, 1},
		{"unavailable", stripefake.Fault{Kind: stripefake.Unavailable}, 503, 0, 200, 1},
		{"limited", stripefake.Fault{Kind: stripefake.RateLimited}, 429, 0, 200, 1},
		{"locked", stripefake.Fault{Kind: stripefake.Locked}, 429, 0, 200, 1},
		{"proxy", stripefake.Fault{Kind: stripefake.NotStripe}, 502, 0, 200, 1},
		{"cut_before", stripefake.Fault{Kind: stripefake.CutBefore}, 0, 0, 200, 1},
		{"cut_after", stripefake.Fault{Kind: stripefake.CutAfter}, 0, 1, 200, 1},
		{"hang_before", stripefake.Fault{Kind: stripefake.HangBefore}, 0, 0, 200, 1},
		{"hang_after", stripefake.Fault{Kind: stripefake.HangAfter}, 0, 1, 200, 1},
		{"action", stripefake.Fault{Kind: stripefake.RequiresAction}, 200, 0, 200, 0},
		{"processing", stripefake.Fault{Kind: stripefake.Processing}, 200, 0, 200, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, stripefake.Options{Plan: stripefake.Once(stripefake.OpConfirm, tc.fault)})
			p := c.create("k1", "pm_card_visa")
			wait := 30 * time.Second
			if tc.fault.Kind == stripefake.HangBefore || tc.fault.Kind == stripefake.HangAfter {
				wait = time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			defer cancel()
			a := c.do(ctx, "k1-confirm", "/v1/payment_intents/"+p.ID+"/confirm", "off_session=true")
			if a.status != tc.status || (a.err != nil) != (tc.status == 0) || c.f.Captured("k1") != tc.captured {
				t.Errorf("%+v, captured %d times", a, c.f.Captured("k1"))
			}
			if tc.name == "limited" && a.header.Get("Retry-After") != "1" {
				t.Errorf("header: %v", a.header)
			}
			if a := c.confirm("k1-confirm", p.ID); a.status != tc.again || c.f.Captured("k1") != tc.after {
				t.Errorf("again: %+v, captured %d times", a, c.f.Captured("k1"))
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	c := start(t, stripefake.Options{})
	for name, tc := range map[string]struct {
		a     answer
		param string
	}{
		"too_little":       {c.create("a1", "pm_card_visa", "amount=49"), "amount"},
		"nothing":          {c.create("a2", "pm_card_visa", "amount=0"), "amount"},
		"half_a_krona":     {c.create("a3", "pm_card_visa", "currency=isk", "amount=550"), "amount"},
		"last_digit":       {c.create("a4", "pm_card_visa", "currency=kwd", "amount=5124"), "amount"},
		"upper_case":       {c.create("a5", "pm_card_visa", "currency=USD"), "currency"},
		"unknown_card":     {c.create("a6", "pm_nobody"), "payment_method"},
		"unknown_customer": {c.create("a7", "pm_card_visa", "customer=nobody"), "customer"},
		"confirm_at_once":  {c.create("a8", "pm_card_visa", "confirm=true"), "confirm"},
		"unknown_refund":   {c.do(t.Context(), "a9", "/v1/refunds", "payment_intent=pi_1"), "payment_intent"},
		"unknown_payment":  {c.confirm("a10", "pi_1"), "intent"},
	} {
		if tc.a.status/100 != 4 || tc.a.Error.Type != "invalid_request_error" || tc.a.Error.Param != tc.param {
			t.Errorf("%s: %+v", name, tc.a)
		}
	}
	c.f.Attach("pm_card_visa-1", "cus_1")
	if a := c.create("a11", "pm_card_visa-1", "customer=cus_2"); a.status != 400 || a.Error.Param != "payment_method" {
		t.Errorf("another customer's card: %+v", a)
	}
	if a := c.do(t.Context(), "GET", "/v1/nothing"); a.status != 404 {
		t.Errorf("unknown path: %+v", a)
	}
	req, _ := http.NewRequest(http.MethodGet, c.f.URL+"/v1/payment_intents", nil)
	req.Header.Set("Authorization", "Bearer sk_test_other")
	if resp, err := c.h.Do(req); err != nil || resp.StatusCode != 401 {
		t.Errorf("another key: %v %v", resp, err)
	} else {
		resp.Body.Close()
	}
}

func TestLists(t *testing.T) {
	c := start(t, stripefake.Options{})
	for n := range 5 {
		c.create(fmt.Sprintf("k%d", n), "pm_card_visa", fmt.Sprintf("customer=cus_%d", n%2))
	}
	first := c.do(t.Context(), "GET", "/v1/payment_intents", "customer=cus_0", "limit=2")
	if len(first.Data) != 2 || !first.More || first.Data[0].ID != c.f.Payments("k4")[0] {
		t.Fatalf("%+v", first)
	}
	rest := c.do(t.Context(), "GET", "/v1/payment_intents", "customer=cus_0", "limit=2", "starting_after="+first.Data[1].ID)
	if len(rest.Data) != 1 || rest.More || rest.Data[0].ID != c.f.Payments("k0")[0] {
		t.Errorf("%+v", rest)
	}
}

// Parallel confirmations of one payment, with one key and with many: one capture.
func TestParallel(t *testing.T) {
	c := start(t, stripefake.Options{Latency: time.Millisecond})
	p := c.create("k1", "pm_card_visa")
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() { c.confirm(fmt.Sprintf("k1-confirm-%d", n%4), p.ID) })
	}
	wg.Wait()
	if c.f.Captured("k1") != 1 || len(c.f.Events("payment_intent.succeeded")) != 1 {
		t.Errorf("%+v", c.f.Captures())
	}
}

// hooked is an endpoint that notes what is delivered to it.
type hooked struct {
	mu     sync.Mutex
	ids    []string
	refuse int // so many deliveries are answered with 500
}

func (h *hooked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	var e struct{ ID string }
	if json.Unmarshal(body, &e) != nil || !strings.HasPrefix(r.Header.Get("Stripe-Signature"), "t=") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if h.refuse > 0 {
		h.refuse--
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h.ids = append(h.ids, e.ID)
}

func (h *hooked) got() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.ids...)
}

func TestSend(t *testing.T) {
	c := start(t, stripefake.Options{})
	c.confirm("c1", c.create("k1", "pm_card_visa").ID)
	h := &hooked{}
	s := httptest.NewServer(h)
	defer s.Close()
	events := c.f.Events()
	statuses, err := c.f.Send(t.Context(), stripefake.Endpoint{URL: s.URL, Secret: "whsec", Copies: 2, Reversed: true}, events...)
	if err != nil || len(statuses) != 2*len(events) || statuses[0] != 200 {
		t.Fatalf("%v %v", statuses, err)
	}
	if got := h.got(); got[0] != events[len(events)-1].ID || got[1] != got[0] || got[len(got)-1] != events[0].ID {
		t.Errorf("delivered %v of %v", got, events)
	}
}

func TestSubscribe(t *testing.T) {
	c := start(t, stripefake.Options{})
	h := &hooked{refuse: 2}
	s := httptest.NewServer(h)
	defer s.Close()
	c.f.Subscribe(stripefake.Endpoint{URL: s.URL, Secret: "whsec"})
	for n := range 3 {
		c.confirm(fmt.Sprintf("c%d", n), c.create(fmt.Sprintf("k%d", n), "pm_card_visa").ID)
	}
	want := len(c.f.Events())
	for end := time.Now().Add(10 * time.Second); len(h.got()) < want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d delivered", len(h.got()), want)
		}
	}
	c.f.Close()
	seen := map[string]bool{}
	for _, id := range h.got() {
		if seen[id] {
			t.Errorf("%s came twice", id)
		}
		seen[id] = true
	}
}

// Nothing that the fake keeps or shows holds a number.
func TestNumbersAreForgotten(t *testing.T) {
	c := start(t, stripefake.Options{})
	const number = "4242424242424242"
	m := c.do(t.Context(), "m1", "/v1/payment_methods", "type=card", "card[number]="+number, "card[exp_month]=12", "card[exp_year]=2034", "card[cvc]=987")
	if m.status != 200 {
		t.Fatalf("%+v", m)
	}
	c.do(t.Context(), "c1", "/v1/customers", "payment_method="+m.ID)
	c.f.UpdateCard(m.ID, 1, 2040)
	shown := fmt.Sprintf("%+v", c.f.Calls())
	for _, e := range c.f.Events() {
		shown += string(e.Payload())
	}
	if strings.Contains(shown, number) || strings.Contains(shown, "987") || !strings.Contains(shown, m.ID) {
		t.Errorf("%s", shown)
	}
}
