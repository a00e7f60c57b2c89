package tmf654_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"topupd/billing"
	"topupd/methods/tmf654"
)

// TestFirstDecline: a rule starts with a paid period; one that does not is over.
func TestFirstDecline(t *testing.T) {
	k := newKit(t)
	stop := k.working()
	body := `{"amount":{"amount":2,"units":"USD"},"isAutoTopup":true,"recurringPeriod":"daily","partyAccount":{"id":"0.0.0.1+-account+101"}}`
	k.refused("root", "POST", base+"/topupBalance", body, 400, "declined", "-topup+1")
	stop()
	for n := range 5 {
		k.run(t0.Add(time.Duration(n) * day))
	}
	list, _ := k.list("root", base+"/topupBalance")
	if len(list) != 1 || list[0]["status"] != "FAILED" || list[0]["impactedBucket"] != nil || list[0]["payment"] != nil || k.balance(101) != 5*billing.Micro {
		t.Errorf("%v", list)
	}
}

// TestDeclinedCreated: with the setting a decline is a top-up that failed, not an error.
func TestDeclinedCreated(t *testing.T) {
	k := newKitWith(t, tmf654.Options{DeclinedCreated: true}, nil)
	k.working()
	made := k.object(201, "root", "POST", base+"/topupBalance", `{"amount":{"amount":2,"units":"USD"},"partyAccount":{"id":"0.0.0.1+-account+101"}}`)
	if made["status"] != "FAILED" || made["impactedBucket"] != nil || k.balance(101) != 5*billing.Micro {
		t.Errorf("%v", made)
	}
}

// TestThreeFailures: a soft decline is tried again by the period's plan; three failed
// periods in a row suspend the rule, and its owner is told once; a new card lets it go on with the
// next period that is to come.
func TestThreeFailures(t *testing.T) {
	k := newKit(t)
	k.put(`{"type":"account","i_account":6340627,"i_customer":10,"email":"alice@acme.example"}`)
	id := k.begin("daily", "7")
	k.card("tok_declined")
	for n := time.Duration(1); n <= 3; n++ {
		k.run(t0.Add(n * day))
		k.run(t0.Add(n*day + 59*time.Minute))
		if !strings.HasSuffix(k.statuses(), "CREATED") { // the retry is to come
			t.Errorf("day %d: %s", n, k.statuses())
		}
		k.run(t0.Add(n*day + time.Hour))
	}
	k.expect("CONFIRMED FAILED FAILED FAILED", 194)
	notices := map[billing.NoticeKind]int{}
	err := k.store.View(context.Background(), func(r billing.Reader) error {
		list, err := r.Notices(billing.Account(6340627), 0, 100)
		for _, n := range list {
			notices[n.Kind]++
			if n.Kind == billing.NoticeRule && !strings.Contains(n.Body, "2.00 USD, daily") {
				t.Errorf("the notice says %s", n.Body)
			}
		}
		return err
	})
	if err != nil || notices[billing.NoticeRule] != 1 || notices[billing.NoticeDeclined] != 3 || notices[billing.NoticeSuspended] != 0 {
		t.Errorf("notices %v, %v", notices, err)
	}
	k.run(t0.Add(4 * day))
	k.run(t0.Add(6 * day))
	k.expect("CONFIRMED FAILED FAILED FAILED", 194)
	k.card("tok_ok")
	k.run(t0.Add(6 * day)) // what was missed meanwhile is not made up
	k.expect("CONFIRMED FAILED FAILED FAILED", 194)
	for n := time.Duration(7); n <= 12; n++ {
		k.run(t0.Add(n * day))
	}
	// Seven periods in all: one paid at once, three failed, three paid.
	k.expect("CONFIRMED FAILED FAILED FAILED CONFIRMED CONFIRMED CONFIRMED", 200)
	if whole := k.object(200, "root", "GET", base+"/topupBalance/"+id, ""); whole["numberOfPeriods"] != 7.0 {
		t.Errorf("%v", whole)
	}
	k.verify()
}

// TestFailedAgain: with the setting, a period that was not paid is made up by another.
func TestFailedAgain(t *testing.T) {
	k := newKitWith(t, tmf654.Options{}, func(s *billing.Settings) { s.FailedTopupsAgain = true })
	k.begin("daily", "2")
	k.card("tok_declined")
	k.run(t0.Add(day))
	k.run(t0.Add(day + time.Hour))
	k.card("tok_ok")
	k.run(t0.Add(2 * day))
	k.run(t0.Add(3 * day))
	k.expect("CONFIRMED FAILED CONFIRMED", 196)
}

// TestHardDecline: such a card is not tried again, and the rule waits at once.
func TestHardDecline(t *testing.T) {
	for token, why := range map[string]billing.Suspension{"tok_lost": billing.SuspendedHard, "tok_authentication_required": billing.NeedsCustomer} {
		k := newKit(t)
		k.begin("daily", "")
		k.card(token)
		for n := time.Duration(1); n < 5; n++ {
			k.run(t0.Add(n * day))
		}
		k.expect("CONFIRMED FAILED", 194)
		k.holds(why)
	}
}

// holds is why Alice's rule is suspended.
func (k *kit) holds(why billing.Suspension) {
	k.Helper()
	err := k.store.View(context.Background(), func(r billing.Reader) error {
		rules, err := r.TopupRulesOf(billing.Account(6340627))
		if err == nil && (len(rules) != 1 || rules[0].Suspended != why) {
			k.Errorf("the rules are %+v, want suspended %s", rules, why)
		}
		return err
	})
	if err != nil {
		k.Fatal(err)
	}
	// Who asks why no later period is charged finds it, once.
	want := billing.ReasonSuspended
	if why == billing.NeedsCustomer {
		want = billing.ReasonNeedsCustomer
	}
	list, err := k.e.Why(k.as("root"), billing.Account(6340627), 0, 100)
	list = slices.DeleteFunc(list, func(d billing.Decision) bool { return d.Notice != billing.NoticeRule })
	if err != nil || len(list) != 1 || list[0].Reason != want || list[0].Purpose != billing.PurposeRecurring || !strings.HasPrefix(list[0].Detail, "top-up ") {
		k.Errorf("the decisions are %+v, %v, want %s", list, err, want)
	}
}

// TestNoCard: without a card the period fails and leaves a trace; three in a row suspend.
func TestNoCard(t *testing.T) {
	k := newKit(t)
	k.begin("daily", "")
	if err := k.e.DeleteCard(k.as("root"), billing.Account(6340627), 6337651); err != nil {
		t.Fatal(err)
	}
	for n := time.Duration(1); n < 6; n++ {
		k.run(t0.Add(n * day))
	}
	k.expect("CONFIRMED FAILED FAILED FAILED", 194)
	k.holds(billing.SuspendedDeclined)
}
