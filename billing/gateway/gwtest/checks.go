package gwtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"topupd/billing"
)

var checks = []check{
	{"name_can_be_an_account", checkName},
	{"success_is_captured_once", checkSuccess},
	{"same_key_again_captures_nothing", checkSameKey},
	{"two_keys_are_two_charges", checkTwoKeys},
	{"parallel_calls_of_one_key_capture_once", checkParallel},
	{"key_with_another_amount_is_an_error", checkOtherAmount},
	{"key_with_another_card_is_an_error", checkOtherToken},
	{"soft_decline", declines(billing.DeclineSoft, func(t Tokens) billing.Secret { return t.Soft })},
	{"hard_decline", declines(billing.DeclineHard, func(t Tokens) billing.Secret { return t.Hard })},
	{"authentication_required", declines(billing.DeclineAuthentication, func(t Tokens) billing.Secret { return t.Authentication })},
	{"invalid_token", declines(billing.DeclineHard, func(t Tokens) billing.Secret { return t.Invalid })},
	{"gateway_fault_is_no_decline", checkFault},
	{"no_answer_is_unknown_then_found", checkTimeout},
	{"no_answer_is_unknown_then_not_found", checkTimeoutLost},
	{"cancelled_while_waiting_is_unknown", checkCancelled},
	{"cancelled_before_sending_is_no_decline", checkCancelledBefore},
	{"cancelled_lookup_is_unknown", checkCancelledLookup},
	{"lookup_of_a_key_never_sent", checkNeverSent},
	{"preparing_captures_nothing", checkPrepare},
	{"refund_gives_back_once", checkRefund},
	{"refund_of_more_than_captured_is_refused", checkRefundTooMuch},
	{"refund_of_an_unknown_payment_is_refused", checkRefundUnknown},
	{"amounts_that_cannot_be_charged_are_refused", checkChargeable},
	{"card_number_becomes_a_token", checkTokenize},
}

func checkName(_ context.Context, s *suite) error {
	// The name becomes part of a system account's name, cash:NAME.
	if n := s.h.Gateway.Name(); n == "" || strings.Trim(n, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return fmt.Errorf("name %q", n)
	}
	return nil
}

func checkSuccess(ctx context.Context, s *suite) error {
	c, err := s.request(s.h.Tokens.OK)
	if err != nil {
		return err
	}
	r, err := s.charge(ctx, &c)
	if err := errors.Join(err, expect("charge", r, billing.OutcomeSucceeded), s.captured(c.Key, 1)); err != nil {
		return err
	}
	return s.found(ctx, c, r.Ref)
}

// found looks a captured charge up: with the reference that was prepared, without
// any, and with the one that the charge was answered with.
func (s *suite) found(ctx context.Context, c billing.GatewayCharge, ref string) error {
	for _, known := range []string{c.GatewayRef, "", ref} {
		c.GatewayRef = known
		r, err := s.lookup(ctx, c)
		if err := errors.Join(err, expect("lookup", r, billing.OutcomeSucceeded), s.captured(c.Key, 1)); err != nil {
			return err
		}
		if ref != "" && r.Ref != ref {
			return fmt.Errorf("lookup: reference %s, the charge's was %s", r.Ref, ref)
		}
	}
	return nil
}

func checkSameKey(ctx context.Context, s *suite) error {
	c, err := s.request(s.h.Tokens.OK)
	if err != nil {
		return err
	}
	first, err := s.charge(ctx, &c)
	if err := errors.Join(err, expect("first", first, billing.OutcomeSucceeded)); err != nil {
		return err
	}
	again, err := s.charge(ctx, &c)
	if err := errors.Join(err, expect("again", again, billing.OutcomeSucceeded), s.captured(c.Key, 1)); err != nil {
		return err
	}
	if again.Ref != first.Ref {
		return fmt.Errorf("again: reference %s, the first was %s", again.Ref, first.Ref)
	}
	return nil
}

func checkTwoKeys(ctx context.Context, s *suite) error {
	var refs []string
	for range 2 {
		c, err := s.request(s.h.Tokens.OK)
		if err != nil {
			return err
		}
		r, err := s.charge(ctx, &c)
		if err := errors.Join(err, expect("charge", r, billing.OutcomeSucceeded), s.captured(c.Key, 1)); err != nil {
			return err
		}
		refs = append(refs, r.Ref)
	}
	if refs[0] == refs[1] {
		return errors.New("two charges share a reference")
	}
	return nil
}

// checkParallel allows a gateway to turn away all but one caller of a key, as
// some do while the first is in flight, but not to decline or to charge again.
func checkParallel(ctx context.Context, s *suite) error {
	c, err := s.request(s.h.Tokens.OK)
	if err != nil {
		return err
	}
	results, errs := make([]billing.GatewayResult, 20), make([]error, 20)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			own := c
			results[i], errs[i] = s.charge(ctx, &own)
		})
	}
	wg.Wait()
	succeeded := 0
	for _, r := range results {
		switch r.Outcome {
		case billing.OutcomeSucceeded:
			succeeded++
		case billing.OutcomeDeclined:
			return fmt.Errorf("a parallel call was declined: %s", r.Code)
		}
	}
	if succeeded == 0 {
		return errors.New("no parallel call succeeded")
	}
	return errors.Join(errors.Join(errs...), s.captured(c.Key, 1), s.found(ctx, c, ""))
}

func checkOtherAmount(ctx context.Context, s *suite) error {
	c, err := s.request(s.h.Tokens.OK)
	if err != nil {
		return err
	}
	other := c
	other.Amount.Micros *= 2
	return s.clash(ctx, c, other)
}

