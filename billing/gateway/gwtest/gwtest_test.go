package gwtest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"topupd/billing"
	"topupd/billing/gateway/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// broken is the sandbox with one promise taken back.
type broken struct {
	*sandbox.Gateway
	name   string
	charge func(context.Context, billing.GatewayCharge) billing.GatewayResult
	lookup func(context.Context, billing.GatewayCharge) billing.GatewayResult
}

func (b *broken) Name() string {
	if b.name != "" {
		return b.name
	}
	return b.Gateway.Name()
}

func (b *broken) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	if b.charge != nil {
		return b.charge(ctx, c)
	}
	return b.Gateway.Charge(ctx, c)
}

func (b *broken) Lookup(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	if b.lookup != nil {
		return b.lookup(ctx, c)
	}
	return b.Gateway.Lookup(ctx, c)
}

func harness(b *broken) Harness {
	b.Gateway = sandbox.New(sandbox.WithSlow(10 * time.Second))
	return Harness{
		Gateway: b,
		Tokens: Tokens{
			OK: sandbox.TokenOK, Soft: sandbox.TokenDeclined, Hard: sandbox.TokenLost,
			Authentication: sandbox.TokenAuthenticationRequired, Invalid: "tok_nobody",
			Timeout: sandbox.TokenTimeout, TimeoutLost: sandbox.TokenTimeoutLost,
			Error: sandbox.TokenError, Slow: sandbox.TokenSlow,
		},
		Captures: func(key string) int {
			n := 0 // with what a broken gateway took under keys of its own making
			for k, captures := range b.Captures() {
				if strings.HasPrefix(k, key) {
					n += captures
				}
			}
			return n
		},
		Timeout: 20 * time.Millisecond,
		Secrets: []string{"sk_secret"},
	}
}

func result(o billing.Outcome) billing.GatewayResult {
	r := billing.GatewayResult{Outcome: o}
	switch o {
	case billing.OutcomeSucceeded:
		r.Ref = "ref"
	case billing.OutcomeDeclined:
		r.Class, r.Code = billing.DeclineSoft, "code"
	}
	return r
}

func always(o billing.Outcome) func(context.Context, billing.GatewayCharge) billing.GatewayResult {
	return func(context.Context, billing.GatewayCharge) billing.GatewayResult { return result(o) }
}

// A suite that passes everything proves nothing: each check must find its own fault.
func TestChecksFindFaults(t *testing.T) {
	const dec, suc, unk, not = billing.OutcomeDeclined, billing.OutcomeSucceeded, billing.OutcomeUnknown, billing.OutcomeNotAttempted
	sound := map[string]bool{}
	for _, tc := range []struct {
		check string
		fault func(b *broken)
	}{
		{"name_can_be_an_account", func(b *broken) { b.name = "cash:box" }},
		{"success_is_captured_once", func(b *broken) { b.charge = always(suc) }}, // says so, takes nothing
		{"success_is_captured_once", func(b *broken) { b.charge = always(unk) }},
		{"success_is_captured_once", func(b *broken) { b.lookup = always(not) }},
		{"success_is_captured_once", func(b *broken) { b.lookup = always(suc) }}, // another reference
		{"same_key_again_captures_nothing", newKeyEachTime},
		{"two_keys_are_two_charges", func(b *broken) {
			b.charge = func(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
				b.Gateway.Charge(ctx, c)
				return result(suc) // always the same reference
			}
		}},
		{"parallel_calls_of_one_key_capture_once", func(b *broken) { b.charge = always(not) }},
		{"parallel_calls_of_one_key_capture_once", func(b *broken) { b.charge = always(dec) }},
		{"parallel_calls_of_one_key_capture_once", newKeyEachTime},
		{"key_with_another_amount_is_an_error", func(b *broken) { firstThen(b, suc) }},
		{"key_with_another_amount_is_an_error", func(b *broken) { firstThen(b, dec) }},
		{"key_with_another_card_is_an_error", func(b *broken) { firstThen(b, dec) }},
		{"soft_decline", func(b *broken) { b.charge = always(not) }},
		{"hard_decline", func(b *broken) { b.charge = always(dec) }}, // soft
		{"hard_decline", func(b *broken) { b.lookup = always(not) }},
		{"authentication_required", func(b *broken) { b.charge = always(dec) }},
		{"invalid_token", func(b *broken) { b.charge = always(not) }},
		{"gateway_fault_is_no_decline", func(b *broken) { b.charge = always(dec) }},
		{"gateway_fault_is_no_decline", func(b *broken) { b.charge = always(unk) }},
		{"no_answer_is_unknown_then_found", func(b *broken) { b.charge = always(dec) }},
		{"no_answer_is_unknown_then_found", func(b *broken) { b.lookup = always(not) }},
		{"no_answer_is_unknown_then_found", ignoreDeadline},
		{"no_answer_is_unknown_then_not_found", func(b *broken) { b.lookup = always(suc) }},
		{"no_answer_is_unknown_then_not_found", func(b *broken) { b.charge = always(not) }},
		{"cancelled_while_waiting_is_unknown", func(b *broken) { b.charge = always(dec) }},
		{"cancelled_while_waiting_is_unknown", func(b *broken) { b.charge = always(not) }},
		{"cancelled_before_sending_is_no_decline", func(b *broken) { b.charge = always(dec) }},
		{"cancelled_before_sending_is_no_decline", func(b *broken) {
			b.charge = func(_ context.Context, c billing.GatewayCharge) billing.GatewayResult {
				b.Gateway.Charge(context.Background(), c) // captured all the same
				return result(not)
			}
		}},
		{"cancelled_lookup_is_unknown", func(b *broken) { b.lookup = always(dec) }},
		{"lookup_of_a_key_never_sent", func(b *broken) { b.lookup = always(dec) }},
	} {
		b := &broken{}
		h := harness(b)
		tc.fault(b)
		if err := runCheck(t, tc.check, h); err == nil || errors.Is(err, errNoToken) {
			t.Errorf("%s passed a gateway that breaks it: %v", tc.check, err)
		}
		sound[tc.check] = true
	}
	for _, c := range checks {
		if !sound[c.name] {
			t.Errorf("no fault was tried for %s", c.name)
		}
	}
}

