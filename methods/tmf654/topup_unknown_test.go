package tmf654_test

import (
	"context"
	"testing"
	"time"

	"topupd/billing"
	"topupd/methods/tmf654"
)

// TestUnknown: a gateway that does not answer leaves the top-up open; what it did is found
// out later, and is one charge and one credit.
func TestUnknown(t *testing.T) {
	k := newKitWith(t, tmf654.Options{}, func(s *billing.Settings) {
		s.GatewayTimeout, s.PaymentWait = 20*time.Millisecond, 200*time.Millisecond
	})
	k.working()
	made := k.object(201, "root", "POST", base+"/topupBalance", `{"amount":{"amount":2,"units":"USD"},"partyAccount":{"id":"0.0.0.1+-account+103"}}`)
	if made["status"] != "CREATED" || made["payment"] != nil || made["confirmationDate"] != nil || made["impactedBucket"] != nil || k.balance(103) != 0 {
		t.Fatalf("%v, balance %d", made, k.balance(103))
	}
	at := base + "/topupBalance/" + made["id"].(string)
	k.refused("root", "DELETE", at, "", 409, "conflict", "")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if k.object(200, "root", "GET", at, "")["status"] == "CONFIRMED" {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it was never found out")
		}
	}
	if n := len(k.bank.Captures()); n != 1 || k.balance(103) != 2*billing.Micro {
		t.Errorf("%d captures, balance %d", n, k.balance(103))
	}
	k.verify()
}

// TestResolved: what a person says of a charge settles its top-up.
func TestResolved(t *testing.T) {
	for captured, want := range map[bool]string{true: "CONFIRMED", false: "FAILED"} {
		k := newKitWith(t, tmf654.Options{}, func(s *billing.Settings) {
			s.GatewayTimeout, s.PaymentWait = 20*time.Millisecond, 200*time.Millisecond
		})
		stop := k.working()
		made := k.object(201, "root", "POST", base+"/topupBalance", `{"amount":{"amount":2,"units":"USD"},"partyAccount":{"id":"0.0.0.1+-account+103"}}`)
		until(t, func() (unknown bool) { // the answer may come before the charge was sent
			err := k.store.View(context.Background(), func(r billing.Reader) error {
				c, err := r.Charge(1)
				unknown = c.State == billing.ChargeUnknown
				return err
			})
			return err == nil && unknown
		})
		stop()
		if _, err := k.e.ResolveCharge(k.as("root"), billing.ResolveParams{Charge: 1, Captured: captured, Reference: "r", Reason: "x"}); err != nil {
			t.Fatal(err)
		}
		if got := k.object(200, "root", "GET", base+"/topupBalance/"+made["id"].(string), ""); got["status"] != want {
			t.Errorf("captured %v: %v", captured, got["status"])
		}
		k.verify()
	}
}
