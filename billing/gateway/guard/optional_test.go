package guard_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/guard"
)

type prepares struct{ *scripted }

func (p prepares) Prepare(context.Context, billing.GatewayCharge) (string, billing.GatewayResult) {
	r := p.call()
	return r.Ref, r
}

type tokenizes struct {
	*scripted
	err error
}

func (t tokenizes) Tokenize(context.Context, billing.CardNumber) (billing.Secret, billing.GatewayCard, error) {
	t.call()
	return "tok", billing.GatewayCard{Last4: "4242"}, t.err
}

type both struct {
	prepares
	tokenizes
}

func (b both) Name() string { return b.prepares.Name() }
func (b both) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	return b.prepares.Charge(ctx, c)
}
func (b both) Lookup(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	return b.prepares.Lookup(ctx, c)
}
func (b both) Refund(ctx context.Context, r billing.GatewayRefund) billing.GatewayResult {
	return b.prepares.Refund(ctx, r)
}
func (b both) Chargeable(a billing.Amount) error { return b.prepares.Chargeable(a) }
func (b both) Traits() billing.GatewayTraits     { return b.prepares.Traits() }

type pauses struct {
	*scripted
	until time.Time
}

func (p pauses) PausedUntil() time.Time { return p.until }

func TestImplementsWhatTheInnerOneDoes(t *testing.T) {
	s := &scripted{answer: success}
	for name, tc := range map[string]struct {
		inner               billing.Gateway
		prepares, tokenizes bool
	}{
		"neither":   {s, false, false},
		"prepares":  {prepares{s}, true, false},
		"tokenizes": {tokenizes{s, nil}, false, true},
		"both":      {both{prepares{s}, tokenizes{s, nil}}, true, true},
	} {
		g := guard.New(tc.inner, nil)
		p, isPreparer := g.(billing.Preparer)
		k, isTokenizer := g.(billing.Tokenizer)
		if _, isPaused := g.(billing.Paused); !isPaused || isPreparer != tc.prepares || isTokenizer != tc.tokenizes {
			t.Errorf("%s: preparer %v, tokenizer %v, paused %v", name, isPreparer, isTokenizer, isPaused)
		}
		if g.Charge(t.Context(), billing.GatewayCharge{}).Ref != "r" || g.Name() != "scripted" {
			t.Errorf("%s: the charge does not get through", name)
		}
		if isPreparer {
			if ref, r := p.Prepare(t.Context(), billing.GatewayCharge{}); ref != "r" || r.Ref != "r" {
				t.Errorf("%s: prepared %s, %+v", name, ref, r)
			}
		}
		if isTokenizer {
			if token, card, err := k.Tokenize(t.Context(), billing.CardNumber{}); token != "tok" || card.Last4 != "4242" || err != nil {
				t.Errorf("%s: tokenized %v, %+v, %v", name, token, card, err)
			}
		}
	}
}

func TestPrepareIsGuarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := prepares{&scripted{answer: notSent}}
		g := guard.New(inner, nil).(billing.Preparer)
		for range 20 {
			g.Prepare(t.Context(), billing.GatewayCharge{})
		}
		ref, r := g.Prepare(t.Context(), billing.GatewayCharge{})
		if inner.made() != 20 || ref != "" || r.Outcome != billing.OutcomeNotAttempted || r.Code != "gateway_paused" {
			t.Errorf("%d calls, %s, %+v", inner.made(), ref, r)
		}
	})
}

func TestTokenizeIsGuarded(t *testing.T) {
	refused := billing.Errorf(billing.Invalid, "card_number", "no card")
	down := &billing.Error{Code: billing.Busy}
	for _, tc := range []struct {
		err  error
		want int
	}{{nil, 30}, {refused, 30}, {down, 20}} {
		synctest.Test(t, func(t *testing.T) {
			inner := tokenizes{&scripted{answer: success}, tc.err}
			g := guard.New(inner, nil).(billing.Tokenizer)
			var err error
			for range 30 {
				_, _, err = g.Tokenize(t.Context(), billing.CardNumber{})
			}
			if inner.made() != tc.want {
				t.Errorf("%v: %d calls, want %d", tc.err, inner.made(), tc.want)
			}
			if tc.want == 20 && !errors.Is(err, billing.Busy) {
				t.Errorf("kept back with %v", err)
			}
		})
	}
}

func TestPausedUntilTheLaterOfBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hour := time.Now().Add(time.Hour)
		g := guard.New(pauses{&scripted{answer: fault}, hour}, nil)
		if got := g.(billing.Paused).PausedUntil(); !got.Equal(hour) {
			t.Errorf("the inner pause is %v", got)
		}
		g = guard.New(pauses{&scripted{answer: fault}, time.Now().Add(time.Second)}, nil)
		for range 20 {
			g.Charge(t.Context(), billing.GatewayCharge{})
		}
		if d := time.Until(g.(billing.Paused).PausedUntil()); d < 4*time.Second {
			t.Errorf("paused for %s", d)
		}
	})
}
