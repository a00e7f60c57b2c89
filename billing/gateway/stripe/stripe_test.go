package stripe_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/stripe"
	"topupd/billing/gateway/stripe/stripefake"
)

func TestNew(t *testing.T) {
	for name, tc := range map[string]struct {
		o    stripe.Options
		fine bool
	}{
		"secret_key":           {stripe.Options{Key: "sk_live_1"}, true},
		"restricted_key":       {stripe.Options{Key: "rk_test_1", URL: "http://127.0.0.1:1"}, true},
		"https":                {stripe.Options{Key: "sk_live_1", URL: "https://stripe.example/base/"}, true},
		"test_key_over_http":   {stripe.Options{Key: "sk_test_1", URL: "http://fake.example:8080"}, true},
		"live_key_at_home":     {stripe.Options{Key: "sk_live_1", URL: "http://localhost:8080"}, true},
		"live_key_over_http":   {stripe.Options{Key: "sk_live_1", URL: "http://proxy.example"}, false},
		"restricted_over_http": {stripe.Options{Key: "rk_live_1", URL: "http://10.0.0.1"}, false},
		"no_key":               {stripe.Options{}, false},
		"publishable_key":      {stripe.Options{Key: "pk_live_1"}, false},
		"key_with_a_newline":   {stripe.Options{Key: "sk_live_1\n"}, false},
		"no_host":              {stripe.Options{Key: "sk_test_1", URL: "https://"}, false},
		"another_scheme":       {stripe.Options{Key: "sk_test_1", URL: "ftp://x"}, false},
		"user_in_the_url":      {stripe.Options{Key: "sk_test_1", URL: "https://me:pw@x"}, false},
		"query_in_the_url":     {stripe.Options{Key: "sk_test_1", URL: "https://x?a=b"}, false},
		"no_url":               {stripe.Options{Key: "sk_test_1", URL: "://"}, false},
	} {
		g, err := stripe.New(tc.o)
		if (err == nil) != tc.fine || (g == nil) == tc.fine {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && tc.o.Key != "" && (strings.Contains(err.Error(), tc.o.Key.Reveal()) || strings.Contains(err.Error(), "pw")) {
			t.Errorf("%s shows a secret: %v", name, err)
		}
	}
}

func TestTraits(t *testing.T) {
	_, g := pair(t)
	if want := (billing.GatewayTraits{RenewsCards: true, Rate: 20, CallsPerCharge: 2}); g.Traits() != want || g.Name() != "stripe" {
		t.Errorf("%s: %+v", g.Name(), g.Traits())
	}
}

func TestNothingPrintsTheKey(t *testing.T) {
	_, g := pair(t)
	h := g.Webhook(hookSecret, nil, nil)
	o := stripe.Options{Key: secretKey}
	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v %s", g, g, g, g), fmt.Sprintf("%v %+v %#v %s", h, h, h, h), fmt.Sprintf("%v %+v %#v", o, o, o),
	} {
		noSecrets(t, "a printed value", text)
	}
}

// The library writes its own log to standard error unless it is told not to.
func TestTheLibraryIsSilent(t *testing.T) {
	f := newFake(t, stripefake.Options{})
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, errOut := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w
	g := newGateway(t, f.URL)
	g.Charge(t.Context(), charge("k1", "pm_card_visa"))
	g.Charge(t.Context(), charge("k2", "pm_card_chargeDeclined"))
	g.Prepare(t.Context(), charge("k3", "pm_nobody"))
	f.Close()
	g.Charge(t.Context(), charge("k4", "pm_card_visa"))
	os.Stdout, os.Stderr = out, errOut
	w.Close()
	text, err := io.ReadAll(r)
	if err != nil || len(bytes.TrimSpace(text)) > 0 {
		t.Errorf("%v: it says %q", err, text)
	}
}

func TestTimeoutOfTheOptions(t *testing.T) {
	f := newFake(t, stripefake.Options{})
	g := newGateway(t, f.URL, func(o *stripe.Options) { o.Timeout = 300 * time.Millisecond })
	c := charge("k1", "pm_fake_hang")
	for c.GatewayRef == "" { // a slow machine may need a second try
		c.GatewayRef, _ = g.Prepare(t.Context(), c)
	}
	start := time.Now()
	r := g.Charge(t.Context(), c)
	if r.Outcome != billing.OutcomeUnknown || r.Trouble != billing.TroubleFault || time.Since(start) > 5*time.Second {
		t.Errorf("%+v after %s", r, time.Since(start))
	}
}

func TestTokenize(t *testing.T) {
	f, g := pair(t)
	number := billing.CardNumber{Number: "5555555555554444", CVV: "123", ExpMonth: 11, ExpYear: 2031, Holder: "A Rose"}
	token, card, err := g.Tokenize(t.Context(), number)
	if err != nil || !strings.HasPrefix(token.Reveal(), "pm_") {
		t.Fatalf("%v", err)
	}
	if card.Brand != "Mastercard" || card.Last4 != "4444" || card.ExpMonth != 11 || card.ExpYear != 2031 || card.Fingerprint == "" || card.Customer == "" {
		t.Errorf("%+v", card)
	}
	// It can be charged again and again, also when the customer is not known.
	for n, customer := range []string{card.Customer, "", card.Customer} {
		c := charge(fmt.Sprintf("k%d", n), token.Reveal())
		c.GatewayCustomer = customer
		if r := g.Charge(t.Context(), c); r.Outcome != billing.OutcomeSucceeded || r.Card.Fingerprint != card.Fingerprint {
			t.Errorf("%d: %+v", n, r)
		}
	}
	for name, n := range map[string]billing.CardNumber{
		"a_wrong_digit":        {Number: "5555555555554445", ExpMonth: 11, ExpYear: 2031},
		"no_number":            {ExpMonth: 11, ExpYear: 2031},
		"thirteenth_month":     {Number: number.Number, ExpMonth: 13, ExpYear: 2031},
		"declined_by_the_bank": {Number: "4000000000000002", ExpMonth: 11, ExpYear: 2031},
	} {
		_, _, err := g.Tokenize(t.Context(), n)
		if billing.ErrorCode(err) != billing.Invalid || n.Number != "" && strings.Contains(err.Error(), n.Number.Reveal()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for kind, op := range map[stripefake.Kind]stripefake.Op{stripefake.RateLimited: stripefake.OpMethod, stripefake.Unavailable: stripefake.OpCustomer} {
		f.Plan(func(c stripefake.Call) stripefake.Fault {
			if c.Op == op {
				return stripefake.Fault{Kind: kind}
			}
			return stripefake.Fault{}
		})
		if _, _, err := g.Tokenize(t.Context(), number); !errors.Is(err, billing.Busy) {
			t.Errorf("%s: %v", op, err)
		}
	}
	for _, refusal := range []string{
		`{"error":{"type":"invalid_request_error","message":"Sending credit card numbers directly to the Stripe API is generally unsafe. 5555555555554444"}}`,
	} {
		g := newGateway(t, answers(t, 402, refusal))
		_, _, err := g.Tokenize(t.Context(), number)
		if !errors.Is(err, billing.Invalid) || strings.Contains(err.Error(), "5555") {
			t.Errorf("%v", err)
		}
	}
}
