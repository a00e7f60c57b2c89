package guard

import (
	"context"
	"errors"
	"time"

	"topupd/billing"
)

// New wraps a gateway. onChange, which may be nil, is told when calls begin and
// end to be kept back; it may call the gateway. The result is a billing.Paused,
// and a billing.Preparer or billing.Tokenizer if g is.
func New(g billing.Gateway, onChange func(name string, open bool)) billing.Gateway {
	w := &guarded{Gateway: g, breaker: newBreaker(g.Name(), onChange)}
	p, prepares := g.(billing.Preparer)
	t, tokenizes := g.(billing.Tokenizer)
	switch {
	case prepares && tokenizes:
		return struct {
			*guarded
			preparer
			tokenizer
		}{w, preparer{p, w}, tokenizer{t, w}}
	case prepares:
		return struct {
			*guarded
			preparer
		}{w, preparer{p, w}}
	case tokenizes:
		return struct {
			*guarded
			tokenizer
		}{w, tokenizer{t, w}}
	default:
		return w
	}
}

// code is the word of what was kept back.
const code = billing.CodePaused

const message = "the gateway failed too often and is left alone for a moment"

// guarded passes Name, Chargeable and Traits through.
type guarded struct {
	billing.Gateway
	breaker *breaker
}

var _ billing.Paused = (*guarded)(nil)

// Charge sends the attempt, or says that nothing was sent.
func (g *guarded) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	return g.call(ctx, billing.OutcomeNotAttempted, func() billing.GatewayResult { return g.Gateway.Charge(ctx, c) })
}

// Lookup asks the gateway, or says that nothing is known: "not attempted" would
// mean that the attempt never arrived.
func (g *guarded) Lookup(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	return g.call(ctx, billing.OutcomeUnknown, func() billing.GatewayResult { return g.Gateway.Lookup(ctx, c) })
}

// Refund sends the refund, or says that nothing was sent.
func (g *guarded) Refund(ctx context.Context, r billing.GatewayRefund) billing.GatewayResult {
	return g.call(ctx, billing.OutcomeNotAttempted, func() billing.GatewayResult { return g.Gateway.Refund(ctx, r) })
}

func (g *guarded) call(ctx context.Context, kept billing.Outcome, send func() billing.GatewayResult) (r billing.GatewayResult) {
	done, open := g.breaker.enter()
	if open {
		return paused(kept)
	}
	how := faulty // unless send returns
	defer func() { done(how) }()
	r = send()
	how = judge(ctx, r.Trouble == billing.TroubleFault)
	return r
}

func paused(o billing.Outcome) billing.GatewayResult {
	return billing.GatewayResult{Outcome: o, Code: code, Message: message, Trouble: billing.TroubleFault}
}

// judge: a caller that gave up (not one whose time-out passed) learnt nothing.
func judge(ctx context.Context, fault bool) verdict {
	switch {
	case !fault:
		return fine
	case errors.Is(ctx.Err(), context.Canceled):
		return void
	default:
		return faulty
	}
}

// PausedUntil is when the next call may be made, by this breaker and by the
// inner gateway if it pauses on its own; zero is now.
func (g *guarded) PausedUntil() time.Time {
	until := g.breaker.until()
	if p, ok := g.Gateway.(billing.Paused); ok {
		if inner := p.PausedUntil(); inner.After(until) {
			return inner
		}
	}
	return until
}

// preparer adds Prepare.
type preparer struct {
	inner billing.Preparer
	guard *guarded
}

// Prepare makes the payment, or says that nothing was sent.
func (p preparer) Prepare(ctx context.Context, c billing.GatewayCharge) (ref string, r billing.GatewayResult) {
	r = p.guard.call(ctx, billing.OutcomeNotAttempted, func() billing.GatewayResult {
		var res billing.GatewayResult
		ref, res = p.inner.Prepare(ctx, c)
		return res
	})
	return ref, r
}

// tokenizer adds Tokenize.
type tokenizer struct {
	inner billing.Tokenizer
	guard *guarded
}

// Tokenize passes the number on. Errors: Busy while calls are kept back, and
// those of the inner gateway.
func (t tokenizer) Tokenize(ctx context.Context, n billing.CardNumber) (token billing.Secret, card billing.GatewayCard, err error) {
	done, open := t.guard.breaker.enter()
	if open {
		return "", billing.GatewayCard{}, &billing.Error{Code: billing.Busy, Field: "card", Message: message}
	}
	how := faulty
	defer func() { done(how) }()
	token, card, err = t.inner.Tokenize(ctx, n)
	how = judge(ctx, err != nil && billing.ErrorCode(err) == billing.Busy)
	return token, card, err
}
