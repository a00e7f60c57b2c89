package db

import "topupd/billing"

const adjustmentColumns = `x.id, x.owner_id, x.top_id, x.unit, x.amount, x.balance_before, x.posting_id, x.extra, x.created_at, x.updated_at`

func scanAdjustment(r *row, a *billing.Adjustment) {
	a.ID = billing.ActionID(r.int64())
	a.Owner = billing.OwnerID(r.int64())
	a.Top = billing.OwnerID(r.int64())
	a.Unit = billing.Unit(r.text())
	a.Amount = r.int64()
	a.Before = r.int64()
	a.Posting = billing.PostingID(r.int64())
	a.Extra = r.text()
	a.CreatedAt = r.time()
	a.UpdatedAt = r.time()
}

const (
	sqlAdjustment    = `SELECT ` + adjustmentColumns + ` FROM adjustments x WHERE x.id = $1`
	sqlAdjustments   = `SELECT ` + adjustmentColumns + ` FROM adjustments x JOIN owners o ON o.id = x.owner_id` + actionsAll
	sqlAdjustmentsOf = `SELECT ` + adjustmentColumns + ` FROM adjustments x JOIN owners o ON o.id = x.owner_id` + actionsOf
	sqlAdjustmentsIn = `SELECT ` + adjustmentColumns + ` FROM adjustments x JOIN owners o ON o.id = x.owner_id` + actionsIn
	sqlAddAdjustment = `INSERT INTO adjustments (id, owner_id, top_id, unit, amount, balance_before, posting_id, extra, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	sqlSetAdjustment = `UPDATE adjustments SET extra = $2, updated_at = $3 WHERE id = $1`
)

func (r *reader) Adjustment(id billing.ActionID) (billing.Adjustment, error) {
	return one(r, "adjustment", scanAdjustment, sqlAdjustment, int64(id))
}

func (r *reader) Adjustments(f billing.ActionFilter) ([]billing.Adjustment, error) {
	return listActions(r, f, scanAdjustment, actionQueries{sqlAdjustments, sqlAdjustmentsOf, sqlAdjustmentsIn})
}

func (t *tx) CreateAdjustment(a *billing.Adjustment) error {
	if err := t.owns(a.Owner); err != nil {
		return err
	}
	return t.add(sqlAddAdjustment, int64(a.ID), int64(a.Owner), int64(a.Top), string(a.Unit), a.Amount, a.Before, ref(a.Posting),
		a.Extra, a.CreatedAt, a.UpdatedAt)
}

func (t *tx) SetAdjustment(a *billing.Adjustment) error {
	if err := t.owns(a.Owner); err != nil {
		return err
	}
	return t.change("adjustment", sqlSetAdjustment, int64(a.ID), a.Extra, a.UpdatedAt)
}
