package dbtest

import (
	"fmt"
	"strings"
	"time"

	"topupd/billing"
)

func newHub(callback string) billing.HubSubscription {
	return billing.HubSubscription{
		Top: acme, Customer: acme, Callback: "https://" + callback, Query: "eventType=x", Wanted: "topup:create",
		Secret: []byte{0, 7, 255}, CreatedAt: noon.UTC(),
	}
}

func newEvent(o billing.OwnerID) billing.Event {
	return billing.Event{
		Top: acme, Owner: o, EventType: billing.EventType{Resource: billing.ResourceTopup, Kind: billing.EventCreate},
		RecordID: 17, Record: `{"a":"ñ"}`, At: noon.UTC(),
	}
}

func (w *world) putHub(h *billing.HubSubscription) {
	w.Helper()
	w.update(func(tx billing.Tx) error { return tx.PutHub(h) })
}

func (w *world) addEvent(ev *billing.Event) {
	w.Helper()
	w.update(func(tx billing.Tx) error { return tx.AddEvent(ev) })
}

// hubRecords: subscriptions come back as written, keep their words, and stay deleted.
func hubRecords(w *world) {
	get := func(id billing.HubID) billing.HubSubscription {
		h := read(w, func(r billing.Reader) (billing.HubSubscription, error) { return r.Hub(id) })
		utc(w, h)
		return h
	}
	list := func() []billing.HubSubscription {
		return read(w, func(r billing.Reader) ([]billing.HubSubscription, error) { return r.Hubs() })
	}
	bookings := 0
	watched := func(want bool) {
		w.Helper()
		same(w, read(w, func(r billing.Reader) (bool, error) { return r.BalancesWatched() }), want)
		for range 2 { // the second knows that there are bookings
			var is bool
			bookings++
			err := w.s.UpdateOwners(w.Context(), []billing.OwnerID{alice}, func(tx billing.Tx) (err error) {
				if err := tx.Post(posting(alice, fmt.Sprint("booking ", bookings), 1)); err != nil {
					return err
				}
				is, err = tx.BalancesWatched()
				return err
			})
			if err != nil || is != want {
				w.Errorf("a booking hears that balances are watched: %v, %v", is, err)
			}
		}
	}
	missing(w, func(r billing.Reader) (billing.HubSubscription, error) { return r.Hub(1) })
	same(w, list(), nil)
	a, b := newHub("a"), newHub("b")
	b.Wanted, b.Query, b.Secret = "", "", nil
	w.putHub(&a)
	watched(false)
	w.putHub(&b)
	watched(true) // everything includes balances
	same(w, []billing.HubID{a.ID, b.ID}, []billing.HubID{1, 2})
	same(w, get(a.ID), a)
	same(w, list(), []billing.HubSubscription{a, b})
	b.Secret = []byte("sealed")
	w.putHub(&b)
	same(w, get(b.ID), b)
	// Who sees an owner: its customers and root.
	over := func(o billing.OwnerID, want ...billing.HubSubscription) {
		w.Helper()
		same(w, read(w, func(r billing.Reader) ([]billing.HubSubscription, error) {
			owner, err := r.Owner(o)
			if err != nil {
				return nil, err
			}
			return r.HubsOver(owner)
		}), want)
	}
	over(alice, a, b)
	over(acme, a, b)
	over(carol)
	over(billing.Root)

	reseal := func(was, now string) (done bool) {
		w.update(func(tx billing.Tx) (err error) { done, err = tx.ResealHub(b.ID, []byte(was), []byte(now)); return err })
		return done
	}
	same(w, reseal("other", "new"), false)
	same(w, reseal("sealed", "new"), true)
	b.Secret = []byte("new")
	same(w, get(b.ID), b)

	at := noon.UTC().Add(time.Hour)
	w.update(func(tx billing.Tx) error { return tx.DeleteHub(b.ID, at) })
	b.Secret, b.DeletedAt = nil, at
	same(w, get(b.ID), b)
	same(w, list(), []billing.HubSubscription{a})
	watched(false)
	w.refused(billing.NotFound, "hub", func(tx billing.Tx) error { return tx.DeleteHub(b.ID, at) })
	w.refused(billing.NotFound, "hub", func(tx billing.Tx) error { return tx.DeleteHub(99, at) })
	w.refused(billing.Conflict, "", func(tx billing.Tx) error { again := b; again.Secret = []byte("x"); return tx.PutHub(&again) })
	// Callback and query are free again, under another row.
	again := newHub("b")
	again.Query = ""
	w.putHub(&again)
	same(w, again.ID, billing.HubID(3))
	// A deleted customer's end.
	ended := newHub("e")
	ended.Top, ended.Customer = zeta, zeta
	w.putHub(&ended)
	w.update(func(tx billing.Tx) error { return tx.DeleteOwner(carol, noon) })
	same(w, get(ended.ID).DeletedAt, time.Time{})
	w.update(func(tx billing.Tx) error { return tx.DeleteOwner(zeta, noon) })
	ended.Secret, ended.DeletedAt = nil, noon.UTC()
	same(w, get(ended.ID), ended)
	same(w, list(), []billing.HubSubscription{a, again})
	// A choice of balances among others.
	some := newHub("c")
	some.Wanted = "topup:create,bucket:change"
	w.putHub(&some)
	watched(true)
}

