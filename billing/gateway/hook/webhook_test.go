package hook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/hook"
	"topupd/billing/gateway/hook/bridge"
)

// inbox is a sink, and what was reported.
type inbox struct {
	events   []billing.GatewayEvent
	answer   error
	reported []string
}

func (b *inbox) sink(_ context.Context, e billing.GatewayEvent) error {
	b.events = append(b.events, e)
	return b.answer
}

func (b *inbox) report(_ context.Context, err error) { b.reported = append(b.reported, err.Error()) }

func (b *inbox) handler(t *testing.T) http.Handler {
	g := newGateway(t, hook.Options{URL: "http://127.0.0.1:1", Now: func() time.Time { return now }})
	return g.Webhook(b.sink, b.report)
}

// post sends a signed body and returns the status.
func post(h http.Handler, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/webhooks/hook", strings.NewReader(body))
	hook.Sign(r.Header, secret, "evt_1", now.Add(-time.Minute), []byte(body))
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestEvents(t *testing.T) {
	at := now.Add(-time.Minute).Truncate(time.Second)
	usd := func(micros int64) billing.Amount { return billing.Money(micros, "USD") }
	declinedHard := billing.GatewayResult{Outcome: dec, Ref: "p", Class: billing.DeclineHard, Code: "lost", Advice: "no", Message: "it was lost"}
	for name, tc := range map[string]struct {
		body string
		want billing.GatewayEvent
	}{
		"charge": {`{"event":"charge","key":"k","ref":"p","outcome":"succeeded","at":"2026-11-22T10:00:00+02:00","card":{"last4":"4242"}}`, billing.GatewayEvent{
			ID: "evt_1", Kind: billing.EventCharge, At: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), Key: "k", Ref: "p",
			Result: billing.GatewayResult{Outcome: suc, Ref: "p", Card: &billing.GatewayCard{Last4: "4242"}}, Card: billing.GatewayCard{Last4: "4242"},
		}},
		"charge_declined": {`{"event":"charge","ref":"p","outcome":"declined","class":"hard","code":"lost","advice":"no","message":"it\nwas lost"}`, billing.GatewayEvent{
			ID: "evt_1", Kind: billing.EventCharge, At: at, Ref: "p", Result: declinedHard,
		}},
		"charge_declined_somehow": {`{"event":"charge","key":"k","outcome":"declined"}`, billing.GatewayEvent{
			ID: "evt_1", Kind: billing.EventCharge, At: at, Key: "k", Result: billing.GatewayResult{Outcome: dec, Class: billing.DeclineSoft, Code: "declined"},
		}},
		"refund": {`{"event":"refund","ref":"p","refund_ref":"r","refund_key":"rk","outcome":"succeeded","amount":"4.00","currency":"USD"}`, billing.GatewayEvent{
			ID: "evt_1", Kind: billing.EventRefund, At: at, Ref: "p", RefundRef: "r", RefundKey: "rk", Amount: usd(4e6),
			Result: billing.GatewayResult{Outcome: suc, Ref: "p"},
		}},
		"refund_failed": {`{"event":"refund","key":"k","refund_key":"rk","outcome":"declined","amount":"4","currency":"USD","code":"closed"}`, billing.GatewayEvent{
			ID: "evt_1", Kind: billing.EventRefund, At: at, Key: "k", RefundKey: "rk", Amount: usd(4e6),
			Result: billing.GatewayResult{Outcome: dec, Class: billing.DeclineHard, Code: "closed"},
		}},
		"dispute_opened": {`{"event":"dispute_opened","ref":"p","dispute_ref":"d","dispute_reason":"fraud","amount":"10.00","currency":"USD"}`, billing.GatewayEvent{
			ID: "evt_1", Kind: billing.EventDisputeOpened, At: at, Ref: "p", DisputeRef: "d", DisputeReason: "fraud", Amount: usd(1e7),
			Result: billing.GatewayResult{Ref: "p"},
		}},
		"dispute_withdrawn": {`{"event":"dispute_withdrawn","ref":"p","dispute_ref":"d","amount":"10.00","currency":"USD","fee":"0.305"}`, billing.GatewayEvent{
			ID: "evt_1", Kind: billing.EventDisputeWithdrawn, At: at, Ref: "p", DisputeRef: "d", Amount: usd(1e7), Fee: usd(305_000),
			Result: billing.GatewayResult{Ref: "p"},
		}},
		"dispute_reinstated": {`{"event":"dispute_reinstated","ref":"p","dispute_ref":"d","amount":"1000","currency":"JPY","fee":"15","fee_currency":"EUR"}`, billing.GatewayEvent{
			ID: "evt_1", Kind: billing.EventDisputeReinstated, At: at, Ref: "p", DisputeRef: "d", Amount: billing.Money(1e9, "JPY"), Fee: billing.Money(15e6, "EUR"),
			Result: billing.GatewayResult{Ref: "p"},
		}},
		"dispute_won": {`{"event":"dispute_closed","ref":"p","dispute_ref":"d","outcome":"won"}`, billing.GatewayEvent{
			ID: "evt_1", Kind: billing.EventDisputeClosed, At: at, Ref: "p", DisputeRef: "d", Result: billing.GatewayResult{Outcome: suc, Ref: "p"},
		}},
		"dispute_lost": {`{"event":"dispute_closed","ref":"p","dispute_ref":"d","outcome":"lost"}`, billing.GatewayEvent{
			ID: "evt_1", Kind: billing.EventDisputeClosed, At: at, Ref: "p", DisputeRef: "d", Result: billing.GatewayResult{Outcome: dec, Ref: "p"},
		}},
		"fraud_warning": {`{"event":"fraud_warning","key":"k","code":"suspicious","future":[1]}`, billing.GatewayEvent{
			ID: "evt_1", Kind: billing.EventFraudWarning, At: at, Key: "k", Result: billing.GatewayResult{Code: "suspicious"},
		}},
		"card_updated": {`{"event":"card_updated","token":"tok_9","message":"tok_9 is new","card":{"brand":"Visa","last4":"1881","exp_month":6,"exp_year":2031}}`, billing.GatewayEvent{
			ID: "evt_1", Kind: billing.EventCardUpdated, At: at, Token: "tok_9",
			Card: billing.GatewayCard{Brand: "Visa", Last4: "1881", ExpMonth: 6, ExpYear: 2031},
			Result: billing.GatewayResult{Message: "redacted is new", Card: &billing.GatewayCard{
				Brand: "Visa", Last4: "1881", ExpMonth: 6, ExpYear: 2031,
			}},
		}},
	} {
		b := &inbox{}
		if w := post(b.handler(t), tc.body, nil); w.Code != 200 || len(b.reported) != 0 {
			t.Errorf("%s: %d %s, reported %v", name, w.Code, w.Body, b.reported)
			continue
		}
		if len(b.events) != 1 || !reflect.DeepEqual(b.events[0], tc.want) {
			t.Errorf("%s: %+v\nwant %+v", name, b.events, tc.want)
		}
	}
}

