package db_test

import (
	"path/filepath"
	"testing"
	"time"

	"topupd/billing"
	"topupd/db"
)

// TestVerifyFindsStuckEvents: deliveries that nobody would ever take up are found.
func TestVerifyFindsStuckEvents(t *testing.T) {
	at := time.Unix(1_795_000_000, 0)
	for name, c := range map[string]struct {
		damage string
		want   int
	}{
		"nothing":                {``, 0},
		"none is due":            {`UPDATE deliveries SET due_at = NULL`, 1},
		"nobody subscribes":      {`UPDATE deliveries SET due_at = NULL; UPDATE hub_subscriptions SET secret = NULL, deleted_at = 1`, 0},
		"two may be due at once": {`DROP INDEX deliveries_head`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "t.db")
			s, err := db.Open(t.Context(), path, db.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			update(t, s, func(tx billing.Tx) error {
				h := billing.HubSubscription{Top: billing.Root, Customer: billing.Root, Callback: "https://a", Secret: []byte{1}, CreatedAt: at}
				if err := tx.PutHub(&h); err != nil {
					return err
				}
				for i := range 2 {
					ev := billing.Event{Top: billing.Root, Owner: billing.Root, EventType: billing.EventTypes()[0], RecordID: 1, Record: "{}", At: at}
					if err := tx.AddEvent(&ev); err != nil {
						return err
					}
					d := billing.Delivery{Top: billing.Root, Event: ev.ID, Hub: h.ID, Subject: "topup:1", State: billing.DeliveryPending, CreatedAt: at}
					if i == 0 {
						d.DueAt = at
					}
					if err := tx.AddDelivery(&d); err != nil {
						return err
					}
				}
				return nil
			})
			if c.damage != "" {
				if err := execRaw(path, "foreign_keys(OFF)", c.damage); err != nil {
					t.Fatal(err)
				}
			}
			found, err := s.Verify(t.Context(), 0)
			if err != nil || len(found) != c.want || c.want > 0 && found[0].Invariant != "H1" {
				t.Errorf("%v %v, want %d", found, err, c.want)
			}
		})
	}
}