func hubRules(w *world) {
	good := func() billing.HubSubscription { return newHub("good") }
	put := func(tx billing.Tx, h *billing.HubSubscription) error { return tx.PutHub(h) }
	each(w, billing.Conflict, good, put, map[string]func(*billing.HubSubscription){
		"a negative id":        func(h *billing.HubSubscription) { h.ID = -1 },
		"an account as top":    func(h *billing.HubSubscription) { h.Top = alice },
		"an account's":         func(h *billing.HubSubscription) { h.Customer = alice },
		"nobody's":             func(h *billing.HubSubscription) { h.Customer = 0 },
		"no callback":          func(h *billing.HubSubscription) { h.Callback = "" },
		"another scheme":       func(h *billing.HubSubscription) { h.Callback = "file:///etc/passwd" },
		"a callback too long":  func(h *billing.HubSubscription) { h.Callback = "https://" + strings.Repeat("a", 2000) },
		"a query too long":     func(h *billing.HubSubscription) { h.Query = strings.Repeat("a", 2001) },
		"a secret of no bytes": func(h *billing.HubSubscription) { h.Secret = []byte{} },
	})
	each(w, billing.NotFound, func() billing.HubSubscription { return newHub("other") }, put, map[string]func(*billing.HubSubscription){
		"an unknown customer": func(h *billing.HubSubscription) { h.Customer = billing.Customer(99) },
	})
	twin := newHub("good")
	w.refused(billing.Exists, "callback", func(tx billing.Tx) error { return tx.PutHub(&twin) })
	twin.Query = ""
	w.putHub(&twin)
	if w.exec == nil {
		return
	}
	for name, query := range map[string]string{
		"another callback":      `UPDATE hub_subscriptions SET callback = 'https://evil' WHERE id = 1`,
		"another customer":      `UPDATE hub_subscriptions SET customer_id = 24 WHERE id = 1`,
		"another choice":        `UPDATE hub_subscriptions SET wanted = '' WHERE id = 1`,
		"deleted with a secret": `UPDATE hub_subscriptions SET deleted_at = 1 WHERE id = 1`,
		"gone":                  `DELETE FROM hub_subscriptions WHERE id = 1`,
	} {
		if w.exec(query) == nil {
			w.Errorf("%s was accepted", name)
		}
	}
}

// eventRecords: events come back as written and in their lists.
func eventRecords(w *world) {
	a, b, c := newEvent(alice), newEvent(bob), newEvent(alice)
	for _, ev := range []*billing.Event{&a, &b, &c} {
		w.addEvent(ev)
		got := read(w, func(r billing.Reader) (billing.Event, error) { return r.Event(ev.ID) })
		utc(w, got)
		same(w, got, *ev)
	}
	missing(w, func(r billing.Reader) (billing.Event, error) { return r.Event(99) })
	list := func(f billing.EventFilter) (ids []billing.EventID) {
		for _, ev := range read(w, func(r billing.Reader) ([]billing.Event, error) { return r.Events(f) }) {
			ids = append(ids, ev.ID)
		}
		return ids
	}
	same(w, list(billing.EventFilter{}), []billing.EventID{c.ID, b.ID, a.ID})
	same(w, list(billing.EventFilter{Before: c.ID, Limit: 1}), []billing.EventID{b.ID})
	same(w, list(billing.EventFilter{Owner: alice}), []billing.EventID{c.ID, a.ID})
	same(w, list(billing.EventFilter{Owner: alice, Before: c.ID}), []billing.EventID{a.ID})
	same(w, list(billing.EventFilter{Owner: carol}), nil)
}

