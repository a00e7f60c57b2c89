package stripe_test

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"topupd/billing"
	"topupd/testdata/need"
)

// stripeMock checks requests against Stripe's published schema. It is a program
// of its own, so that its modules stay out of go.mod.
const stripeMock = "github.com/stripe/stripe-mock@v0.203.0"

// startMock installs and starts it, and returns its address.
func startMock(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	install := exec.Command("go", "install", stripeMock)
	install.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=")
	install.Dir = bin // outside of this module
	if out, err := install.CombinedOutput(); err != nil {
		need.Missing(t, "stripe-mock cannot be had: go install "+stripeMock+" must work, through the Go module proxy: "+err.Error()+"\n"+string(out))
	}
	mock := exec.Command(filepath.Join(bin, "stripe-mock"), "-http-addr", "127.0.0.1:0")
	out, err := mock.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	mock.Stderr = mock.Stdout
	if err := mock.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		said := regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if a := said.FindString(lines.Text()); a != "" {
				select {
				case address <- a:
				default:
				}
			}
		}
	})
	t.Cleanup(func() {
		_ = mock.Process.Kill()
		reading.Wait()
		_ = mock.Wait()
	})
	select {
	case a := <-address:
		return "http://" + a
	case <-time.After(60 * time.Second):
		t.Fatal("stripe-mock did not say where it listens")
	}
	return ""
}

// Every shape of request that the gateway sends is one that Stripe's schema knows.
// What stripe-mock answers is made up, so the results mean nothing here.
func TestRequestsFitTheSchema(t *testing.T) {
	mock := startMock(t)
	var mu sync.Mutex
	seen := map[string]int{}
	shape := regexp.MustCompile(`/(pi|pm|re)_[A-Za-z0-9_]+`)
	through := proxyAnswers(t, mock, func(r *http.Request, status int, body string) {
		mu.Lock()
		defer mu.Unlock()
		what := r.Method + " " + shape.ReplaceAllString(r.URL.Path, "/{id}")
		seen[what]++
		if status != http.StatusOK {
			t.Errorf("%s %s: %d %s", what, r.URL.RawQuery, status, body)
		}
	})
	g := newGateway(t, through)
	ctx := t.Context()

	for _, c := range []billing.GatewayCharge{
		charge("k1", "pm_card_visa"),
		{Key: "k2", Token: "pm_card_visa", Amount: billing.Money(500*billing.Micro, "JPY"), Recurring: true},
		{Key: "k3", Token: "card_1", Amount: billing.Money(5*billing.Micro, "ISK"), GatewayCustomer: "cus_1"},
	} {
		g.Prepare(ctx, c)
		g.Charge(ctx, c)
		c.GatewayRef = "pi_1"
		g.Charge(ctx, c)
		g.Lookup(ctx, c)
		c.GatewayRef, c.SubmittedAt = "", time.Now().Add(-48*time.Hour)
		g.Lookup(ctx, c)
	}
	refund := billing.GatewayRefund{Key: "r1", ChargeKey: "k1", ChargeRef: "pi_1", Amount: usd(100), RefundID: 1, ChargeID: 2}
	g.Refund(ctx, refund)
	refund.GatewayRef = "re_1"
	g.Refund(ctx, refund)
	for _, n := range []billing.CardNumber{
		{Number: "4242424242424242", ExpMonth: 12, ExpYear: 2034},
		{Number: "4242424242424242", CVV: "123", ExpMonth: 12, ExpYear: 2034, Holder: "A Rose"},
	} {
		if _, _, err := g.Tokenize(ctx, n); err != nil {
			t.Error(err)
		}
	}

	for _, what := range []string{
		"POST /v1/payment_intents", "POST /v1/payment_intents/{id}/confirm", "GET /v1/payment_intents/{id}", "GET /v1/payment_intents",
		"POST /v1/refunds", "GET /v1/refunds", "GET /v1/refunds/{id}",
		"POST /v1/payment_methods", "GET /v1/payment_methods/{id}", "POST /v1/customers",
	} {
		if seen[what] == 0 {
			t.Errorf("%s was not sent", what)
		}
		delete(seen, what)
	}
	for what := range seen {
		t.Errorf("%s was sent, and is not in this list", what)
	}
	// The check itself can fail: the schema knows no such parameter.
	resp, err := post(mock+"/v1/refunds", "payment_intent=pi_1&amount=1&no_such_parameter=1")
	if err != nil || resp != http.StatusBadRequest {
		t.Errorf("a wrong request: %d, %v", resp, err)
	}
}

func post(url, form string) (int, error) {
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(form))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+secretKey)
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
