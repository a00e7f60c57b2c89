package billing

import (
	"context"
	"errors"
	"slices"
)

// BucketView is a bucket as it is shown: an owner's money, or an allowance's bucket.
type BucketView struct {
	OpenedBucket // Extra and times are empty for money
	Holder       Owner
}

// Money reports whether it is the owner's money.
func (b *BucketView) Money() bool { return b.Unit == b.Holder.Currency }

// OpenBucketParams opens a bucket of an allowance.
type OpenBucketParams struct {
	Owner OwnerID
	Unit  Unit
	Extra string
}

// OpenBucket opens an empty bucket for an owner; one that was closed before is opened
// again. Errors: NotFound, Invalid, Exists (also for the owner's money, which is always
// there), WrongCurrency.
func (e *Engine) OpenBucket(ctx context.Context, p OpenBucketParams) (b BucketView, err error) {
	if err := checkExtra(p.Extra); err != nil {
		return b, err
	}
	err = e.update(ctx, func(u *unitOfWork) (err error) {
		b, err = u.openBucket(p)
		return err
	})
	return b, err
}

func (u *unitOfWork) openBucket(p OpenBucketParams) (BucketView, error) {
	_, err := u.holding(p.Owner, p.Unit)
	switch {
	case err == nil:
		return BucketView{}, Errorf(Exists, "bucket", "%s has a bucket of %s", p.Owner, p.Unit)
	case ErrorCode(err) != NotFound || ErrorField(err) != "bucket":
		return BucketView{}, err
	}
	j, err := u.judged(p.Owner)
	if err != nil {
		return BucketView{}, err
	}
	b := OpenedBucket{Bucket: Bucket{Owner: p.Owner, Unit: p.Unit}, Top: j.Owner.Top, Extra: p.Extra, CreatedAt: u.now}
	if err := u.tx.PutOpenedBucket(&b); err != nil {
		return BucketView{}, err
	}
	err = u.audit(AuditAdd, b.Top, auditOwner("buckets", b.Owner), newAudit().set("unit", string(b.Unit)))
	if err == nil {
		err = u.emit(EventCreate, &j.Owner, ResourceBucket, int64(b.Owner), &b)
	}
	return BucketView{OpenedBucket: b, Holder: j.Owner}, err
}

// CloseBucket closes an allowance's bucket that is empty and holds nothing back. Errors:
// NotFound, Conflict (also for the owner's money).
func (e *Engine) CloseBucket(ctx context.Context, o OwnerID, unit Unit) error {
	return e.update(ctx, func(u *unitOfWork) error {
		h, err := u.holding(o, unit)
		switch {
		case errors.Is(err, Invalid) || errors.Is(err, WrongCurrency):
			return Errorf(NotFound, "bucket", "%s has no bucket of %s", o, unit)
		case err != nil:
			return err
		case h.money():
			return Errorf(Conflict, "bucket", "the money of %s has no end", o)
		case h.bucket.Balance != 0 || h.bucket.Reserved != 0:
			return Errorf(Conflict, "bucket", "the bucket has a balance, or something reserved")
		}
		b, err := u.tx.OpenedBucket(o, unit)
		if err != nil {
			return err
		}
		b.ClosedAt = u.now
		if err := u.tx.PutOpenedBucket(&b); err != nil {
			return err
		}
		if err := u.audit(AuditDelete, b.Top, auditOwner("buckets", b.Owner), newAudit().set("unit", string(b.Unit))); err != nil {
			return err
		}
		return u.emit(EventDelete, &h.j.Owner, ResourceBucket, int64(b.Owner), &b)
	})
}

// BucketOf is one bucket of an owner. Errors: NotFound.
func (e *Engine) BucketOf(ctx context.Context, o OwnerID, unit Unit) (b BucketView, err error) {
	list, err := e.BucketsOf(ctx, o)
	if err != nil {
		return b, err
	}
	i := slices.IndexFunc(list, func(b BucketView) bool { return b.Unit == unit })
	if i < 0 {
		return b, Errorf(NotFound, "bucket", "%s has no bucket of %s", o, unit)
	}
	return list[i], nil
}

// BucketsOf lists an owner's buckets, its money first. Errors: NotFound.
func (e *Engine) BucketsOf(ctx context.Context, o OwnerID) (all []BucketView, err error) {
	err = e.view(ctx, func(r Reader) (err error) {
		if err = inScope(ctx, r, o); err != nil {
			return err
		}
		holder, err := r.Owner(o)
		if err == nil {
			all, err = bucketsOf(r, &holder)
		}
		return err
	})
	return all, err
}

func bucketsOf(r Reader, o *Owner) ([]BucketView, error) {
	money, err := r.Bucket(o.ID, o.Currency)
	if err != nil {
		return nil, err
	}
	all := []BucketView{{OpenedBucket: OpenedBucket{Bucket: money, Top: o.Top, CreatedAt: o.CreatedAt}, Holder: *o}}
	opened, err := r.OpenedBuckets(o.ID)
	for _, b := range opened {
		all = append(all, BucketView{OpenedBucket: b, Holder: *o})
	}
	return all, err
}

// Buckets lists the buckets of the accounts in the actor's scope whose ids are above
// after, at most limit accounts, by account; last is the last of them, 0 when there are
// no more.
func (e *Engine) Buckets(ctx context.Context, after OwnerID, limit int) (all []BucketView, last OwnerID, err error) {
	kind := KindAccount
	err = e.view(ctx, func(r Reader) error {
		all, last = nil, 0
		within := ActorFrom(ctx).Customer
		if within == 0 {
			return nil
		}
		owners, err := r.Owners(OwnerFilter{Within: within, Kind: &kind, After: after, Limit: limit})
		if err != nil {
			return err
		}
		for i := range owners {
			if !ActorFrom(ctx).Sees(&owners[i]) {
				continue
			}
			buckets, err := bucketsOf(r, &owners[i])
			if err != nil {
				return err
			}
			all = append(all, buckets...)
		}
		if limit > 0 && len(owners) == limit {
			last = owners[len(owners)-1].ID
		}
		return nil
	})
	return all, last, err
}
