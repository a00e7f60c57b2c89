package dbtest

import (
	"strings"
	"time"

	"topupd/billing"
)

// act makes the balance action of a record and gives its id.
func act(tx billing.Tx, k billing.ActionKind, o, top billing.OwnerID) (billing.ActionID, error) {
	a := billing.BalanceAction{Kind: k, Owner: o, Top: top, CreatedAt: noon}
	err := tx.AddBalanceAction(&a)
	return a.ID, err
}

func adjusted(tx billing.Tx, a *billing.Adjustment) (err error) {
	if a.ID == 0 {
		a.ID, err = act(tx, billing.ActionAdjustment, a.Owner, a.Top)
	}
	if err == nil {
		err = tx.CreateAdjustment(a)
	}
	return err
}

func newAdjustment() billing.Adjustment {
	return billing.Adjustment{Owner: alice, Top: acme, Unit: usd, Amount: -5, Before: 3, Extra: `{"a":1}`, CreatedAt: noon.UTC(), UpdatedAt: noon.UTC()}
}

// adjustmentRecords: they come back as written, one by one and in lists by scope.
func adjustmentRecords(w *world) {
	a, b, c := newAdjustment(), newAdjustment(), newAdjustment()
	b.Owner, b.Extra = bob, ""
	c.Owner, c.Top = carol, zeta
	for _, x := range []*billing.Adjustment{&a, &b, &c} {
		w.update(func(tx billing.Tx) error { return adjusted(tx, x) })
		got := read(w, func(r billing.Reader) (billing.Adjustment, error) { return r.Adjustment(x.ID) })
		utc(w, got)
		same(w, got, *x)
	}
	missing(w, func(r billing.Reader) (billing.Adjustment, error) { return r.Adjustment(99) })
	list := func(f billing.ActionFilter) []billing.Adjustment {
		return read(w, func(r billing.Reader) ([]billing.Adjustment, error) { return r.Adjustments(f) })
	}
	same(w, list(billing.ActionFilter{}), []billing.Adjustment{a, b, c})
	same(w, list(billing.ActionFilter{Within: billing.Root, After: a.ID, Limit: 1}), []billing.Adjustment{b})
	same(w, list(billing.ActionFilter{Within: acme}), []billing.Adjustment{a, b})
	same(w, list(billing.ActionFilter{Within: acmeE}), []billing.Adjustment{b})
	same(w, list(billing.ActionFilter{Within: zeta, After: c.ID}), nil)
	same(w, list(billing.ActionFilter{Within: billing.Customer(9)}), nil)
	same(w, list(billing.ActionFilter{Owner: carol}), []billing.Adjustment{c})
	a.Extra, a.UpdatedAt = `{"b":2}`, a.UpdatedAt.Add(time.Hour)
	w.update(func(tx billing.Tx) error { return tx.SetAdjustment(&a) })
	same(w, list(billing.ActionFilter{Owner: alice}), []billing.Adjustment{a})
	w.refused(billing.NotFound, "adjustment", func(tx billing.Tx) error { return tx.SetAdjustment(&billing.Adjustment{ID: 99}) })

	action := read(w, func(r billing.Reader) (billing.BalanceAction, error) { return r.BalanceAction(b.ID) })
	utc(w, action)
	same(w, action, billing.BalanceAction{ID: b.ID, Kind: billing.ActionAdjustment, Owner: bob, Top: acme, CreatedAt: noon.UTC()})
	missing(w, func(r billing.Reader) (billing.BalanceAction, error) { return r.BalanceAction(99) })
	actions := func(f billing.BalanceActionFilter) (ids []billing.ActionID) {
		for _, a := range read(w, func(r billing.Reader) ([]billing.BalanceAction, error) { return r.BalanceActions(f) }) {
			ids = append(ids, a.ID)
		}
		return ids
	}
	in := func(f billing.ActionFilter) billing.BalanceActionFilter {
		return billing.BalanceActionFilter{ActionFilter: f}
	}
	same(w, actions(in(billing.ActionFilter{})), []billing.ActionID{a.ID, b.ID, c.ID})
	same(w, actions(in(billing.ActionFilter{Within: acmeE})), []billing.ActionID{b.ID})
	same(w, actions(in(billing.ActionFilter{Owner: carol})), []billing.ActionID{c.ID})
	same(w, actions(in(billing.ActionFilter{After: a.ID, Limit: 1})), []billing.ActionID{b.ID})
	same(w, actions(billing.BalanceActionFilter{Kind: billing.ActionTransfer}), nil)
	same(w, len(actions(billing.BalanceActionFilter{Kind: billing.ActionAdjustment, ActionFilter: billing.ActionFilter{Within: acme}})), 2)
}

