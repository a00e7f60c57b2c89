package billing

import (
	"context"
	"time"
)

// ReserveParams holds an amount of a bucket back.
type ReserveParams struct {
	Owner  OwnerID
	Unit   Unit
	Amount int64 // millionths, above 0
	// EndsAt is when it expires; zero is never.
	EndsAt time.Time
	Extra  string
}

// Reserve holds an amount back and judges the owner in the same transaction: what is
// reserved is not available. It is at most what is. Errors: NotFound, Invalid,
// WrongCurrency, Conflict, Overflow.
func (e *Engine) Reserve(ctx context.Context, p ReserveParams) (v Reservation, err error) {
	switch {
	case p.Amount <= 0:
		return v, Errorf(Invalid, "amount", "the amount is above 0")
	case !p.EndsAt.IsZero() && !p.EndsAt.After(now(ctx)):
		return v, Errorf(Invalid, "validFor", "the end is a time to come")
	}
	if err := checkExtra(p.Extra); err != nil {
		return v, err
	}
	err = e.updateOwners(ctx, []OwnerID{p.Owner}, func(u *unitOfWork) (err error) {
		v, err = u.reserve(p)
		return err
	})
	return v, err
}

func (u *unitOfWork) reserve(p ReserveParams) (Reservation, error) {
	h, err := u.holding(p.Owner, p.Unit)
	if err == nil {
		err = checkWhole(p.Unit, p.Amount)
	}
	if err == nil {
		err = u.mayGive(h, p.Amount)
	}
	if err != nil {
		return Reservation{}, err
	}
	v := Reservation{
		Owner: p.Owner, Top: h.j.Owner.Top, Unit: p.Unit, Amount: p.Amount, Before: h.free(), State: ReservationHeld,
		EndsAt: p.EndsAt, Extra: p.Extra, CreatedAt: u.now, UpdatedAt: u.now,
	}
	if v.ID, err = u.balanceAction(ActionReservation, &h.j.Owner); err != nil {
		return v, err
	}
	if err := u.tx.CreateReservation(&v); err != nil {
		return v, err
	}
	if err := u.auditReserved("reserve", &v, h.bucket.Reserved, v.Amount); err != nil {
		return v, err
	}
	if err := u.emit(EventCreate, &h.j.Owner, ResourceReservation, int64(v.ID), &v); err != nil {
		return v, err
	}
	return v, u.reservedHolding(h, v.Amount)
}

func (u *unitOfWork) auditReserved(word string, v *Reservation, from, delta int64) error {
	to := from + delta
	i := newAudit().money("reserved", &from, &to).set("unit", string(v.Unit)).count("reservation", int64(v.ID))
	return u.audit(AuditFunds, v.Top, auditOwner(word, v.Owner), i)
}

// ChangeReservationParams changes a reservation.
type ChangeReservationParams struct {
	ID ActionID
	// Release gives it up.
	Release bool
	// Extra changes what is kept beside it; nil leaves it.
	Extra Merge
}

// ChangeReservation changes what is kept beside a reservation, and gives it up if asked
// to. Errors: NotFound, Invalid, Conflict for giving up one that ended.
func (e *Engine) ChangeReservation(ctx context.Context, p ChangeReservationParams) (v Reservation, err error) {
	err = e.update(ctx, func(u *unitOfWork) (err error) {
		if v, err = reservationOf(u.context(), u.tx, p.ID); err != nil {
			return err
		}
		if p.Release && v.State != ReservationHeld {
			return Errorf(Conflict, "status", "reservation %d has ended already (%s)", v.ID, v.State)
		}
		changed, err := p.Extra.changes(&v.Extra)
		if err != nil {
			return err
		}
		if changed {
			v.UpdatedAt = u.now
			if err := u.tx.SetReservation(&v); err != nil {
				return err
			}
			if err := u.described("reservations", ResourceReservation, v.Owner, v.ID, &v); err != nil {
				return err
			}
		}
		if !p.Release {
			return nil
		}
		return u.endReservation(&v, ReservationReleased)
	})
	return v, err
}

// endReservation ends a held one and judges its owner: what it held can be spent.
func (u *unitOfWork) endReservation(v *Reservation, s ReservationState) error {
	// Closed buckets and blocked owners have what they reserved given back too.
	h, err := u.holdingOf(v.Owner, v.Unit)
	if err != nil {
		return err
	}
	v.State, v.ClosedAt, v.UpdatedAt = s, u.now, u.now
	if err := u.tx.SetReservation(v); err != nil {
		return err
	}
	if err := u.auditReserved(string(s), v, h.bucket.Reserved, -v.Amount); err != nil {
		return err
	}
	told := EventCancel
	if s == ReservationExpired {
		told = EventStatus
	}
	if err := u.emit(told, &h.j.Owner, ResourceReservation, int64(v.ID), v); err != nil {
		return err
	}
	return u.reservedHolding(h, -v.Amount)
}

// DeleteReservation releases a reservation that is held, and takes it out of lists; its
// history stays. Errors: NotFound.
func (e *Engine) DeleteReservation(ctx context.Context, id ActionID) error {
	return e.update(ctx, func(u *unitOfWork) error {
		v, err := reservationOf(u.context(), u.tx, id)
		if err != nil {
			return err
		}
		if v.State == ReservationHeld {
			if err := u.endReservation(&v, ReservationReleased); err != nil {
				return err
			}
		}
		v.DeletedAt = u.now
		if err := u.tx.SetReservation(&v); err != nil {
			return err
		}
		if err := u.audit(AuditDelete, v.Top, auditKey("reservations", "id", int64(v.ID)), nil); err != nil {
			return err
		}
		o, err := u.tx.Owner(v.Owner)
		if err != nil {
			return err
		}
		return u.emit(EventDelete, &o, ResourceReservation, int64(v.ID), &v)
	})
}

// Reservations lists those in the actor's scope by id. Errors: NotFound for an owner out of scope.
func (e *Engine) Reservations(ctx context.Context, f ActionFilter) ([]Reservation, error) {
	return listActions(e, ctx, f, Reader.Reservations)
}

// Reservation is one of them. Errors: NotFound.
func (e *Engine) Reservation(ctx context.Context, id ActionID) (v Reservation, err error) {
	err = e.view(ctx, func(r Reader) (err error) {
		v, err = reservationOf(ctx, r, id)
		return err
	})
	return v, err
}

func reservationOf(ctx context.Context, r Reader, id ActionID) (Reservation, error) {
	v, err := r.Reservation(id)
	if err == nil {
		err = inScope(ctx, r, v.Owner)
	}
	if err == nil && !v.DeletedAt.IsZero() {
		err = NotFound
	}
	return v, unknownAction(id, err)
}
