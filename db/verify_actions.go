package db

import "topupd/billing"

const sqlReserved = `SELECT b.owner_id, b.unit, b.reserved, h.held
FROM (SELECT owner_id, unit, SUM(amount) AS held FROM reservations WHERE state = 'held' GROUP BY owner_id, unit) h
JOIN buckets b ON b.owner_id = h.owner_id AND b.unit = h.unit WHERE b.reserved <> h.held
UNION ALL
SELECT b.owner_id, b.unit, b.reserved, 0 FROM buckets b WHERE b.reserved <> 0
    AND NOT EXISTS (SELECT 1 FROM reservations v WHERE v.owner_id = b.owner_id AND v.unit = b.unit AND v.state = 'held')`

// reserved is R1: what a bucket holds back is the sum of the reservations that are held.
func (v *verifier) reserved() error {
	return v.each(func(r *row) error {
		o, unit := billing.OwnerID(r.int64()), r.text()
		reserved, held := r.int64(), r.int64()
		return v.add("R1", "%s has %s %s reserved, its reservations hold %s", o, billing.FormatMicros(reserved), unit, billing.FormatMicros(held))
	}, sqlReserved)
}

const (
	sqlTransferSides = `SELECT t.id FROM transfers t WHERE t.out_id IS NOT NULL AND (
    t.amount + CASE t.cost_by WHEN 'originator' THEN t.cost ELSE 0 END
        <> COALESCE((SELECT -SUM(e.micros) FROM entries e WHERE e.posting_id = t.out_id AND e.owner_id = t.owner_id AND e.unit = t.unit), 0)
    OR t.amount - CASE t.cost_by WHEN 'receiver' THEN t.cost ELSE 0 END
        <> COALESCE((SELECT SUM(e.micros) FROM entries e WHERE e.posting_id = t.in_id AND e.owner_id = t.receiver_id AND e.unit = t.unit), 0)
    OR t.cost <> COALESCE((SELECT SUM(e.micros) FROM entries e WHERE e.posting_id IN (t.out_id, t.in_id) AND e.account = 'revenue'), 0))`
	sqlStrayTransfers = `SELECT p.id FROM postings p WHERE p.kind = 'transfer'
    AND NOT EXISTS (SELECT 1 FROM transfers t WHERE t.out_id = p.id) AND NOT EXISTS (SELECT 1 FROM transfers t WHERE t.in_id = p.id)`
)

// transfers is T1: a transfer has both its postings, with its amounts, and each such
// posting its transfer.
func (v *verifier) transfers() error {
	err := v.each(func(r *row) error {
		return v.add("T1", "the postings of transfer %d do not book its amounts", r.int64())
	}, sqlTransferSides)
	if err != nil {
		return err
	}
	return v.each(func(r *row) error {
		return v.add("T1", "posting %d books a transfer that is not there", r.int64())
	}, sqlStrayTransfers)
}

const sqlClosedBuckets = `SELECT b.owner_id, b.unit, b.balance, b.reserved FROM opened_buckets x
JOIN buckets b ON b.owner_id = x.owner_id AND b.unit = x.unit WHERE x.closed_at IS NOT NULL AND (b.balance <> 0 OR b.reserved <> 0)`

// closedBuckets is B1: a closed bucket is empty.
func (v *verifier) closedBuckets() error {
	return v.each(func(r *row) error {
		o, unit := billing.OwnerID(r.int64()), r.text()
		balance, reserved := r.int64(), r.int64()
		return v.add("B1", "the closed bucket of %s has %s %s, %s reserved", o, billing.FormatMicros(balance), unit, billing.FormatMicros(reserved))
	}, sqlClosedBuckets)
}
