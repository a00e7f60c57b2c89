package billing_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"topupd/billing"
)

// told are the events since the last look, as a subscription of everybody's events gets
// them, with what each record's JSON says of it.
func (k *kit) told(after *billing.EventID) (all []string) {
	k.t.Helper()
	k.ok(k.store.View(context.Background(), func(r billing.Reader) error {
		for {
			ev, err := r.Event(*after + 1)
			if billing.ErrorCode(err) == billing.NotFound && err != nil {
				return nil
			}
			if err != nil {
				return err
			}
			*after = ev.ID
			var record struct {
				ID    int64
				State string
				Extra string
				Owner int64
			}
			if err := json.Unmarshal([]byte(ev.Record), &record); err != nil {
				return err
			}
			if ev.Resource != billing.ResourceBucket && record.ID != ev.RecordID {
				k.t.Errorf("event %d is about %d, its record is %d", ev.ID, ev.RecordID, record.ID)
			}
			line := ev.EventType.String()
			if record.State != "" {
				line += " " + record.State
			}
			if ev.Kind == billing.EventChange && ev.Resource != billing.ResourceBucket {
				line += " " + record.Extra
			}
			all = append(all, line)
		}
	}))
	return all
}

// Each change is told in its own transaction, once, and what was refused is not.
func TestActionEvents(t *testing.T) {
	k := newKit(t)
	k.actions()
	k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
		return tx.PutHub(&billing.HubSubscription{Top: billing.Root, Customer: billing.Root, Callback: "https://x.example/", Secret: []byte{1}, CreatedAt: t0})
	}))
	var last billing.EventID
	a, b := billing.Account(101), billing.Account(110)
	want := func(what string, want ...string) {
		t.Helper()
		if got := k.told(&last); !slices.Equal(got, want) {
			t.Errorf("%s: told %q, want %q", what, got, want)
		}
	}
	adj, err := k.engine.Adjust(root(t0), billing.AdjustParams{Owner: a, Unit: "USD", Amount: usd})
	k.ok(err)
	want("adjust", "bucket:change", "adjustment:create")
	_, err = k.engine.DescribeAdjustment(root(t0), adj.ID, to(`{"a":1}`))
	k.ok(err)
	want("describe", `adjustment:change {"a":1}`)
	_, err = k.engine.DescribeAdjustment(root(t0), adj.ID, to(`{"a":1}`))
	k.ok(err)
	want("describe as it is")
	x, err := k.engine.Transfer(root(t0), billing.TransferParams{From: a, To: b, Unit: "USD", Amount: usd})
	k.ok(err)
	want("transfer", "bucket:change", "bucket:change", "transfer:create")
	_, err = k.engine.DescribeTransfer(root(t0), x.ID, to(`{"b":1}`))
	k.ok(err)
	want("describe", `transfer:change {"b":1}`)
	v, err := k.engine.Reserve(root(t0), billing.ReserveParams{Owner: a, Unit: "USD", Amount: usd, EndsAt: t0.Add(time.Minute)})
	k.ok(err)
	want("reserve", "reservation:create held", "bucket:change")
	_, err = k.engine.ChangeReservation(root(t0), billing.ChangeReservationParams{ID: v.ID, Extra: to(`{"c":1}`)})
	k.ok(err)
	want("describe", `reservation:change held {"c":1}`)
	k.drain(t0.Add(time.Minute))
	want("expire", "reservation:status expired", "bucket:change")
	k.ok(k.engine.DeleteReservation(root(t0.Add(time.Hour)), v.ID))
	want("delete", "reservation:delete expired")
	v, err = k.engine.Reserve(root(t0), billing.ReserveParams{Owner: a, Unit: "USD", Amount: usd})
	k.ok(err)
	_, err = release(k.engine, root(t0), v.ID)
	k.ok(err)
	want("release", "reservation:create held", "bucket:change", "reservation:cancel released", "bucket:change")
	_, err = k.engine.OpenBucket(root(t0), billing.OpenBucketParams{Owner: a, Unit: billing.UnitKB})
	k.ok(err)
	k.ok(k.engine.CloseBucket(root(t0), a, billing.UnitKB))
	want("bucket", "bucket:create", "bucket:delete")
	_, err = k.engine.Adjust(root(t0), billing.AdjustParams{Owner: a, Unit: "USD", Amount: -1000 * usd})
	wantError(t, "refused", err, billing.Conflict, "amount")
	want("refused")
}

