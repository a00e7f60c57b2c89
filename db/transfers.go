package db

import (
	"errors"

	"topupd/billing"
)

const transferColumns = `x.id, x.owner_id, x.top_id, x.receiver_id, x.receiver_top_id, x.unit, x.amount, x.cost, x.cost_by, x.balance_before,
    x.receiver_before, x.out_id, x.in_id, x.extra, x.created_at, x.updated_at`

func scanTransfer(r *row, t *billing.Transfer) {
	t.ID = billing.ActionID(r.int64())
	t.From = billing.OwnerID(r.int64())
	t.Top = billing.OwnerID(r.int64())
	t.To = billing.OwnerID(r.int64())
	t.ToTop = billing.OwnerID(r.int64())
	t.Unit = billing.Unit(r.text())
	t.Amount = r.int64()
	t.Cost = r.int64()
	t.CostBy = billing.CostBearer(r.text())
	t.FromBefore = r.int64()
	t.ToBefore = r.int64()
	t.Out = billing.PostingID(r.int64())
	t.In = billing.PostingID(r.int64())
	t.Extra = r.text()
	t.CreatedAt = r.time()
	t.UpdatedAt = r.time()
}

// A transfer is shown to who sees both of its owners, and is there while one of them is.
const (
	transferFrom  = ` FROM transfers x JOIN owners o ON o.id = x.owner_id JOIN owners v ON v.id = x.receiver_id`
	transferThere = ` AND (o.deleted_at IS NULL OR v.deleted_at IS NULL) ORDER BY x.id LIMIT $2`
)

const (
	sqlTransfer    = `SELECT ` + transferColumns + ` FROM transfers x WHERE x.id = $1`
	sqlTransfers   = `SELECT ` + transferColumns + transferFrom + ` WHERE x.id > $1` + transferThere
	sqlTransfersOf = `SELECT ` + transferColumns + transferFrom + ` WHERE x.owner_id = $3 AND x.id > $1
    AND ($4 = '' OR (v.path >= $4 AND v.path < $5))` + transferThere
	sqlTransfersIn = `SELECT ` + transferColumns + transferFrom + ` WHERE x.top_id = $3 AND o.path >= $4 AND o.path < $5
    AND v.path >= $4 AND v.path < $5 AND x.id > $1` + transferThere
	sqlAddTransfer = `INSERT INTO transfers (id, owner_id, top_id, receiver_id, receiver_top_id, unit, amount, cost, cost_by,
    balance_before, receiver_before, out_id, in_id, extra, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`
	sqlSetTransfer = `UPDATE transfers SET extra = $2, updated_at = $3 WHERE id = $1`
)

func (r *reader) Transfer(id billing.ActionID) (billing.Transfer, error) {
	return one(r, "transfer", scanTransfer, sqlTransfer, int64(id))
}

func (r *reader) Transfers(f billing.ActionFilter) ([]billing.Transfer, error) {
	if f.Owner == 0 {
		return listActions(r, f, scanTransfer, actionQueries{all: sqlTransfers, in: sqlTransfersIn})
	}
	s, err := r.scopeOf(f.Within)
	if err != nil || !s.all && s.from == "" {
		return nil, err
	}
	return list(r, scanTransfer, sqlTransfersOf, int64(f.After), limitOf(f.Limit), int64(f.Owner), s.from, s.end)
}

func (t *tx) CreateTransfer(x *billing.Transfer) error {
	if err := errors.Join(t.owns(x.From), t.owns(x.To)); err != nil {
		return err
	}
	return t.add(sqlAddTransfer, int64(x.ID), int64(x.From), int64(x.Top), int64(x.To), int64(x.ToTop), string(x.Unit), x.Amount,
		x.Cost, string(x.CostBy), x.FromBefore, x.ToBefore, ref(x.Out), ref(x.In), x.Extra, x.CreatedAt, x.UpdatedAt)
}

func (t *tx) SetTransfer(x *billing.Transfer) error {
	if err := errors.Join(t.owns(x.From), t.owns(x.To)); err != nil {
		return err
	}
	return t.change("transfer", sqlSetTransfer, int64(x.ID), x.Extra, x.UpdatedAt)
}
