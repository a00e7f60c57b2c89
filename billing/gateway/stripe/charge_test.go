package stripe_test

import (
	"context"
	"fmt"
	"net"
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

func TestChargeTellsTheCard(t *testing.T) {
	f, g := pair(t)
	c, r := paid(t, g, "k1")
	want := billing.GatewayCard{Brand: "Visa", Last4: "4242", ExpMonth: 12, ExpYear: 2034}
	if r.Card == nil || r.Card.Fingerprint == "" {
		t.Fatalf("card: %+v", r.Card)
	}
	want.Fingerprint = r.Card.Fingerprint
	if *r.Card != want || r.Ref != c.GatewayRef || !strings.HasPrefix(r.Ref, "pi_") || r.Trouble != billing.TroubleNone {
		t.Errorf("%+v, card %+v", r, r.Card)
	}
	got := f.Captures()
	wantCapture := stripefake.Capture{
		Key: "k1", Charge: "7", Owner: "account 100", PaymentIntent: r.Ref, Customer: "cus_1", Amount: 1000, Currency: "usd",
	}
	if len(got) != 1 || got[0] != wantCapture {
		t.Errorf("captures: %+v", got)
	}
	l := g.Lookup(t.Context(), c)
	if l.Card == nil || *l.Card != want {
		t.Errorf("lookup: %+v", l.Card)
	}
}

// What each card's error becomes; a lookup says the same as the charge did.
func TestDeclines(t *testing.T) {
	for _, tc := range []struct {
		token, code, advice string
		class               billing.DeclineClass
		message             string
	}{
		{"pm_card_chargeDeclined", "generic_decline", "", billing.DeclineSoft, "Your card was declined."},
		{"pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds", "try_again_later", billing.DeclineSoft, "Your card has insufficient funds."},
		{"pm_card_visa_chargeDeclinedLostCard", "lost_card", "do_not_try_again", billing.DeclineHard, "Your card was declined."},
		{"pm_card_visa_chargeDeclinedStolenCard", "stolen_card", "do_not_try_again", billing.DeclineHard, "Your card was declined."},
		{"pm_card_chargeDeclinedExpiredCard", "expired_card", "", billing.DeclineHard, "Your card has expired."},
		{"pm_card_chargeDeclinedFraudulent", "fraudulent", "", billing.DeclineHard, "Your card was declined."},
		{"pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "", billing.DeclineAuthentication, "Your card's security code is incorrect."},
		{"pm_card_authenticationRequired", "authentication_required", "", billing.DeclineAuthentication, "Your card was declined. This transaction requires authentication."},
		{"pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_velocity_exceeded", "", billing.DeclineSoft, "Your card was declined."},
		{"pm_fake_networkStop", "do_not_honor", "03", billing.DeclineHard, "Your card was declined."},
	} {
		t.Run(tc.token, func(t *testing.T) {
			f, g := pair(t)
			c := prepared(t, g, charge("k1", tc.token))
			for _, r := range []billing.GatewayResult{g.Charge(t.Context(), c), g.Charge(t.Context(), c), g.Lookup(t.Context(), c)} {
				if r.Outcome != billing.OutcomeDeclined || r.Class != tc.class || r.Code != tc.code || r.Advice != tc.advice ||
					r.Message != tc.message || r.Ref != c.GatewayRef || r.Card == nil || r.Card.Fingerprint == "" {
					t.Errorf("%+v, card %+v", r, r.Card)
				}
			}
			// A day later the key is forgotten; the payment still is not tried again.
			f.ForgetKeys()
			if r := g.Charge(t.Context(), c); r.Outcome != billing.OutcomeDeclined || r.Code != tc.code {
				t.Errorf("with a forgotten key: %+v", r)
			}
			if n := f.Count(stripefake.OpConfirm); n != 3 || len(f.Captures()) != 0 {
				t.Errorf("%d confirmations, captures %v", n, f.Captures())
			}
		})
	}
}

// A payment that was captured is captured, whatever key confirms it again.
func TestForgottenKeysCaptureOnce(t *testing.T) {
	f, g := pair(t)
	c, first := paid(t, g, "k1")
	f.ForgetKeys()
	for range 3 {
		if r := g.Charge(t.Context(), c); r.Outcome != billing.OutcomeSucceeded || r.Ref != first.Ref {
			t.Errorf("%+v", r)
		}
	}
	if f.Captured("k1") != 1 {
		t.Errorf("captures: %+v", f.Captures())
	}
}

// Each fault of the first call of an op: what the charge says, what a lookup says
// then, and what sending it again leads to. One capture at the most, always.
func TestFaults(t *testing.T) {
	const suc, dec, unk, not = billing.OutcomeSucceeded, billing.OutcomeDeclined, billing.OutcomeUnknown, billing.OutcomeNotAttempted
	const none, fault, limited = billing.TroubleNone, billing.TroubleFault, billing.TroubleLimited
	for _, tc := range []struct {
		name    string
		op      stripefake.Op
		fault   stripefake.Fault
		first   billing.Outcome
		trouble billing.Trouble
		lookup  billing.Outcome
		again   billing.Outcome
	}{
		{"prepare_hangs_before", stripefake.OpCreate, stripefake.Fault{Kind: stripefake.HangBefore}, not, fault, not, suc},
		{"prepare_hangs_after", stripefake.OpCreate, stripefake.Fault{Kind: stripefake.HangAfter}, not, fault, not, suc},
		{"prepare_cut_before", stripefake.OpCreate, stripefake.Fault{Kind: stripefake.CutBefore}, not, fault, not, suc},
		{"prepare_cut_after", stripefake.OpCreate, stripefake.Fault{Kind: stripefake.CutAfter}, not, fault, not, suc},
		{"prepare_500_kept_before", stripefake.OpCreate, stripefake.Fault{Kind: stripefake.ErrorBefore}, not, fault, not, suc},
		{"prepare_500_kept_after", stripefake.OpCreate, stripefake.Fault{Kind: stripefake.ErrorAfter}, not, fault, not, suc},
		{"prepare_503", stripefake.OpCreate, stripefake.Fault{Kind: stripefake.Unavailable}, not, fault, not, suc},
		{"prepare_proxy_page", stripefake.OpCreate, stripefake.Fault{Kind: stripefake.NotStripe}, not, fault, not, suc},
		{"prepare_429", stripefake.OpCreate, stripefake.Fault{Kind: stripefake.RateLimited}, not, limited, not, suc},

		{"confirm_hangs_before", stripefake.OpConfirm, stripefake.Fault{Kind: stripefake.HangBefore}, unk, fault, not, suc},
		{"confirm_hangs_after", stripefake.OpConfirm, stripefake.Fault{Kind: stripefake.HangAfter}, unk, fault, suc, suc},
		{"confirm_500_kept_before", stripefake.OpConfirm, stripefake.Fault{Kind: stripefake.ErrorBefore}, unk, fault, not, suc},
		{"confirm_500_kept_after", stripefake.OpConfirm, stripefake.Fault{Kind: stripefake.ErrorAfter}, unk, fault, suc, suc},
		{"confirm_500_forgotten_before", stripefake.OpConfirm, stripefake.Fault{Kind: stripefake.ErrorBefore, Forget: true}, unk, fault, not, suc},
		{"confirm_500_forgotten_after", stripefake.OpConfirm, stripefake.Fault{Kind: stripefake.ErrorAfter, Forget: true}, unk, fault, suc, suc},
		{"confirm_503", stripefake.OpConfirm, stripefake.Fault{Kind: stripefake.Unavailable}, unk, fault, not, suc},
		{"confirm_proxy_page", stripefake.OpConfirm, stripefake.Fault{Kind: stripefake.NotStripe}, unk, fault, not, suc},
		{"confirm_429", stripefake.OpConfirm, stripefake.Fault{Kind: stripefake.RateLimited}, not, limited, not, suc},
		{"confirm_locked", stripefake.OpConfirm, stripefake.Fault{Kind: stripefake.Locked}, unk, none, not, suc},
		{"confirm_needs_action", stripefake.OpConfirm, stripefake.Fault{Kind: stripefake.RequiresAction}, dec, none, dec, dec},
		{"confirm_processing", stripefake.OpConfirm, stripefake.Fault{Kind: stripefake.Processing}, unk, none, unk, unk},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, stripefake.Options{Plan: stripefake.Once(tc.op, tc.fault)})
			g := newGateway(t, f.URL)
			c := charge("k1", "pm_card_visa")
			c.SubmittedAt = time.Now()
			attempt := func(ctx context.Context) billing.GatewayResult {
				if c.GatewayRef == "" {
					ref, r := g.Prepare(ctx, c)
					if ref == "" {
						return r
					}
					c.GatewayRef = ref
				}
				return g.Charge(ctx, c)
			}
			patience := 5 * time.Second
			switch tc.fault.Kind {
			case stripefake.HangBefore, stripefake.HangAfter:
				patience = 2 * time.Second
				if tc.op == stripefake.OpConfirm {
					c = prepared(t, g, c)
				}
			}
			if r := attempt(soon(t, patience)); r.Outcome != tc.first || r.Trouble != tc.trouble || r.Code == "" {
				t.Errorf("first: %+v", r)
			}
			if r := g.Lookup(t.Context(), c); r.Outcome != tc.lookup {
				t.Errorf("lookup: %+v", r)
			}
			if r := attempt(t.Context()); r.Outcome != tc.again {
				t.Errorf("again: %+v", r)
			}
			want := 0
			if tc.again == suc {
				want = 1
			}
			if f.Captured("k1") != want {
				t.Errorf("captures: %+v", f.Captures())
			}
		})
	}
}