func eventRules(w *world) {
	good := func() billing.Event { return newEvent(alice) }
	add := func(tx billing.Tx, ev *billing.Event) error { return tx.AddEvent(ev) }
	each(w, billing.Conflict, good, add, map[string]func(*billing.Event){
		"an account as top":  func(ev *billing.Event) { ev.Top = alice },
		"no kind":            func(ev *billing.Event) { ev.Kind = "" },
		"no resource":        func(ev *billing.Event) { ev.Resource = "hub" },
		"no record":          func(ev *billing.Event) { ev.RecordID = 0 },
		"no JSON":            func(ev *billing.Event) { ev.Record = "{" },
		"a bucket cancelled": func(ev *billing.Event) { ev.Resource, ev.Kind = billing.ResourceBucket, billing.EventCancel },
	})
	each(w, billing.NotFound, good, add, map[string]func(*billing.Event){
		"an unknown owner": func(ev *billing.Event) { ev.Owner = billing.Account(9) },
	})
	for _, t := range billing.EventTypes() {
		ev := newEvent(alice)
		ev.EventType = t
		w.addEvent(&ev)
	}
	if w.exec != nil && w.exec(`UPDATE events SET record = '{}'`) == nil {
		w.Error("an event was changed")
	}
}

func delivery(ev *billing.Event, h *billing.HubSubscription, subject string) billing.Delivery {
	return billing.Delivery{
		Top: ev.Top, Event: ev.ID, Hub: h.ID, Subject: subject, State: billing.DeliveryPending, DueAt: noon.UTC(), CreatedAt: noon.UTC(),
	}
}

