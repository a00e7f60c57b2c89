package billing

import (
	"context"
	"time"
)

const (
	// reservationBatch bounds what one transaction of the upkeep ends.
	reservationBatch = 100
	// reservationsEvery spares the worker's loop a look-up at each turn.
	reservationsEvery = time.Second
)

// keepReservations ends reservations whose time is over, when it is time to look. What
// goes wrong in it keeps no charge waiting.
func (e *Engine) keepReservations(ctx context.Context, f *flight) {
	if time.Since(f.reservations) < reservationsEvery {
		return
	}
	f.reservations = time.Now()
	for {
		more, err := e.expireReservations(ctx)
		if err != nil && ctx.Err() == nil {
			e.observer.Failed("reservations could not be ended", err)
		}
		if err != nil || !more || ctx.Err() != nil {
			return
		}
	}
}

// expireReservations ends a batch; more says that there may be more of them.
func (e *Engine) expireReservations(ctx context.Context) (more bool, err error) {
	var due []ActionID
	var owners []OwnerID
	err = e.view(ctx, func(r Reader) (err error) {
		if due, err = r.DueReservations(now(ctx), reservationBatch); err != nil {
			return err
		}
		for _, id := range due {
			v, err := r.Reservation(id)
			if err != nil {
				return err
			}
			owners = append(owners, v.Owner)
		}
		return nil
	})
	if err != nil || len(due) == 0 {
		return false, err
	}
	err = e.updateOwners(ctx, owners, func(u *unitOfWork) error {
		for _, id := range due {
			v, err := u.tx.Reservation(id)
			if err != nil {
				return err
			}
			// Somebody may have been faster.
			if v.State != ReservationHeld || v.EndsAt.IsZero() || v.EndsAt.After(u.now) {
				continue
			}
			if err := u.endReservation(&v, ReservationExpired); err != nil {
				return err
			}
		}
		return nil
	})
	return len(due) == reservationBatch, err
}