// Stripe goes on with what the caller does not wait for. Until it is done the
// payment looks unconfirmed, and is not called so.
func TestConfirmationOnItsWay(t *testing.T) {
	t.Parallel()
	f := newFake(t, stripefake.Options{Plan: stripefake.Once(stripefake.OpConfirm, stripefake.Fault{Delay: 6 * time.Second})})
	g := newGateway(t, f.URL, func(o *stripe.Options) { o.InFlight = time.Minute })
	c := charge("k1", "pm_card_visa")
	c.SubmittedAt = time.Now()
	c = prepared(t, g, c)
	if r := g.Charge(untilConfirming(t, f), c); r.Outcome != billing.OutcomeUnknown || r.Trouble != billing.TroubleNone {
		t.Errorf("the caller went away: %+v", r)
	}
	if r := g.Lookup(t.Context(), c); r.Outcome != billing.OutcomeUnknown || r.Code != "not_confirmed_yet" || r.Ref != c.GatewayRef {
		t.Errorf("lookup: %+v", r)
	}
	if r := g.Charge(t.Context(), c); r.Outcome != billing.OutcomeUnknown || r.Code != "idempotency_key_in_use" {
		t.Errorf("the same key: %+v", r)
	}
	for end := time.Now().Add(30 * time.Second); f.Captured("k1") == 0 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	if r := g.Lookup(t.Context(), c); r.Outcome != billing.OutcomeSucceeded {
		t.Errorf("in the end: %+v", r)
	}
}

