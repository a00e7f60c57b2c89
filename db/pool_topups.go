package db

import (
	"time"

	"topupd/billing"
)

const sqlPoolTopUp = `SELECT id, requester_id, login, owner_id, top_id, offer, charge, currency, expires_at, sms, kb, state, reason,
    posting_id, tries, due_at, created_at, finished_at FROM pool_topups WHERE id = $1`

func (r *reader) PoolTopUp(id billing.PoolTopUpID) (billing.PoolTopUp, error) {
	return one(r, "request", func(r *row, p *billing.PoolTopUp) {
		p.ID = billing.PoolTopUpID(r.text())
		p.Requester = billing.OwnerID(r.int64())
		p.Login = r.text()
		p.Customer = billing.OwnerID(r.int64())
		p.Top = billing.OwnerID(r.int64())
		p.Offer = billing.OfferID(r.int64())
		p.Charge = r.int64()
		p.Currency = billing.Unit(r.text())
		p.ExpiresAt = r.time()
		p.SMS = r.int64()
		p.KB = r.int64()
		p.State = billing.PoolTopUpState(r.text())
		p.Reason = r.text()
		p.Posting = billing.PostingID(r.int64())
		p.Tries = r.int()
		p.DueAt = r.time()
		p.CreatedAt = r.time()
		p.FinishedAt = r.time()
	}, sqlPoolTopUp, string(id))
}

const (
	sqlDuePoolTopUps = `SELECT id FROM pool_topups WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at LIMIT $2`
	sqlOldPoolTopUps = `SELECT id FROM pool_topups WHERE finished_at IS NOT NULL AND finished_at < $1 ORDER BY finished_at LIMIT $2`
)

func scanPoolTopUpID(r *row, id *billing.PoolTopUpID) { *id = billing.PoolTopUpID(r.text()) }

func (r *reader) DuePoolTopUps(now time.Time, limit int) ([]billing.PoolTopUpID, error) {
	return list(r, scanPoolTopUpID, sqlDuePoolTopUps, now, limitOf(limit))
}

func (r *reader) OldPoolTopUps(before time.Time, limit int) ([]billing.PoolTopUpID, error) {
	return list(r, scanPoolTopUpID, sqlOldPoolTopUps, before, limitOf(limit))
}

const sqlCreatePoolTopUp = `INSERT INTO pool_topups (id, requester_id, login, owner_id, top_id, offer, charge, currency, expires_at,
    sms, kb, state, reason, posting_id, tries, due_at, created_at, finished_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`

func (t *tx) CreatePoolTopUp(p *billing.PoolTopUp) error {
	_, err := t.exec(sqlCreatePoolTopUp, string(p.ID), int64(p.Requester), p.Login, int64(p.Customer), int64(p.Top), int64(p.Offer),
		p.Charge, string(p.Currency), p.ExpiresAt, p.SMS, p.KB, string(p.State), p.Reason, ref(p.Posting), p.Tries, p.DueAt,
		p.CreatedAt, p.FinishedAt)
	return err
}

const sqlSetPoolTopUp = `UPDATE pool_topups SET state = $2, reason = $3, posting_id = $4, tries = $5, due_at = $6, finished_at = $7
WHERE id = $1`

func (t *tx) SetPoolTopUp(p *billing.PoolTopUp) error {
	return t.change("request", sqlSetPoolTopUp, string(p.ID), string(p.State), p.Reason, ref(p.Posting), p.Tries, p.DueAt, p.FinishedAt)
}

const sqlDropPoolTopUp = `DELETE FROM pool_topups WHERE id = $1`

func (t *tx) DropPoolTopUp(id billing.PoolTopUpID) error {
	return t.change("request", sqlDropPoolTopUp, string(id))
}
