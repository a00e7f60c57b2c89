package stripe_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"topupd/billing"
	"topupd/billing/gateway/stripe/stripefake"
)

func refundOf(c billing.GatewayCharge, key string, cents int64) billing.GatewayRefund {
	return billing.GatewayRefund{
		Key: key, ChargeKey: c.Key, ChargeRef: c.GatewayRef, Amount: usd(cents), RefundID: 3, ChargeID: 7,
	}
}

func TestRefund(t *testing.T) {
	f, g := pair(t)
	c, _ := paid(t, g, "k1")
	r := g.Refund(t.Context(), refundOf(c, "r1", 400))
	if r.Outcome != billing.OutcomeSucceeded || r.Ref == "" {
		t.Fatalf("%+v", r)
	}
	// Asked for again a day later, by key and by reference: still once.
	f.ForgetKeys()
	again := refundOf(c, "r1", 400)
	if l := g.Refund(t.Context(), again); l.Outcome != billing.OutcomeSucceeded || l.Ref != r.Ref {
		t.Errorf("by key: %+v", l)
	}
	again.GatewayRef = r.Ref
	if l := g.Refund(t.Context(), again); l.Outcome != billing.OutcomeSucceeded || l.Ref != r.Ref {
		t.Errorf("by reference: %+v", l)
	}
	if f.Refunds("r1") != 1 || f.Captures()[0].Refunded != 400 {
		t.Errorf("captures: %+v", f.Captures())
	}
	other := refundOf(c, "r1", 500)
	if l := g.Refund(t.Context(), other); l.Outcome != billing.OutcomeUnknown || l.Code != "refund_mismatch" {
		t.Errorf("another amount: %+v", l)
	}
	e := f.Events("refund.created")[0]
	if got := string(e.Object); !contains(got, `"topupd_attempt":"k1"`, `"topupd_charge":"7"`, `"topupd_key":"r1"`, `"topupd_refund":"3"`) {
		t.Errorf("metadata: %s", got)
	}
}

func TestRefusedRefunds(t *testing.T) {
	f, g := pair(t)
	c, _ := paid(t, g, "k1")
	check := func(what string, r billing.GatewayRefund, want billing.Outcome, code string) {
		t.Helper()
		res := g.Refund(t.Context(), r)
		if res.Outcome != want || res.Code != code || want == billing.OutcomeDeclined && res.Class != billing.DeclineHard {
			t.Errorf("%s: %+v", what, res)
		}
		noSecrets(t, what, fmt.Sprintf("%+v", res))
	}
	check("too much", refundOf(c, "r1", 1001), billing.OutcomeDeclined, "invalid_request_error")
	check("all", refundOf(c, "r2", 1000), billing.OutcomeSucceeded, "")
	check("more", refundOf(c, "r3", 1), billing.OutcomeDeclined, "charge_already_refunded")
	unknown := refundOf(c, "r4", 1)
	unknown.ChargeRef = "pi_nobody"
	check("unknown payment", unknown, billing.OutcomeDeclined, "resource_missing")
	unknown.ChargeRef = ""
	check("no payment", unknown, billing.OutcomeNotAttempted, "invalid_request")
	check("no key", refundOf(c, "", 1), billing.OutcomeNotAttempted, "invalid_request")
	check("nothing", refundOf(c, "r5", 0), billing.OutcomeNotAttempted, "invalid_request")
	lost := refundOf(c, "r6", 100)
	lost.GatewayRef = "re_nobody"
	check("unknown refund", lost, billing.OutcomeUnknown, "resource_missing")

	c, _ = paid(t, g, "k2")
	f.Dispute(c.GatewayRef, "fraudulent")
	check("disputed", refundOf(c, "r7", 100), billing.OutcomeDeclined, "charge_disputed")
	c = prepared(t, g, charge("k3", "pm_card_visa"))
	check("unpaid", refundOf(c, "r8", 100), billing.OutcomeDeclined, "invalid_request_error")
}

func TestRefundsThatTakeTime(t *testing.T) {
	f, g := pair(t)
	for key, ok := range map[string]bool{"k1": true, "k2": false} {
		c := prepared(t, g, charge(key, "pm_card_pendingRefund"))
		g.Charge(t.Context(), c)
		r := refundOf(c, "r-"+key, 400)
		res := g.Refund(t.Context(), r)
		if res.Outcome != billing.OutcomeUnknown || res.Code != "pending" || res.Ref == "" || res.Trouble != billing.TroubleNone {
			t.Errorf("pending: %+v", res)
		}
		f.SettleRefund(res.Ref, ok)
		r.GatewayRef = res.Ref
		res = g.Refund(t.Context(), r)
		if ok && res.Outcome != billing.OutcomeSucceeded || !ok && (res.Outcome != billing.OutcomeDeclined || res.Code != "expired_or_canceled_card") {
			t.Errorf("settled %v: %+v", ok, res)
		}
	}
}

func TestRefundFaults(t *testing.T) {
	const suc, unk, not = billing.OutcomeSucceeded, billing.OutcomeUnknown, billing.OutcomeNotAttempted
	for name, tc := range map[string]struct {
		op    stripefake.Op
		fault stripefake.Kind
		first billing.Outcome
		again billing.Outcome
		given int
	}{
		"list_fails":     {stripefake.OpRefundList, stripefake.Unavailable, unk, suc, 1},
		"list_limited":   {stripefake.OpRefundList, stripefake.RateLimited, unk, suc, 1},
		"limited":        {stripefake.OpRefund, stripefake.RateLimited, not, suc, 1},
		"fails_before":   {stripefake.OpRefund, stripefake.ErrorBefore, unk, unk, 0}, // Stripe repeats its 500 for a day
		"fails_after":    {stripefake.OpRefund, stripefake.ErrorAfter, unk, suc, 1},
		"unavailable":    {stripefake.OpRefund, stripefake.Unavailable, unk, suc, 1},
		"cut_after":      {stripefake.OpRefund, stripefake.CutAfter, unk, suc, 1},
		"a_proxy's_page": {stripefake.OpRefund, stripefake.NotStripe, unk, suc, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f, g := pair(t)
			c, _ := paid(t, g, "k1")
			var spent atomic.Bool
			f.Plan(func(c stripefake.Call) stripefake.Fault {
				if c.Op != tc.op || spent.Swap(true) {
					return stripefake.Fault{}
				}
				return stripefake.Fault{Kind: tc.fault}
			})
			r := g.Refund(t.Context(), refundOf(c, "r1", 400))
			if r.Outcome != tc.first && (tc.fault != stripefake.CutAfter || r.Outcome != suc) {
				t.Errorf("first: %+v", r)
			}
			if r := g.Refund(t.Context(), refundOf(c, "r1", 400)); r.Outcome != tc.again || f.Refunds("r1") != tc.given {
				t.Errorf("again: %+v, given back %d times", r, f.Refunds("r1"))
			}
			f.ForgetKeys()
			if r := g.Refund(t.Context(), refundOf(c, "r1", 400)); r.Outcome != suc || f.Refunds("r1") != 1 {
				t.Errorf("a day later: %+v, given back %d times", r, f.Refunds("r1"))
			}
		})
	}
}