// untilConfirming ends when a confirmation has reached the fake.
func untilConfirming(t *testing.T, f *stripefake.Server) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for f.Count(stripefake.OpConfirm) == 0 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	return ctx
}

// A connection that is cut while it was used before makes the transport itself
// send again, so the outcome may be known at once; it is never a second capture.
func TestCutConnections(t *testing.T) {
	for _, token := range []string{"pm_fake_cut", "pm_fake_cutLost"} {
		f, g := pair(t)
		c := prepared(t, g, charge("k1", token))
		r := g.Charge(t.Context(), c)
		switch l := g.Lookup(t.Context(), c); {
		case r.Outcome == billing.OutcomeDeclined || r.Outcome == billing.OutcomeNotAttempted:
			t.Errorf("%s: %+v", token, r)
		case token == "pm_fake_cut" && l.Outcome != billing.OutcomeSucceeded:
			t.Errorf("%s: lookup %+v", token, l)
		case token == "pm_fake_cutLost" && l.Outcome != billing.OutcomeNotAttempted:
			t.Errorf("%s: lookup %+v", token, l)
		}
		if n := f.Captured("k1"); n > 1 || token == "pm_fake_cutLost" && n > 0 {
			t.Errorf("%s captured %d times", token, n)
		}
	}
}

// Nobody listens: certainly nothing was sent, in either half.
func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	l.Close()
	g := newGateway(t, url)
	c := charge("k1", "pm_card_visa")
	ref, r := g.Prepare(t.Context(), c)
	if ref != "" || r.Outcome != billing.OutcomeNotAttempted || r.Trouble != billing.TroubleFault {
		t.Errorf("prepare: %q %+v", ref, r)
	}
	c.GatewayRef = "pi_1"
	if r := g.Charge(t.Context(), c); r.Outcome != billing.OutcomeNotAttempted || r.Trouble != billing.TroubleFault || r.Ref != "pi_1" {
		t.Errorf("charge: %+v", r)
	}
	if r := g.Lookup(t.Context(), c); r.Outcome != billing.OutcomeUnknown || r.Trouble != billing.TroubleFault {
		t.Errorf("lookup: %+v", r)
	}
	refund := billing.GatewayRefund{Key: "r1", ChargeKey: "k1", ChargeRef: "pi_1", Amount: usd(100)}
	if r := g.Refund(t.Context(), refund); r.Outcome == billing.OutcomeDeclined || r.Outcome == billing.OutcomeSucceeded {
		t.Errorf("refund: %+v", r)
	}
	if _, _, err := g.Tokenize(t.Context(), billing.CardNumber{Number: "4242424242424242", ExpMonth: 1, ExpYear: 2030}); billing.ErrorCode(err) != billing.Busy {
		t.Errorf("tokenize: %v", err)
	}
}

