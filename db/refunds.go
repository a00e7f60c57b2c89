package db

import (
	"time"

	"topupd/billing"
)

const refundColumns = `id, charge_id, owner_id, top_id, gateway, key, ref, unit, amount, state, reason, actor, code, message,
    lookups, due_at, lease_until, posting_id, reversal_id, created_at, settled_at FROM refunds`

func scanRefund(r *row, f *billing.Refund) {
	f.ID = billing.RefundID(r.int64())
	f.Charge = billing.ChargeID(r.int64())
	f.Owner = billing.OwnerID(r.int64())
	f.Top = billing.OwnerID(r.int64())
	f.Gateway = r.text()
	f.Key = r.text()
	f.Ref = r.text()
	f.Unit = billing.Unit(r.text())
	f.Amount = r.int64()
	f.State = billing.RefundState(r.text())
	f.Reason = r.text()
	f.Actor = r.text()
	f.Code = r.text()
	f.Message = r.text()
	f.Lookups = r.int()
	f.DueAt = r.time()
	f.LeaseUntil = r.time()
	f.Posting = billing.PostingID(r.int64())
	f.Reversal = billing.PostingID(r.int64())
	f.CreatedAt = r.time()
	f.SettledAt = r.time()
}

const (
	sqlRefund      = `SELECT ` + refundColumns + ` WHERE id = $1`
	sqlRefundByKey = `SELECT ` + refundColumns + ` WHERE key = $1 AND key <> ''`
	sqlRefundByRef = `SELECT ` + refundColumns + ` WHERE gateway = $1 AND ref = $2 AND ref <> ''`
	sqlRefundsOf   = `SELECT ` + refundColumns + ` WHERE charge_id = $1 ORDER BY id`
	sqlDueRefunds  = `SELECT id FROM refunds WHERE due_at IS NOT NULL AND due_at <= $1
    AND (lease_until IS NULL OR lease_until <= $2)
ORDER BY due_at, id LIMIT $3`
)

func (r *reader) Refund(id billing.RefundID) (billing.Refund, error) {
	return one(r, "refund", scanRefund, sqlRefund, int64(id))
}

func (r *reader) RefundByKey(key string) (billing.Refund, error) {
	return one(r, "refund", scanRefund, sqlRefundByKey, key)
}

func (r *reader) RefundByRef(gateway, ref string) (billing.Refund, error) {
	return one(r, "refund", scanRefund, sqlRefundByRef, gateway, ref)
}

func (r *reader) RefundsOf(id billing.ChargeID) ([]billing.Refund, error) {
	return list(r, scanRefund, sqlRefundsOf, int64(id))
}

func (r *reader) DueRefunds(now, real time.Time, limit int) ([]billing.RefundID, error) {
	return list(r, scanID[billing.RefundID], sqlDueRefunds, now, real, limitOf(limit))
}

const sqlCreateRefund = `INSERT INTO refunds (charge_id, owner_id, top_id, gateway, key, ref, unit, amount, state, reason,
    actor, code, message, lookups, due_at, lease_until, posting_id, reversal_id, created_at, settled_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`

func (t *tx) CreateRefund(f *billing.Refund) error {
	id, err := t.insert(sqlCreateRefund, int64(f.Charge), int64(f.Owner), int64(f.Top), f.Gateway, f.Key, f.Ref,
		string(f.Unit), f.Amount, string(f.State), f.Reason, f.Actor, f.Code, f.Message, f.Lookups, f.DueAt, f.LeaseUntil,
		ref(f.Posting), ref(f.Reversal), f.CreatedAt, f.SettledAt)
	if err == nil {
		f.ID = billing.RefundID(id)
	}
	return err
}

const sqlSetRefund = `UPDATE refunds SET ref = $2, state = $3, code = $4, message = $5, lookups = $6, due_at = $7,
    lease_until = $8, posting_id = $9, reversal_id = $10, settled_at = $11
WHERE id = $1`

