package sandbox_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"topupd/billing"
	"topupd/billing/gateway/gwtest"
	"topupd/billing/gateway/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	gwtest.Run(t, func(*testing.T) gwtest.Harness {
		g := sandbox.New(sandbox.WithSlow(10 * time.Second))
		return gwtest.Harness{
			Gateway: g,
			Tokens: gwtest.Tokens{
				OK: sandbox.TokenOK, Soft: sandbox.TokenDeclined, Hard: sandbox.TokenLost,
				Authentication: sandbox.TokenAuthenticationRequired, Invalid: "tok_nobody",
				Timeout: sandbox.TokenTimeout, TimeoutLost: sandbox.TokenTimeoutLost,
				Error: sandbox.TokenError, Slow: sandbox.TokenSlow,
			},
			Captures: func(key string) int { return g.Captures()[key] },
			Refunded: g.Refunded,
			Number:   billing.CardNumber{Number: "4242424242424242", CVV: "123", ExpMonth: 12, ExpYear: 2034},
			Timeout:  20 * time.Millisecond,
		}
	})
}

func charge(key, token string) billing.GatewayCharge {
	return billing.GatewayCharge{Key: key, Token: billing.Secret(token), Amount: billing.Money(10*billing.Micro, "USD")}
}

// The table of the operations page, in fake time: what each token answers, how
// late, what a lookup says, and what was taken.
func TestTokens(t *testing.T) {
	for _, tc := range []struct {
		token    string
		outcome  billing.Outcome
		class    billing.DeclineClass
		code     string
		after    time.Duration
		lookup   billing.Outcome
		captures int
	}{
		{"tok_ok", billing.OutcomeSucceeded, billing.DeclineNone, "", 0, billing.OutcomeSucceeded, 1},
		{"tok_slow", billing.OutcomeSucceeded, billing.DeclineNone, "", 2 * time.Second, billing.OutcomeSucceeded, 1},
		{"tok_declined", billing.OutcomeDeclined, billing.DeclineSoft, "insufficient_funds", 0, billing.OutcomeDeclined, 0},
		{"tok_lost", billing.OutcomeDeclined, billing.DeclineHard, "lost_card", 0, billing.OutcomeDeclined, 0},
		{"tok_authentication_required", billing.OutcomeDeclined, billing.DeclineAuthentication, "authentication_required", 0, billing.OutcomeDeclined, 0},
		{"tok_timeout", billing.OutcomeUnknown, billing.DeclineNone, "no_answer", 30 * time.Second, billing.OutcomeSucceeded, 1},
		{"tok_timeout_lost", billing.OutcomeUnknown, billing.DeclineNone, "no_answer", 30 * time.Second, billing.OutcomeNotAttempted, 0},
		{"tok_error", billing.OutcomeNotAttempted, billing.DeclineNone, "gateway_error", 0, billing.OutcomeNotAttempted, 0},
		{"pm_card_visa", billing.OutcomeDeclined, billing.DeclineHard, "invalid_token", 0, billing.OutcomeDeclined, 0},
		{"", billing.OutcomeDeclined, billing.DeclineHard, "invalid_token", 0, billing.OutcomeDeclined, 0},
	} {
		t.Run(tc.token, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				g, start := sandbox.New(), time.Now()
				r := g.Charge(ctx, charge("k1", tc.token))
				if r.Outcome != tc.outcome || r.Class != tc.class || r.Code != tc.code {
					t.Errorf("charge: %+v", r)
				}
				if d := time.Since(start); d != tc.after {
					t.Errorf("answered after %s, want %s", d, tc.after)
				}
				if n := g.Captures()["k1"]; n != tc.captures {
					t.Errorf("captured %d times", n)
				}
				// A second process, which has seen nothing, says the same.
				for _, other := range []*sandbox.Gateway{g, sandbox.New()} {
					l := other.Lookup(t.Context(), charge("k1", tc.token))
					if l.Outcome != tc.lookup || l.Class != tc.class || r.Ref != "" && l.Ref != r.Ref {
						t.Errorf("lookup: %+v", l)
					}
				}
			})
		})
	}
}

func TestCaptured(t *testing.T) {
	g := sandbox.New()
	if got := g.Captured("k1"); got != (billing.Amount{}) {
		t.Errorf("before any charge: %v", got)
	}
	g.Charge(t.Context(), charge("k1", "tok_ok"))
	g.Charge(t.Context(), charge("k2", "tok_declined"))
	if got := g.Captured("k1"); got != billing.Money(10*billing.Micro, "USD") {
		t.Errorf("k1: %v", got)
	}
	if got := g.Captured("k2"); got != (billing.Amount{}) {
		t.Errorf("a declined charge captured %v", got)
	}
	g.Captures()["k1"] = 7 // a copy
	if got := fmt.Sprint(g.Captures()); got != "map[k1:1]" {
		t.Errorf("captures: %s", got)
	}
}