// Answers that are not Stripe's, or not of this world.
func TestStrangeAnswers(t *testing.T) {
	const not, unk = billing.OutcomeNotAttempted, billing.OutcomeUnknown
	for name, tc := range map[string]struct {
		status          int
		body            string
		prepare, charge billing.Outcome
	}{
		"redirect":           {302, "", not, unk},
		"redirect_with_json": {307, `{"id":"pi_1","status":"succeeded","amount":1000,"amount_received":1000,"currency":"usd"}`, not, unk},
		"html":               {200, "<html>", not, unk},
		"empty":              {200, "", not, unk},
		"nothing_in_it":      {200, "{}", not, unk},
		"another_object":     {200, `{"id":"pi_2","status":"succeeded","amount":2000,"amount_received":2000,"currency":"usd"}`, 0xff, unk},
		"another_currency":   {200, `{"id":"pi_2","status":"succeeded","amount":1000,"amount_received":1000,"currency":"eur"}`, 0xff, unk},
		"another_key":        {200, `{"id":"pi_2","status":"succeeded","amount":1000,"amount_received":1000,"currency":"usd","metadata":{"topupd_key":"k9"}}`, 0xff, unk},
		"less_received":      {200, `{"id":"pi_2","status":"succeeded","amount":1000,"amount_received":400,"currency":"usd"}`, 0xff, unk},
		"a_new_status":       {200, `{"id":"pi_2","status":"requires_capture","amount":1000,"currency":"usd"}`, 0xff, unk},
		"wrong_types":        {200, `{"id":7,"status":[]}`, not, unk},
		"proxy_404":          {404, "<html>not here</html>", not, unk},
		"error_without_type": {400, `{"error":{"message":"no"}}`, not, unk},
		"error_as_text":      {402, `{"error":"no"}`, not, unk},
		"key_in_use":         {409, `{"error":{"type":"idempotency_error","code":"idempotency_key_in_use"}}`, not, unk},
		"other_parameters":   {400, `{"error":{"type":"idempotency_error","message":"used before"}}`, not, unk},
		"payment_not_known":  {404, `{"error":{"type":"invalid_request_error","code":"resource_missing","param":"intent"}}`, not, unk},
		"not_a_card_402":     {402, `{"error":{"type":"invalid_request_error","code":"payment_intent_payment_attempt_failed"}}`, not, unk},
		"wrong_key":          {401, `{"error":{"type":"invalid_request_error","message":"Invalid API Key provided: sk_test_51SecretOfTheTest"}}`, not, not},
		"restricted_key":     {403, `{"error":{"type":"invalid_request_error","message":"The provided key does not have the permissions"}}`, not, not},
		"other_mode": {404, `{"error":{"type":"invalid_request_error","code":"resource_missing","param":"payment_method",
			"message":"No such PaymentMethod: 'pm_card_visa'; a similar object exists in live mode, but a test mode key was used to make this request."}}`, not, not},
		"service_unavailable": {503, `{"error":{"type":"api_error"}}`, not, unk},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, answers(t, tc.status, tc.body))
			c := charge("k1", "pm_card_visa")
			ref, r := g.Prepare(t.Context(), c)
			if tc.prepare == 0xff {
				if ref != "pi_2" {
					t.Errorf("prepare: %q %+v", ref, r)
				}
			} else if ref != "" || r.Outcome != tc.prepare || r.Code == "" || r.Message == "" {
				t.Errorf("prepare: %q %+v", ref, r)
			}
			noSecrets(t, "prepare", fmt.Sprintf("%+v", r))
			c.GatewayRef = "pi_1"
			if r = g.Charge(t.Context(), c); r.Outcome != tc.charge || r.Code == "" || r.Message == "" {
				t.Errorf("charge: %+v", r)
			}
			noSecrets(t, "charge", fmt.Sprintf("%+v", r))
			if r = g.Lookup(t.Context(), c); r.Outcome != billing.OutcomeUnknown {
				t.Errorf("lookup: %+v", r)
			}
			c.GatewayRef = ""
			if tc.prepare == not {
				want := not
				if name == "other_parameters" { // something else was made, and maybe paid
					want = unk
				}
				if r = g.Charge(t.Context(), c); r.Outcome != want {
					t.Errorf("charge without a payment: %+v", r)
				}
			}
		})
	}
}

