package billing

import "context"

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

// BalanceActionByID is one of them. Errors: NotFound.
func (e *Engine) BalanceActionByID(ctx context.Context, id ActionID) (a BalanceAction, err error) {
	err = e.view(ctx, func(r Reader) (err error) {
		if a, err = r.BalanceAction(id); err == nil {
			err = inScope(ctx, r, a.Owner)
		}
		return unknownAction(id, err)
	})
	return a, err
}
