package tmf654_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topupd/billing"
	"topupd/methods/tmf654"
)

// TestActionEventsOnTheWire: an event holds the whole resource, as GET shows it.
func TestActionEventsOnTheWire(t *testing.T) {
	k := newKit(t)
	err := k.store.Update(context.Background(), func(tx billing.Tx) error {
		return tx.PutHub(&billing.HubSubscription{Top: billing.Root, Customer: billing.Root, Callback: "https://x.example/", Secret: []byte{1}, CreatedAt: t0})
	})
	if err != nil {
		t.Fatal(err)
	}
	const sms = base + "/bucket/0.0.0.1+-balance_group+6336883+1000001+0"
	seen := billing.EventID(0)
	// last is the newest event of a type since the last look, as a callback gets it.
	last := func(word string) map[string]any {
		t.Helper()
		var found map[string]any
		for {
			var ev billing.Event
			err := k.store.View(context.Background(), func(r billing.Reader) (err error) {
				ev, err = r.Event(seen + 1)
				return err
			})
			if err != nil {
				break
			}
			seen = ev.ID
			text, err := tmf654.Events(k.e).RenderEvent(k.as("root"), &ev)
			if err != nil {
				t.Fatal(err)
			}
			var out map[string]any
			if err := json.Unmarshal(text, &out); err != nil {
				t.Fatal(err)
			}
			if out["eventType"] == word {
				found = out
			}
		}
		if found == nil {
			t.Fatalf("there was no %s", word)
		}
		return found
	}
	var told map[string]any // by same
	same := func(word, resource, path string) {
		t.Helper()
		text := k.must(200, "root", "GET", path, "")
		var want any
		if err := json.Unmarshal([]byte(strings.ReplaceAll(text, "http://host:8080/", "/")), &want); err != nil {
			t.Fatal(err)
		}
		ev := last(word)
		told = ev
		if d := cmp.Diff(map[string]any{resource: want}, ev["event"]); d != "" {
			t.Errorf("%s is not as GET shows it (-GET +event):\n%s", word, d)
		}
	}
	k.must(201, "root", "POST", base+"/adjustBalance", usd("1", of("partyAccount", alice)+`,"adjustType":"oneTime",`+everyEcho))
	same("AdjustBalanceCreateEvent", "adjustBalance", base+"/adjustBalance/0.0.0.1+-adjustment+1")
	k.must(200, "root", "PATCH", base+"/adjustBalance/0.0.0.1+-adjustment+1", `{"reason":"x"}`)
	same("AdjustBalanceAttributeValueChangeEvent", "adjustBalance", base+"/adjustBalance/0.0.0.1+-adjustment+1")
	k.must(201, "root", "POST", base+"/transferBalance", usd("1", of("partyAccount", alice)+","+of("receiverPartyAccount", bob)+`,"transferCost":{"amount":0.5,"units":"USD"}`))
	same("TransferBalanceCreateEvent", "transferBalance", base+"/transferBalance/0.0.0.1+-transfer+2")
	k.must(201, "root", "POST", base+"/reserveBalance", usd("1", of("partyAccount", alice)))
	same("ReserveBalanceCreateEvent", "reserveBalance", base+"/reserveBalance/0.0.0.1+-reservation+3")
	k.must(200, "root", "PATCH", base+"/reserveBalance/0.0.0.1+-reservation+3", `{"status":"cancelled"}`)
	same("ReserveBalanceCancelEvent", "reserveBalance", base+"/reserveBalance/0.0.0.1+-reservation+3")
	k.must(201, "root", "POST", base+"/bucket", `{"usageType":"sms","name":"n",`+of("partyAccount", alice)+`}`)
	same("BucketCreateEvent", "bucket", sms)
	k.must(201, "root", "POST", base+"/adjustBalance", `{"amount":{"amount":3,"units":"SMS"},`+of("partyAccount", alice)+`}`)
	same("BucketAttributeValueChangeEvent", "bucket", sms)
	path := func(want string) {
		t.Helper()
		if told["fieldPath"] != want {
			t.Errorf("fieldPath is %v, want %s", told["fieldPath"], want)
		}
	}
	path("remainingValue")
	k.must(201, "root", "POST", base+"/reserveBalance", `{"amount":{"amount":2,"units":"SMS"},`+of("partyAccount", alice)+`}`)
	same("BucketAttributeValueChangeEvent", "bucket", sms)
	path("reservedValue")
	k.must(201, "root", "POST", base+"/reserveBalance", usd("1", of("partyAccount", alice)))
	same("BucketAttributeValueChangeEvent", "bucket", base+"/bucket/"+bucket)
	path("reservedValue")
	k.must(204, "root", "DELETE", base+"/reserveBalance/0.0.0.1+-reservation+6", "")
	same("BucketAttributeValueChangeEvent", "bucket", base+"/bucket/"+bucket)
	path("reservedValue")
	k.must(204, "root", "DELETE", base+"/reserveBalance/0.0.0.1+-reservation+5", "")
	if ev := last("ReserveBalanceDeleteEvent"); ev["event"].(map[string]any)["reserveBalance"].(map[string]any)["status"] != "CANCELLED" {
		t.Errorf("%v", ev)
	}
	k.must(201, "root", "POST", base+"/adjustBalance", `{"amount":{"amount":-3,"units":"SMS"},`+of("partyAccount", alice)+`}`)
	k.must(204, "root", "DELETE", sms, "")
	if ev := last("BucketDeleteEvent"); ev["event"].(map[string]any)["bucket"].(map[string]any)["status"] != "expired" {
		t.Errorf("%v", ev)
	}
}