// A page of somebody in between says nothing about what Stripe got to see.
func TestConfirmationAnsweredByAProxy(t *testing.T) {
	for _, status := range []int{400, 404, 407, 413, 421} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				w.WriteHeader(status)
				return
			}
			fmt.Fprint(w, `{"id":"pi_1","status":"requires_confirmation","amount":1000,"currency":"usd"}`)
		}))
		c := charge("k1", "pm_card_visa")
		c.GatewayRef = "pi_1"
		if r := newGateway(t, s.URL).Charge(t.Context(), c); r.Outcome != billing.OutcomeUnknown || r.Trouble != billing.TroubleFault {
			t.Errorf("%d: %+v", status, r)
		}
		s.Close()
	}
}

// A request that is refused says nothing about an earlier one: the payment does.
func TestRefusedConfirmationIsLookedUp(t *testing.T) {
	f, g := pair(t)
	c, _ := paid(t, g, "k1")
	f.ForgetKeys()
	before := f.Count(stripefake.OpRetrieve)
	if r := g.Charge(t.Context(), c); r.Outcome != billing.OutcomeSucceeded || f.Count(stripefake.OpRetrieve) != before+1 {
		t.Errorf("%+v", r)
	}
	c = prepared(t, g, charge("k2", "pm_card_visa"))
	f.CancelPayment(c.GatewayRef)
	if r := g.Charge(t.Context(), c); r.Outcome != billing.OutcomeDeclined || r.Class != billing.DeclineSoft || r.Code != "canceled" {
		t.Errorf("canceled: %+v", r)
	}
}

// What Stripe refuses because of the card, the customer or the amount is declined;
// what is refused for our own fault is not sent.
func TestRefusedPreparation(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func(*billing.GatewayCharge)
		outcome billing.Outcome
		class   billing.DeclineClass
		code    string
	}{
		"unknown_card":     {func(c *billing.GatewayCharge) { c.Token = "pm_nobody" }, billing.OutcomeDeclined, billing.DeclineHard, "resource_missing"},
		"unknown_customer": {func(c *billing.GatewayCharge) { c.GatewayCustomer = "nobody" }, billing.OutcomeDeclined, billing.DeclineHard, "resource_missing"},
		"another_customer": {func(c *billing.GatewayCharge) { c.Token = "pm_card_visa-owned" }, billing.OutcomeDeclined, billing.DeclineHard, "invalid_request_error"},
		"no_token":         {func(c *billing.GatewayCharge) { c.Token = "" }, billing.OutcomeDeclined, billing.DeclineHard, "invalid_token"},
		"too_little":       {func(c *billing.GatewayCharge) { c.Amount = usd(49) }, billing.OutcomeDeclined, billing.DeclineSoft, "amount_not_chargeable"},
		"too_much":         {func(c *billing.GatewayCharge) { c.Amount = usd(100_000_000) }, billing.OutcomeDeclined, billing.DeclineSoft, "amount_not_chargeable"},
		"no_key":           {func(c *billing.GatewayCharge) { c.Key = "" }, billing.OutcomeNotAttempted, billing.DeclineNone, "invalid_request"},
		"a_long_key":       {func(c *billing.GatewayCharge) { c.Key = strings.Repeat("k", 246) }, billing.OutcomeNotAttempted, billing.DeclineNone, "invalid_request"},
		"a_spaced_key":     {func(c *billing.GatewayCharge) { c.Key = " k" }, billing.OutcomeNotAttempted, billing.DeclineNone, "invalid_request"},
	} {
		f, g := pair(t)
		f.Attach("pm_card_visa-owned", "cus_2")
		c := charge("k1", "pm_card_visa")
		tc.change(&c)
		ref, r := g.Prepare(t.Context(), c)
		if ref != "" || r.Outcome != tc.outcome || r.Class != tc.class || r.Code != tc.code || r.Message == "" {
			t.Errorf("%s: %q %+v", name, ref, r)
		}
		noSecrets(t, name, fmt.Sprintf("%+v", r))
	}
	f, g := pair(t)
	c := charge(strings.Repeat("k", 245), "pm_card_visa")
	if r := g.Charge(t.Context(), c); r.Outcome != billing.OutcomeSucceeded || len(f.Captures()) != 1 {
		t.Errorf("the longest key: %+v", r)
	}
}

