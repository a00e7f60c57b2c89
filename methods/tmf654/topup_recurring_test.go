package tmf654_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"topupd/billing"
	"topupd/methods/jsonl"
	"topupd/methods/tmf654"
)

// TestTwoPeriods: numberOfPeriods 2 is two executions, also across a restart and an outage
// of two days; the second is a resource of its own, linked to the first.
func TestTwoPeriods(t *testing.T) {
	k := newKit(t)
	parent := k.begin("daily", "2")
	k.expect("CONFIRMED", 194)
	k.run(t0.Add(day - time.Second))
	k.expect("CONFIRMED", 194)
	k.run(t0.Add(3 * day)) // two days were missed: the latest is made up, once
	k.expect("CONFIRMED CONFIRMED", 196)
	k.run(t0.Add(3 * day))
	k.run(t0.Add(4 * day))
	k.run(t0.Add(40 * day))
	k.expect("CONFIRMED CONFIRMED", 196)
	list, _ := k.list("root", base+"/topupBalance")
	child := list[1]
	link, _ := child["relatedTopupBalance"].(map[string]any)
	if child["isAutoTopup"] != false || link["id"] != parent || link["role"] != "parent" || child["id"] == parent {
		t.Errorf("the second is %v", child)
	}
	if child["requestedDate"] != "2021-10-03T02:45:11+05:30" {
		t.Errorf("the second was made %v", child["requestedDate"])
	}
	// The first shows the newest.
	whole := k.object(200, "root", "GET", base+"/topupBalance/"+parent, "")
	same, _ := json.Marshal(child["payment"])
	if got, _ := json.Marshal(whole["payment"]); !bytes.Equal(got, same) || whole["isAutoTopup"] != true || whole["numberOfPeriods"] != 2.0 {
		t.Errorf("the first is %v", whole)
	}
	// Beside the newest, in lists and in the history, it shows its own payment.
	for _, path := range []string{"/topupBalance", "/topupBalance?status=confirmed", "/topupBalance?id=" + escaped(parent), "/balanceAction"} {
		list, _ := k.list("root", base+path)
		if got, _ := json.Marshal(list[0]["payment"]); list[0]["id"] != parent || list[0]["payment"] == nil || bytes.Equal(got, same) {
			t.Errorf("%s: the first has %s, the second %s", path, got, same)
		}
		if at := list[0]["confirmationDate"]; at != "2021-09-30T02:45:11+05:30" {
			t.Errorf("%s: the first was paid %v", path, at)
		}
	}
	list, _ = k.list("root", base+"/topupBalance")
	past := k.object(200, "root", "GET", base+"/balanceAction/"+parent, "")
	if a, b := fmt.Sprint(past["payment"], past["impactedBucket"]), fmt.Sprint(list[0]["payment"], list[0]["impactedBucket"]); a != b {
		t.Errorf("the history has %s, the list %s", a, b)
	}
	k.verify()
}

// TestMonthEnds: the 31st falls on a short month's last day and returns to the 31st.
func TestMonthEnds(t *testing.T) {
	k := newKit(t)
	k.now = time.Date(2024, 1, 31, 12, 0, 0, 0, time.UTC)
	k.begin("monthly", "")
	dollars := int64(194)
	for _, c := range []struct {
		date string
		due  bool
	}{
		{"2024-02-28", false}, {"2024-02-29", true}, {"2024-03-29", false}, {"2024-03-30", false}, {"2024-03-31", true},
		{"2024-04-29", false}, {"2024-04-30", true}, {"2024-05-30", false}, {"2024-05-31", true},
	} {
		at, err := time.Parse(time.DateOnly, c.date)
		if err != nil {
			t.Fatal(err)
		}
		k.run(at.Add(12*time.Hour - time.Second))
		if got := k.balance(6340627); got != dollars*billing.Micro {
			t.Fatalf("%s: charged too early", c.date)
		}
		k.run(at.Add(12 * time.Hour))
		if c.due {
			dollars += 2
		}
		if got := k.balance(6340627); got != dollars*billing.Micro {
			t.Fatalf("%s: %s, want %d", c.date, billing.FormatMicros(got), dollars)
		}
	}
}

// TestMissedPeriods: by the setting, each missed period at most once.
func TestMissedPeriods(t *testing.T) {
	for setting, want := range map[billing.MissedPeriods]int64{billing.MissedCurrent: 196, billing.MissedAll: 200, billing.MissedNone: 194} {
		k := newKitWith(t, tmf654.Options{}, func(s *billing.Settings) { s.MissedPeriods = setting })
		k.begin("weekly", "")
		for range 5 { // one charge is open at a time
			k.run(t0.Add(3*7*day + 25*time.Hour))
		}
		if got := k.balance(6340627); got != want*billing.Micro {
			t.Errorf("%s: %s, want %d", setting, billing.FormatMicros(got), want)
		}
		k.verify()
	}
}

