package db

import (
	"slices"
	"time"

	"topupd/billing"
)

const deliveryColumns = `id, top_id, event_id, hub_id, subject, state, tries, due_at, lease_until, status, error, created_at, finished_at`

func scanDelivery(r *row, d *billing.Delivery) {
	d.ID = billing.DeliveryID(r.int64())
	d.Top = billing.OwnerID(r.int64())
	d.Event = billing.EventID(r.int64())
	d.Hub = billing.HubID(r.int64())
	d.Subject = r.text()
	d.State = billing.DeliveryState(r.text())
	d.Tries = r.int()
	d.DueAt = r.time()
	d.LeaseUntil = r.time()
	d.Status = r.int()
	d.Error = r.text()
	d.CreatedAt = r.time()
	d.FinishedAt = r.time()
}

const (
	sqlDelivery          = `SELECT ` + deliveryColumns + ` FROM deliveries WHERE id = $1`
	sqlDeliveriesOf      = `SELECT ` + deliveryColumns + ` FROM deliveries WHERE event_id = $1 ORDER BY hub_id`
	sqlDeliveries        = `SELECT ` + deliveryColumns + ` FROM deliveries WHERE id < $1 ORDER BY id DESC LIMIT $2`
	sqlDeliveriesInState = `SELECT ` + deliveryColumns + ` FROM deliveries WHERE state = $3 AND id < $1 ORDER BY id DESC LIMIT $2`
	sqlDeliveriesToHub   = `SELECT ` + deliveryColumns + ` FROM deliveries WHERE hub_id = $3 AND id < $1 ORDER BY id DESC LIMIT $2`
)

func (r *reader) Delivery(id billing.DeliveryID) (billing.Delivery, error) {
	return one(r, "delivery", scanDelivery, sqlDelivery, int64(id))
}

func (r *reader) DeliveriesOf(id billing.EventID) ([]billing.Delivery, error) {
	return list(r, scanDelivery, sqlDeliveriesOf, int64(id))
}

func (r *reader) Deliveries(f billing.DeliveryFilter) ([]billing.Delivery, error) {
	switch {
	case f.Hub != 0:
		return list(r, scanDelivery, sqlDeliveriesToHub, beforeOf(f.Before), limitOf(f.Limit), int64(f.Hub))
	case f.State != "":
		return list(r, scanDelivery, sqlDeliveriesInState, beforeOf(f.Before), limitOf(f.Limit), string(f.State))
	default:
		return list(r, scanDelivery, sqlDeliveries, beforeOf(f.Before), limitOf(f.Limit))
	}
}

const (
	sqlDueHubs = `SELECT h.id FROM hub_subscriptions h WHERE h.deleted_at IS NULL AND EXISTS (
    SELECT 1 FROM deliveries d WHERE d.hub_id = h.id AND d.due_at IS NOT NULL AND d.due_at <= $1
        AND (d.lease_until IS NULL OR d.lease_until <= $1))
ORDER BY h.id`
	sqlDueDeliveries = `SELECT d.id, e.owner_id FROM deliveries d JOIN events e ON e.id = d.event_id
WHERE d.hub_id = $1 AND d.due_at IS NOT NULL AND d.due_at <= $2 AND (d.lease_until IS NULL OR d.lease_until <= $2)
ORDER BY d.due_at, d.id LIMIT $3`
	// Both go over the pending ones only: an order by id would have the second go over all
	// that was ever sent.
	sqlBacklogs = `SELECT h.id, (SELECT COUNT(*) FROM deliveries d WHERE d.hub_id = h.id AND d.state = 'pending')
FROM hub_subscriptions h WHERE h.deleted_at IS NULL ORDER BY h.id`
	sqlPending         = `SELECT id FROM deliveries WHERE hub_id = $1 AND subject > '' AND state = 'pending' AND (lease_until IS NULL OR lease_until <= $2)`
	sqlHeadDelivery    = `SELECT EXISTS (SELECT 1 FROM deliveries WHERE hub_id = $1 AND subject = $2 AND due_at IS NOT NULL)`
	sqlWaitingDelivery = `SELECT ` + deliveryColumns + ` FROM deliveries
WHERE hub_id = $1 AND subject = $2 AND state = 'pending' AND due_at IS NULL ORDER BY id LIMIT 1`
)

func (r *reader) DueHubs(real time.Time) ([]billing.HubID, error) {
	return list(r, scanID[billing.HubID], sqlDueHubs, real)
}

func (r *reader) DueDeliveries(h billing.HubID, real time.Time, limit int) ([]billing.DueDelivery, error) {
	return list(r, func(row *row, d *billing.DueDelivery) {
		d.ID, d.Owner = billing.DeliveryID(row.int64()), billing.OwnerID(row.int64())
	}, sqlDueDeliveries, int64(h), real, limitOf(limit))
}

func (r *reader) Backlogs() ([]billing.Backlog, error) {
	return list(r, func(row *row, b *billing.Backlog) { b.Hub, b.Pending = billing.HubID(row.int64()), row.int64() }, sqlBacklogs)
}

func (r *reader) OldestPending(h billing.HubID, real time.Time, limit int) ([]billing.DeliveryID, error) {
	all, err := list(r, scanID[billing.DeliveryID], sqlPending, int64(h), real)
	slices.Sort(all)
	return all[:min(limit, len(all))], err
}

func (r *reader) HeadDelivery(h billing.HubID, subject string) (due bool, err error) {
	_, err = r.first(func(row *row) { due = row.bool() }, sqlHeadDelivery, int64(h), subject)
	return due, err
}

func (r *reader) WaitingDelivery(h billing.HubID, subject string) (billing.Delivery, error) {
	return one(r, "delivery", scanDelivery, sqlWaitingDelivery, int64(h), subject)
}

const sqlAddDelivery = `INSERT INTO deliveries (top_id, event_id, hub_id, subject, state, tries, due_at, lease_until, status, error, created_at, finished_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

func (t *tx) AddDelivery(d *billing.Delivery) error {
	id, err := t.insert(sqlAddDelivery, int64(d.Top), int64(d.Event), int64(d.Hub), d.Subject, string(d.State), d.Tries,
		d.DueAt, d.LeaseUntil, d.Status, d.Error, d.CreatedAt, d.FinishedAt)
	if err == nil {
		d.ID = billing.DeliveryID(id)
	}
	return err
}

const sqlSetDelivery = `UPDATE deliveries SET state = $2, tries = $3, due_at = $4, lease_until = $5, status = $6, error = $7, finished_at = $8
WHERE id = $1`

func (t *tx) SetDelivery(d *billing.Delivery) error {
	return t.change("delivery", sqlSetDelivery, int64(d.ID), string(d.State), d.Tries, d.DueAt, d.LeaseUntil, d.Status, d.Error, d.FinishedAt)
}
