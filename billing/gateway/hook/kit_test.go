package hook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"topupd/billing"
	"topupd/billing/gateway/hook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret      = "whsec_dGhpcyBpcyBhbiBleGFtcGxlLCBub3QgYSBzZWNyZXQ="
	otherSecret = "whsec_YW5vdGhlciBleGFtcGxlLCBubyBzZWNyZXQgZWl0aGVy"
)

// now is the clock of gateways that are not to live by the real one.
var now = time.Date(2026, 11, 22, 10, 0, 0, 123456789, time.UTC)

func newGateway(t *testing.T, o hook.Options) *hook.Gateway {
	t.Helper()
	if o.Secret == "" {
		o.Secret = secret
	}
	g, err := hook.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// far is a far end that gives every call one answer, signed unless changed.
type far struct {
	status  int
	header  http.Header
	body    string
	change  func(h http.Header, body *[]byte, r *http.Request, request []byte) // after signing
	secret  string
	skew    time.Duration
	asked   []byte // the last request's body
	headers http.Header
}

func (f *far) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.asked, _ = io.ReadAll(r.Body)
	f.headers = r.Header.Clone()
	for name, values := range f.header {
		w.Header()[name] = values
	}
	s := f.secret
	if s == "" {
		s = secret
	}
	body := []byte(f.body)
	hook.Sign(w.Header(), s, r.Header.Get("webhook-id"), time.Now().Add(f.skew), body)
	if f.change != nil {
		f.change(w.Header(), &body, r, f.asked)
	}
	if f.status != 0 {
		w.WriteHeader(f.status)
	}
	w.Write(body)
}

func charge() billing.GatewayCharge {
	return billing.GatewayCharge{
		Key: "topupd-3f9c-1207-1", Token: "tok_secret_1", Amount: billing.Money(10*billing.Micro, "USD"),
		GatewayCustomer: "cus_100", MandateID: 31, ChargeID: 1207, Owner: billing.Account(100), Description: "Top-up of account 100",
	}
}

func refund() billing.GatewayRefund {
	return billing.GatewayRefund{
		Key: "topupd-3f9c-refund-12", ChargeKey: "topupd-3f9c-1207-1", ChargeRef: "pay_8812",
		Amount: billing.Money(4*billing.Micro, "USD"), RefundID: 12, ChargeID: 1207,
	}
}

// calls are the three, alike.
func calls(g *hook.Gateway) map[string]func(context.Context) billing.GatewayResult {
	return map[string]func(context.Context) billing.GatewayResult{
		"charge": func(ctx context.Context) billing.GatewayResult { return g.Charge(ctx, charge()) },
		"lookup": func(ctx context.Context) billing.GatewayResult { return g.Lookup(ctx, charge()) },
		"refund": func(ctx context.Context) billing.GatewayResult { return g.Refund(ctx, refund()) },
	}
}

// lossy is a network between topupd and a bridge that loses what the token says.
func lossy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var req struct{ Type, Token string }
		json.Unmarshal(body, &req)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if req.Type != "charge" {
			req.Token = ""
		}
		switch req.Token {
		case "tok_timeout_lost":
			<-r.Context().Done()
		case "tok_timeout":
			next.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
			<-r.Context().Done()
		case "tok_slow":
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r.WithContext(context.WithoutCancel(r.Context())))
			select {
			case <-r.Context().Done():
			case <-time.After(10 * time.Second):
				for name, values := range rec.Header() {
					w.Header()[name] = values
				}
				w.Write(rec.Body.Bytes())
			}
		default:
			next.ServeHTTP(w, r)
		}
	})
}
