package db

import (
	"time"

	"topupd/billing"
)

const auditColumns = `id, top_id, logged_at, actor, customer_id, api, address, action, resource, info`

func scanAudit(r *row, a *billing.AuditRow) {
	a.ID = billing.AuditID(r.int64())
	a.Top = billing.OwnerID(r.int64())
	a.At = r.time()
	a.Actor = r.text()
	a.Customer = billing.OwnerID(r.int64())
	a.API = r.text()
	a.Address = r.text()
	a.Action = billing.AuditAction(r.text())
	a.Resource = r.text()
	a.Info = r.text()
}

const sqlAuditRows = `SELECT ` + auditColumns + ` FROM audit WHERE logged_at >= $1 AND logged_at < $2
ORDER BY logged_at, id LIMIT $3 OFFSET $4`

func (r *reader) AuditRows(f billing.AuditFilter) ([]billing.AuditRow, error) {
	return list(r, scanAudit, sqlAuditRows, f.From, f.To, limitOf(f.Limit), f.Offset)
}

const sqlAddAudit = `INSERT INTO audit (top_id, logged_at, actor, customer_id, api, address, action, resource, info)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

func (t *tx) AddAudit(a *billing.AuditRow) error {
	return t.add(sqlAddAudit, int64(a.Top), a.At, a.Actor, ref(a.Customer), a.API, a.Address, string(a.Action), a.Resource, a.Info)
}

const sqlDropAudit = `DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE logged_at < $1 ORDER BY logged_at LIMIT $2)`

func (t *tx) DropAudit(before time.Time, limit int) (int64, error) {
	if err := t.alone(); err != nil {
		return 0, err
	}
	return t.exec(sqlDropAudit, before, limit)
}