// TestWaits: a blocked owner's period waits and is executed when nothing holds it any more.
func TestWaits(t *testing.T) {
	k := newKit(t)
	k.begin("weekly", "")
	block := func(on string) {
		k.put(`{"type":"account","i_account":6340627,"i_customer":10,"blocked":` + on + `}`)
	}
	block("true")
	k.run(t0.Add(7 * day))
	k.run(t0.Add(8 * day))
	k.expect("CONFIRMED", 194)
	decisions := 0
	err := k.store.View(context.Background(), func(r billing.Reader) error {
		list, err := r.Decisions(billing.Account(6340627), 0, 100)
		for _, d := range list {
			if d.Purpose == billing.PurposeRecurring && d.Reason == billing.ReasonBlocked {
				decisions++
			}
		}
		return err
	})
	if err != nil || decisions != 1 {
		t.Errorf("%d decisions say that it is blocked, %v", decisions, err)
	}
	block("false")
	k.run(t0.Add(9 * day))
	k.expect("CONFIRMED CONFIRMED", 196)
	k.run(t0.Add(14*day - time.Minute))
	k.expect("CONFIRMED CONFIRMED", 196)
	k.run(t0.Add(14 * day))
	k.expect("CONFIRMED CONFIRMED CONFIRMED", 198)
}

// TestRecurringCard: a card that is named pays for all periods, whichever is the primary
// one by then, and the rule ends with it.
func TestRecurringCard(t *testing.T) {
	k := newKit(t)
	stop := k.working()
	const card = `{"type":"card","i_debit_credit_card":777,"i_account":6340627,"gateway":"sandbox","token":"tok_ok","brand":"Visa","last4":"1881"}`
	k.put(card)
	rule := func(card string) string {
		return `{"amount":{"amount":2,"units":"USD"},"isAutoTopup":true,"recurringPeriod":"daily","partyAccount":{"id":"` + alice +
			`"},"paymentMethod":{"id":"0.0.0.1+-payinfo-cc+` + card + `"}}`
	}
	k.refused("root", "POST", base+"/topupBalance", rule("1001"), 400, "not_found", "card")
	id := k.object(201, "root", "POST", base+"/topupBalance", rule("777"))["id"].(string)
	stop()
	k.card("tok_declined") // the primary one
	k.run(t0.Add(day))
	k.expect("CONFIRMED CONFIRMED", 196)
	text := k.export()
	if want := `"currency":"USD","i_debit_credit_card":777,"period":"daily"`; !strings.Contains(text, want) {
		t.Errorf("the export lacks %s:\n%s", want, text)
	}
	other := newEmptyKit(t)
	other.now = k.now
	other.put(text)
	other.put(`{"type":"card","i_debit_credit_card":777,"i_account":6340627,"token":"tok_ok"}`)
	other.run(t0.Add(2 * day))
	other.expect("CONFIRMED CONFIRMED CONFIRMED", 198)
	if _, err := jsonl.Import(other.as("root"), other.e, jsonl.ImportOptions{Source: strings.NewReader(
		`{"type":"recurring_topup","id":1,"i_account":6340627,"i_debit_credit_card":null}`), Name: "x"}); err == nil {
		t.Error("a rule was given another card")
	}
	other.put(`{"type":"card","i_debit_credit_card":777,"i_account":6340627,"deleted":true}`)
	other.run(t0.Add(5 * day))
	other.expect("CANCELLED CONFIRMED CONFIRMED", 198)
	other.verify()

	if err := k.e.DeleteCard(k.as("root"), billing.Account(6340627), 777); err != nil {
		t.Fatal(err)
	}
	if got := k.object(200, "root", "GET", base+"/topupBalance/"+id, ""); got["status"] != "CANCELLED" {
		t.Errorf("the rule of a card that is gone is %v", got["status"])
	}
	k.run(t0.Add(5 * day))
	k.expect("CANCELLED CONFIRMED", 196)
	var told []string
	err := k.store.View(context.Background(), func(r billing.Reader) error {
		notices, err := r.Notices(billing.Account(6340627), 0, 10)
		for _, n := range notices {
			if n.Kind == billing.NoticeRule {
				told = append(told, n.Body)
			}
		}
		return err
	})
	if err != nil || len(told) != 1 || !strings.Contains(told[0], "was removed, so it has ended") {
		t.Errorf("told %q, %v", told, err)
	}
	k.put(strings.Replace(card, "777", "778", 1)) // another card is not the one that was named
	k.run(t0.Add(9 * day))
	k.expect("CANCELLED CONFIRMED", 196)
	k.verify()
}
