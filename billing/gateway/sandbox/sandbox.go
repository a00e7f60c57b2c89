package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"topupd/billing"
)

// Name is the gateway's name in settings and cards.
const Name = "sandbox"

// defaultSilence ends a call that nobody else would: one without a deadline.
const defaultSilence = 30 * time.Second

// Gateway is the sandbox. It is safe for concurrent use.
type Gateway struct {
	latency, slow, silence time.Duration
	book                   book
}

var (
	_ billing.Gateway   = (*Gateway)(nil)
	_ billing.Tokenizer = (*Gateway)(nil)
)

// Option changes how long the sandbox takes.
type Option func(*Gateway)

// WithLatency makes every answer take d; none by default.
func WithLatency(d time.Duration) Option { return func(g *Gateway) { g.latency = d } }

// WithSlow is how late tok_slow answers; two seconds by default.
func WithSlow(d time.Duration) Option { return func(g *Gateway) { g.slow = d } }

// WithTimeout ends the silence of tok_timeout and tok_timeout_lost after d even
// if the context goes on; by default only the context's end does.
func WithTimeout(d time.Duration) Option { return func(g *Gateway) { g.silence = d } }

// New makes a sandbox that has captured nothing.
func New(opts ...Option) *Gateway {
	g := &Gateway{slow: 2 * time.Second}
	for _, o := range opts {
		o(g)
	}
	return g
}

// Name is "sandbox".
func (g *Gateway) Name() string { return Name }

// Traits says that no money moves, and that nobody renews a card past its date,
// so that this path can be walked too.
func (g *Gateway) Traits() billing.GatewayTraits {
	return billing.GatewayTraits{Sandbox: true}
}

// Charge does what the token stands for. The capture comes before the wait: a
// request that was sent is not undone by a caller that stops listening.
func (g *Gateway) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	if ctx.Err() != nil {
		return notSent
	}
	if r, ok := refused(c); !ok {
		return r
	}
	b := behaviourOf(c.Token)
	if !g.book.enter(c, b.result.Outcome == billing.OutcomeSucceeded) {
		return mismatch
	}
	if b.silent {
		g.keepSilent(ctx)
		return noAnswer
	}
	delay := g.latency
	if b.slow {
		delay += g.slow
	}
	if !wait(ctx, delay) {
		return noAnswer
	}
	return answer(b, c)
}

// Lookup tells what became of the charge with this key and token; see the
// package's invariants for keys that were never sent.
func (g *Gateway) Lookup(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	if !wait(ctx, g.latency) {
		return noAnswer
	}
	if r, ok := refused(c); !ok {
		return r
	}
	b := behaviourOf(c.Token)
	if !g.book.enter(c, b.result.Outcome == billing.OutcomeSucceeded) {
		return mismatch
	}
	return answer(b, c)
}

var (
	// noAnswer holds no reference: who got no answer got no reference either.
	noAnswer = billing.GatewayResult{
		Outcome: billing.OutcomeUnknown, Code: "no_answer", Message: "the sandbox did not answer in time",
	}
	notSent = billing.GatewayResult{
		Outcome: billing.OutcomeNotAttempted, Code: "not_sent", Message: "the call was over before it was sent",
	}
	// mismatch is unknown because money may have moved under this key: neither
	// "declined" nor "nothing was sent" would be true of it. A person has to look.
	mismatch = billing.GatewayResult{
		Outcome: billing.OutcomeUnknown, Code: "idempotency_mismatch",
		Message: "this idempotency key was used before with another amount or card",
	}
)

// refused checks what every gateway would refuse before it asks a network.
func refused(c billing.GatewayCharge) (billing.GatewayResult, bool) {
	bad := func(message string) (billing.GatewayResult, bool) {
		return billing.GatewayResult{Outcome: billing.OutcomeNotAttempted, Code: "invalid_request", Message: message}, false
	}
	currency, known := billing.LookupCurrency(string(c.Amount.Unit))
	switch {
	case c.Key == "":
		return bad("a charge needs an idempotency key")
	case !known:
		return bad("the currency is not known")
	case c.Amount.Micros <= 0 || !currency.Whole(c.Amount.Micros):
		return bad("the amount must be positive and whole minor units")
	}
	return billing.GatewayResult{}, true
}

// Chargeable takes every whole positive amount in a currency that is known.
func (g *Gateway) Chargeable(a billing.Amount) error {
	if r, ok := refused(billing.GatewayCharge{Key: "-", Amount: a}); !ok {
		return billing.Errorf(billing.Invalid, "amount", "%s", r.Message)
	}
	return nil
}

// Refund gives back what a reference captured: at most once for a key, and not
// more than was captured, as far as this process knows. The reference is the key's.
func (g *Gateway) Refund(ctx context.Context, r billing.GatewayRefund) billing.GatewayResult {
	if !wait(ctx, g.latency) {
		return noAnswer
	}
	switch {
	case r.Key == "" && r.GatewayRef == "" || r.ChargeRef == "" || r.Amount.Micros <= 0:
		return billing.GatewayResult{
			Outcome: billing.OutcomeNotAttempted, Code: "invalid_request", Message: "a refund needs a key, a payment and an amount",
		}
	case r.ChargeRef != ref(r.ChargeKey):
		return billing.GatewayResult{
			Outcome: billing.OutcomeDeclined, Class: billing.DeclineHard, Code: "not_found",
			Message: "the sandbox knows no payment with this reference",
		}
	case !g.book.refund(r):
		return billing.GatewayResult{
			Outcome: billing.OutcomeDeclined, Class: billing.DeclineHard, Code: "amount_too_large",
			Message: "more than what is left of the payment",
		}
	}
	return billing.GatewayResult{Outcome: billing.OutcomeSucceeded, Ref: ref("refund " + r.Key)}
}

func answer(b behaviour, c billing.GatewayCharge) billing.GatewayResult {
	r := b.result
	if r.Outcome != billing.OutcomeNotAttempted {
		r.Ref = ref(c.Key)
	}
	return r
}

// ref is made from the key, so that every process gives the same one.
func ref(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "sbx_" + hex.EncodeToString(sum[:12])
}

func (g *Gateway) keepSilent(ctx context.Context) {
	silence := g.silence
	if _, ends := ctx.Deadline(); silence == 0 && !ends {
		silence = defaultSilence
	}
	if silence == 0 {
		<-ctx.Done()
		return
	}
	wait(ctx, silence)
}

// wait reports whether d passed before the context ended.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
