package db

import "topupd/billing"

const (
	sqlAddBalanceAction      = `INSERT INTO balance_actions (kind, owner_id, top_id, created_at) VALUES ($1, $2, $3, $4)`
	sqlAddKnownBalanceAction = `INSERT INTO balance_actions (kind, owner_id, top_id, created_at, id) VALUES ($1, $2, $3, $4, $5)`
)

func (t *tx) AddBalanceAction(a *billing.BalanceAction) error {
	query, args := sqlAddBalanceAction, []any{string(a.Kind), int64(a.Owner), int64(a.Top), a.CreatedAt}
	if a.ID != 0 {
		query, args = sqlAddKnownBalanceAction, append(args, int64(a.ID))
	}
	id, err := t.insert(query, args...)
	if err == nil {
		a.ID = billing.ActionID(id)
	}
	return err
}
