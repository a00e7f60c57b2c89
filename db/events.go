package db

import (
	"cmp"
	"slices"
	"time"

	"topupd/billing"
)

// Asked in the transaction that books, it is right whichever process subscribed.
const sqlBalancesWatched = `SELECT EXISTS (SELECT 1 FROM hub_subscriptions WHERE deleted_at IS NULL AND balances)`

func (r *reader) BalancesWatched() (watched bool, err error) {
	if watched, known := r.s.balancesWatched(); known {
		return watched, nil
	}
	_, err = r.first(func(row *row) { watched = row.bool() }, sqlBalancesWatched)
	return watched, err
}

const hubColumns = `id, top_id, customer_id, callback, query, wanted, secret, created_at, deleted_at`

func scanHub(r *row, h *billing.HubSubscription) {
	h.ID = billing.HubID(r.int64())
	h.Top = billing.OwnerID(r.int64())
	h.Customer = billing.OwnerID(r.int64())
	h.Callback = r.text()
	h.Query = r.text()
	h.Wanted = r.text()
	h.Secret = r.bytes()
	h.CreatedAt = r.time()
	h.DeletedAt = r.time()
}

const (
	sqlHub  = `SELECT ` + hubColumns + ` FROM hub_subscriptions WHERE id = $1`
	sqlHubs = `SELECT ` + hubColumns + ` FROM hub_subscriptions WHERE deleted_at IS NULL ORDER BY id`
)

func (r *reader) Hub(id billing.HubID) (billing.HubSubscription, error) {
	return one(r, "hub", scanHub, sqlHub, int64(id))
}

func (r *reader) Hubs() ([]billing.HubSubscription, error) { return list(r, scanHub, sqlHubs) }

// customersAtOnce is how many customers one statement asks about.
const customersAtOnce = 4

const sqlHubsOver = `SELECT ` + hubColumns + ` FROM hub_subscriptions WHERE customer_id IN ($1, $2, $3, $4) AND deleted_at IS NULL`

func (r *reader) HubsOver(o billing.Owner) (all []billing.HubSubscription, err error) {
	ids := customersOver(o)
	if !slices.Contains(ids, int64(billing.Root)) {
		ids = append(ids, int64(billing.Root))
	}
	for some := range slices.Chunk(ids, customersAtOnce) {
		args := [customersAtOnce]any{int64(0), int64(0), int64(0), int64(0)}
		for i, id := range some {
			args[i] = id
		}
		page, err := list(r, scanHub, sqlHubsOver, args[:]...)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	slices.SortFunc(all, func(a, b billing.HubSubscription) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

const (
	sqlNextHub = `SELECT COALESCE(MAX(id), 0) + 1 FROM hub_subscriptions`
	sqlAddHub  = `INSERT INTO hub_subscriptions (id, top_id, customer_id, callback, query, wanted, balances, secret, created_at, deleted_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL) ON CONFLICT (id) DO NOTHING`
	sqlSetHubSecret = `UPDATE hub_subscriptions SET secret = $2 WHERE id = $1`
	sqlDeleteHub    = `UPDATE hub_subscriptions SET secret = NULL, deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL`
	sqlResealHub    = `UPDATE hub_subscriptions SET secret = $3 WHERE id = $1 AND secret = $2`
)

func (t *tx) PutHub(h *billing.HubSubscription) error {
	id, err := t.idOr(int64(h.ID), sqlNextHub)
	if err != nil {
		return err
	}
	n, err := t.exec(sqlAddHub, id, int64(h.Top), int64(h.Customer), h.Callback, h.Query, h.Wanted, h.WantsBalances(), h.Secret, h.CreatedAt)
	if err == nil && n == 0 {
		_, err = t.exec(sqlSetHubSecret, id, h.Secret)
	}
	if err == nil {
		h.ID = billing.HubID(id)
	}
	return err
}

func (t *tx) DeleteHub(id billing.HubID, at time.Time) error {
	return t.change("hub", sqlDeleteHub, int64(id), at)
}

func (t *tx) ResealHub(id billing.HubID, was, now []byte) (bool, error) {
	n, err := t.exec(sqlResealHub, int64(id), was, now)
	return n > 0, err
}

const eventColumns = `id, top_id, owner_id, kind, resource, resource_id, record, at`

func scanEvent(r *row, e *billing.Event) {
	e.ID = billing.EventID(r.int64())
	e.Top = billing.OwnerID(r.int64())
	e.Owner = billing.OwnerID(r.int64())
	e.Kind = billing.EventKind(r.text())
	e.Resource = billing.EventResource(r.text())
	e.RecordID = r.int64()
	e.Record = r.text()
	e.At = r.time()
}

const (
	sqlEvent    = `SELECT ` + eventColumns + ` FROM events WHERE id = $1`
	sqlEvents   = `SELECT ` + eventColumns + ` FROM events WHERE id < $1 ORDER BY id DESC LIMIT $2`
	sqlEventsOf = `SELECT ` + eventColumns + ` FROM events WHERE owner_id = $3 AND id < $1 ORDER BY id DESC LIMIT $2`
)

func (r *reader) Event(id billing.EventID) (billing.Event, error) {
	return one(r, "event", scanEvent, sqlEvent, int64(id))
}

func (r *reader) Events(f billing.EventFilter) ([]billing.Event, error) {
	if f.Owner == 0 {
		return list(r, scanEvent, sqlEvents, beforeOf(f.Before), limitOf(f.Limit))
	}
	return list(r, scanEvent, sqlEventsOf, beforeOf(f.Before), limitOf(f.Limit), int64(f.Owner))
}

const sqlAddEvent = `INSERT INTO events (top_id, owner_id, kind, resource, resource_id, record, at)
VALUES ($1, $2, $3, $4, $5, $6, $7)`

// AddEvent holds who tells of a record to its owner: that its deliveries to a subscription
// stand in line, one of them due, is only true of who has the owner's row.
func (t *tx) AddEvent(e *billing.Event) error {
	if err := t.owns(e.Owner); err != nil {
		return err
	}
	id, err := t.insert(sqlAddEvent, int64(e.Top), int64(e.Owner), string(e.Kind), string(e.Resource), e.RecordID, e.Record, e.At)
	if err == nil {
		e.ID = billing.EventID(id)
	}
	return err
}

// An event goes with its deliveries, unless one of them is still to be made.
const (
	sqlOldEvents = `SELECT e.id FROM events e WHERE e.at < $1 AND NOT EXISTS (
    SELECT 1 FROM deliveries d JOIN hub_subscriptions h ON h.id = d.hub_id
    WHERE d.event_id = e.id AND d.state = 'pending' AND h.deleted_at IS NULL)
ORDER BY e.at LIMIT $2`
	sqlDropDeliveriesOf = `DELETE FROM deliveries WHERE event_id = $1`
	sqlDropEvent        = `DELETE FROM events WHERE id = $1`
)

func (t *tx) DropEvents(before time.Time, limit int) (int64, error) {
	if err := t.alone(); err != nil {
		return 0, err
	}
	old, err := list(&t.reader, scanID[billing.EventID], sqlOldEvents, before, limitOf(limit))
	if err != nil {
		return 0, err
	}
	for _, id := range old {
		if err := t.add(sqlDropDeliveriesOf, int64(id)); err != nil {
			return 0, t.spoil(err)
		}
		if err := t.add(sqlDropEvent, int64(id)); err != nil {
			return 0, t.spoil(err)
		}
	}
	return int64(len(old)), nil
}
