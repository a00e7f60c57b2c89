package gwtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"topupd/billing"
)

// Harness is a gateway under test and what the suite needs around it.
type Harness struct {
	Gateway billing.Gateway
	Tokens  Tokens
	// Captures counts at the far end how often a key took money.
	Captures func(key string) int
	// Refunded is how much of what a charge's key took was given back, at the far
	// end; nil if that cannot be counted.
	Refunded func(key string) billing.Amount
	// Number is a card that Tokenize makes a token of, one that can be charged;
	// empty skips that.
	Number billing.CardNumber
	// Prepare fills in what this gateway needs beside key, token and amount;
	// nil if nothing.
	Prepare func(*billing.GatewayCharge)
	// Timeout is how long a call without an answer is given; 50 ms if zero.
	Timeout time.Duration
	// KnowsUnsent says that a lookup can tell a key that was never sent. A
	// gateway without it may answer anything but a decline.
	KnowsUnsent bool
	// Secrets are texts that no result may show, beside the tokens.
	Secrets []string
}

// Tokens are cards by what happens when they are charged. One that a gateway
// cannot provide is empty and its checks are skipped.
type Tokens struct {
	OK             billing.Secret // captured
	Soft           billing.Secret // declined, may be retried
	Hard           billing.Secret // declined, never retried
	Authentication billing.Secret // declined until the customer acts
	Invalid        billing.Secret // no such card: declined hard
	Timeout        billing.Secret // captured, the answer never comes
	TimeoutLost    billing.Secret // not captured, the answer never comes
	Error          billing.Secret // the gateway fails, nothing captured
	Slow           billing.Secret // captured, answered well after Timeout
}

// Run holds a gateway to the suite; each check gets a harness of its own.
func Run(t *testing.T, newHarness func(t *testing.T) Harness) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			err := c.run(t.Context(), &suite{h: newHarness(t)})
			switch {
			case errors.Is(err, errNoToken), errors.Is(err, errNotOffered):
				t.Skip(err)
			case err != nil:
				t.Error(err)
			}
		})
	}
}

// check is one promise of the port. It returns what is broken, so that the
// suite itself can be tested.
type check struct {
	name string
	run  func(context.Context, *suite) error
}

var (
	errNoToken    = errors.New("the harness has no token for it")
	errNotOffered = errors.New("the gateway does not offer it")
)

// suite makes calls and looks at every result on its way.
type suite struct{ h Harness }

// patience is how much longer than its deadline a call may take.
const patience = 5 * time.Second

func (s *suite) timeout() time.Duration {
	if s.h.Timeout > 0 {
		return s.h.Timeout
	}
	return 50 * time.Millisecond
}

// request is a charge of 10 USD under a fresh key.
func (s *suite) request(token billing.Secret) (billing.GatewayCharge, error) {
	if token == "" {
		return billing.GatewayCharge{}, errNoToken
	}
	c := billing.GatewayCharge{
		Key: "gwtest-" + rand.Text(), Token: token, Amount: billing.Money(10*billing.Micro, "USD"),
		MandateID: 1, ChargeID: 1, Owner: billing.Account(100), Description: "conformance", SubmittedAt: time.Now(),
	}
	if s.h.Prepare != nil {
		s.h.Prepare(&c)
	}
	return c, nil
}

// charge does what the engine does: it prepares the payment where the gateway does
// that, keeps its id in the request as the engine commits it, and charges.
func (s *suite) charge(ctx context.Context, c *billing.GatewayCharge) (billing.GatewayResult, error) {
	if r, err := s.prepare(ctx, c); r != nil {
		return *r, err
	}
	r := s.h.Gateway.Charge(ctx, *c)
	return r, s.sound("charge", *c, r)
}

// prepare is the first half of charge; a result is why there is no second half.
func (s *suite) prepare(ctx context.Context, c *billing.GatewayCharge) (*billing.GatewayResult, error) {
	p, ok := s.h.Gateway.(billing.Preparer)
	if !ok || c.GatewayRef != "" {
		return nil, nil
	}
	ref, r := p.Prepare(ctx, *c)
	if ref == "" {
		return &r, errors.Join(unprepared(r), s.sound("prepare", *c, r))
	}
	c.GatewayRef = ref
	return nil, nil
}

// unprepared checks the result of a preparation that made nothing.
func unprepared(r billing.GatewayResult) error {
	if r.Outcome != billing.OutcomeNotAttempted && r.Outcome != billing.OutcomeDeclined {
		return fmt.Errorf("prepare: outcome %s without a payment", r.Outcome)
	}
	return nil
}

func (s *suite) lookup(ctx context.Context, c billing.GatewayCharge) (billing.GatewayResult, error) {
	r := s.h.Gateway.Lookup(ctx, c)
	return r, s.sound("lookup", c, r)
}

// sound checks what holds for every result, whatever it was asked for.
func (s *suite) sound(call string, c billing.GatewayCharge, r billing.GatewayResult) error {
	declined := r.Outcome == billing.OutcomeDeclined
	switch {
	case r.Outcome > billing.OutcomeNotAttempted:
		return fmt.Errorf("%s: outcome %d is none of the four", call, r.Outcome)
	case declined != (r.Class != billing.DeclineNone):
		return fmt.Errorf("%s: outcome %s has decline class %q", call, r.Outcome, r.Class)
	case declined && r.Code == "":
		return fmt.Errorf("%s: a decline without the gateway's code", call)
	case r.Outcome == billing.OutcomeSucceeded && r.Ref == "":
		return fmt.Errorf("%s: a success without the gateway's reference", call)
	}
	shown := fmt.Sprintf("%+v %#v", r, r)
	for _, secret := range append([]string{c.Token.Reveal()}, s.h.Secrets...) {
		if secret != "" && strings.Contains(shown, secret) {
			return fmt.Errorf("%s: the result of outcome %s shows a secret", call, r.Outcome)
		}
	}
	return nil
}

// captured compares the far end's count.
func (s *suite) captured(key string, want int) error {
	if got := s.h.Captures(key); got != want {
		return fmt.Errorf("captured %d times, want %d", got, want)
	}
	return nil
}

func expect(what string, r billing.GatewayResult, want billing.Outcome) error {
	if r.Outcome != want {
		return fmt.Errorf("%s: outcome %s (%s %s), want %s", what, r.Outcome, r.Code, r.Message, want)
	}
	return nil
}