func adjustmentRules(w *world) {
	each(w, billing.Conflict, newAdjustment, adjusted, map[string]func(*billing.Adjustment){
		"of nothing":         func(a *billing.Adjustment) { a.Amount = 0 },
		"no unit":            func(a *billing.Adjustment) { a.Unit = "" },
		"an account as top":  func(a *billing.Adjustment) { a.Top = alice },
		"what is no JSON":    func(a *billing.Adjustment) { a.Extra = "{" },
		"too much to keep":   func(a *billing.Adjustment) { a.Extra = `"` + strings.Repeat("x", 16384) + `"` },
		"no time":            func(a *billing.Adjustment) { a.CreatedAt = time.Time{} },
		"changed before":     func(a *billing.Adjustment) { a.UpdatedAt = a.CreatedAt.Add(-time.Hour) },
		"no action":          func(a *billing.Adjustment) { a.ID = 99 },
		"an unknown posting": func(a *billing.Adjustment) { a.Posting = 99 },
	})
	a, other := newAdjustment(), newAdjustment()
	w.update(func(tx billing.Tx) error { return adjusted(tx, &a) })
	w.refused(billing.Exists, "id", func(tx billing.Tx) error { return tx.CreateAdjustment(&a) })
	w.refused(billing.Conflict, "", func(tx billing.Tx) error { // another kind's action
		id, err := act(tx, billing.ActionTransfer, alice, acme)
		other.ID = id
		if err != nil {
			return err
		}
		return tx.CreateAdjustment(&other)
	})
	w.refused(billing.Conflict, "", func(tx billing.Tx) error { // another's posting
		p := posting(alice, "other", -5)
		if err := tx.Post(p); err != nil {
			return err
		}
		other.ID, other.Posting = 0, p.ID
		return adjusted(tx, &other)
	})
	w.behind("UPDATE adjustments SET amount = 7", "UPDATE adjustments SET posting_id = 1", "DELETE FROM adjustments")
}

// behind holds that the database refuses what no port can ask for.
func (w *world) behind(queries ...string) {
	w.Helper()
	if w.exec == nil {
		return
	}
	for _, query := range queries {
		if w.exec(query) == nil {
			w.Errorf("the database accepted: %s", query)
		}
	}
}

func newTransfer() billing.Transfer {
	return billing.Transfer{
		From: alice, Top: acme, To: bob, ToTop: acme, Unit: usd, Amount: 5, Cost: 2, CostBy: billing.CostByReceiver, FromBefore: 9,
		ToBefore: -1, Extra: `{"a":1}`, CreatedAt: noon.UTC(), UpdatedAt: noon.UTC(),
	}
}

func transferred(tx billing.Tx, t *billing.Transfer) (err error) {
	if t.ID == 0 {
		t.ID, err = act(tx, billing.ActionTransfer, t.From, t.Top)
	}
	if err == nil {
		err = tx.CreateTransfer(t)
	}
	return err
}

func transferRecords(w *world) {
	a, b, c := newTransfer(), newTransfer(), newTransfer()
	b.From, b.To, b.Cost, b.CostBy, b.Extra = bob, alice, 0, billing.CostByNobody, ""
	c.To, c.ToTop, c.CostBy = carol, zeta, billing.CostByOriginator
	for _, x := range []*billing.Transfer{&a, &b, &c} {
		w.update(func(tx billing.Tx) error { return transferred(tx, x) })
		got := read(w, func(r billing.Reader) (billing.Transfer, error) { return r.Transfer(x.ID) })
		utc(w, got)
		same(w, got, *x)
	}
	missing(w, func(r billing.Reader) (billing.Transfer, error) { return r.Transfer(99) })
	list := func(f billing.ActionFilter) []billing.Transfer {
		return read(w, func(r billing.Reader) ([]billing.Transfer, error) { return r.Transfers(f) })
	}
	same(w, list(billing.ActionFilter{}), []billing.Transfer{a, b, c})
	same(w, list(billing.ActionFilter{After: a.ID, Limit: 1}), []billing.Transfer{b})
	// Both owners are in the scope.
	same(w, list(billing.ActionFilter{Within: acme}), []billing.Transfer{a, b})
	same(w, list(billing.ActionFilter{Within: acmeE}), nil)
	same(w, list(billing.ActionFilter{Within: zeta}), nil)
	same(w, list(billing.ActionFilter{Owner: alice}), []billing.Transfer{a, c})
	same(w, list(billing.ActionFilter{Owner: alice, Within: acme}), []billing.Transfer{a})
	same(w, list(billing.ActionFilter{Owner: alice, Within: billing.Customer(9)}), nil)
	a.Extra, a.UpdatedAt = "", a.UpdatedAt.Add(time.Hour)
	w.update(func(tx billing.Tx) error { return tx.SetTransfer(&a) })
	same(w, list(billing.ActionFilter{Owner: alice, Within: acme}), []billing.Transfer{a})
}