func (t *tx) SetRefund(f *billing.Refund) error {
	return t.change("refund", sqlSetRefund, int64(f.ID), f.Ref, string(f.State), f.Code, f.Message, f.Lookups, f.DueAt,
		f.LeaseUntil, ref(f.Posting), ref(f.Reversal), f.SettledAt)
}

const disputeColumns = `id, charge_id, owner_id, top_id, gateway, ref, unit, amount, withdrawn, reinstated, fee, reason, state,
    opened_at, closed_at, lifted_at, lifted_by FROM disputes`

func scanDispute(r *row, d *billing.Dispute) {
	d.ID = billing.DisputeID(r.int64())
	d.Charge = billing.ChargeID(r.int64())
	d.Owner = billing.OwnerID(r.int64())
	d.Top = billing.OwnerID(r.int64())
	d.Gateway = r.text()
	d.Ref = r.text()
	d.Unit = billing.Unit(r.text())
	d.Amount = r.int64()
	d.Withdrawn = r.int64()
	d.Reinstated = r.int64()
	d.Fee = r.int64()
	d.Reason = r.text()
	d.State = billing.DisputeState(r.text())
	d.OpenedAt = r.time()
	d.ClosedAt = r.time()
	d.LiftedAt = r.time()
	d.LiftedBy = r.text()
}

const (
	sqlDisputesOf      = `SELECT ` + disputeColumns + ` WHERE charge_id = $1 ORDER BY id`
	sqlDisputeByRef    = `SELECT ` + disputeColumns + ` WHERE gateway = $1 AND ref = $2`
	sqlHoldingDisputes = `SELECT ` + disputeColumns + ` WHERE owner_id = $1 AND lifted_at IS NULL ORDER BY id`
)

func (r *reader) DisputesOf(id billing.ChargeID) ([]billing.Dispute, error) {
	return list(r, scanDispute, sqlDisputesOf, int64(id))
}

func (r *reader) DisputeByRef(gateway, ref string) (billing.Dispute, error) {
	return one(r, "dispute", scanDispute, sqlDisputeByRef, gateway, ref)
}

func (r *reader) HoldingDisputes(o billing.OwnerID) ([]billing.Dispute, error) {
	return list(r, scanDispute, sqlHoldingDisputes, int64(o))
}

const (
	sqlAddDispute = `INSERT INTO disputes (charge_id, owner_id, top_id, gateway, ref, unit, amount, withdrawn, reinstated,
    fee, reason, state, opened_at, closed_at, lifted_at, lifted_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`
	sqlSetDispute = `UPDATE disputes SET amount = $2, withdrawn = $3, reinstated = $4, fee = $5, reason = $6, state = $7,
    closed_at = $8, lifted_at = $9, lifted_by = $10
WHERE id = $1`
)

func (t *tx) PutDispute(d *billing.Dispute) error {
	if d.ID != 0 {
		return t.change("dispute", sqlSetDispute, int64(d.ID), d.Amount, d.Withdrawn, d.Reinstated, d.Fee, d.Reason,
			string(d.State), d.ClosedAt, d.LiftedAt, d.LiftedBy)
	}
	id, err := t.insert(sqlAddDispute, int64(d.Charge), int64(d.Owner), int64(d.Top), d.Gateway, d.Ref, string(d.Unit),
		d.Amount, d.Withdrawn, d.Reinstated, d.Fee, d.Reason, string(d.State), d.OpenedAt, d.ClosedAt, d.LiftedAt, d.LiftedBy)
	if err == nil {
		d.ID = billing.DisputeID(id)
	}
	return err
}

const sqlNoteGatewayEvent = `INSERT INTO gateway_events (gateway, event_id, kind, top_id, charge_id, happened_at, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)`

func (t *tx) NoteGatewayEvent(gateway string, ev *billing.GatewayEvent, c *billing.Charge, received time.Time) error {
	var charge billing.ChargeID
	top := billing.Root
	if c != nil {
		charge, top = c.ID, c.Top
	}
	_, err := t.exec(sqlNoteGatewayEvent, gateway, ev.ID, string(ev.Kind), int64(top), ref(charge), ev.At, received)
	return err
}
