package stripe_test

import (
	"fmt"
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/stripe"
	"topupd/billing/gateway/stripe/stripefake"
)

// later makes a gateway's time later than the real one.
func later(d time.Duration) func(*stripe.Options) {
	return func(o *stripe.Options) { o.Now = func() time.Time { return time.Now().Add(d) } }
}

func TestLookupByReference(t *testing.T) {
	f, g := pair(t)
	c := prepared(t, g, charge("k1", "pm_fake_processing"))
	check := func(what string, want billing.Outcome, code string) {
		t.Helper()
		if r := g.Lookup(t.Context(), c); r.Outcome != want || r.Code != code || r.Ref != c.GatewayRef {
			t.Errorf("%s: %+v", what, r)
		}
	}
	check("prepared", billing.OutcomeNotAttempted, "not_confirmed")
	if r := g.Charge(t.Context(), c); r.Outcome != billing.OutcomeUnknown || r.Code != "processing" {
		t.Errorf("charge: %+v", r)
	}
	check("processing", billing.OutcomeUnknown, "processing")
	f.SettlePayment(c.GatewayRef, false)
	check("failed", billing.OutcomeDeclined, "generic_decline")

	c = prepared(t, g, charge("k2", "pm_fake_processing"))
	g.Charge(t.Context(), c)
	f.SettlePayment(c.GatewayRef, true)
	check("succeeded", billing.OutcomeSucceeded, "")

	c = prepared(t, g, charge("k3", "pm_card_visa"))
	f.CancelPayment(c.GatewayRef)
	check("canceled", billing.OutcomeDeclined, "canceled")

	c.GatewayRef = "pi_of_somebody_else"
	check("not known", billing.OutcomeUnknown, "resource_missing")

	c, _ = paid(t, g, "k4")
	other := c
	other.Key = "k5"
	if r := g.Lookup(t.Context(), other); r.Outcome != billing.OutcomeUnknown || r.Code != "payment_mismatch" {
		t.Errorf("the payment of another attempt: %+v", r)
	}
	other = c
	other.Amount = usd(2000)
	if r := g.Lookup(t.Context(), other); r.Outcome != billing.OutcomeUnknown || r.Code != "payment_mismatch" {
		t.Errorf("another amount: %+v", r)
	}
}

// Without a reference the key is asked for while Stripe keeps it.
func TestLookupByKey(t *testing.T) {
	f, g := pair(t)
	c, _ := paid(t, g, "k1")
	c.GatewayRef, c.SubmittedAt = "", time.Now().Add(-19*time.Hour)
	if r := g.Lookup(t.Context(), c); r.Outcome != billing.OutcomeSucceeded || f.Captured("k1") != 1 {
		t.Errorf("paid: %+v", r)
	}
	never := charge("k2", "pm_card_visa")
	never.SubmittedAt = time.Now().Add(-time.Hour)
	if r := g.Lookup(t.Context(), never); r.Outcome != billing.OutcomeNotAttempted || r.Ref == "" || f.Captured("k2") != 0 {
		t.Errorf("never sent: %+v", r)
	}
	gone := charge("k3", "pm_nobody")
	gone.SubmittedAt = time.Now()
	if r := g.Lookup(t.Context(), gone); r.Outcome != billing.OutcomeDeclined || r.Class != billing.DeclineHard {
		t.Errorf("no such card: %+v", r)
	}
	if n := f.Count(stripefake.OpList); n != 0 {
		t.Errorf("%d lists", n)
	}
	// What keeps the question from being answered leaves it open.
	f.Plan(func(c stripefake.Call) stripefake.Fault { return stripefake.Fault{Kind: stripefake.RateLimited} })
	if r := g.Lookup(t.Context(), never); r.Outcome != billing.OutcomeUnknown || r.Trouble != billing.TroubleLimited {
		t.Errorf("limited: %+v", r)
	}
}

