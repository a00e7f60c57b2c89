package billing

import (
	"context"
	"errors"
)

// AdjustParams corrects one bucket.
type AdjustParams struct {
	Owner  OwnerID
	Unit   Unit
	Amount int64  // millionths, not 0; below 0 it is taken
	Notes  string // kept with the posting
	Extra  string
}

// Adjust books a correction and judges the owner in the same transaction. What is taken
// is at most what is available: a correction did not happen yet, unlike usage. Errors:
// NotFound, Invalid, WrongCurrency, Conflict (amount), Overflow.
func (e *Engine) Adjust(ctx context.Context, p AdjustParams) (a Adjustment, err error) {
	switch {
	case p.Amount == 0:
		return a, Errorf(Invalid, "amount", "the amount is not 0")
	case len(p.Notes) > maxNotes:
		return a, Errorf(Invalid, "reason", "at most %d characters", maxNotes)
	}
	if err := checkExtra(p.Extra); err != nil {
		return a, err
	}
	err = e.updateOwners(ctx, []OwnerID{p.Owner}, func(u *unitOfWork) (err error) {
		a, err = u.adjustBucket(p)
		return err
	})
	return a, err
}

func (u *unitOfWork) adjustBucket(p AdjustParams) (Adjustment, error) {
	h, err := u.holding(p.Owner, p.Unit)
	if err == nil {
		err = checkWhole(p.Unit, p.Amount)
	}
	if err == nil && p.Amount < 0 {
		err = h.covers(-p.Amount)
	}
	if err != nil {
		return Adjustment{}, err
	}
	act, err := u.balanceAction(ActionAdjustment, &h.j.Owner)
	if err != nil {
		return Adjustment{}, err
	}
	post := Posting{
		Top: h.j.Owner.Top, Kind: PostAdjustment, Cause: causeOf("balance_adjustment", int64(act)), Notes: p.Notes,
		Actor: u.actor.Name(), BookedAt: u.real, EffectiveAt: u.now,
		Entries: []Entry{
			{Owner: p.Owner, Unit: p.Unit, Micros: p.Amount},
			{Account: AccountAdjustment, Unit: p.Unit, Micros: -p.Amount},
		},
	}
	if err := u.post(&post); err != nil {
		return Adjustment{}, err
	}
	a := Adjustment{
		ID: act, Owner: p.Owner, Top: h.j.Owner.Top, Unit: p.Unit, Amount: p.Amount, Before: h.bucket.Balance,
		Posting: post.ID, Extra: p.Extra, CreatedAt: u.now, UpdatedAt: u.now,
	}
	if err := u.tx.CreateAdjustment(&a); err != nil {
		return a, err
	}
	after := a.Before + a.Amount
	info := newAudit().money("balance", &a.Before, &after).set("unit", string(a.Unit)).count("adjustment", int64(a.ID))
	if err := u.audit(AuditFunds, a.Top, auditOwner("adjust", a.Owner), info); err != nil {
		return a, err
	}
	if err := u.emit(EventCreate, &h.j.Owner, ResourceAdjustment, int64(a.ID), &a); err != nil {
		return a, err
	}
	return a, u.movedHolding(h, p.Amount)
}

// checkWhole refuses a part of a message.
func checkWhole(unit Unit, micros int64) error {
	if unit == UnitSMS && micros%Micro != 0 {
		return Errorf(Invalid, "amount", "messages are counted in whole numbers")
	}
	return nil
}

// Adjustments lists those in the actor's scope by id. Errors: NotFound for an owner out of scope.
func (e *Engine) Adjustments(ctx context.Context, f ActionFilter) ([]Adjustment, error) {
	return listActions(e, ctx, f, Reader.Adjustments)
}

// Adjustment is one of them. Errors: NotFound.
func (e *Engine) Adjustment(ctx context.Context, id ActionID) (a Adjustment, err error) {
	err = e.view(ctx, func(r Reader) (err error) {
		a, err = adjustmentOf(ctx, r, id)
		return err
	})
	return a, err
}

func adjustmentOf(ctx context.Context, r Reader, id ActionID) (Adjustment, error) {
	a, err := r.Adjustment(id)
	if err == nil {
		err = inScope(ctx, r, a.Owner)
	}
	return a, unknownAction(id, err)
}

// DescribeAdjustment changes what is kept beside an adjustment. Errors: NotFound, Invalid.
func (e *Engine) DescribeAdjustment(ctx context.Context, id ActionID, extra Merge) (a Adjustment, err error) {
	err = e.update(ctx, func(u *unitOfWork) (err error) {
		if a, err = adjustmentOf(u.context(), u.tx, id); err != nil {
			return err
		}
		if changed, err := extra.changes(&a.Extra); err != nil || !changed {
			return err
		}
		a.UpdatedAt = u.now
		if err := u.tx.SetAdjustment(&a); err != nil {
			return err
		}
		return u.described("adjustments", ResourceAdjustment, a.Owner, a.ID, &a)
	})
	return a, err
}

// changes applies it to what is kept beside a record, and reports whether that changed.
func (m Merge) changes(extra *string) (bool, error) {
	was := *extra
	if err := m.into(extra); err != nil {
		return false, err
	}
	return *extra != was, checkExtra(*extra)
}

// described writes the row of an action whose description changed, and tells of it. The
// row says only that: what is kept beside a record may be long.
func (u *unitOfWork) described(table string, res EventResource, owner OwnerID, id ActionID, record any, others ...OwnerID) error {
	o, err := u.tx.Owner(owner)
	if err != nil {
		return err
	}
	named := make([]*Owner, len(others))
	for i, other := range others {
		is, err := u.tx.Owner(other)
		if err != nil {
			return err
		}
		named[i] = &is
	}
	if err := u.audit(AuditUpdate, o.Top, auditKey(table, "id", int64(id)), newAudit().set("description", "changed")); err != nil {
		return err
	}
	return u.emit(EventChange, &o, res, int64(id), record, named...)
}

// unknownAction makes what is not there and what is out of scope the same.
func unknownAction(id ActionID, err error) error {
	if errors.Is(err, NotFound) {
		return Errorf(NotFound, "id", "there is no such balance action %d in your scope", id)
	}
	return err
}

// inReach is inScope for lists, where a deleted owner's transfers still are.
func inReach(ctx context.Context, r Reader, o OwnerID) error {
	return within(ctx, r, o, Actor.reaches)
}

// listActions lists the records of one kind in the actor's scope.
func listActions[T any](e *Engine, ctx context.Context, f ActionFilter, list func(Reader, ActionFilter) ([]T, error)) (all []T, err error) {
	err = e.view(ctx, func(r Reader) (err error) {
		if f.Owner != 0 {
			if err := inReach(ctx, r, f.Owner); err != nil {
				return err
			}
		}
		if f.Within = ActorFrom(ctx).Customer; f.Within == 0 {
			return nil
		}
		all, err = list(r, f)
		return err
	})
	return all, err
}