// A genuine message that cannot be acted on is refused and told to somebody.
func TestMalformedEvents(t *testing.T) {
	for name, body := range map[string]string{
		"no_json":                 `event`,
		"nothing":                 ``,
		"null":                    `null`,
		"a_request":               `{"type":"charge","key":"k","amount":"10.00","currency":"USD"}`,
		"an_answer":               `{"outcome":"succeeded","ref":"p"}`,
		"no_payment":              `{"event":"charge","outcome":"succeeded"}`,
		"no_outcome":              `{"event":"charge","key":"k"}`,
		"not_definite":            `{"event":"charge","key":"k","outcome":"unknown"}`,
		"not_attempted":           `{"event":"charge","key":"k","outcome":"not_attempted"}`,
		"won_charge":              `{"event":"charge","key":"k","ref":"p","outcome":"won"}`,
		"success_without_ref":     `{"event":"charge","key":"k","outcome":"succeeded"}`,
		"another_class":           `{"event":"charge","key":"k","outcome":"declined","class":"medium"}`,
		"no_refund":               `{"event":"refund","key":"k","outcome":"succeeded","amount":"4.00","currency":"USD"}`,
		"refund_without_amount":   `{"event":"refund","key":"k","refund_ref":"r","outcome":"succeeded"}`,
		"amount_is_a_number":      `{"event":"refund","key":"k","refund_ref":"r","outcome":"succeeded","amount":4.00,"currency":"USD"}`,
		"negative":                `{"event":"refund","key":"k","refund_ref":"r","outcome":"succeeded","amount":"-4.00","currency":"USD"}`,
		"zero":                    `{"event":"refund","key":"k","refund_ref":"r","outcome":"succeeded","amount":"0","currency":"USD"}`,
		"tenth_cent":              `{"event":"refund","key":"k","refund_ref":"r","outcome":"succeeded","amount":"0.001","currency":"USD"}`,
		"no_currency":             `{"event":"refund","key":"k","refund_ref":"r","outcome":"succeeded","amount":"4.00"}`,
		"another_currency":        `{"event":"refund","key":"k","refund_ref":"r","outcome":"succeeded","amount":"4.00","currency":"usd"}`,
		"no_dispute":              `{"event":"dispute_opened","ref":"p","amount":"10.00","currency":"USD"}`,
		"dispute_without_amount":  `{"event":"dispute_withdrawn","ref":"p","dispute_ref":"d"}`,
		"negative_fee":            `{"event":"dispute_withdrawn","ref":"p","dispute_ref":"d","amount":"10","currency":"USD","fee":"-1"}`,
		"dispute_without_payment": `{"event":"dispute_opened","dispute_ref":"d","amount":"10.00","currency":"USD"}`,
		"closed_somehow":          `{"event":"dispute_closed","ref":"p","dispute_ref":"d","outcome":"succeeded"}`,
		"fraud_nowhere":           `{"event":"fraud_warning"}`,
		"no_token":                `{"event":"card_updated","card":{"last4":"1881"}}`,
		"no_time":                 `{"event":"fraud_warning","ref":"p","at":"yesterday"}`,
		"long_ref":                `{"event":"fraud_warning","ref":"` + strings.Repeat("p", 256) + `"}`,
		"wrong_type":              `{"event":"fraud_warning","ref":7}`,
	} {
		b := &inbox{}
		w := post(b.handler(t), body, nil)
		if w.Code != 400 || len(b.events) != 0 || len(b.reported) != 1 || !strings.HasPrefix(b.reported[0], "the bridge sent an event that ") {
			t.Errorf("%s: %d %s, %d events, reported %v", name, w.Code, w.Body, len(b.events), b.reported)
		}
	}
}