func runCheck(t *testing.T, name string, h Harness) error {
	t.Helper()
	for _, c := range checks {
		if c.name == name {
			return c.run(t.Context(), &suite{h: h})
		}
	}
	t.Fatalf("there is no check %s", name)
	return nil
}

// newKeyEachTime charges twice: the gateway forgets the key.
func newKeyEachTime(b *broken) {
	var calls atomic.Int32
	b.charge = func(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
		if calls.Add(1) > 1 {
			c.Key += "x"
		}
		return b.Gateway.Charge(ctx, c)
	}
}

// firstThen answers the second request of a key with an outcome.
func firstThen(b *broken, o billing.Outcome) {
	first := true
	b.charge = func(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
		if first {
			first = false
			return b.Gateway.Charge(ctx, c)
		}
		return result(o)
	}
}

func ignoreDeadline(b *broken) {
	b.charge = func(_ context.Context, c billing.GatewayCharge) billing.GatewayResult {
		time.Sleep(patience + 100*time.Millisecond)
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		return b.Gateway.Charge(ctx, c)
	}
}

func TestSoundResults(t *testing.T) {
	s := &suite{h: harness(&broken{})}
	c, err := s.request("tok_ok")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		r    billing.GatewayResult
		fine bool
	}{
		"success":                {result(billing.OutcomeSucceeded), true},
		"decline":                {result(billing.OutcomeDeclined), true},
		"unknown":                {result(billing.OutcomeUnknown), true},
		"a_fifth_outcome":        {billing.GatewayResult{Outcome: 4}, false},
		"success_without_ref":    {billing.GatewayResult{Outcome: billing.OutcomeSucceeded}, false},
		"success_with_class":     {billing.GatewayResult{Outcome: billing.OutcomeSucceeded, Ref: "r", Class: billing.DeclineHard}, false},
		"decline_without_class":  {billing.GatewayResult{Outcome: billing.OutcomeDeclined, Code: "c"}, false},
		"decline_without_code":   {billing.GatewayResult{Outcome: billing.OutcomeDeclined, Class: billing.DeclineSoft}, false},
		"message_with_the_token": {billing.GatewayResult{Message: "no card tok_ok"}, false},
		"message_with_a_secret":  {billing.GatewayResult{Message: "bad key sk_secret"}, false},
		"ref_with_a_secret":      {billing.GatewayResult{Ref: "sk_secret-1"}, false},
	} {
		if err := s.sound("call", c, tc.r); (err == nil) != tc.fine {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A check without its token says so instead of passing.
func TestMissingTokensAreSkipped(t *testing.T) {
	h := harness(&broken{})
	h.Tokens = Tokens{}
	for _, c := range checks {
		if c.name == "name_can_be_an_account" {
			continue
		}
		if err := runCheck(t, c.name, h); !errors.Is(err, errNoToken) {
			t.Errorf("%s without a token: %v", c.name, err)
		}
	}
}