// A key that Stripe forgot would make a second payment: then the list is read.
func TestLookupInTheList(t *testing.T) {
	f, _ := pair(t)
	g := newGateway(t, f.URL, later(21*time.Hour))
	c, first := paid(t, g, "k1")
	declined := prepared(t, g, charge("k2", "pm_card_chargeDeclined"))
	g.Charge(t.Context(), declined)
	prepared(t, g, charge("k3", "pm_card_visa"))
	for n := range 120 { // two pages
		prepared(t, g, charge(fmt.Sprintf("more-%d", n), "pm_card_visa"))
	}
	f.ForgetKeys()
	payments := len(f.Payments("k1"))
	for _, tc := range []struct {
		name, key, customer string
		sent                time.Time
		want                billing.Outcome
		code                string
	}{
		{"paid", "k1", "cus_1", time.Now(), billing.OutcomeSucceeded, ""},
		{"declined", "k2", "cus_1", time.Now(), billing.OutcomeDeclined, "generic_decline"},
		{"unconfirmed", "k3", "cus_1", time.Now(), billing.OutcomeNotAttempted, "not_confirmed"},
		{"never_sent", "k4", "cus_1", time.Now(), billing.OutcomeNotAttempted, "not_found"},
		{"of_an_unknown_age", "k4", "cus_1", time.Time{}, billing.OutcomeUnknown, "not_found"},
		{"of_no_customer", "k4", "", time.Now(), billing.OutcomeUnknown, "not_found"},
		{"paid_of_an_unknown_age", "k1", "cus_1", time.Time{}, billing.OutcomeSucceeded, ""},
		{"paid_of_no_customer", "k1", "", time.Now(), billing.OutcomeSucceeded, ""},
		{"paid_by_another_customer", "k1", "cus_2", time.Now(), billing.OutcomeNotAttempted, "not_found"},
	} {
		c := charge(tc.key, "pm_card_visa")
		c.GatewayCustomer, c.SubmittedAt = tc.customer, tc.sent
		if r := g.Lookup(t.Context(), c); r.Outcome != tc.want || r.Code != tc.code {
			t.Errorf("%s: %+v", tc.name, r)
		}
	}
	if len(f.Payments("k1")) != payments || len(f.Payments("k4")) != 0 || f.Captured("k1") != 1 {
		t.Errorf("a lookup made payments: %v", f.Payments("k4"))
	}
	// Two payments of one key: the paid one counts.
	again := c
	again.GatewayRef = ""
	prepared(t, g, again)
	again.SubmittedAt = time.Now()
	if r := g.Lookup(t.Context(), again); r.Outcome != billing.OutcomeSucceeded || r.Ref != first.Ref {
		t.Errorf("of two: %+v", r)
	}
}

// The order of two payments of one key does not matter.
func TestLookupFindsTheNewerPayment(t *testing.T) {
	f, _ := pair(t)
	g := newGateway(t, f.URL, later(21*time.Hour))
	prepared(t, g, charge("k1", "pm_card_visa"))
	f.ForgetKeys()
	c, first := paid(t, g, "k1")
	c.GatewayRef, c.SubmittedAt = "", time.Now()
	if r := g.Lookup(t.Context(), c); r.Outcome != billing.OutcomeSucceeded || r.Ref != first.Ref || len(f.Payments("k1")) != 2 {
		t.Errorf("%+v", r)
	}
}

// More payments than a lookup goes through are left to a person.
func TestLookupGivesUp(t *testing.T) {
	g := newGateway(t, answers(t, 200, `{"has_more":true,"data":[{"id":"pi_1","metadata":{"topupd_key":"other"}}]}`), later(21*time.Hour))
	c := charge("k1", "pm_card_visa")
	c.SubmittedAt = time.Now()
	if r := g.Lookup(t.Context(), c); r.Outcome != billing.OutcomeUnknown || r.Code != "too_many_payments" {
		t.Errorf("%+v", r)
	}
}
