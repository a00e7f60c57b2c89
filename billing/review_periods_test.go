package billing_test

import (
	"testing"
	"time"

	"topupd/billing"
)

// three nights waited for a charge that nobody knew about; then the card is taken three times in a row.
func TestReviewWaitingPeriodsChargeOneAfterTheOther(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Gateways[0] = silentGateway{c.Gateways[0]} })
	k.seed("tok_ok")
	k.plan()
	k.set(t0, billing.SetLowBalanceParams{BRChargeCard: billing.To(true)})
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.age(73 * time.Hour)
	k.askAgain(t0)
	k.wantStates(billing.ChargeUnresolved)
	k.bill(due.Add(time.Minute))
	k.bill(due.AddDate(0, 1, 0).Add(time.Minute))
	k.bill(due.AddDate(0, 2, 0).Add(time.Minute))
	for _, d := range []string{"2026-12-01", "2027-01-01", "2027-02-01"} {
		t.Logf("%s %s", d, k.period(d).State)
	}
	k.config.Gateways[0] = k.gateway
	k.restart()
	at := due.AddDate(0, 2, 1)
	_, err := k.engine.ResolveCharge(root(at), billing.ResolveParams{Charge: 1, Reference: "r", Reason: "not there"})
	k.ok(err)
	k.drain(at)
	n := 0
	for _, r := range k.charges() {
		t.Logf("charge %d %s %s %s %s", r.Charge.ID, r.Charge.Purpose, r.Charge.Period, billing.FormatMicros(r.Charge.Gross), r.Charge.State)
		if r.Charge.Purpose == billing.PurposeBillingRun {
			n++
		}
	}
	if n > 1 {
		t.Errorf("%d billing charges of one card within a moment", n)
	}
}

// an unknown charge whose token does not open: nobody is told, ever.
type lostKey struct{ plainSealer }

func (lostKey) Open([]byte, string) (billing.Secret, error) {
	return "", billing.Errorf(billing.Internal, "", "sealed with another key")
}

func TestReviewUnknownWithoutKeyIsNeverTold(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Gateways[0] = silentTwoStep{c.Gateways[0]} })
	k.importRoot()
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantStates(billing.ChargeUnknown)
	k.config.Sealer, k.config.Observer = lostKey{}, nil
	k.restart()
	k.age(100 * time.Hour)
	k.later(t0)
	k.later(t0)
	if m := k.mailbox.take(); len(m) == 0 {
		t.Errorf("four days: %s, no alarm", k.charges()[0].Charge.State)
	}
}
