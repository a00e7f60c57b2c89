package billing_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"topupd/billing"
)

// shedLog counts what the observer is told of events that were given up at once.
type shedLog struct {
	strict
	told map[billing.HubID]int64
}

func (s shedLog) EventsShed(h billing.HubID, n int64) { s.told[h] += n }

// TestTooManyEventsWait: above the most that may wait for a subscription the oldest are
// given up, what is on its way and what waits elsewhere stays, and resend brings them back.
func TestTooManyEventsWait(t *testing.T) {
	log := shedLog{told: map[billing.HubID]int64{}}
	k, c := eventKit(t, func(cfg *billing.Config) {
		log.strict = strict{t: t}
		cfg.Observer = log
	})
	gone := k.listen(root(t0), "https://gone", balanceChange)
	quiet := k.listen(byCustomer(10), "https://quiet", balanceChange)
	down := true
	c.say(gone.Callback, func(billing.EventMessage) (int, error) {
		if down {
			return 0, errors.New("refused")
		}
		return 200, nil
	})
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		return im.Owner(accountLine(101))
	}))
	k.debitOf(101, usd)
	for range 4 {
		k.debitOf(100, usd)
	}
	k.deliver()
	k.debitOf(100, usd)
	waiting := func() (to map[billing.HubID][]billing.DeliveryID) {
		to = map[billing.HubID][]billing.DeliveryID{}
		for _, r := range k.deliveries() {
			if r.Delivery.State == billing.DeliveryPending {
				to[r.Delivery.Hub] = append(to[r.Delivery.Hub], r.Delivery.ID)
			}
		}
		return to
	}
	before := waiting()
	if len(before[gone.ID]) != 6 || len(before[quiet.ID]) != 1 {
		t.Fatalf("waiting before: %v", before)
	}
	shed := func(most, want int64) {
		t.Helper()
		n, err := billing.ShedEvents(k.engine, root(t0), most)
		if k.ok(err); n != want {
			t.Fatalf("above %d waiting %d were given up, want %d", most, n, want)
		}
	}
	shed(6, 0)

	// The first, of another record, is on its way.
	k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
		d, err := tx.Delivery(before[gone.ID][0])
		if err != nil {
			return err
		}
		d.LeaseUntil = time.Now().Add(time.Minute)
		return tx.SetDelivery(&d)
	}))
	shed(4, 2)
	shed(4, 0)
	want := slices.Delete(slices.Clone(before[gone.ID]), 1, 3)
	if got := waiting(); !slices.Equal(got[gone.ID], want) || len(got[quiet.ID]) != 1 {
		t.Errorf("waiting after: %v, want %v", got, want)
	}
	if log.told[gone.ID] != 2 || len(log.told) != 1 {
		t.Errorf("the observer was told %v", log.told)
	}
	dead, err := k.engine.EventLog(root(t0), billing.DeliveryFilter{State: billing.DeliveryDead})
	k.ok(err)
	for _, r := range dead {
		if d := r.Delivery; d.Hub != gone.ID || d.Error != "more than 4 events waited for this subscription" || d.FinishedAt.IsZero() {
			t.Errorf("given up as %+v", d)
		}
	}
	k.verify()

	// What is left goes in its order, and what was given up is sent again.
	down = false
	came := len(c.bodies(gone.Callback))
	k.due()
	k.deliver()
	if got := waiting(); len(got) != 0 {
		t.Errorf("still waiting: %v", got)
	}
	n, err := k.engine.Resend(root(t0), billing.ResendParams{Hub: gone.ID})
	if k.ok(err); n != 2 {
		t.Errorf("%d were sent again", n)
	}
	k.deliver()
	var balances []string
	for _, body := range c.bodies(gone.Callback)[came:] {
		if strings.Contains(body, "account 100 ") {
			_, balance, _ := strings.Cut(body, `"Balance":`)
			balances = append(balances, balance[:2])
		}
	}
	if got := strings.Join(balances, " "); got != "17 16 15 19 18" {
		t.Errorf("balances came as %s", got)
	}
}
