package billing

import (
	"errors"
	"fmt"
	"time"
)

// BucketLine is a bucket of an allowance to import.
type BucketLine struct {
	Owner OwnerID
	Unit  Unit
	// Balance is what is in it; a difference is booked as an adjustment.
	Balance Change[int64]
	Extra   Change[string]
	Created Change[time.Time]
	Closed  Change[time.Time] // null opens it
}

// Bucket opens a bucket, or changes one. It tells and judges nobody.
func (im *Importer) Bucket(l BucketLine) (err error) {
	defer counted(&im.done.buckets, &err)
	o, err := im.u.owner(l.Owner)
	if err != nil {
		return wrongOwner(l.Owner, err)
	}
	if l.Unit != UnitSMS && l.Unit != UnitKB {
		return Errorf(Invalid, "unit", "%s or %s", UnitSMS, UnitKB)
	}
	b, err := im.u.tx.OpenedBucket(l.Owner, l.Unit)
	if errors.Is(err, NotFound) {
		b, err = OpenedBucket{Bucket: Bucket{Owner: l.Owner, Unit: l.Unit}, CreatedAt: im.u.now}, nil
	}
	if err != nil {
		return err
	}
	b.Top = o.Top
	set(&b.Extra, l.Extra)
	if l.Created.Given {
		if b.CreatedAt, err = l.Created.required("created"); err != nil {
			return err
		}
	}
	closed := b.ClosedAt
	set(&closed, l.Closed)
	// What it has comes before it is closed.
	b.ClosedAt = time.Time{}
	if err := im.putBucket(&b); err != nil {
		return err
	}
	if l.Balance.Given {
		if err := im.bucketBalance(&o, &b, l.Balance); err != nil {
			return err
		}
	}
	if closed.IsZero() {
		return nil
	}
	b.ClosedAt = closed
	return im.putBucket(&b)
}

func (im *Importer) putBucket(b *OpenedBucket) error {
	err := im.u.tx.PutOpenedBucket(b)
	if errors.Is(err, Conflict) {
		return Errorf(Invalid, "closed", "a closed bucket is empty, holds nothing back and was opened before")
	}
	return err
}

func (im *Importer) bucketBalance(o *Owner, b *OpenedBucket, to Change[int64]) error {
	want, err := to.required("balance")
	if err == nil {
		err = checkWhole(b.Unit, want)
	}
	if err != nil {
		return err
	}
	delta, err := AddMicros(want, -b.Balance)
	if err != nil || delta == 0 {
		return err
	}
	im.seq++
	b.Balance = want
	return im.u.tx.Post(&Posting{
		Top: o.Top, Kind: PostAdjustment, Cause: fmt.Sprintf("import:%s:%d", im.name, im.seq), Notes: "import",
		Actor: im.u.actor.Name(), BookedAt: im.u.real, EffectiveAt: im.u.now,
		Entries: []Entry{
			{Owner: o.ID, Unit: b.Unit, Micros: delta},
			{Account: AccountAdjustment, Unit: b.Unit, Micros: -delta},
		},
	})
}

// actionOf checks the owner and unit of a line about a balance action, and reports
// whether the action is there already.
func (im *Importer) actionOf(id ActionID, k ActionKind, o OwnerID, unit Unit) (owner Owner, there bool, err error) {
	if id < 1 {
		return owner, false, Errorf(Invalid, "id", "ids are above 0")
	}
	if owner, err = im.u.owner(o); err != nil {
		return owner, false, wrongOwner(o, err)
	}
	if unit != owner.Currency {
		// Its bucket may come later in the file.
		if _, err := im.u.tx.OpenedBucket(o, unit); err != nil {
			return owner, false, Errorf(NotFound, "unit", "%s has no bucket of %s", o, unit)
		}
	}
	a, err := im.u.tx.BalanceAction(id)
	switch {
	case errors.Is(err, NotFound):
		return owner, false, nil
	case err != nil:
		return owner, false, err
	case a.Kind != k || a.Owner != o:
		return owner, false, anotherAction(id)
	}
	return owner, true, nil
}

func anotherAction(id ActionID) error {
	return Errorf(Conflict, "id", "balance action %d is there and is another", id)
}

func (im *Importer) addAction(id ActionID, k ActionKind, o *Owner, at time.Time) error {
	return im.u.tx.AddBalanceAction(&BalanceAction{ID: id, Kind: k, Owner: o.ID, Top: o.Top, CreatedAt: at})
}

// refusedLine makes what the database refuses of a line the line's fault.
func refusedLine(what string, err error) error {
	if errors.Is(err, Conflict) {
		return Errorf(Invalid, ErrorField(err), "this is no %s", what)
	}
	return err
}

// Adjustment puts an adjustment as an export wrote it. It books nothing: its effect is in
// the balance that was imported. One that is there stays as it is.
func (im *Importer) Adjustment(a Adjustment) (err error) {
	defer counted(&im.done.actions, &err)
	o, there, err := im.actionOf(a.ID, ActionAdjustment, a.Owner, a.Unit)
	if err != nil {
		return err
	}
	a.Top, a.Posting = o.Top, 0
	if there {
		was, err := im.u.tx.Adjustment(a.ID)
		if err != nil {
			return err
		}
		was.Posting = 0
		if was != a {
			return anotherAction(a.ID)
		}
		return nil
	}
	if err := im.addAction(a.ID, ActionAdjustment, &o, a.CreatedAt); err != nil {
		return err
	}
	return refusedLine("adjustment", im.u.tx.CreateAdjustment(&a))
}

// Transfer is Adjustment for transfers.
func (im *Importer) Transfer(t Transfer) (err error) {
	defer counted(&im.done.actions, &err)
	to, err := im.u.owner(t.To)
	if err != nil {
		return wrongOwner(t.To, err)
	}
	o, there, err := im.actionOf(t.ID, ActionTransfer, t.From, t.Unit)
	if err != nil {
		return err
	}
	t.Top, t.ToTop, t.Out, t.In = o.Top, to.Top, 0, 0
	if there {
		was, err := im.u.tx.Transfer(t.ID)
		if err != nil {
			return err
		}
		was.Out, was.In = 0, 0
		if was != t {
			return anotherAction(t.ID)
		}
		return nil
	}
	if err := im.addAction(t.ID, ActionTransfer, &o, t.CreatedAt); err != nil {
		return err
	}
	return refusedLine("transfer", im.u.tx.CreateTransfer(&t))
}

// Reservation puts a reservation as an export wrote it; one that is held holds here too.
// One that is there stays as it is. The next sweep judges its owner.
func (im *Importer) Reservation(v Reservation) (err error) {
	defer counted(&im.done.actions, &err)
	o, there, err := im.actionOf(v.ID, ActionReservation, v.Owner, v.Unit)
	if err != nil {
		return err
	}
	v.Top = o.Top
	if there {
		was, err := im.u.tx.Reservation(v.ID)
		if err != nil {
			return err
		}
		if was != v {
			return anotherAction(v.ID)
		}
		return nil
	}
	if err := im.addAction(v.ID, ActionReservation, &o, v.CreatedAt); err != nil {
		return err
	}
	if err := refusedLine("reservation", im.u.tx.CreateReservation(&v)); err != nil || v.State != ReservationHeld {
		return err
	}
	return im.judgeSoon(v.Owner, false)
}
