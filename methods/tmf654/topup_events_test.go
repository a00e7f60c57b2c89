package tmf654_test

import (
	"testing"

	"topupd/billing"
	"topupd/methods/tmf654"
)

// TestTopupEvents: what happens to top-ups is told once, in its order, and only to who
// sees them: a decline by a FailureEvent, a cancelled rule by a CancelEvent.
func TestTopupEvents(t *testing.T) {
	k := newKitWith(t, tmf654.Options{}, func(s *billing.Settings) { s.PaymentWait = 0 })
	mine, other := newListener(t), newListener(t)
	const query = `,"query":"eventType=TopupBalanceCreateEvent,TopupBalanceFailureEvent,TopupBalanceStatusChangeEvent,TopupBalanceCancelEvent,TopupBalanceAttributeValueChangeEvent,TopupBalanceDeleteEvent"}`
	k.must(201, "10", "POST", base+"/hub", `{"callback":"`+mine.url+`"`+query)
	k.must(201, "20", "POST", base+"/hub", `{"callback":"`+other.url+`"`+query)
	told := 0
	expect := func(what, want string) {
		t.Helper()
		for range 5 {
			k.deliver()
		}
		got := mine.types()
		if len(got) < told {
			t.Fatalf("%s: %s", what, got)
		}
		if rest := got[told:]; rest != want {
			t.Errorf("%s: told %q, want %q", what, rest, want)
		}
		told = len(got)
	}
	const created, status, failure = "TopupBalanceCreateEvent", " TopupBalanceStatusChangeEvent", " TopupBalanceFailureEvent"
	// Without a wait the worker is the next step.
	k.must(201, "root", "POST", base+"/topupBalance", `{"amount":{"amount":2,"units":"USD"},"partyAccount":{"id":"0.0.0.1+-account+101"}}`)
	k.run(t0)
	expect("a decline", created+failure)
	k.must(201, "root", "POST", base+"/topupBalance", recurring)
	k.run(t0)
	expect("a first period", " "+created+status)
	k.run(t0.Add(day))
	expect("a second period", " "+created+status)
	rule := k.object(201, "root", "POST", base+"/topupBalance", `{"amount":{"amount":2,"units":"USD"},"isAutoTopup":true,"recurringPeriod":"weekly","partyAccount":{"id":"`+alice+`"}}`)["id"].(string)
	k.run(t0.Add(day))
	expect("another rule", " "+created+status)
	k.must(200, "root", "PATCH", base+"/topupBalance/"+rule, `{"reason":"x"}`)
	k.must(200, "root", "PATCH", base+"/topupBalance/"+rule, `{"reason":"x"}`) // changes nothing
	expect("a change", " TopupBalanceAttributeValueChangeEvent")
	k.must(200, "root", "PATCH", base+"/topupBalance/"+rule, `{"status":"cancelled"}`)
	k.must(200, "root", "PATCH", base+"/topupBalance/"+rule, `{"status":"cancelled"}`)
	expect("a cancel", " TopupBalanceCancelEvent")
	k.must(204, "root", "DELETE", base+"/topupBalance/"+rule, "")
	expect("a delete", " TopupBalanceDeleteEvent")
	k.run(t0.Add(30 * day))
	expect("nothing", "")
	// A refused call tells nothing.
	k.must(400, "root", "POST", base+"/topupBalance", `{"amount":{"amount":-2,"units":"USD"},"partyAccount":{"id":"`+alice+`"}}`)
	expect("a refusal", "")
	if got := other.types(); got != "" {
		t.Errorf("another customer was told %s", got)
	}
	k.verify()
}