// deliveryRecords: deliveries come back as written; of one subject the oldest is due, and
// the others are found behind it.
func deliveryRecords(w *world) {
	a, b := newHub("a"), newHub("b")
	w.putHub(&a)
	w.putHub(&b)
	var evs [3]billing.Event
	for i := range evs {
		evs[i] = newEvent(alice)
		w.addEvent(&evs[i])
	}
	add := func(d *billing.Delivery) { w.update(func(tx billing.Tx) error { return tx.AddDelivery(d) }) }
	set := func(d *billing.Delivery) { w.update(func(tx billing.Tx) error { return tx.SetDelivery(d) }) }
	get := func(id billing.DeliveryID) billing.Delivery {
		d := read(w, func(r billing.Reader) (billing.Delivery, error) { return r.Delivery(id) })
		utc(w, d)
		return d
	}
	first, second, other := delivery(&evs[0], &a, "topup:17"), delivery(&evs[1], &a, "topup:17"), delivery(&evs[0], &b, "topup:17")
	second.DueAt = time.Time{}
	for _, d := range []*billing.Delivery{&first, &second, &other} {
		add(d)
		same(w, get(d.ID), *d)
	}
	missing(w, func(r billing.Reader) (billing.Delivery, error) { return r.Delivery(99) })
	head := func(subject string) bool {
		return read(w, func(r billing.Reader) (bool, error) { return r.HeadDelivery(a.ID, subject) })
	}
	waiting := func(r billing.Reader) (billing.Delivery, error) { return r.WaitingDelivery(a.ID, "topup:17") }
	same(w, head("topup:17"), true)
	same(w, head("topup:18"), false)
	same(w, read(w, waiting), second)
	missing(w, func(r billing.Reader) (billing.Delivery, error) { return r.WaitingDelivery(b.ID, "topup:17") })
	hubs := func(at time.Time) []billing.HubID {
		return read(w, func(r billing.Reader) ([]billing.HubID, error) { return r.DueHubs(at) })
	}
	due := func(h billing.HubID, at time.Time) []billing.DueDelivery {
		return read(w, func(r billing.Reader) ([]billing.DueDelivery, error) { return r.DueDeliveries(h, at, 10) })
	}
	at := noon.UTC()
	same(w, read(w, billing.Reader.Backlogs), []billing.Backlog{{Hub: a.ID, Pending: 2}, {Hub: b.ID, Pending: 1}})
	pending := func(h billing.HubID, limit int) []billing.DeliveryID {
		return read(w, func(r billing.Reader) ([]billing.DeliveryID, error) { return r.OldestPending(h, at, limit) })
	}
	same(w, pending(a.ID, 10), []billing.DeliveryID{first.ID, second.ID})
	same(w, pending(a.ID, 1), []billing.DeliveryID{first.ID})
	same(w, hubs(at.Add(-time.Microsecond)), nil)
	same(w, hubs(at), []billing.HubID{a.ID, b.ID})
	same(w, due(a.ID, at), []billing.DueDelivery{{ID: first.ID, Owner: evs[0].Owner}})
	first.LeaseUntil = at.Add(time.Minute)
	set(&first)
	same(w, due(a.ID, at), nil)
	same(w, pending(a.ID, 10), []billing.DeliveryID{second.ID})
	same(w, hubs(at), []billing.HubID{b.ID})
	same(w, due(a.ID, at.Add(time.Minute)), []billing.DueDelivery{{ID: first.ID, Owner: evs[0].Owner}})

	// Everything that may change does.
	first.Tries, first.Status, first.State, first.DueAt, first.LeaseUntil, first.FinishedAt = 3, 204, billing.DeliveryDelivered, time.Time{}, time.Time{}, at.Add(time.Hour)
	set(&first)
	same(w, get(first.ID), first)
	second.DueAt = at
	set(&second)
	missing(w, waiting)
	second.State, second.Error, second.DueAt, second.FinishedAt, second.Tries = billing.DeliveryDead, "ñ", time.Time{}, at, 11
	set(&second)
	same(w, get(second.ID), second)
	w.refused(billing.NotFound, "delivery", func(tx billing.Tx) error { d := second; d.ID = 99; return tx.SetDelivery(&d) })

	same(w, read(w, func(r billing.Reader) ([]billing.Delivery, error) { return r.DeliveriesOf(evs[0].ID) }), []billing.Delivery{first, other})
	list := func(f billing.DeliveryFilter) (ids []billing.DeliveryID) {
		for _, d := range read(w, func(r billing.Reader) ([]billing.Delivery, error) { return r.Deliveries(f) }) {
			ids = append(ids, d.ID)
		}
		return ids
	}
	same(w, list(billing.DeliveryFilter{}), []billing.DeliveryID{other.ID, second.ID, first.ID})
	same(w, list(billing.DeliveryFilter{Before: other.ID, Limit: 1}), []billing.DeliveryID{second.ID})
	same(w, list(billing.DeliveryFilter{Hub: a.ID}), []billing.DeliveryID{second.ID, first.ID})
	same(w, list(billing.DeliveryFilter{State: billing.DeliveryDead}), []billing.DeliveryID{second.ID})
	// What a deleted subscription waited for is due to nobody.
	w.update(func(tx billing.Tx) error { return tx.DeleteHub(b.ID, at) })
	same(w, hubs(at.Add(time.Hour)), nil)
}