// transfersOfDeleted: a transfer is there while one of its two owners is; other actions go
// with theirs.
func transfersOfDeleted(w *world) {
	a, b := newTransfer(), newTransfer()
	b.From, b.To = bob, alice
	adj := newAdjustment()
	adj.Owner = bob
	w.update(func(tx billing.Tx) error { return transferred(tx, &a) })
	w.update(func(tx billing.Tx) error { return transferred(tx, &b) })
	w.update(func(tx billing.Tx) error { return adjusted(tx, &adj) })
	seen := func(f billing.ActionFilter) (ids [2][]billing.ActionID) {
		for _, x := range read(w, func(r billing.Reader) ([]billing.Transfer, error) { return r.Transfers(f) }) {
			ids[0] = append(ids[0], x.ID)
		}
		all := read(w, func(r billing.Reader) ([]billing.BalanceAction, error) {
			return r.BalanceActions(billing.BalanceActionFilter{ActionFilter: f})
		})
		for _, x := range all {
			ids[1] = append(ids[1], x.ID)
		}
		return ids
	}
	ids := func(all ...billing.ActionID) []billing.ActionID { return all }
	both := ids(a.ID, b.ID)
	w.update(func(tx billing.Tx) error { return tx.DeleteOwner(bob, noon) })
	same(w, seen(billing.ActionFilter{}), [2][]billing.ActionID{both, both})
	same(w, seen(billing.ActionFilter{Within: acme}), [2][]billing.ActionID{both, both})
	same(w, seen(billing.ActionFilter{Within: acmeE})[0], nil) // alice is above
	same(w, seen(billing.ActionFilter{Within: zeta}), [2][]billing.ActionID{})
	same(w, seen(billing.ActionFilter{Owner: alice, Within: acme}), [2][]billing.ActionID{ids(a.ID), ids(a.ID)})
	same(w, seen(billing.ActionFilter{Owner: bob, Within: acme}), [2][]billing.ActionID{ids(b.ID), ids(b.ID)})
	same(w, seen(billing.ActionFilter{After: a.ID, Limit: 1}), [2][]billing.ActionID{ids(b.ID), ids(b.ID)})
	w.update(func(tx billing.Tx) error { return tx.DeleteOwner(alice, noon) })
	for _, f := range []billing.ActionFilter{{}, {Within: acme}, {Owner: alice, Within: acme}, {Owner: bob, Within: acme}} {
		same(w, seen(f), [2][]billing.ActionID{})
	}
}

func transferRules(w *world) {
	each(w, billing.Conflict, newTransfer, transferred, map[string]func(*billing.Transfer){
		"of nothing":           func(t *billing.Transfer) { t.Amount = 0 },
		"a negative cost":      func(t *billing.Transfer) { t.Cost = -1 },
		"a cost of nobody":     func(t *billing.Transfer) { t.CostBy = billing.CostByNobody },
		"nothing to pay":       func(t *billing.Transfer) { t.Cost = 0 },
		"paid by the bank":     func(t *billing.Transfer) { t.CostBy = "bank" },
		"more cost than given": func(t *billing.Transfer) { t.Cost = 6 },
		"to itself":            func(t *billing.Transfer) { t.To = t.From },
		"no unit":              func(t *billing.Transfer) { t.Unit = "" },
		"half booked":          func(t *billing.Transfer) { t.Out = 99 },
		"an account as top":    func(t *billing.Transfer) { t.ToTop = alice },
		"what is no JSON":      func(t *billing.Transfer) { t.Extra = "x" },
		"no action":            func(t *billing.Transfer) { t.ID = 99 },
		"unknown postings":     func(t *billing.Transfer) { t.Out, t.In = 98, 99 },
	})
	each(w, billing.NotFound, newTransfer, transferred, map[string]func(*billing.Transfer){
		"an unknown receiver": func(t *billing.Transfer) { t.To = billing.Account(9) },
	})
	w.behind("UPDATE transfers SET amount = 7", "UPDATE transfers SET out_id = 1, in_id = 2", "DELETE FROM transfers")
}

