package billing_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"topupd/billing"
)

// What went wrong in other systems, and the test that holds it here:
//
//	a declined card charged at each debit           TestDebitsAfterADeclineDoNotChargeAgain
//	a declined card charged for ever                TestSoftDeclineFollowsThePlanThenSuspends
//	a pause that nobody was told of                 TestSoftDeclineFollowsThePlanThenSuspends (mails)
//	authentication required, tried for days         TestAuthenticationRequiredWaitsForTheCustomer
//	a gateway's faults counted as declines          TestGatewayFaultIsNoDecline, TestPace
//	a missing card mailed again and again           TestMissingCardMailsOnce
//	one charge per increment, all at once           TestCapsSpaceCharges
//	a runaway that nobody noticed                   TestThreeChargesInAnHourAreAnAlarm, TestGlobalBreakerStops...
//	paid by hand and charged as well                TestRetryIsCancelledWhenMoneyCameMeanwhile, TestTwoStepGatewayLooksAgain
//	N confirmations, N credits                      TestWebhookSettlesAnUnknownCharge
//	a key that held a token, and changed with it    TestKeyComesFromTheNeedOnly
//	stolen cards tried every night                  TestStolenCardIsNotTriedByTheNextNight
//	an unknown outcome charged again                TestUnknownOutcomeIsLookedUpNeverReplaced, the simulator
//	enabling a policy below its line, unclear       TestSavingAPolicyBelowItsThresholdCharges

func TestDebitsAfterADeclineDoNotChargeAgain(t *testing.T) {
	k := newKit(t)
	k.seed("tok_declined")
	k.debit(t0, 16*usd)
	k.drain(t0)
	for i := range 20 {
		at := t0.Add(time.Duration(i) * 24 * time.Second) // eight minutes
		k.debit(at, usd/10)
		k.sweep(at)
	}
	rows := k.wantStates(billing.ChargeCreated)
	if len(rows[0].Attempts) != 1 {
		t.Errorf("%d attempts", len(rows[0].Attempts))
	}
	if mails := k.mailbox.take(); len(mails) != 1 {
		t.Errorf("mails %q", mails)
	}
}

func TestMissingCardMailsOnce(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.importCard(func(l *billing.CardLine) { l.Primary = billing.To(false) })
	k.debit(t0, 16*usd)
	for i := range 90 {
		k.sweep(t0.Add(time.Duration(i) * 15 * time.Minute))
	}
	k.wantStates()
	k.wantMails("Your balance is low: 4.00 USD")
}

func TestKeyComesFromTheNeedOnly(t *testing.T) {
	k := newKit(t)
	k.seed("tok_timeout_lost")
	k.debit(t0, 16*usd)
	k.drain(t0)
	before := k.charges()[0].Attempts[0].Key
	k.swapToken("tok_ok")
	k.later(t0)
	row := k.charges()[0] // the gateway sees another card under a key that it knows: nothing is certain
	if after := row.Attempts[0].Key; after != before || strings.Contains(after, "tok") {
		t.Errorf("key %q became %q", before, after)
	}
}

func TestStolenCardIsNotTriedByTheNextNight(t *testing.T) {
	k := newKit(t)
	k.seed("tok_lost")
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		l := accountLine(100)
		l.Plan, l.NextBillingAt = billing.To(int64(1)), billing.To(t0)
		return im.Owner(l)
	}))
	k.set(t0, billing.SetLowBalanceParams{BRChargeCard: billing.To(true), Threshold: billing.ToNull[int64]()})
	k.bill(t0.Add(time.Hour))
	for month := range 3 {
		k.bill(t0.AddDate(0, month+1, 1))
	}
	attempts := 0
	for _, row := range k.charges() {
		attempts += len(row.Attempts)
	}
	if attempts != 1 {
		t.Errorf("%d attempts", attempts)
	}
	k.ok(k.store.View(context.Background(), func(r billing.Reader) error {
		c, err := r.Card(1000)
		if c.State != billing.CardAside {
			t.Errorf("card %+v", c)
		}
		return err
	}))
}