// A lookup of a key that this process never saw stands for sending it again.
func TestLookupCountsWhatItConfirms(t *testing.T) {
	g := sandbox.New()
	for range 2 {
		if r := g.Lookup(t.Context(), charge("k1", "tok_ok")); r.Outcome != billing.OutcomeSucceeded || g.Captures()["k1"] != 1 {
			t.Errorf("%+v, captures %v", r, g.Captures())
		}
	}
}

func TestRepeatedKeyWithOtherInput(t *testing.T) {
	g := sandbox.New()
	g.Charge(t.Context(), charge("k1", "tok_ok"))
	other := charge("k1", "tok_ok")
	other.Amount.Micros *= 2
	for name, call := range map[string]func(context.Context, billing.GatewayCharge) billing.GatewayResult{"charge": g.Charge, "lookup": g.Lookup} {
		if r := call(t.Context(), other); r.Outcome != billing.OutcomeUnknown || r.Code != "idempotency_mismatch" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if got := g.Captured("k1"); got != billing.Money(10*billing.Micro, "USD") {
		t.Errorf("captured %v", got)
	}
}

func TestMalformedRequestsAreNotAttempted(t *testing.T) {
	for name, change := range map[string]func(*billing.GatewayCharge){
		"no_key":         func(c *billing.GatewayCharge) { c.Key = "" },
		"nothing":        func(c *billing.GatewayCharge) { c.Amount.Micros = 0 },
		"negative":       func(c *billing.GatewayCharge) { c.Amount.Micros = -1_000_000 },
		"a_tenth_cent":   func(c *billing.GatewayCharge) { c.Amount.Micros = 1_001_000 },
		"half_a_yen":     func(c *billing.GatewayCharge) { c.Amount = billing.Money(500_000, "JPY") },
		"no_currency":    func(c *billing.GatewayCharge) { c.Amount.Unit = "SMS" },
		"without_a_unit": func(c *billing.GatewayCharge) { c.Amount.Unit = "" },
	} {
		g, c := sandbox.New(), charge("k1", "tok_ok")
		change(&c)
		for _, r := range []billing.GatewayResult{g.Charge(t.Context(), c), g.Lookup(t.Context(), c)} {
			if r.Outcome != billing.OutcomeNotAttempted || r.Code != "invalid_request" || len(g.Captures()) != 0 {
				t.Errorf("%s: %+v, %v", name, r, g.Captures())
			}
		}
	}
}

func TestDelays(t *testing.T) {
	for name, tc := range map[string]struct {
		g     *sandbox.Gateway
		token string
		want  time.Duration
	}{
		"latency":                  {sandbox.New(sandbox.WithLatency(time.Second)), "tok_ok", time.Second},
		"latency_of_a_decline":     {sandbox.New(sandbox.WithLatency(time.Second)), "tok_lost", time.Second},
		"slow_and_latency":         {sandbox.New(sandbox.WithLatency(time.Second)), "tok_slow", 3 * time.Second},
		"shorter_slow":             {sandbox.New(sandbox.WithSlow(time.Millisecond)), "tok_slow", time.Millisecond},
		"shorter_silence":          {sandbox.New(sandbox.WithTimeout(time.Millisecond)), "tok_timeout", time.Millisecond},
		"silence_ends_by_deadline": {sandbox.New(), "tok_timeout", time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				tc.g.Charge(ctx, charge("k1", tc.token))
				if d := time.Since(start); d != tc.want {
					t.Errorf("took %s, want %s", d, tc.want)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		sandbox.New().Charge(context.Background(), charge("k1", "tok_timeout_lost"))
		if d := time.Since(start); d != 30*time.Second {
			t.Errorf("without a deadline it was silent for %s", d)
		}
	})
}

// A caller that stops waiting does not undo what it sent.
func TestCancelledSlowChargeHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		g := sandbox.New()
		if r := g.Charge(ctx, charge("k1", "tok_slow")); r.Outcome != billing.OutcomeUnknown || r.Ref != "" {
			t.Errorf("charge: %+v", r)
		}
		if r := g.Lookup(t.Context(), charge("k1", "tok_slow")); r.Outcome != billing.OutcomeSucceeded || g.Captures()["k1"] != 1 {
			t.Errorf("lookup: %+v, %v", r, g.Captures())
		}
	})
}

func TestCallThatIsOverIsNotSent(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g := sandbox.New()
	if r := g.Charge(ctx, charge("k1", "tok_ok")); r.Outcome != billing.OutcomeNotAttempted || len(g.Captures()) != 0 {
		t.Errorf("%+v, %v", r, g.Captures())
	}
	if r := g.Lookup(ctx, charge("k1", "tok_ok")); r.Outcome != billing.OutcomeUnknown || len(g.Captures()) != 0 {
		t.Errorf("lookup: %+v, %v", r, g.Captures())
	}
}

