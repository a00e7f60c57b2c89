package db

import "topupd/billing"

const sqlAddBalanceAction = `INSERT INTO balance_actions (id, kind, owner_id, top_id, created_at) VALUES ($1, $2, $3, $4, $5)`

func (t *tx) AddBalanceAction(a *billing.BalanceAction) error {
	id, err := t.insert(sqlAddBalanceAction, ref(a.ID), string(a.Kind), int64(a.Owner), int64(a.Top), a.CreatedAt)
	if err == nil {
		a.ID = billing.ActionID(id)
	}
	return err
}
