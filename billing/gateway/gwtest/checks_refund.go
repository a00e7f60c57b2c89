package gwtest

import (
	"context"
	"errors"
	"fmt"

	"topupd/billing"
)

// refundOf asks for a part of a charge under a fresh key.
func refundOf(c billing.GatewayCharge, ref string, micros int64, key string) billing.GatewayRefund {
	return billing.GatewayRefund{
		Key: c.Key + "-" + key, ChargeKey: c.Key, ChargeRef: ref, ChargeID: c.ChargeID, RefundID: 1,
		Amount: billing.Money(micros, c.Amount.Unit),
	}
}

func (s *suite) refund(ctx context.Context, c billing.GatewayCharge, r billing.GatewayRefund) (billing.GatewayResult, error) {
	res := s.h.Gateway.Refund(ctx, r)
	return res, s.sound("refund", c, res)
}

// paid is a charge of 10 USD that was captured.
func (s *suite) paid(ctx context.Context) (billing.GatewayCharge, string, error) {
	c, err := s.request(s.h.Tokens.OK)
	if err != nil {
		return c, "", err
	}
	r, err := s.charge(ctx, &c)
	return c, r.Ref, errors.Join(err, expect("charge", r, billing.OutcomeSucceeded))
}

// checkRefund gives back 6 of 10 twice under one key, and 4 under another: the
// last only fits if the first was given back once.
func checkRefund(ctx context.Context, s *suite) error {
	c, ref, err := s.paid(ctx)
	if err != nil {
		return err
	}
	first, again, rest := refundOf(c, ref, 6*billing.Micro, "a"), refundOf(c, ref, 6*billing.Micro, "a"), refundOf(c, ref, 4*billing.Micro, "b")
	one, err := s.refund(ctx, c, first)
	if err := errors.Join(err, expect("first", one, billing.OutcomeSucceeded)); err != nil {
		return err
	}
	two, err := s.refund(ctx, c, again)
	if err := errors.Join(err, expect("again", two, billing.OutcomeSucceeded)); err != nil {
		return err
	}
	if one.Ref != two.Ref {
		return fmt.Errorf("the same key gave back as %s and %s", one.Ref, two.Ref)
	}
	three, err := s.refund(ctx, c, rest)
	if err := errors.Join(err, expect("the rest", three, billing.OutcomeSucceeded)); err != nil {
		return err
	}
	if three.Ref == one.Ref {
		return errors.New("two refunds share a reference")
	}
	return errors.Join(s.refunded(c), s.captured(c.Key, 1))
}

// refunded compares the far end's count with all of a charge.
func (s *suite) refunded(c billing.GatewayCharge) error {
	if s.h.Refunded == nil {
		return nil
	}
	if got := s.h.Refunded(c.Key); got != c.Amount {
		return fmt.Errorf("gave back %s of %s", got, c.Amount)
	}
	return nil
}

func checkRefundTooMuch(ctx context.Context, s *suite) error {
	c, ref, err := s.paid(ctx)
	if err != nil {
		return err
	}
	r, err := s.refund(ctx, c, refundOf(c, ref, 11*billing.Micro, "a"))
	if err := errors.Join(err, expect("more than all", r, billing.OutcomeDeclined)); err != nil {
		return err
	}
	r, err = s.refund(ctx, c, refundOf(c, ref, 10*billing.Micro, "b"))
	if err := errors.Join(err, expect("all", r, billing.OutcomeSucceeded)); err != nil {
		return err
	}
	r, err = s.refund(ctx, c, refundOf(c, ref, 1*billing.Micro, "c"))
	return errors.Join(err, expect("more than what is left", r, billing.OutcomeDeclined), s.refunded(c))
}

func checkRefundUnknown(ctx context.Context, s *suite) error {
	c, _, err := s.paid(ctx)
	if err != nil {
		return err
	}
	for _, ref := range []string{"nobody_1", ""} {
		r, err := s.refund(ctx, c, refundOf(c, ref, billing.Micro, "x"))
		if err != nil {
			return err
		}
		if r.Outcome != billing.OutcomeDeclined && (ref != "" || r.Outcome != billing.OutcomeNotAttempted) {
			return fmt.Errorf("a refund of payment %q: %s", ref, r.Outcome)
		}
	}
	return nil
}