func deliveryRules(w *world) {
	h := newHub("a")
	w.putHub(&h)
	ev, next := newEvent(alice), newEvent(alice)
	w.addEvent(&ev)
	w.addEvent(&next)
	good := func() billing.Delivery { return delivery(&ev, &h, "topup:17") }
	add := func(tx billing.Tx, d *billing.Delivery) error { return tx.AddDelivery(d) }
	delivered := func(d *billing.Delivery) {
		d.State, d.DueAt, d.FinishedAt, d.Tries, d.Status = billing.DeliveryDelivered, time.Time{}, noon, 1, 200
	}
	each(w, billing.Conflict, good, add, map[string]func(*billing.Delivery){
		"an account as top":      func(d *billing.Delivery) { d.Top = alice },
		"no subject":             func(d *billing.Delivery) { d.Subject = "" },
		"no state":               func(d *billing.Delivery) { d.State = "" },
		"dropped":                func(d *billing.Delivery) { d.State = billing.DeliveryDropped },
		"pending, finished":      func(d *billing.Delivery) { d.FinishedAt = noon },
		"a lease of what waits":  func(d *billing.Delivery) { d.DueAt, d.LeaseUntil = time.Time{}, noon },
		"no tries":               func(d *billing.Delivery) { d.Tries = -1 },
		"status 42":              func(d *billing.Delivery) { d.Status = 42 },
		"delivered, due":         func(d *billing.Delivery) { delivered(d); d.DueAt = noon },
		"delivered, unfinished":  func(d *billing.Delivery) { delivered(d); d.FinishedAt = time.Time{} },
		"delivered by a 302":     func(d *billing.Delivery) { delivered(d); d.Status = 302 },
		"delivered by nothing":   func(d *billing.Delivery) { delivered(d); d.Tries = 0 },
		"delivered, with errors": func(d *billing.Delivery) { delivered(d); d.Error = "x" },
		"dead of nothing":        func(d *billing.Delivery) { delivered(d); d.State = billing.DeliveryDead },
		"what a callback says":   func(d *billing.Delivery) { d.Error = strings.Repeat("x", 501) },
	})
	each(w, billing.NotFound, func() billing.Delivery { return delivery(&next, &h, "topup:18") }, add, map[string]func(*billing.Delivery){
		"no event":        func(d *billing.Delivery) { d.Event = 99 },
		"no subscription": func(d *billing.Delivery) { d.Hub = 99 },
	})
	twin := good()
	twin.Subject = "topup:19"
	w.refused(billing.Exists, "delivery", func(tx billing.Tx) error { return tx.AddDelivery(&twin) })
	third := newEvent(alice)
	w.addEvent(&third)
	overtaking := delivery(&third, &h, "topup:17")
	w.refused(billing.Exists, "subject", func(tx billing.Tx) error { return tx.AddDelivery(&overtaking) })
	if w.exec != nil && w.exec(`UPDATE deliveries SET hub_id = hub_id, subject = 'x'`) == nil {
		w.Error("a delivery was given to another record")
	}
}

// oldEvents: what is old goes, the oldest first, unless somebody still waits for it.
func oldEvents(w *world) {
	h, gone := newHub("a"), newHub("b")
	w.putHub(&h)
	w.putHub(&gone)
	at := noon.UTC()
	var evs [5]billing.Event
	for i := range evs {
		evs[i] = newEvent(alice)
		evs[i].At = at.Add(time.Duration(-i) * time.Hour)
		w.addEvent(&evs[i])
	}
	waits, dropped, done := delivery(&evs[4], &h, "a"), delivery(&evs[3], &gone, "a"), delivery(&evs[2], &h, "b")
	done.State, done.DueAt, done.FinishedAt, done.Tries, done.Status = billing.DeliveryDelivered, time.Time{}, at, 1, 200
	for _, d := range []*billing.Delivery{&waits, &dropped, &done} {
		w.update(func(tx billing.Tx) error { return tx.AddDelivery(d) })
	}
	w.update(func(tx billing.Tx) error { return tx.DeleteHub(gone.ID, at) })
	drop := func(before time.Time, limit int) (n int64) {
		w.update(func(tx billing.Tx) (err error) { n, err = tx.DropEvents(before, limit); return err })
		return n
	}
	left := func() (ids []billing.EventID) {
		for _, ev := range read(w, func(r billing.Reader) ([]billing.Event, error) { return r.Events(billing.EventFilter{}) }) {
			ids = append(ids, ev.ID)
		}
		return ids
	}
	same(w, drop(at, 1), int64(1))
	same(w, left(), []billing.EventID{evs[4].ID, evs[2].ID, evs[1].ID, evs[0].ID})
	same(w, drop(at, 10), int64(2))
	same(w, left(), []billing.EventID{evs[4].ID, evs[0].ID})
	missing(w, func(r billing.Reader) (billing.Delivery, error) { return r.Delivery(done.ID) })
	same(w, drop(at.Add(time.Hour), 10), int64(1))
	same(w, left(), []billing.EventID{evs[4].ID})
}