// A card's customer is found where the card does not name it.
func TestCustomerIsFound(t *testing.T) {
	f, g := pair(t)
	f.Attach("pm_card_visa-1", "cus_9")
	c := charge("k1", "pm_card_visa-1")
	c.GatewayCustomer = ""
	if r := g.Charge(t.Context(), c); r.Outcome != billing.OutcomeSucceeded || f.Captures()[0].Customer != "cus_9" {
		t.Errorf("%+v, %+v", r, f.Captures())
	}
	f.Plan(func(c stripefake.Call) stripefake.Fault {
		if c.Op == stripefake.OpMethodRetrieve {
			return stripefake.Fault{Kind: stripefake.RateLimited}
		}
		return stripefake.Fault{}
	})
	c.Key = "k2"
	if r := g.Charge(t.Context(), c); r.Outcome != billing.OutcomeNotAttempted || r.Trouble != billing.TroubleLimited {
		t.Errorf("while the customer cannot be asked for: %+v", r)
	}
}

// What is sent: our keys, no retries, no telemetry, the fields of the mandate.
func TestRequests(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	var header http.Header
	f := newFake(t, stripefake.Options{})
	url := proxy(t, f.URL, func(r *http.Request, body string) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Method+" "+r.URL.Path+" "+r.Header.Get("Idempotency-Key")+" "+body)
		header = r.Header.Clone()
	})
	g := newGateway(t, url)
	c := charge("k1", "pm_card_visa")
	c.Recurring = true
	c = prepared(t, g, c)
	g.Charge(t.Context(), c)
	g.Lookup(t.Context(), c)
	want := []string{
		"POST /v1/payment_intents k1 amount=1000&currency=usd&customer=cus_1&description=Top-up+of+account+100" +
			"&metadata[topupd_charge]=7&metadata[topupd_key]=k1&metadata[topupd_mandate]=5&metadata[topupd_owner]=account+100" +
			"&metadata[topupd_schedule]=recurring&payment_method=pm_card_visa&payment_method_types[0]=card",
		"POST /v1/payment_intents/" + c.GatewayRef + "/confirm k1-confirm error_on_requires_action=true&expand[0]=latest_charge&off_session=true",
		"GET /v1/payment_intents/" + c.GatewayRef + "  ",
	}
	for i, w := range want {
		if i >= len(seen) || strings.TrimSpace(seen[i]) != strings.TrimSpace(w) {
			t.Errorf("request %d:\n got %q\nwant %q", i, seen[min(i, len(seen)-1)], w)
		}
	}
	if len(seen) != len(want) || header.Get("X-Stripe-Client-Telemetry") != "" || header.Get("Stripe-Version") == "" {
		t.Errorf("%d requests, header %v", len(seen), header)
	}
}

func TestManyAtOnce(t *testing.T) {
	f := newFake(t, stripefake.Options{Latency: 20 * time.Millisecond})
	g := newGateway(t, f.URL, func(o *stripe.Options) { o.Timeout = 20 * time.Second })
	var wg sync.WaitGroup
	for n := range 64 {
		wg.Go(func() {
			c := charge(fmt.Sprintf("k%d", n), fmt.Sprintf("pm_card_visa-%d", n))
			if r := g.Charge(t.Context(), c); r.Outcome != billing.OutcomeSucceeded {
				t.Errorf("%+v", r)
			}
		})
	}
	wg.Wait()
	if len(f.Captures()) != 64 || f.MaxInFlight() < 2 {
		t.Errorf("%d captures, %d at once", len(f.Captures()), f.MaxInFlight())
	}
}
