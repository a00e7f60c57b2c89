package billing_test

import (
	"context"
	"testing"

	"topupd/billing"
)

// counted tells how much each transaction does with deliveries.
type counted struct {
	billing.Store
	read, changed []int
}

type countedReader struct {
	billing.Reader
	read *int
}

func (r countedReader) Deliveries(f billing.DeliveryFilter) ([]billing.Delivery, error) {
	list, err := r.Reader.Deliveries(f)
	*r.read += len(list)
	return list, err
}

type countedTx struct {
	billing.Tx
	changed *int
}

func (t countedTx) SetDelivery(d *billing.Delivery) error {
	*t.changed++
	return t.Tx.SetDelivery(d)
}

func (s *counted) View(ctx context.Context, fn func(billing.Reader) error) error {
	n := 0
	err := s.Store.View(ctx, func(r billing.Reader) error { n = 0; return fn(countedReader{r, &n}) })
	s.read = append(s.read, n)
	return err
}

func (s *counted) Update(ctx context.Context, fn func(billing.Tx) error) error {
	n := 0
	err := s.Store.Update(ctx, func(tx billing.Tx) error { n = 0; return fn(countedTx{tx, &n}) })
	s.changed = append(s.changed, n)
	return err
}

// TestResendInParts: what was given up of a subscription is taken up again in transactions
// of at most 500, all of it, and of one record the oldest first.
func TestResendInParts(t *testing.T) {
	k, c := eventKit(t)
	h := k.listen(root(t0), "https://gone", balanceChange)
	const records, each = 401, 3
	subject := func(n int) string { return "bucket:" + string(rune('a'+n%26)) + string(rune('a'+n/26)) }
	ids := map[string][]billing.DeliveryID{}
	k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
		clear(ids)
		for i := range records * each {
			ev := billing.Event{
				Top: billing.Customer(10), Owner: billing.Account(100), EventType: balanceChange, RecordID: int64(billing.Account(100)), Record: "{}", At: t0,
			}
			if err := tx.AddEvent(&ev); err != nil {
				return err
			}
			d := billing.Delivery{
				Top: ev.Top, Event: ev.ID, Hub: h.ID, Subject: subject(i % records), State: billing.DeliveryDead, Tries: 11, Error: "refused", CreatedAt: t0, FinishedAt: t0,
			}
			if err := tx.AddDelivery(&d); err != nil {
				return err
			}
			ids[d.Subject] = append(ids[d.Subject], d.ID)
		}
		return nil
	}))
	store := &counted{Store: k.store}
	k.config.Store = store
	engine := billing.New(k.config)
	n, err := engine.Resend(root(t0), billing.ResendParams{Hub: h.ID})
	k.ok(err)
	if n != records*each {
		t.Errorf("%d were taken up, want %d", n, records*each)
	}
	total := 0
	for _, n := range store.changed {
		if total += n; n > 500 {
			t.Errorf("one transaction changed %d", n)
		}
	}
	for _, n := range store.read {
		if n > 500 {
			t.Errorf("one look read %d", n)
		}
	}
	if total != records*each {
		t.Errorf("%d were changed", total)
	}
	due := map[string][]billing.DeliveryID{}
	for _, r := range k.deliveries() {
		if d := r.Delivery; d.State != billing.DeliveryPending || d.Tries != 0 {
			t.Fatalf("%+v", d)
		} else if !d.DueAt.IsZero() {
			due[d.Subject] = append(due[d.Subject], d.ID)
		}
	}
	for subject, all := range ids {
		if got := due[subject]; len(got) != 1 || got[0] != all[0] {
			t.Errorf("%s: %v are due, want the oldest of %v", subject, got, all)
		}
	}
	// Again there is nothing to take up, and nobody was called by it.
	if n, err := engine.Resend(root(t0), billing.ResendParams{Hub: h.ID}); err != nil || n != 0 || len(c.bodies("")) != 0 {
		t.Errorf("again: %d, %v, %d messages", n, err, len(c.bodies("")))
	}
}