func TestTraits(t *testing.T) {
	g := sandbox.New()
	if !g.Traits().Sandbox || g.Traits().RenewsCards || g.Name() != "sandbox" {
		t.Errorf("%s: %+v", g.Name(), g.Traits())
	}
}

func TestReferencesHideTheKey(t *testing.T) {
	a := sandbox.New().Charge(t.Context(), charge("topupd-1-1", "tok_ok"))
	b := sandbox.New().Charge(t.Context(), charge("topupd-1-2", "tok_ok"))
	if a.Ref == b.Ref || !strings.HasPrefix(a.Ref, "sbx_") || strings.Contains(a.Ref, "topupd") {
		t.Errorf("references %s and %s", a.Ref, b.Ref)
	}
}

// A process that runs for years remembers the newest keys only.
func TestBookIsBounded(t *testing.T) {
	const kept = 65_536
	g := sandbox.New()
	key := func(n int) string { return fmt.Sprintf("key-%d", n) }
	for n := range kept {
		g.Charge(t.Context(), charge(key(n), "tok_ok"))
	}
	if n := len(g.Captures()); n != kept {
		t.Fatalf("%d keys are known of %d", n, kept)
	}
	for n := range 3 {
		g.Charge(t.Context(), charge(key(kept+n), "tok_ok"))
	}
	known := g.Captures()
	if len(known) != kept {
		t.Errorf("%d keys are known", len(known))
	}
	for n, want := range map[int]int{0: 0, 2: 0, 3: 1, kept + 2: 1} {
		if known[key(n)] != want {
			t.Errorf("%s captured %d times, want %d", key(n), known[key(n)], want)
		}
	}
	// A key that is known keeps its place, and is not counted again.
	g.Charge(t.Context(), charge(key(3), "tok_ok"))
	if n := len(g.Captures()); n != kept || g.Captures()[key(4)] != 1 {
		t.Errorf("a known key pushed another out: %d", n)
	}
}

func TestTokenize(t *testing.T) {
	g := sandbox.New()
	for number, want := range map[billing.Secret]string{
		"4242424242424242": "tok_ok", "5555555555554444": "tok_ok", "4000000000000002": "tok_declined",
		"4000000000009987": "tok_lost", "4000002500003155": "tok_authentication_required", "4000000000000119": "tok_error",
	} {
		token, card, err := g.Tokenize(t.Context(), billing.CardNumber{Number: number, ExpMonth: 1, ExpYear: 2030})
		if err != nil || token.Reveal() != want || !strings.HasSuffix(number.Reveal(), card.Last4) || card.Brand == "" || card.ExpYear != 2030 {
			t.Errorf("%s: %s, %+v, %v", number.Reveal(), token.Reveal(), card, err)
		}
	}
	for name, n := range map[string]billing.CardNumber{
		"another_number": {Number: "4485275742308327", ExpMonth: 1, ExpYear: 2030},
		"a_token":        {Number: "tok_ok", ExpMonth: 1, ExpYear: 2030},
		"spaces":         {Number: "4242 4242 4242 4242", ExpMonth: 1, ExpYear: 2030},
		"empty":          {},
		"no_date":        {Number: "4242424242424242"},
		"thirteenth":     {Number: "4242424242424242", ExpMonth: 13, ExpYear: 2030},
	} {
		token, _, err := g.Tokenize(t.Context(), n)
		if billing.ErrorCode(err) != billing.Invalid || token != "" || n.Number != "4242424242424242" && n.Number != "" && strings.Contains(err.Error(), n.Number.Reveal()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := g.Tokenize(ctx, billing.CardNumber{Number: "4242424242424242", ExpMonth: 1, ExpYear: 2030}); billing.ErrorCode(err) != billing.Busy {
		t.Errorf("a call that is over: %v", err)
	}
}

// Another process knows the reference of a key, and no other reference is one.
func TestRefundAcrossProcesses(t *testing.T) {
	c := charge("k1", "tok_ok")
	r := sandbox.New().Charge(t.Context(), c)
	refund := billing.GatewayRefund{Key: "r1", ChargeKey: "k1", ChargeRef: r.Ref, Amount: c.Amount}
	if res := sandbox.New().Refund(t.Context(), refund); res.Outcome != billing.OutcomeSucceeded {
		t.Errorf("%+v", res)
	}
	refund.ChargeRef = "sbx_000000000000000000000000"
	if res := sandbox.New().Refund(t.Context(), refund); res.Outcome != billing.OutcomeDeclined || res.Code != "not_found" {
		t.Errorf("%+v", res)
	}
}
