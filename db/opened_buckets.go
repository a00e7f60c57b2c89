package db

import "topupd/billing"

const openedBucketColumns = `x.owner_id, x.unit, x.top_id, x.extra, x.created_at, x.closed_at, b.balance, b.reserved`

func scanOpenedBucket(r *row, b *billing.OpenedBucket) {
	b.Owner = billing.OwnerID(r.int64())
	b.Unit = billing.Unit(r.text())
	b.Top = billing.OwnerID(r.int64())
	b.Extra = r.text()
	b.CreatedAt = r.time()
	b.ClosedAt = r.time()
	b.Balance = r.int64()
	b.Reserved = r.int64()
}

const (
	sqlOpenedBucket = `SELECT ` + openedBucketColumns + ` FROM opened_buckets x JOIN buckets b ON b.owner_id = x.owner_id AND b.unit = x.unit
WHERE x.owner_id = $1 AND x.unit = $2`
	sqlOpenedBuckets = `SELECT ` + openedBucketColumns + ` FROM opened_buckets x JOIN buckets b ON b.owner_id = x.owner_id AND b.unit = x.unit
WHERE x.owner_id = $1 AND x.closed_at IS NULL ORDER BY x.unit`
	sqlAllOpenedBuckets = `SELECT ` + openedBucketColumns + ` FROM opened_buckets x JOIN buckets b ON b.owner_id = x.owner_id AND b.unit = x.unit
JOIN owners o ON o.id = x.owner_id AND o.deleted_at IS NULL
WHERE (x.owner_id, x.unit) > ($1, $2) ORDER BY x.owner_id, x.unit LIMIT $3`
	sqlMakeEmptyBucket = `INSERT INTO buckets (owner_id, unit, top_id, balance, reserved) VALUES ($1, $2, $3, 0, 0)
ON CONFLICT (owner_id, unit) DO NOTHING`
	sqlAddOpenedBucket = `INSERT INTO opened_buckets (owner_id, unit, top_id, extra, created_at, closed_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (owner_id, unit) DO NOTHING`
	sqlSetOpenedBucket = `UPDATE opened_buckets SET top_id = $3, extra = $4, created_at = $5, closed_at = $6 WHERE owner_id = $1 AND unit = $2`
)

func (r *reader) OpenedBucket(o billing.OwnerID, unit billing.Unit) (billing.OpenedBucket, error) {
	return one(r, "bucket", scanOpenedBucket, sqlOpenedBucket, int64(o), string(unit))
}

func (r *reader) OpenedBuckets(o billing.OwnerID) ([]billing.OpenedBucket, error) {
	return list(r, scanOpenedBucket, sqlOpenedBuckets, int64(o))
}

func (r *reader) AllOpenedBuckets(after billing.OwnerID, unit billing.Unit, limit int) ([]billing.OpenedBucket, error) {
	return list(r, scanOpenedBucket, sqlAllOpenedBuckets, int64(after), string(unit), limitOf(limit))
}

func (t *tx) PutOpenedBucket(b *billing.OpenedBucket) error {
	if _, err := t.exec(sqlMakeEmptyBucket, int64(b.Owner), string(b.Unit), int64(b.Top)); err != nil {
		return err
	}
	return t.put(sqlAddOpenedBucket, sqlSetOpenedBucket, int64(b.Owner), string(b.Unit), int64(b.Top), b.Extra, b.CreatedAt, b.ClosedAt)
}
