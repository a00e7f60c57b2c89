package stripe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/stripe"
	"topupd/billing/gateway/stripe/stripefake"
)

const hookSecret = "whsec_oneOfTheTest"

// inbox is a sink that keeps what it gets, and what was reported.
type inbox struct {
	mu      sync.Mutex
	events  []billing.GatewayEvent
	reports []string
	err     error
}

func (b *inbox) sink(_ context.Context, e billing.GatewayEvent) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
	return b.err
}

func (b *inbox) report(_ context.Context, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reports = append(b.reports, err.Error())
}

func (b *inbox) take() []billing.GatewayEvent {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.events
	b.events = nil
	return all
}

func (b *inbox) handler(secrets billing.Secret) http.Handler {
	return (*stripe.Gateway)(nil).Webhook(secrets, b.sink, b.report)
}

func deliver(h http.Handler, body []byte, signature string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/webhooks/stripe", bytes.NewReader(body))
	if signature != "" {
		r.Header.Set("Stripe-Signature", signature)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// tell delivers the fake's events of some types and returns what became of them.
func tell(t *testing.T, f *stripefake.Server, types ...string) []billing.GatewayEvent {
	t.Helper()
	b := &inbox{}
	h := b.handler(hookSecret)
	events := f.Events(types...)
	if len(events) == 0 {
		t.Fatalf("no event of %v", types)
	}
	for _, e := range events {
		body := e.Payload()
		if w := deliver(h, body, stripefake.Sign(body, hookSecret, time.Now())); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", e.Type, w.Code, w.Body)
		}
	}
	if len(b.reports) > 0 {
		t.Errorf("reports: %v", b.reports)
	}
	for _, e := range b.events {
		if e.ID == "" || time.Since(e.At) > time.Minute || e.At.Location() != time.UTC {
			t.Errorf("%+v", e)
		}
	}
	return b.take()
}

func one(t *testing.T, events []billing.GatewayEvent, kind billing.GatewayEventKind) billing.GatewayEvent {
	t.Helper()
	if len(events) != 1 || events[0].Kind != kind {
		t.Fatalf("%d events: %+v", len(events), events)
	}
	return events[0]
}

func TestPaymentEvents(t *testing.T) {
	f, g := pair(t)
	c, _ := paid(t, g, "k1")
	e := one(t, tell(t, f, "payment_intent.succeeded"), billing.EventCharge)
	if e.Key != "k1" || e.Ref != c.GatewayRef || e.Amount != usd(1000) || e.Result.Outcome != billing.OutcomeSucceeded || e.Result.Ref != c.GatewayRef {
		t.Errorf("%+v", e)
	}
	c = prepared(t, g, charge("k2", "pm_card_visa_chargeDeclinedLostCard"))
	answer := g.Charge(t.Context(), c)
	e = one(t, tell(t, f, "payment_intent.payment_failed"), billing.EventCharge)
	told := e.Result
	if told.Card == nil || *told.Card != *answer.Card {
		t.Errorf("card: %+v", told.Card)
	}
	told.Card, answer.Card = nil, nil
	if e.Key != "k2" || told != answer {
		t.Errorf("the event says %+v, the answer was %+v", told, answer)
	}
	c = prepared(t, g, charge("k3", "pm_card_visa"))
	f.CancelPayment(c.GatewayRef)
	e = one(t, tell(t, f, "payment_intent.canceled"), billing.EventCharge)
	if e.Key != "k3" || e.Result.Outcome != billing.OutcomeDeclined || e.Result.Code != "canceled" {
		t.Errorf("%+v", e)
	}
	f.Plan(stripefake.Once(stripefake.OpConfirm, stripefake.Fault{Kind: stripefake.RequiresAction}))
	g.Charge(t.Context(), prepared(t, g, charge("k4", "pm_card_visa")))
	e = one(t, tell(t, f, "payment_intent.requires_action"), billing.EventCharge)
	if e.Result.Class != billing.DeclineAuthentication {
		t.Errorf("%+v", e)
	}
	g.Charge(t.Context(), prepared(t, g, charge("k5", "pm_fake_processing")))
	if events := tell(t, f, "payment_intent.processing", "payment_intent.created", "charge.succeeded"); len(events) != 0 {
		t.Errorf("nothing definite became %+v", events)
	}
}

func TestRefundEvents(t *testing.T) {
	f, g := pair(t)
	c, _ := paid(t, g, "k1")
	r := g.Refund(t.Context(), refundOf(c, "r1", 400))
	e := one(t, tell(t, f, "refund.created"), billing.EventRefund)
	if e.Key != "k1" || e.Ref != c.GatewayRef || e.RefundKey != "r1" || e.RefundRef != r.Ref || e.Amount != usd(400) || e.Result.Outcome != billing.OutcomeSucceeded {
		t.Errorf("%+v", e)
	}
	if events := tell(t, f, "charge.refunded"); len(events) != 0 {
		t.Errorf("a charge without its refunds became %+v", events)
	}
	byHand := f.RefundByHand(c.GatewayRef, 100)
	events := tell(t, f, "refund.created")
	if e := events[1]; e.Key != "" || e.RefundKey != "" || e.RefundRef != byHand || e.Ref != c.GatewayRef || e.Amount != usd(100) {
		t.Errorf("by hand: %+v", e)
	}

	c = prepared(t, g, charge("k2", "pm_card_refundFail"))
	g.Charge(t.Context(), c)
	g.Refund(t.Context(), refundOf(c, "r2", 1000))
	events = tell(t, f, "refund.created", "refund.updated", "refund.failed")
	var outcomes []billing.Outcome
	for _, e := range events {
		if e.RefundKey == "r2" {
			outcomes = append(outcomes, e.Result.Outcome)
		}
	}
	if got := fmt.Sprint(outcomes); got != "[unknown declined declined]" {
		t.Errorf("a refund that fails: %s", got)
	}
}

// Older API versions list the refunds in the charge.
func TestRefundsInsideACharge(t *testing.T) {
	b := &inbox{}
	body := []byte(`{"id":"evt_1","object":"event","type":"charge.refunded","created":1790000000,"api_version":"2019-05-16","data":{"object":{
		"id":"ch_1","object":"charge","payment_intent":"pi_1","refunds":{"data":[
			{"id":"re_1","amount":250,"currency":"usd","status":"succeeded","metadata":{"topupd_key":"r1"}},
			{"id":"re_2","amount":500,"currency":"isk","status":"pending","metadata":{},"payment_intent":{"id":"pi_1"}}]}}}}`)
	if w := deliver(b.handler(hookSecret), body, stripefake.Sign(body, hookSecret, time.Now())); w.Code != 200 || len(b.events) != 2 {
		t.Fatalf("%d %v", w.Code, b.events)
	}
	first, second := b.events[0], b.events[1]
	if first.ID == second.ID || first.Ref != "pi_1" || first.RefundKey != "r1" || first.RefundRef != "re_1" || first.Amount != usd(250) {
		t.Errorf("%+v", first)
	}
	if second.Ref != "pi_1" || second.Amount != billing.Money(5*billing.Micro, "ISK") || second.Result.Outcome != billing.OutcomeUnknown {
		t.Errorf("%+v", second)
	}
}

func TestDisputeEvents(t *testing.T) {
	f, g := pair(t)
	c, _ := paid(t, g, "k1")
	id := f.Dispute(c.GatewayRef, "product_not_received")
	e := one(t, tell(t, f, "charge.dispute.created"), billing.EventDisputeOpened)
	if e.Ref != c.GatewayRef || e.DisputeRef != id || e.DisputeReason != "product_not_received" || e.Amount != usd(1000) || e.Fee != (billing.Amount{}) {
		t.Errorf("%+v", e)
	}
	f.WithdrawDispute(id, "")
	e = one(t, tell(t, f, "charge.dispute.funds_withdrawn"), billing.EventDisputeWithdrawn)
	if e.Amount != usd(1000) || e.Fee != usd(1500) {
		t.Errorf("%+v", e)
	}
	f.ReinstateDispute(id, "")
	e = one(t, tell(t, f, "charge.dispute.funds_reinstated"), billing.EventDisputeReinstated)
	if e.Amount != usd(1000) || e.Fee != usd(1500) {
		t.Errorf("%+v", e)
	}
	f.CloseDispute(id, "won")
	e = one(t, tell(t, f, "charge.dispute.closed"), billing.EventDisputeClosed)
	if e.Result.Outcome != billing.OutcomeSucceeded || e.DisputeRef != id {
		t.Errorf("%+v", e)
	}

	// An account that keeps euros: the charge's amount stands, the fee is in euros.
	c, _ = paid(t, g, "k2")
	id = f.Dispute(c.GatewayRef, "fraudulent")
	f.WithdrawDispute(id, "eur")
	f.CloseDispute(id, "lost")
	e = tell(t, f, "charge.dispute.funds_withdrawn")[1]
	if e.Amount != usd(1000) || e.Fee != billing.Money(15*billing.Micro, "EUR") {
		t.Errorf("%+v", e)
	}
	e = tell(t, f, "charge.dispute.closed")[1]
	if e.Result.Outcome != billing.OutcomeDeclined || e.Result.Class != billing.DeclineHard || e.Result.Code != "lost" {
		t.Errorf("%+v", e)
	}
	c, _ = paid(t, g, "k3")
	f.CloseDispute(f.Dispute(c.GatewayRef, "general"), "warning_closed")
	if e = tell(t, f, "charge.dispute.closed")[2]; e.Result.Outcome != billing.OutcomeSucceeded {
		t.Errorf("%+v", e)
	}
}

func TestOtherEvents(t *testing.T) {
	f, g := pair(t)
	c := prepared(t, g, charge("k1", "pm_card_fraudWarning"))
	g.Charge(t.Context(), c)
	e := one(t, tell(t, f, "radar.early_fraud_warning.created"), billing.EventFraudWarning)
	if e.Ref != c.GatewayRef || e.DisputeReason != "made_with_stolen_card" || e.DisputeRef == "" {
		t.Errorf("%+v", e)
	}
	f.UpdateCard("pm_card_visa-7", 3, 2039)
	e = one(t, tell(t, f, "payment_method.automatically_updated"), billing.EventCardUpdated)
	if e.Token != "pm_card_visa-7" || e.Card.ExpMonth != 3 || e.Card.ExpYear != 2039 || e.Card.Brand != "Visa" || e.Card.Fingerprint == "" {
		t.Errorf("%+v %+v", e, e.Card)
	}
	noSecrets(t, "the event", fmt.Sprintf("%+v %#v", e, e))
}

// What is not about a payment of ours, or means nothing, is taken and dropped.
func TestEventsOfOthers(t *testing.T) {
	for name, object := range map[string][2]string{
		"another_type":        {"customer.created", `{"id":"cus_1"}`},
		"thin":                {"v1.billing.meter.no_meter_found", `null`},
		"a_bank_account":      {"payment_method.updated", `{"id":"pm_1","type":"sepa_debit"}`},
		"refund_of_a_charge":  {"refund.created", `{"id":"re_1","amount":1,"currency":"usd","status":"succeeded","payment_intent":null}`},
		"dispute_of_a_charge": {"charge.dispute.created", `{"id":"du_1","amount":1,"currency":"usd","payment_intent":null}`},
		"warning_of_a_charge": {"radar.early_fraud_warning.created", `{"id":"issfr_1","charge":"ch_1"}`},
		"another_currency":    {"payment_intent.succeeded", `{"id":"pi_1","status":"succeeded","amount":1,"currency":"btc"}`},
	} {
		b := &inbox{}
		body := fmt.Appendf(nil, `{"id":"evt_1","object":"event","type":%q,"created":1,"data":{"object":%s}}`, object[0], object[1])
		if w := deliver(b.handler(hookSecret), body, stripefake.Sign(body, hookSecret, time.Now())); w.Code != 200 || len(b.events) != 0 || len(b.reports) != 0 {
			t.Errorf("%s: %d %v %v", name, w.Code, b.events, b.reports)
		}
	}
}

func TestUnreadableEvents(t *testing.T) {
	for body, status := range map[string]int{
		`{`:                         400,
		`[]`:                        400,
		`{"type":"refund.created"}`: 400,
		`{"id":"e","type":"refund.created","data":{"object":{"id":7}}}`:                             500,
		`{"id":"e","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1","amount":1.5}}}`: 500,
		`{"id":"e","type":"charge.refunded","data":{}}`:                                             500,
		`{"id":"e","type":"charge.dispute.created","data":{"object":[]}}`:                           500,
		`{"id":"e","type":"radar.early_fraud_warning.created","data":{"object":"x"}}`:               500,
		`{"id":"e","type":"payment_method.updated","data":{"object":{}}}`:                           500,
		`{"id":"e","type":"charge.dispute.funds_withdrawn","data":{"object":{"id":"d","amount":5,"currency":"usd","payment_intent":"pi_1",
			"balance_transactions":[{"amount":-5,"currency":"doge"}]}}}`: 500,
	} {
		b := &inbox{}
		w := deliver(b.handler(hookSecret), []byte(body), stripefake.Sign([]byte(body), hookSecret, time.Now()))
		if w.Code != status || len(b.events) != 0 || len(b.reports) != 1 {
			t.Errorf("%s: %d, reports %v", body, w.Code, b.reports)
		}
	}
}

func TestSignatures(t *testing.T) {
	const other = "whsec_theOther"
	body := []byte(`{"id":"evt_1","object":"event","type":"customer.created","created":1,"data":{"object":{}}}`)
	now := time.Now()
	sign := func(secret string, ago time.Duration) string { return stripefake.Sign(body, secret, now.Add(-ago)) }
	for name, tc := range map[string]struct {
		secrets   billing.Secret
		signature string
		want      int
	}{
		"good":                  {hookSecret, sign(hookSecret, 0), 200},
		"four_minutes_old":      {hookSecret, sign(hookSecret, 4*time.Minute), 200},
		"six_minutes_old":       {hookSecret, sign(hookSecret, 6*time.Minute), 400},
		"rotated_old":           {hookSecret + "," + other, sign(hookSecret, 0), 200},
		"rotated_new":           {hookSecret + " , " + other + ",", sign(other, 0), 200},
		"two_signatures":        {hookSecret, strings.Replace(sign(hookSecret, 0), ",v1=", ",v1=00ff,v1=", 1), 200},
		"another_secret":        {hookSecret, sign(other, 0), 400},
		"empty_secret":          {hookSecret + ",", sign("", 0), 400},
		"none":                  {hookSecret, "", 400},
		"another_scheme":        {hookSecret, strings.Replace(sign(hookSecret, 0), "v1=", "v0=", 1), 400},
		"another_time":          {hookSecret, "t=1," + strings.SplitN(sign(hookSecret, 0), ",", 2)[1], 400},
		"no_time":               {hookSecret, strings.SplitN(sign(hookSecret, 0), ",", 2)[1], 400},
		"words":                 {hookSecret, "let me in", 400},
		"without_a_secret":      {"", sign("", 0), 404},
		"without_a_real_secret": {" , ", sign("", 0), 404},
	} {
		b := &inbox{}
		w := deliver(b.handler(tc.secrets), body, tc.signature)
		if w.Code != tc.want || len(b.reports) != 0 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		noSecrets(t, name, w.Body.String())
	}
	b := &inbox{}
	changed := bytes.Replace(body, []byte("evt_1"), []byte("evt_2"), 1)
	if w := deliver(b.handler(hookSecret), changed, sign(hookSecret, 0)); w.Code != 400 {
		t.Errorf("another body: %d", w.Code)
	}
}

func TestWebhookLimits(t *testing.T) {
	b := &inbox{}
	h := b.handler(hookSecret)
	long := append([]byte(`{"id":"evt_1","type":"x","pad":"`), bytes.Repeat([]byte("a"), 1<<20)...)
	long = append(long, `"}`...)
	if w := deliver(h, long, stripefake.Sign(long, hookSecret, time.Now())); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("too long: %d", w.Code)
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodHead} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/webhooks/stripe", nil))
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

func TestSinkErrors(t *testing.T) {
	f, g := pair(t)
	paid(t, g, "k1")
	body := f.Events("payment_intent.succeeded")[0].Payload()
	for name, tc := range map[string]struct {
		err     error
		want    int
		reports int
	}{
		"taken":       {nil, 200, 0},
		"not_ours":    {billing.Errorf(billing.NotFound, "charge", "no"), 200, 0},
		"busy":        {fmt.Errorf("store: %w", billing.Errorf(billing.Busy, "", "")), 503, 0},
		"internal":    {errors.New("disk"), 500, 1},
		"conflicting": {billing.Errorf(billing.Conflict, "charge", "no"), 500, 1},
	} {
		b := &inbox{err: tc.err}
		w := deliver(b.handler(hookSecret), body, stripefake.Sign(body, hookSecret, time.Now()))
		if w.Code != tc.want || len(b.reports) != tc.reports || strings.Contains(w.Body.String(), "disk") {
			t.Errorf("%s: %d %s, reports %v", name, w.Code, w.Body, b.reports)
		}
	}
	// Without anybody to report to.
	h := (*stripe.Gateway)(nil).Webhook(hookSecret, func(context.Context, billing.GatewayEvent) error { return errors.New("x") }, nil)
	if w := deliver(h, body, stripefake.Sign(body, hookSecret, time.Now())); w.Code != 500 {
		t.Errorf("%d", w.Code)
	}
}

func TestEventTypes(t *testing.T) {
	types := stripe.EventTypes()
	if len(types) != 17 || types[0] != "charge.dispute.closed" {
		t.Errorf("%d types: %v", len(types), types)
	}
}

// Whatever is signed, the handler answers and does not panic.
func FuzzWebhook(f *testing.F) {
	for _, types := range stripe.EventTypes() {
		f.Add([]byte(`{"id":"evt_1","type":"` + types + `","created":1,"data":{"object":{"id":"x_1","amount":-5,"currency":"usd","payment_intent":"pi_1",` +
			`"status":"succeeded","refunds":{"data":[{}]},"balance_transactions":[{"amount":1,"fee":-1,"currency":"jpy"}],"card":{"last4":"4242"},` +
			`"last_payment_error":{"type":"card_error"},"latest_charge":"ch_1"}}}`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b := &inbox{}
		w := deliver(b.handler(hookSecret), body, stripefake.Sign(body, hookSecret, time.Now()))
		if w.Code != 200 && w.Code != 400 && w.Code != 500 && w.Code != 413 {
			t.Errorf("%d", w.Code)
		}
		for _, e := range b.events {
			if e.ID == "" || e.Kind == "" || e.Amount.Micros < 0 || e.Fee.Micros < 0 || e.Ref == "" && e.Token == "" {
				t.Errorf("%+v", e)
			}
		}
	})
}