// A transfer names both its owners with their balances, so it is told to who sees both, as
// it is shown to them.
func TestTransferEventsScope(t *testing.T) {
	k, c := eventKit(t)
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		if err := im.Owner(billing.OwnerLine{Owner: billing.Customer(20), Name: billing.To("Other"), Currency: billing.To("USD")}); err != nil {
			return err
		}
		return im.Owner(billing.OwnerLine{Owner: billing.Account(200), Parent: billing.To(int64(20)), Name: billing.To("Foreign"), Currency: billing.To("USD")})
	}))
	k.listen(byCustomer(10), "https://giver")
	k.listen(byCustomer(20), "https://taker")
	k.listen(root(t0), "https://root", billing.EventType{Resource: billing.ResourceTransfer, Kind: billing.EventCreate}, billing.EventType{Resource: billing.ResourceTransfer, Kind: billing.EventChange})
	tr, err := k.engine.Transfer(root(t0), billing.TransferParams{From: billing.Account(100), To: billing.Account(200), Unit: "USD", Amount: usd})
	k.ok(err)
	_, err = k.engine.DescribeTransfer(root(t0), tr.ID, func(string) (string, error) { return `{"reason":"moved"}`, nil })
	k.ok(err)
	k.deliver()
	for callback, want := range map[string]int{"https://giver": 0, "https://taker": 0, "https://root": 2} {
		n := 0
		for _, body := range c.bodies(callback) {
			if strings.HasPrefix(body, "transfer:") {
				n++
			}
		}
		if n != want {
			t.Errorf("%s was told of %d transfers, want %d", callback, n, want)
		}
	}
}

// A transfer outlives one of its owners for who sees both, and is changed and told of as
// before; with the second one it goes.
func TestTransferOfDeleted(t *testing.T) {
	k, c := eventKit(t)
	a, b := billing.Account(103), billing.Account(101)
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		l := billing.OwnerLine{Owner: a, Parent: billing.To(int64(10)), Name: billing.To("Long"), Currency: billing.To("USD"), Balance: billing.To(int64(20 * usd))}
		if err := im.Owner(l); err != nil {
			return err
		}
		err := im.Owner(billing.OwnerLine{Owner: billing.Customer(11), Parent: billing.To(int64(10)), Name: billing.To("Below"), Currency: billing.To("USD")})
		if err != nil {
			return err
		}
		return im.Owner(billing.OwnerLine{Owner: b, Parent: billing.To(int64(11)), Name: billing.To("Short"), Currency: billing.To("USD")})
	}))
	change := billing.EventType{Resource: billing.ResourceTransfer, Kind: billing.EventChange}
	k.listen(byCustomer(10), "https://above", change)
	k.listen(byCustomer(11), "https://below", change)
	to, err := k.engine.Transfer(root(t0), billing.TransferParams{From: a, To: b, Unit: "USD", Amount: usd})
	k.ok(err)
	back, err := k.engine.Transfer(root(t0), billing.TransferParams{From: b, To: a, Unit: "USD", Amount: usd})
	k.ok(err)
	k.ok(k.engine.DeleteOwner(root(t0), b))
	for _, id := range []billing.ActionID{to.ID, back.ID} {
		if x, err := k.engine.TransferByID(byCustomer(10), id); err != nil || x.ID != id {
			t.Errorf("transfer %d: %+v %v", id, x, err)
		}
		rec, err := k.engine.ActionRecord(byCustomer(10), id)
		if err != nil || rec.Transfer == nil || rec.Transfer.ID != id {
			t.Errorf("action %d: %+v %v", id, rec, err)
		}
		_, err = k.engine.DescribeTransfer(byCustomer(10), id, func(string) (string, error) { return `{"reason":"after"}`, nil })
		if err != nil {
			t.Errorf("describe %d: %v", id, err)
		}
		_, err = k.engine.TransferByID(byCustomer(11), id)
		wantError(t, "half a transfer", err, billing.NotFound, "id")
		_, err = k.engine.ActionRecord(byCustomer(11), id)
		wantError(t, "half an action", err, billing.NotFound, "id")
	}
	k.deliver()
	if above, below := c.bodies("https://above"), c.bodies("https://below"); len(above) != 2 || len(below) != 0 {
		t.Errorf("above was told %q, below %q", above, below)
	}
	k.debitOf(103, 20*usd)
	k.ok(k.engine.DeleteOwner(root(t0), a))
	for _, id := range []billing.ActionID{to.ID, back.ID} {
		_, err = k.engine.TransferByID(root(t0), id)
		wantError(t, "both are deleted", err, billing.NotFound, "id")
		_, err = k.engine.ActionRecord(root(t0), id)
		wantError(t, "both are deleted", err, billing.NotFound, "id")
		_, err = k.engine.DescribeTransfer(root(t0), id, func(string) (string, error) { return "{}", nil })
		wantError(t, "both are deleted", err, billing.NotFound, "id")
	}
	k.verify()
}
