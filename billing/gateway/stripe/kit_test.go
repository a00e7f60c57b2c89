package stripe_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"topupd/billing"
	"topupd/billing/gateway/stripe"
	"topupd/billing/gateway/stripe/stripefake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secretKey = "sk_test_51SecretOfTheTest"

func newFake(t *testing.T, o stripefake.Options) *stripefake.Server {
	t.Helper()
	o.Key = secretKey
	f, err := stripefake.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func newGateway(t *testing.T, url string, change ...func(*stripe.Options)) *stripe.Gateway {
	t.Helper()
	o := stripe.Options{Key: secretKey, URL: url, Timeout: 5 * time.Second, InFlight: time.Nanosecond}
	for _, f := range change {
		f(&o)
	}
	g, err := stripe.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// pair is a healthy Stripe with a gateway to it.
func pair(t *testing.T) (*stripefake.Server, *stripe.Gateway) {
	t.Helper()
	f := newFake(t, stripefake.Options{})
	return f, newGateway(t, f.URL)
}

func usd(cents int64) billing.Amount { return billing.Money(cents*10_000, "USD") }

func charge(key, token string) billing.GatewayCharge {
	return billing.GatewayCharge{
		Key: key, Token: billing.Secret(token), Amount: usd(1000), GatewayCustomer: "cus_1",
		MandateID: 5, ChargeID: 7, Owner: billing.Account(100), Description: "Top-up of account 100",
	}
}

// prepared is a charge as the engine sends it: with the id that Prepare gave.
func prepared(t *testing.T, g *stripe.Gateway, c billing.GatewayCharge) billing.GatewayCharge {
	t.Helper()
	ref, r := g.Prepare(t.Context(), c)
	if ref == "" {
		t.Fatalf("prepare: %+v", r)
	}
	c.GatewayRef = ref
	return c
}

func paid(t *testing.T, g *stripe.Gateway, key string) (billing.GatewayCharge, billing.GatewayResult) {
	t.Helper()
	c := prepared(t, g, charge(key, "pm_card_visa"))
	r := g.Charge(t.Context(), c)
	if r.Outcome != billing.OutcomeSucceeded {
		t.Fatalf("charge: %+v", r)
	}
	return c, r
}

func soon(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// answers is a server that says one thing to everything.
func answers(t *testing.T, status int, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func noSecrets(t *testing.T, what, text string) {
	t.Helper()
	for _, secret := range []string{secretKey, "pm_card", "pm_fake", "whsec", "4242424242424242"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows a secret: %s", what, text)
		}
	}
}

// proxy shows the requests that pass to a server, their parameters sorted.
func proxy(t *testing.T, to string, show func(*http.Request, string)) string {
	t.Helper()
	return serveProxy(t, to, func(r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		parts := strings.Split(string(body), "&")
		slices.Sort(parts)
		show(r, strings.Join(parts, "&"))
	}, nil)
}

// proxyAnswers shows the answers that come back from a server.
func proxyAnswers(t *testing.T, to string, show func(*http.Request, int, string)) string {
	t.Helper()
	return serveProxy(t, to, func(*http.Request) {}, func(resp *http.Response) error {
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(body))
		show(resp.Request, resp.StatusCode, string(body))
		return err
	})
}

func serveProxy(t *testing.T, to string, before func(*http.Request), after func(*http.Response) error) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	p := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: transport, ModifyResponse: after,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		before(r)
		p.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { s.Close(); transport.CloseIdleConnections() })
	return s.URL
}

func contains(text string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}
