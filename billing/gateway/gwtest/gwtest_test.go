package gwtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
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
	// prepare makes it a Preparer.
	prepare    func(context.Context, billing.GatewayCharge) (string, billing.GatewayResult)
	refund     func(context.Context, billing.GatewayRefund) billing.GatewayResult
	chargeable func(billing.Amount) error
	tokenize   func(context.Context, billing.CardNumber) (billing.Secret, billing.GatewayCard, error)
}

// preparing is a broken gateway that is a Preparer.
type preparing struct{ *broken }

func (p preparing) Prepare(ctx context.Context, c billing.GatewayCharge) (string, billing.GatewayResult) {
	return p.prepare(ctx, c)
}

func (b *broken) Refund(ctx context.Context, r billing.GatewayRefund) billing.GatewayResult {
	if b.refund != nil {
		return b.refund(ctx, r)
	}
	return b.Gateway.Refund(ctx, r)
}

func (b *broken) Chargeable(a billing.Amount) error {
	if b.chargeable != nil {
		return b.chargeable(a)
	}
	return b.Gateway.Chargeable(a)
}

func (b *broken) Tokenize(ctx context.Context, n billing.CardNumber) (billing.Secret, billing.GatewayCard, error) {
	if b.tokenize != nil {
		return b.tokenize(ctx, n)
	}
	return b.Gateway.Tokenize(ctx, n)
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
		Refunded: func(key string) billing.Amount { return b.Gateway.Refunded(key) },
		Number:   billing.CardNumber{Number: "4242424242424242", ExpMonth: 12, ExpYear: 2034},
		Timeout:  20 * time.Millisecond,
		Secrets:  []string{"sk_secret"},
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
		{"success_is_captured_once", func(b *broken) { b.prepare = prepares("", result(unk)) }},
		{"soft_decline", func(b *broken) { b.prepare = prepares("", result(suc)) }},
		{"preparing_captures_nothing", func(b *broken) { b.prepare = prepares("", result(not)) }},
		{"preparing_captures_nothing", func(b *broken) { b.prepare = prepares("ref", result(not)) }}, // looked up as paid
		{"preparing_captures_nothing", func(b *broken) { // captures
			b.lookup = always(not)
			b.prepare = func(ctx context.Context, c billing.GatewayCharge) (string, billing.GatewayResult) {
				b.Gateway.Charge(ctx, c)
				return "ref", billing.GatewayResult{}
			}
		}},
		{"preparing_captures_nothing", func(b *broken) { // a new one each time
			b.lookup = always(not)
			b.prepare = func(context.Context, billing.GatewayCharge) (string, billing.GatewayResult) {
				return rand.Text(), billing.GatewayResult{}
			}
		}},
		{"refund_gives_back_once", refunds(result(unk))},
		{"refund_gives_back_once", refunds(result(dec))},
		{"refund_gives_back_once", refunds(result(suc))}, // one reference for all
		{"refund_gives_back_once", func(b *broken) { // forgets the key
			var calls atomic.Int32
			b.refund = func(ctx context.Context, r billing.GatewayRefund) billing.GatewayResult {
				r.Key += strconv.Itoa(int(calls.Add(1)))
				return b.Gateway.Refund(ctx, r)
			}
		}},
		{"refund_of_more_than_captured_is_refused", refunds(result(suc))},
		{"refund_of_more_than_captured_is_refused", refunds(result(not))},
		{"refund_of_an_unknown_payment_is_refused", refunds(result(suc))},
		{"refund_of_an_unknown_payment_is_refused", refunds(result(unk))},
		{"refund_of_an_unknown_payment_is_refused", refunds(result(not))},
		{"amounts_that_cannot_be_charged_are_refused", func(b *broken) { b.chargeable = func(billing.Amount) error { return nil } }},
		{"amounts_that_cannot_be_charged_are_refused", func(b *broken) { // also 10 USD
			b.chargeable = func(billing.Amount) error { return billing.Errorf(billing.Invalid, "amount", "no") }
		}},
		{"amounts_that_cannot_be_charged_are_refused", func(b *broken) { // with another code
			b.chargeable = func(a billing.Amount) error {
				if b.Gateway.Chargeable(a) != nil {
					return billing.Errorf(billing.Overflow, "amount", "no")
				}
				return nil
			}
		}},
		{"card_number_becomes_a_token", tokenizes(func(string) billing.Secret { return "" }, "4242")},
		{"card_number_becomes_a_token", tokenizes(func(n string) billing.Secret { return billing.Secret("tok_" + n) }, "4242")},
		{"card_number_becomes_a_token", tokenizes(func(string) billing.Secret { return "tok_lost" }, "4242")},
		{"card_number_becomes_a_token", tokenizes(func(string) billing.Secret { return "tok_ok" }, "1111")},
		{"card_number_becomes_a_token", tokenizes(func(string) billing.Secret { return "tok_ok" }, "4242")}, // also for a wrong number
		{"card_number_becomes_a_token", func(b *broken) { // which its refusal repeats
			b.tokenize = func(ctx context.Context, n billing.CardNumber) (billing.Secret, billing.GatewayCard, error) {
				token, card, err := b.Gateway.Tokenize(ctx, n)
				if err != nil {
					err = billing.Errorf(billing.Invalid, "number", "%s is none", n.Number.Reveal())
				}
				return token, card, err
			}
		}},
	} {
		b := &broken{}
		h := harness(b)
		tc.fault(b)
		if b.prepare != nil {
			h.Gateway = preparing{b}
		}
		if err := runCheck(t, tc.check, h); err == nil || errors.Is(err, errNoToken) || errors.Is(err, errNotOffered) {
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

func prepares(ref string, r billing.GatewayResult) func(context.Context, billing.GatewayCharge) (string, billing.GatewayResult) {
	return func(context.Context, billing.GatewayCharge) (string, billing.GatewayResult) { return ref, r }
}

func refunds(r billing.GatewayResult) func(*broken) {
	return func(b *broken) {
		b.refund = func(context.Context, billing.GatewayRefund) billing.GatewayResult { return r }
	}
}

func tokenizes(token func(number string) billing.Secret, last4 string) func(*broken) {
	return func(b *broken) {
		b.tokenize = func(_ context.Context, n billing.CardNumber) (billing.Secret, billing.GatewayCard, error) {
			return token(n.Number.Reveal()), billing.GatewayCard{Last4: last4}, nil
		}
	}
}

// A gateway that prepares is charged with what it prepared.
func TestPreparedReferenceIsCharged(t *testing.T) {
	b := &broken{}
	h := harness(b)
	var refs []string
	b.prepare = prepares("prepared", billing.GatewayResult{})
	b.charge = func(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
		refs = append(refs, c.GatewayRef)
		return b.Gateway.Charge(ctx, c)
	}
	h.Gateway = preparing{b}
	if err := runCheck(t, "same_key_again_captures_nothing", h); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(refs); got != "[prepared prepared]" {
		t.Errorf("charged with %s", got)
	}
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
	h.Tokens, h.Number = Tokens{}, billing.CardNumber{}
	for _, c := range checks {
		if c.name == "name_can_be_an_account" || c.name == "amounts_that_cannot_be_charged_are_refused" {
			continue
		}
		if err := runCheck(t, c.name, h); !errors.Is(err, errNoToken) && !errors.Is(err, errNotOffered) {
			t.Errorf("%s without a token: %v", c.name, err)
		}
	}
}
