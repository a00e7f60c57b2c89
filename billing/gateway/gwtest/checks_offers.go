package gwtest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"topupd/billing"
)

// checkPrepare: whatever is prepared, and however often, takes no money, and a
// lookup says so.
func checkPrepare(ctx context.Context, s *suite) error {
	p, ok := s.h.Gateway.(billing.Preparer)
	if !ok {
		return errNotOffered
	}
	c, err := s.request(s.h.Tokens.OK)
	if err != nil {
		return err
	}
	ref, r := p.Prepare(ctx, c)
	if ref == "" {
		return fmt.Errorf("nothing was prepared: %s (%s %s)", r.Outcome, r.Code, r.Message)
	}
	again, _ := p.Prepare(ctx, c)
	if again != ref {
		return fmt.Errorf("the same key prepared %s and %s", ref, again)
	}
	c.GatewayRef = ref
	r, err = s.lookup(ctx, c)
	return errors.Join(err, expect("lookup", r, billing.OutcomeNotAttempted), s.captured(c.Key, 0))
}

func checkChargeable(_ context.Context, s *suite) error {
	if err := s.h.Gateway.Chargeable(billing.Money(10*billing.Micro, "USD")); err != nil {
		return fmt.Errorf("10 USD: %w", err)
	}
	for name, a := range map[string]billing.Amount{
		"nothing":             billing.Money(0, "USD"),
		"a negative amount":   billing.Money(-10*billing.Micro, "USD"),
		"a tenth of a cent":   billing.Money(10*billing.Micro+1000, "USD"),
		"a millionth":         billing.Money(10*billing.Micro+1, "USD"),
		"half a yen":          billing.Money(1000*billing.Micro+half, "JPY"),
		"an unknown currency": billing.Money(10*billing.Micro, "XQX"),
		"no currency":         billing.Money(10*billing.Micro, ""),
		"an allowance":        billing.Money(10*billing.Micro, "SMS"),
	} {
		if err := s.h.Gateway.Chargeable(a); !errors.Is(err, billing.Invalid) {
			return fmt.Errorf("%s: %v", name, err)
		}
	}
	return nil
}

// half a unit, in millionths.
const half = billing.Micro / 2

// checkTokenize: the token can be charged, the card's facts fit, and a number that
// is none is refused without being repeated.
func checkTokenize(ctx context.Context, s *suite) error {
	t, ok := s.h.Gateway.(billing.Tokenizer)
	if !ok || s.h.Number.Number == "" {
		return errNotOffered
	}
	number := s.h.Number.Number.Reveal()
	token, card, err := t.Tokenize(ctx, s.h.Number)
	switch {
	case err != nil:
		return err
	case token == "" || strings.Contains(token.Reveal(), number):
		return errors.New("the number did not become a token")
	case len(card.Last4) != 4 || !strings.HasSuffix(number, card.Last4):
		return fmt.Errorf("the card ends in %s", card.Last4)
	}
	c, err := s.request(token)
	if err != nil {
		return err
	}
	if card.Customer != "" {
		c.GatewayCustomer = card.Customer
	}
	r, err := s.charge(ctx, &c)
	if err := errors.Join(err, expect("charge", r, billing.OutcomeSucceeded), s.captured(c.Key, 1)); err != nil {
		return err
	}
	bad := s.h.Number
	bad.Number = "4242424242424241"
	_, _, err = t.Tokenize(ctx, bad)
	if !errors.Is(err, billing.Invalid) || strings.Contains(err.Error(), bad.Number.Reveal()) {
		return fmt.Errorf("a number that is none: code %s", billing.ErrorCode(err))
	}
	return nil
}