func TestWebhookAnswers(t *testing.T) {
	const body = `{"event":"fraud_warning","ref":"p"}`
	for name, tc := range map[string]struct {
		body     string
		change   func(*http.Request)
		sink     error
		status   int
		events   int
		reported int
	}{
		"taken":         {status: 200, events: 1},
		"another_kind":  {body: `{"event":"payout","amount":7}`, status: 200},
		"nothing_of_us": {sink: billing.Errorf(billing.NotFound, "ref", "no such charge"), status: 200, events: 1},
		"busy":          {sink: fmt.Errorf("sink: %w", &billing.Error{Code: billing.Busy}), status: 503, events: 1},
		"failed":        {sink: errors.New("disk full at /secret/path"), status: 500, events: 1, reported: 1},
		"conflict":      {sink: billing.Errorf(billing.Conflict, "charge", "not now"), status: 500, events: 1, reported: 1},
		"get":           {change: func(r *http.Request) { r.Method = http.MethodGet }, status: 405},
		"unsigned":      {change: func(r *http.Request) { r.Header.Del("webhook-signature") }, status: 400},
		"another_secret": {change: func(r *http.Request) {
			hook.Sign(r.Header, otherSecret, "evt_1", now, []byte(body))
		}, status: 400},
		"changed": {change: func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(body, "p", "q", 1)))
		}, status: 400},
		"too_old": {change: func(r *http.Request) {
			hook.Sign(r.Header, secret, "evt_1", now.Add(-5*time.Minute-time.Second), []byte(body))
		}, status: 400},
		"too_large":          {body: body + strings.Repeat(" ", 1<<20), status: 413},
		"as_large_as_may_be": {body: body + strings.Repeat(" ", 1<<20-len(body)), status: 200, events: 1},
		"broken_off": {change: func(r *http.Request) {
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader(body), failing{}))
		}, status: 400},
	} {
		b := &inbox{answer: tc.sink}
		if tc.body == "" {
			tc.body = body
		}
		w := post(b.handler(t), tc.body, tc.change)
		if w.Code != tc.status || len(b.events) != tc.events || len(b.reported) != tc.reported {
			t.Errorf("%s: %d %s, %d events, reported %v", name, w.Code, w.Body, len(b.events), b.reported)
		}
		if strings.Contains(w.Body.String(), "/secret/path") {
			t.Errorf("%s: the bridge is told %s", name, w.Body)
		}
	}
	b := &inbox{answer: errors.New("failed")}
	g := newGateway(t, hook.Options{URL: "http://127.0.0.1:1", Now: func() time.Time { return now }})
	if w := post(g.Webhook(b.sink, nil), body, nil); w.Code != 500 { // with nobody to report to
		t.Errorf("%d", w.Code)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("gone") }

