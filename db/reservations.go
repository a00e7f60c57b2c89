package db

import (
	"time"

	"topupd/billing"
)

const reservationColumns = `x.id, x.owner_id, x.top_id, x.unit, x.amount, x.free_before, x.state, x.ends_at, x.extra, x.created_at,
    x.updated_at, x.closed_at, x.deleted_at`

func scanReservation(r *row, v *billing.Reservation) {
	v.ID = billing.ActionID(r.int64())
	v.Owner = billing.OwnerID(r.int64())
	v.Top = billing.OwnerID(r.int64())
	v.Unit = billing.Unit(r.text())
	v.Amount = r.int64()
	v.Before = r.int64()
	v.State = billing.ReservationState(r.text())
	v.EndsAt = r.time()
	v.Extra = r.text()
	v.CreatedAt = r.time()
	v.UpdatedAt = r.time()
	v.ClosedAt = r.time()
	v.DeletedAt = r.time()
}

const reservationFrom = ` FROM reservations x JOIN owners o ON o.id = x.owner_id AND x.deleted_at IS NULL`

const (
	sqlReservation     = `SELECT ` + reservationColumns + ` FROM reservations x WHERE x.id = $1`
	sqlReservations    = `SELECT ` + reservationColumns + reservationFrom + actionsAll
	sqlReservationsOf  = `SELECT ` + reservationColumns + reservationFrom + actionsOf
	sqlReservationsIn  = `SELECT ` + reservationColumns + reservationFrom + actionsIn
	sqlDueReservations = `SELECT id FROM reservations WHERE state = 'held' AND ends_at IS NOT NULL AND ends_at <= $1 ORDER BY ends_at, id LIMIT $2`
	sqlAddReservation  = `INSERT INTO reservations (id, owner_id, top_id, unit, amount, free_before, state, ends_at, extra, created_at,
    updated_at, closed_at, deleted_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`
	sqlSetReservation = `UPDATE reservations SET state = $2, extra = $3, updated_at = $4, closed_at = $5, deleted_at = $6 WHERE id = $1`
	sqlReserve        = `UPDATE buckets SET reserved = reserved + $3 WHERE owner_id = $1 AND unit = $2`
	sqlReserveFirst   = `INSERT INTO buckets (owner_id, unit, top_id, balance, reserved) VALUES ($1, $2, $3, 0, $4)`
)

func (r *reader) Reservation(id billing.ActionID) (billing.Reservation, error) {
	return one(r, "reservation", scanReservation, sqlReservation, int64(id))
}

func (r *reader) Reservations(f billing.ActionFilter) ([]billing.Reservation, error) {
	return listActions(r, f, scanReservation, actionQueries{sqlReservations, sqlReservationsOf, sqlReservationsIn})
}

func (r *reader) DueReservations(now time.Time, limit int) ([]billing.ActionID, error) {
	return list(r, func(r *row, id *billing.ActionID) { *id = billing.ActionID(r.int64()) }, sqlDueReservations, now, limitOf(limit))
}

func (t *tx) CreateReservation(v *billing.Reservation) error {
	if err := t.owns(v.Owner); err != nil {
		return err
	}
	if v.State == billing.ReservationHeld {
		if err := t.reserve(v, v.Amount); err != nil {
			return err
		}
	} else if err := t.reserve(v, 0); err != nil { // its bucket is there
		return err
	}
	err := t.add(sqlAddReservation, int64(v.ID), int64(v.Owner), int64(v.Top), string(v.Unit), v.Amount, v.Before, string(v.State),
		v.EndsAt, v.Extra, v.CreatedAt, v.UpdatedAt, v.ClosedAt, v.DeletedAt)
	return t.spoil(err)
}

func (t *tx) SetReservation(v *billing.Reservation) error {
	if err := t.owns(v.Owner); err != nil {
		return err
	}
	was, err := t.Reservation(v.ID)
	if err != nil {
		return err
	}
	err = t.change("reservation", sqlSetReservation, int64(v.ID), string(v.State), v.Extra, v.UpdatedAt, v.ClosedAt, v.DeletedAt)
	if err != nil || was.State != billing.ReservationHeld || v.State == billing.ReservationHeld {
		return err
	}
	return t.spoil(t.reserve(&was, -was.Amount))
}

// reserve moves what a bucket holds back; money that nothing was ever posted to has no
// row yet.
func (t *tx) reserve(v *billing.Reservation, delta int64) error {
	n, err := t.exec(sqlReserve, int64(v.Owner), string(v.Unit), delta)
	if err == nil && n == 0 {
		err = t.add(sqlReserveFirst, int64(v.Owner), string(v.Unit), int64(v.Top), delta)
	}
	return err
}
