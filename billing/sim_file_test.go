package billing_test

import (
	"context"
	"fmt"
	"testing"

	"topupd/billing"
	"topupd/db"
	"topupd/db/dbtest"
)

func openFile(t testing.TB, path string) *db.Store {
	t.Helper()
	o := dbtest.Options()
	o.Readers = 2
	o.Strict = false // a credit that ends a customer's block goes beyond who was credited
	s, err := db.Open(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// committedIn is C1 as the bank sees it: a request arrives only after its
// attempt, with this key, was committed as submitted; a payment that was made
// first is captured only after its reference was committed too.
func committedIn(store func() billing.Store) func(string, billing.GatewayCharge) error {
	return func(kind string, c billing.GatewayCharge) error {
		return store().View(context.Background(), func(r billing.Reader) error {
			attempts, err := r.Attempts(c.ChargeID)
			if err != nil {
				return err
			}
			for _, a := range attempts {
				settled := !a.SettledAt.IsZero() // meanwhile: an event was faster
				underWay := kind == "prepare" || a.State == billing.AttemptSubmitted || a.State == billing.AttemptUnknown
				if a.Key == c.Key && (c.GatewayRef == "" || a.Ref == c.GatewayRef) && (underWay || settled) {
					return nil
				}
			}
			return fmt.Errorf("C1: a %s of charge %d arrived with key %s and reference %q, committed is %+v", kind, c.ChargeID, c.Key, c.GatewayRef, attempts)
		})
	}
}