// What travels one way is worth nothing the other way, although one secret
// signs both.
func TestDirectionsDoNotMix(t *testing.T) {
	f := &far{body: captured}
	g := newGateway(t, hook.Options{URL: serve(t, f)})
	b := &inbox{}
	h := g.Webhook(b.sink, b.report)
	for call, do := range calls(g) {
		do(t.Context())
		r := httptest.NewRequest(http.MethodPost, "/webhooks/hook", strings.NewReader(string(f.asked)))
		r.Header = f.headers // our own, genuine signature
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != 400 || len(b.events) != 0 {
			t.Errorf("a %s sent back as an event: %d, %+v", call, w.Code, b.events)
		}
	}
	processor := &bridge.Sandbox{}
	example, err := bridge.New(secret, processor)
	if err != nil {
		t.Fatal(err)
	}
	body := `{"event":"charge","key":"k","ref":"p","outcome":"succeeded","token":"tok_ok","minor_units":1000,"currency":"USD","sent_at":"2026"}`
	w := post(example, body, func(r *http.Request) { hook.Sign(r.Header, secret, "evt_1", time.Now(), []byte(body)) })
	if w.Code != 200 || !strings.Contains(w.Body.String(), "bad_type") || processor.Captures("k") != 0 {
		t.Errorf("an event sent to the bridge: %d %s", w.Code, w.Body)
	}
}

// The example bridge's events arrive.
func TestBridgeTells(t *testing.T) {
	b := &inbox{}
	g := newGateway(t, hook.Options{URL: "http://127.0.0.1:1"})
	url := serve(t, g.Webhook(b.sink, b.report))
	example, err := bridge.New(otherSecret+","+secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	event := map[string]string{"event": "dispute_opened", "ref": "p", "dispute_ref": "d", "amount": "10.00", "currency": "USD"}
	if err := example.Tell(t.Context(), url, "evt_7", event); err != nil {
		t.Fatal(err)
	}
	if len(b.events) != 1 || b.events[0].ID != "evt_7" || b.events[0].Amount != billing.Money(10e6, "USD") {
		t.Errorf("%+v", b.events)
	}
	b.answer = &billing.Error{Code: billing.Busy}
	if err := example.Tell(t.Context(), url, "evt_7", event); err == nil {
		t.Error("the bridge takes a 503 for done")
	}
	http.DefaultClient.CloseIdleConnections()
}