func newReservation() billing.Reservation {
	return billing.Reservation{
		Owner: alice, Top: acme, Unit: usd, Amount: 5, Before: 9, State: billing.ReservationHeld, EndsAt: noon.UTC().Add(time.Hour),
		Extra: `{"a":1}`, CreatedAt: noon.UTC(), UpdatedAt: noon.UTC(),
	}
}

func reserved(tx billing.Tx, v *billing.Reservation) (err error) {
	if v.ID == 0 {
		v.ID, err = act(tx, billing.ActionReservation, v.Owner, v.Top)
	}
	if err == nil {
		err = tx.CreateReservation(v)
	}
	return err
}

// reservationRecords: what a bucket holds back follows the reservations that are held.
func reservationRecords(w *world) {
	held := func(o billing.OwnerID, want int64) {
		w.Helper()
		same(w, read(w, func(r billing.Reader) (billing.Bucket, error) { return r.Bucket(o, usd) }).Reserved, want)
	}
	a, b, c := newReservation(), newReservation(), newReservation()
	b.Owner, b.EndsAt, b.Amount, b.Extra = bob, time.Time{}, 7, ""
	c.Owner, c.Top, c.State, c.ClosedAt = carol, zeta, billing.ReservationExpired, noon.UTC()
	for _, x := range []*billing.Reservation{&a, &b, &c} {
		w.update(func(tx billing.Tx) error { return reserved(tx, x) })
		got := read(w, func(r billing.Reader) (billing.Reservation, error) { return r.Reservation(x.ID) })
		utc(w, got)
		same(w, got, *x)
	}
	held(alice, 5)
	held(bob, 7)
	held(carol, 0)
	missing(w, func(r billing.Reader) (billing.Reservation, error) { return r.Reservation(99) })
	list := func(f billing.ActionFilter) []billing.Reservation {
		return read(w, func(r billing.Reader) ([]billing.Reservation, error) { return r.Reservations(f) })
	}
	same(w, list(billing.ActionFilter{}), []billing.Reservation{a, b, c})
	same(w, list(billing.ActionFilter{Within: acme, Limit: 1}), []billing.Reservation{a})
	same(w, list(billing.ActionFilter{Within: acmeE}), []billing.Reservation{b})
	same(w, list(billing.ActionFilter{Owner: carol}), []billing.Reservation{c})
	due := func(at time.Time) []billing.ActionID {
		return read(w, func(r billing.Reader) ([]billing.ActionID, error) { return r.DueReservations(at, 9) })
	}
	same(w, due(a.EndsAt.Add(-time.Microsecond)), nil)
	same(w, due(a.EndsAt), []billing.ActionID{a.ID})

	a.Extra, a.UpdatedAt = `{"b":2}`, a.UpdatedAt.Add(time.Minute)
	w.update(func(tx billing.Tx) error { return tx.SetReservation(&a) })
	held(alice, 5)
	a.State, a.ClosedAt = billing.ReservationReleased, a.UpdatedAt
	w.update(func(tx billing.Tx) error { return tx.SetReservation(&a) })
	held(alice, 0)
	same(w, due(a.EndsAt), nil)
	same(w, list(billing.ActionFilter{Owner: alice}), []billing.Reservation{a})
	// It frees once.
	w.update(func(tx billing.Tx) error { return tx.SetReservation(&a) })
	held(alice, 0)
	w.refused(billing.Conflict, "", func(tx billing.Tx) error {
		again := a
		again.State, again.ClosedAt = billing.ReservationHeld, time.Time{}
		return tx.SetReservation(&again)
	})
	a.DeletedAt = a.UpdatedAt
	w.update(func(tx billing.Tx) error { return tx.SetReservation(&a) })
	same(w, list(billing.ActionFilter{Owner: alice}), nil)
	same(w, read(w, func(r billing.Reader) (billing.Reservation, error) { return r.Reservation(a.ID) }).DeletedAt.Equal(a.DeletedAt), true)
}

