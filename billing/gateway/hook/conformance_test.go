package hook_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http/httptest"
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/gwtest"
	"topupd/billing/gateway/hook"
	"topupd/billing/gateway/hook/bridge"
)

var tokens = gwtest.Tokens{
	OK: "tok_ok", Soft: "tok_declined", Hard: "tok_lost", Authentication: "tok_authentication_required",
	Invalid: "tok_nobody", Timeout: "tok_timeout", TimeoutLost: "tok_timeout_lost", Error: "tok_error", Slow: "tok_slow",
}

// The example bridge, with a network in between that loses things, passes the
// suite of every gateway.
func TestConformance(t *testing.T) {
	gwtest.Run(t, func(t *testing.T) gwtest.Harness {
		processor := &bridge.Sandbox{}
		b, err := bridge.New(secret, processor)
		if err != nil {
			t.Fatal(err)
		}
		return gwtest.Harness{
			Gateway: newGateway(t, hook.Options{URL: serve(t, lossy(b))}), Tokens: tokens,
			Captures: processor.Captures, KnowsUnsent: true, Timeout: time.Second,
			Secrets: []string{secret, secret[len("whsec_"):]},
		}
	})
}

func TestOverTLS(t *testing.T) {
	processor := &bridge.Sandbox{}
	b, err := bridge.New(secret, processor)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(b)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshake that is refused
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	trusted := newGateway(t, hook.Options{URL: s.URL + "/bridge?x=1", RootCAs: roots})
	c := charge()
	c.Token = "tok_ok"
	if r := trusted.Charge(t.Context(), c); r.Outcome != billing.OutcomeSucceeded || processor.Captures(c.Key) != 1 {
		t.Errorf("%+v", r)
	}
	// A certificate that nobody vouches for: nothing is sent.
	c.Key = "2"
	r := newGateway(t, hook.Options{URL: s.URL}).Charge(t.Context(), c)
	if r.Outcome != billing.OutcomeNotAttempted || r.Trouble != billing.TroubleFault || processor.Captures(c.Key) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	f := &far{body: captured}
	s := httptest.NewUnstartedServer(f)
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	r := newGateway(t, hook.Options{URL: s.URL, RootCAs: roots}).Charge(t.Context(), charge())
	if r.Outcome != billing.OutcomeNotAttempted || f.asked != nil {
		t.Errorf("%+v", r)
	}
}
