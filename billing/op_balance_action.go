package billing

import (
	"context"
	"errors"
)

// BalanceActionReader reads what all balance actions have.
type BalanceActionReader interface {
	BalanceAction(ActionID) (BalanceAction, error)
	// BalanceActions lists by id.
	BalanceActions(BalanceActionFilter) ([]BalanceAction, error)
}

// BalanceActionFilter selects balance actions.
type BalanceActionFilter struct {
	ActionFilter
	Kind ActionKind // empty: all
}

// balanceAction makes the row that a record of a kind stands for, and gives its id.
func (u *unitOfWork) balanceAction(k ActionKind, o *Owner) (ActionID, error) {
	a := BalanceAction{Kind: k, Owner: o.ID, Top: o.Top, CreatedAt: u.now}
	err := u.tx.AddBalanceAction(&a)
	return a.ID, err
}

// BalanceActions lists those of the owners in the actor's scope, by id. Errors: NotFound
// for an owner out of scope.
func (e *Engine) BalanceActions(ctx context.Context, f BalanceActionFilter) ([]BalanceAction, error) {
	return listActions(e, ctx, f.ActionFilter, func(r Reader, g ActionFilter) ([]BalanceAction, error) {
		f.ActionFilter = g
		return r.BalanceActions(f)
	})
}

// ActionRecord is a balance action with the record of its kind: one of them. Top-ups and
// reservations that were deleted are there too: history forgets nothing.
type ActionRecord struct {
	BalanceAction
	Topup       *BalanceTopupView
	Adjustment  *Adjustment
	Transfer    *Transfer
	Reservation *Reservation
}

// ActionHistory is BalanceActions with their records. A transfer to an owner out of scope
// is left out, so a page may be shorter than the limit; last is where the next begins, 0
// at the end. needs says, by the place among those returned, which are wanted with their
// records: what is only counted is not read.
func (e *Engine) ActionHistory(ctx context.Context, f BalanceActionFilter, needs func(i int) bool) (all []ActionRecord, last ActionID, err error) {
	err = e.view(ctx, func(r Reader) error {
		all, last = nil, 0
		if f.Owner != 0 {
			if err := inReach(ctx, r, f.Owner); err != nil {
				return err
			}
		}
		if f.Within = ActorFrom(ctx).Customer; f.Within == 0 {
			return nil
		}
		list, err := r.BalanceActions(f)
		if err != nil {
			return err
		}
		w := topupViewer{r: r, own: true}
		seesAll := ActorFrom(ctx).IsRoot()
		for _, a := range list {
			if a.Kind == ActionTopup && !a.Owner.IsAccount() {
				continue
			}
			if !needs(len(all)) && (seesAll || a.Kind != ActionTransfer) {
				all = append(all, ActionRecord{BalanceAction: a})
				continue
			}
			rec, err := actionRecord(ctx, r, &w, a)
			if errors.Is(err, NotFound) {
				continue
			}
			if err != nil {
				return err
			}
			all = append(all, rec)
		}
		if f.Limit > 0 && len(list) == f.Limit {
			last = list[len(list)-1].ID
		}
		return nil
	})
	return all, last, err
}

// ActionRecord is one of them. Errors: NotFound.
func (e *Engine) ActionRecord(ctx context.Context, id ActionID) (rec ActionRecord, err error) {
	err = e.view(ctx, func(r Reader) error {
		a, err := r.BalanceAction(id)
		if err == nil && a.Kind != ActionTransfer { // which outlives its owner
			err = inScope(ctx, r, a.Owner)
		}
		if err == nil {
			rec, err = actionRecord(ctx, r, &topupViewer{r: r, own: true}, a)
		}
		return unknownAction(id, err)
	})
	return rec, err
}

// actionRecord reads the record of an action. A customer's top-up is shown to nobody.
func actionRecord(ctx context.Context, r Reader, w *topupViewer, a BalanceAction) (rec ActionRecord, err error) {
	rec.BalanceAction = a
	switch a.Kind {
	case ActionTopup:
		if !a.Owner.IsAccount() {
			return rec, NotFound
		}
		t, err := r.BalanceTopup(TopupID(a.ID))
		if err != nil {
			return rec, err
		}
		v, err := w.view(t)
		rec.Topup = &v
		return rec, err
	case ActionAdjustment:
		var x Adjustment
		x, err = r.Adjustment(a.ID)
		rec.Adjustment = &x
	case ActionTransfer:
		var x Transfer
		x, err = transferOf(ctx, r, a.ID)
		rec.Transfer = &x
	case ActionReservation:
		var x Reservation
		x, err = r.Reservation(a.ID)
		rec.Reservation = &x
	}
	return rec, err
}

// Holders are the owners of records, by id: those of the actor's scope, deleted ones too.
func (e *Engine) Holders(ctx context.Context, ids ...OwnerID) (all map[OwnerID]Owner, err error) {
	err = e.view(ctx, func(r Reader) error {
		all = make(map[OwnerID]Owner, len(ids))
		for _, id := range ids {
			if _, there := all[id]; there {
				continue
			}
			o, err := r.Owner(id)
			if err != nil {
				return wrongOwner(id, err)
			}
			if !ActorFrom(ctx).reaches(&o) {
				return wrongOwner(id, NotFound)
			}
			all[id] = o
		}
		return nil
	})
	return all, err
}

// AccountByLogin is the account of the actor's scope that the switch knows by a name.
// Errors: NotFound.
func (e *Engine) AccountByLogin(ctx context.Context, name string) (o Owner, err error) {
	err = e.view(ctx, func(r Reader) error {
		if o, err = r.AccountByUsername(name); err == nil && !ActorFrom(ctx).Sees(&o) {
			err = NotFound
		}
		if errors.Is(err, NotFound) {
			return Errorf(NotFound, "logicalResource", "there is no account of that name in your scope")
		}
		return err
	})
	return o, err
}