func reservationRules(w *world) {
	each(w, billing.Conflict, newReservation, reserved, map[string]func(*billing.Reservation){
		"of nothing":       func(v *billing.Reservation) { v.Amount = 0 },
		"another state":    func(v *billing.Reservation) { v.State = "spent" },
		"held and closed":  func(v *billing.Reservation) { v.ClosedAt = noon },
		"ended at no time": func(v *billing.Reservation) { v.State = billing.ReservationReleased },
		"expired, no end": func(v *billing.Reservation) {
			v.State, v.ClosedAt, v.EndsAt = billing.ReservationExpired, noon, time.Time{}
		},
		"over before":       func(v *billing.Reservation) { v.EndsAt = v.CreatedAt },
		"held and deleted":  func(v *billing.Reservation) { v.DeletedAt = noon },
		"an account as top": func(v *billing.Reservation) { v.Top = alice },
		"what is no JSON":   func(v *billing.Reservation) { v.Extra = "x" },
		"no action":         func(v *billing.Reservation) { v.ID = 99 },
	})
	w.behind("UPDATE reservations SET amount = 7", "UPDATE reservations SET ends_at = NULL", "DELETE FROM reservations",
		"UPDATE reservations SET deleted_at = 1")
}

func newOpenedBucket() billing.OpenedBucket {
	return billing.OpenedBucket{
		Bucket: billing.Bucket{Owner: alice, Unit: billing.UnitSMS}, Top: acme, Extra: `{"a":1}`, CreatedAt: noon.UTC(),
	}
}

func openedBucketRecords(w *world) {
	put := func(b *billing.OpenedBucket) { w.update(func(tx billing.Tx) error { return tx.PutOpenedBucket(b) }) }
	get := func() billing.OpenedBucket {
		b := read(w, func(r billing.Reader) (billing.OpenedBucket, error) { return r.OpenedBucket(alice, billing.UnitSMS) })
		utc(w, b)
		return b
	}
	list := func() []billing.OpenedBucket {
		return read(w, func(r billing.Reader) ([]billing.OpenedBucket, error) { return r.OpenedBuckets(alice) })
	}
	missing(w, func(r billing.Reader) (billing.OpenedBucket, error) { return r.OpenedBucket(alice, billing.UnitSMS) })
	a, kb := newOpenedBucket(), newOpenedBucket()
	kb.Unit, kb.Extra = billing.UnitKB, ""
	put(&a)
	put(&kb)
	same(w, get(), a)
	same(w, list(), []billing.OpenedBucket{kb, a})
	w.update(func(tx billing.Tx) error {
		p := posting(alice, "sms", 5)
		for i := range p.Entries {
			p.Entries[i].Unit = billing.UnitSMS
		}
		return tx.Post(p)
	})
	a.Balance = 5
	same(w, get(), a)
	w.refused(billing.Conflict, "", func(tx billing.Tx) error {
		closed := a
		closed.ClosedAt = noon
		return tx.PutOpenedBucket(&closed)
	})
	kb.ClosedAt = noon.UTC()
	put(&kb)
	same(w, list(), []billing.OpenedBucket{a})
	all := func(o billing.OwnerID, unit billing.Unit, limit int) []billing.OpenedBucket {
		return read(w, func(r billing.Reader) ([]billing.OpenedBucket, error) { return r.AllOpenedBuckets(o, unit, limit) })
	}
	same(w, all(0, "", 0), []billing.OpenedBucket{kb, a})
	same(w, all(0, "", 1), []billing.OpenedBucket{kb})
	same(w, all(alice, billing.UnitKB, 9), []billing.OpenedBucket{a})
	same(w, all(alice, billing.UnitSMS, 9), nil)
	kb.ClosedAt, kb.Extra = time.Time{}, "{}"
	put(&kb)
	same(w, list(), []billing.OpenedBucket{kb, a})
}

func openedBucketRules(w *world) {
	put := func(tx billing.Tx, b *billing.OpenedBucket) error { return tx.PutOpenedBucket(b) }
	each(w, billing.Conflict, newOpenedBucket, put, map[string]func(*billing.OpenedBucket){
		"of money":          func(b *billing.OpenedBucket) { b.Unit = usd },
		"an account as top": func(b *billing.OpenedBucket) { b.Top = alice },
		"what is no JSON":   func(b *billing.OpenedBucket) { b.Extra = "x" },
		"no time":           func(b *billing.OpenedBucket) { b.CreatedAt = time.Time{} },
		"closed before":     func(b *billing.OpenedBucket) { b.ClosedAt = b.CreatedAt.Add(-time.Hour) },
	})
	each(w, billing.NotFound, newOpenedBucket, put, map[string]func(*billing.OpenedBucket){
		"an unknown owner": func(b *billing.OpenedBucket) { b.Owner = billing.Account(9) },
	})
	w.behind("DELETE FROM opened_buckets")
}
