package db

import "topupd/billing"

// The three ways to list records of balance actions (x) with their owners (o), by id: all,
// one owner's, those in a customer's scope. Those of deleted owners are nobody's.
const (
	actionsAll = ` WHERE x.id > $1 AND o.deleted_at IS NULL ORDER BY x.id LIMIT $2`
	actionsOf  = ` WHERE x.owner_id = $3 AND x.id > $1 AND o.deleted_at IS NULL ORDER BY x.id LIMIT $2`
	actionsIn  = ` WHERE x.top_id = $3 AND o.path >= $4 AND o.path < $5 AND x.id > $1 AND o.deleted_at IS NULL ORDER BY x.id LIMIT $2`
)

type actionQueries struct{ all, of, in string }

func listActions[T any](r *reader, f billing.ActionFilter, scan func(*row, *T), q actionQueries) ([]T, error) {
	if f.Owner != 0 {
		return list(r, scan, q.of, int64(f.After), limitOf(f.Limit), int64(f.Owner))
	}
	s, err := r.scopeOf(f.Within)
	if err != nil {
		return nil, err
	}
	if s.all {
		return list(r, scan, q.all, int64(f.After), limitOf(f.Limit))
	}
	return list(r, scan, q.in, int64(f.After), limitOf(f.Limit), s.top, s.from, s.end)
}

const actionColumns = `x.id, x.kind, x.owner_id, x.top_id, x.created_at`

func scanBalanceAction(r *row, a *billing.BalanceAction) {
	a.ID = billing.ActionID(r.int64())
	a.Kind = billing.ActionKind(r.text())
	a.Owner = billing.OwnerID(r.int64())
	a.Top = billing.OwnerID(r.int64())
	a.CreatedAt = r.time()
}

// actionThere: a transfer is there while one of its two owners is, any other action with
// its owner.
const actionThere = ` AND (o.deleted_at IS NULL OR x.kind = 'transfer' AND EXISTS (SELECT 1 FROM transfers t
    JOIN owners v ON v.id = t.receiver_id WHERE t.id = x.id AND v.deleted_at IS NULL)) ORDER BY x.id LIMIT $2`

const (
	sqlBalanceAction  = `SELECT ` + actionColumns + ` FROM balance_actions x WHERE x.id = $1`
	sqlBalanceActions = `SELECT ` + actionColumns + ` FROM balance_actions x JOIN owners o ON o.id = x.owner_id
WHERE x.id > $1 AND ($3 = '' OR x.kind = $3)` + actionThere
	sqlBalanceActionsOf = `SELECT ` + actionColumns + ` FROM balance_actions x JOIN owners o ON o.id = x.owner_id
WHERE x.owner_id = $4 AND x.id > $1 AND ($3 = '' OR x.kind = $3)` + actionThere
	sqlBalanceActionsIn = `SELECT ` + actionColumns + ` FROM balance_actions x JOIN owners o ON o.id = x.owner_id
WHERE x.top_id = $4 AND o.path >= $5 AND o.path < $6 AND x.id > $1 AND ($3 = '' OR x.kind = $3)` + actionThere
)

func (r *reader) BalanceAction(id billing.ActionID) (billing.BalanceAction, error) {
	return one(r, "balance_action", scanBalanceAction, sqlBalanceAction, int64(id))
}

func (r *reader) BalanceActions(f billing.BalanceActionFilter) ([]billing.BalanceAction, error) {
	args := []any{int64(f.After), limitOf(f.Limit), string(f.Kind)}
	if f.Owner != 0 {
		return list(r, scanBalanceAction, sqlBalanceActionsOf, append(args, int64(f.Owner))...)
	}
	s, err := r.scopeOf(f.Within)
	switch {
	case err != nil:
		return nil, err
	case s.all:
		return list(r, scanBalanceAction, sqlBalanceActions, args...)
	}
	return list(r, scanBalanceAction, sqlBalanceActionsIn, append(args, s.top, s.from, s.end)...)
}