func checkOtherToken(ctx context.Context, s *suite) error {
	c, err := s.request(s.h.Tokens.OK)
	if err != nil {
		return err
	}
	other := c
	if other.Token = s.h.Tokens.Soft; other.Token == "" {
		return errNoToken
	}
	return s.clash(ctx, c, other)
}

// clash sends a key twice with different input. The second is an error of ours:
// "succeeded" would book what was not paid, "declined" would allow a new key.
func (s *suite) clash(ctx context.Context, c, other billing.GatewayCharge) error {
	first, err := s.charge(ctx, &c)
	if err := errors.Join(err, expect("first", first, billing.OutcomeSucceeded)); err != nil {
		return err
	}
	r, err := s.charge(ctx, &other)
	if r.Outcome == billing.OutcomeSucceeded || r.Outcome == billing.OutcomeDeclined {
		return fmt.Errorf("the changed request %s", r.Outcome)
	}
	return errors.Join(err, s.captured(c.Key, 1))
}

func declines(class billing.DeclineClass, token func(Tokens) billing.Secret) func(context.Context, *suite) error {
	return func(ctx context.Context, s *suite) error {
		c, err := s.request(token(s.h.Tokens))
		if err != nil {
			return err
		}
		for _, what := range []string{"first", "again", "lookup"} {
			call := s.charge
			if what == "lookup" {
				call = func(ctx context.Context, c *billing.GatewayCharge) (billing.GatewayResult, error) {
					return s.lookup(ctx, *c)
				}
			}
			r, err := call(ctx, &c)
			if err := errors.Join(err, expect(what, r, billing.OutcomeDeclined), s.captured(c.Key, 0)); err != nil {
				return err
			}
			if r.Class != class {
				return fmt.Errorf("%s: class %s, want %s", what, r.Class, class)
			}
		}
		return nil
	}
}

func checkFault(ctx context.Context, s *suite) error {
	c, err := s.request(s.h.Tokens.Error)
	if err != nil {
		return err
	}
	r, err := s.charge(ctx, &c)
	return errors.Join(err, expect("charge", r, billing.OutcomeNotAttempted), s.captured(c.Key, 0))
}

// unanswered charges a card whose answer does not come in time. What is prepared
// has a time-out of its own.
func (s *suite) unanswered(ctx context.Context, c *billing.GatewayCharge) error {
	if r, err := s.prepare(ctx, c); r != nil {
		return errors.Join(err, expect("prepare", *r, billing.OutcomeUnknown))
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout())
	defer cancel()
	start := time.Now()
	r, err := s.charge(ctx, c)
	if d := time.Since(start); d > s.timeout()+patience {
		return fmt.Errorf("the call took %s with a time-out of %s", d, s.timeout())
	}
	return errors.Join(err, expect("charge", r, billing.OutcomeUnknown))
}

func checkTimeout(ctx context.Context, s *suite) error {
	c, err := s.request(s.h.Tokens.Timeout)
	if err != nil {
		return err
	}
	if err := errors.Join(s.unanswered(ctx, &c), s.captured(c.Key, 1)); err != nil {
		return err
	}
	return s.found(ctx, c, "")
}

func checkTimeoutLost(ctx context.Context, s *suite) error {
	c, err := s.request(s.h.Tokens.TimeoutLost)
	if err != nil {
		return err
	}
	if err := errors.Join(s.unanswered(ctx, &c), s.captured(c.Key, 0)); err != nil {
		return err
	}
	r, err := s.lookup(ctx, c)
	return errors.Join(err, expect("lookup", r, billing.OutcomeNotAttempted), s.captured(c.Key, 0))
}

func checkCancelled(ctx context.Context, s *suite) error {
	c, err := s.request(s.h.Tokens.Slow)
	if err != nil {
		return err
	}
	if r, err := s.prepare(ctx, &c); r != nil {
		return errors.Join(err, expect("prepare", *r, billing.OutcomeUnknown))
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := time.AfterFunc(s.timeout(), cancel)
	defer cancel()
	defer stop.Stop()
	start := time.Now()
	r, err := s.charge(ctx, &c)
	if d := time.Since(start); d > s.timeout()+patience {
		return fmt.Errorf("the call took %s after it was cancelled at %s", d, s.timeout())
	}
	return errors.Join(err, expect("charge", r, billing.OutcomeUnknown))
}

func checkCancelledBefore(ctx context.Context, s *suite) error {
	c, err := s.request(s.h.Tokens.OK)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	r, err := s.charge(ctx, &c)
	switch r.Outcome {
	case billing.OutcomeDeclined, billing.OutcomeSucceeded:
		return fmt.Errorf("a call that was over before it began %s", r.Outcome)
	case billing.OutcomeNotAttempted:
		return errors.Join(err, s.captured(c.Key, 0))
	}
	return err
}

func checkCancelledLookup(ctx context.Context, s *suite) error {
	c, err := s.request(s.h.Tokens.Soft)
	if err != nil {
		return err
	}
	if _, err := s.charge(ctx, &c); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	r, err := s.lookup(ctx, c)
	return errors.Join(err, expect("lookup", r, billing.OutcomeUnknown))
}

// checkNeverSent: a false decline would start a new attempt beside one that
// another process may be sending.
func checkNeverSent(ctx context.Context, s *suite) error {
	c, err := s.request(s.h.Tokens.OK)
	if err != nil {
		return err
	}
	r, err := s.lookup(ctx, c)
	if s.h.KnowsUnsent {
		return errors.Join(err, expect("lookup", r, billing.OutcomeNotAttempted), s.captured(c.Key, 0))
	}
	if r.Outcome == billing.OutcomeDeclined {
		return errors.New("a key that was never sent was declined")
	}
	return err
}
