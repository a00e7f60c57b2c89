package billing

import "errors"

// holding is one owner's bucket in a change: the owner as it is judged, and the bucket,
// which is the judged one for money.
type holding struct {
	j      Judged
	bucket *Bucket
}

// holding reads an owner's bucket in the actor's scope. Errors: NotFound (owner, or the
// field bucket), WrongCurrency, Invalid (units).
func (u *unitOfWork) holding(o OwnerID, unit Unit) (*holding, error) {
	j, err := u.judged(o)
	if err != nil {
		return nil, err
	}
	return u.bucketOf(j, unit)
}

// holdingOf is holding for what the engine does by itself: any owner, and closed buckets too.
func (u *unitOfWork) holdingOf(o OwnerID, unit Unit) (*holding, error) {
	j, err := judgedOf(u.tx, o)
	if err != nil {
		return nil, err
	}
	if unit == j.Owner.Currency {
		return u.bucketOf(j, unit)
	}
	b, err := u.tx.Bucket(o, unit)
	return &holding{j: j, bucket: &b}, err
}

func (u *unitOfWork) bucketOf(j Judged, unit Unit) (*holding, error) {
	o := j.Owner.ID
	h := &holding{j: j}
	if _, money := LookupCurrency(string(unit)); money {
		if unit != j.Owner.Currency {
			return nil, Errorf(WrongCurrency, "units", "%s is kept in %s", o, j.Owner.Currency)
		}
		h.bucket = &h.j.Bucket
		h.bucket.Owner, h.bucket.Unit = o, unit
		return h, nil
	}
	b, err := openBucket(u.tx, o, unit)
	if err != nil {
		return nil, err
	}
	h.bucket = &b.Bucket
	return h, nil
}

// openBucket is an allowance's bucket that is open.
func openBucket(r Reader, o OwnerID, unit Unit) (OpenedBucket, error) {
	if unit != UnitSMS && unit != UnitKB {
		return OpenedBucket{}, Errorf(Invalid, "units", "there is no unit %q", unit)
	}
	b, err := r.OpenedBucket(o, unit)
	if errors.Is(err, NotFound) || err == nil && !b.ClosedAt.IsZero() {
		return b, Errorf(NotFound, "bucket", "%s has no bucket of %s", o, unit)
	}
	return b, err
}

func (h *holding) money() bool { return h.bucket == &h.j.Bucket }

// free is what of the bucket is not reserved.
func (h *holding) free() int64 { return saturate(h.bucket.Balance, -h.bucket.Reserved) }

// available is what may be spent: of money, what the owner may owe too; nil is unlimited.
func (h *holding) available() *int64 {
	if h.money() {
		return h.j.Available()
	}
	free := h.free()
	return &free
}

// covers refuses what is beyond available.
func (h *holding) covers(micros int64) error {
	if a := h.available(); a != nil && *a < micros {
		return Errorf(Conflict, "amount", "%s %s are more than is available", FormatMicros(micros), h.bucket.Unit)
	}
	return nil
}

// movedHolding follows a booked change: money is judged as after any movement, an allowance has
// no policy.
func (u *unitOfWork) movedHolding(h *holding, delta int64) error {
	if h.money() {
		return u.moved(&h.j, delta)
	}
	h.bucket.Balance += delta
	return nil
}

// reservedHolding follows a change of what is held back: it changes what is available as a
// movement does.
func (u *unitOfWork) reservedHolding(h *holding, delta int64) error {
	h.bucket.Reserved += delta
	if err := u.emitBalances([]Entry{{Owner: h.j.Owner.ID, Unit: h.bucket.Unit}}, true); err != nil {
		return err
	}
	if !h.money() {
		return nil
	}
	if delta < 0 {
		return u.credited(&h.j)
	}
	_, err := u.judge(&h.j, TriggerUsage)
	return err
}

// maxExtra bounds what an interface may have us keep beside a record, in bytes.
const maxExtra = 16 << 10

func checkExtra(extra string) error {
	if len(extra) > maxExtra {
		return Errorf(Invalid, "extra", "what is kept as it came has at most %d bytes", maxExtra)
	}
	return nil
}
