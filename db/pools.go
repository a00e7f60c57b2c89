package db

import (
	"time"

	"topupd/billing"
)

const poolPlanColumns = `p.offer, p.owner_id, p.top_id, p.name, p.currency, p.expiration_type, p.expires_at, p.lapsed, p.lapses,
    p.created_at, p.updated_at, EXISTS (SELECT 1 FROM pool_subscribers s WHERE s.offer = p.offer) FROM pool_plans p`

func scanPoolPlan(r *row, p *billing.PoolPlan) {
	p.Offer = billing.OfferID(r.int64())
	p.Customer = billing.OwnerID(r.int64())
	p.Top = billing.OwnerID(r.int64())
	p.Name = r.text()
	p.Currency = billing.Unit(r.text())
	p.ExpirationType = r.text()
	p.ExpiresAt = r.time()
	p.Lapsed = r.bool()
	p.Lapses = r.int64()
	p.CreatedAt = r.time()
	p.UpdatedAt = r.time()
	p.Subscribed = r.bool()
}

const (
	sqlPoolPlan  = `SELECT ` + poolPlanColumns + ` WHERE p.offer = $1`
	sqlPoolPlans = `SELECT ` + poolPlanColumns + ` JOIN owners o ON o.id = p.owner_id
WHERE p.offer > $1 AND o.deleted_at IS NULL ORDER BY p.offer LIMIT $2`
	sqlDuePools = `SELECT offer FROM pool_plans WHERE expires_at IS NOT NULL AND NOT lapsed AND expires_at <= $1
ORDER BY expires_at, offer LIMIT $2`
)

func (r *reader) PoolPlan(o billing.OfferID) (billing.PoolPlan, error) {
	return one(r, "offer", scanPoolPlan, sqlPoolPlan, int64(o))
}

func (r *reader) PoolPlans(after billing.OfferID, limit int) ([]billing.PoolPlan, error) {
	return list(r, scanPoolPlan, sqlPoolPlans, int64(after), limitOf(limit))
}

func (r *reader) DuePools(now time.Time, limit int) ([]billing.OfferID, error) {
	return list(r, scanID[billing.OfferID], sqlDuePools, now, limitOf(limit))
}

const (
	sqlAddPoolPlan = `INSERT INTO pool_plans (offer, owner_id, top_id, name, currency, expiration_type, expires_at, lapsed, lapses,
    created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (offer) DO NOTHING`
	sqlReplacePoolPlan = `UPDATE pool_plans SET owner_id = $2, top_id = $3, name = $4, currency = $5, expiration_type = $6,
    expires_at = $7, lapsed = $8, lapses = $9, created_at = $10, updated_at = $11
WHERE offer = $1`
)

func (t *tx) PutPoolPlan(p *billing.PoolPlan) error {
	return t.put(sqlAddPoolPlan, sqlReplacePoolPlan, int64(p.Offer), int64(p.Customer), int64(p.Top), p.Name, string(p.Currency),
		p.ExpirationType, p.ExpiresAt, p.Lapsed, p.Lapses, p.CreatedAt, p.UpdatedAt)
}

// sqlPoolBalances reads what is left from the ledger; SMS comes last of the two by name.
const sqlPoolBalances = `SELECT l.offer, l.top_id, l.unit, COALESCE(b.balance, 0), l.total, l.low_at, l.low_percent, l.low, l.episodes
FROM pool_balances l JOIN pool_plans p ON p.offer = l.offer
LEFT JOIN buckets b ON b.owner_id = p.owner_id AND b.unit = l.unit || '/' || l.offer
WHERE l.offer = $1 ORDER BY l.unit DESC`

func (r *reader) PoolBalances(o billing.OfferID) ([]billing.PoolBalance, error) {
	return list(r, func(r *row, b *billing.PoolBalance) {
		b.Offer = billing.OfferID(r.int64())
		b.Top = billing.OwnerID(r.int64())
		b.Unit = billing.Unit(r.text())
		b.Left = r.int64()
		b.Total = r.int64()
		b.LowAt = r.opt()
		b.LowPercent = r.opt()
		b.Low = r.bool()
		b.Episodes = r.int64()
	}, sqlPoolBalances, int64(o))
}

const (
	sqlAddPoolBalance = `INSERT INTO pool_balances (offer, unit, top_id, total, low_at, low_percent, low, episodes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (offer, unit) DO NOTHING`
	sqlReplacePoolBalance = `UPDATE pool_balances SET top_id = $3, total = $4, low_at = $5, low_percent = $6, low = $7, episodes = $8
WHERE offer = $1 AND unit = $2`
)

func (t *tx) PutPoolBalance(b *billing.PoolBalance) error {
	return t.put(sqlAddPoolBalance, sqlReplacePoolBalance, int64(b.Offer), string(b.Unit), int64(b.Top), b.Total,
		optRef(b.LowAt), optRef(b.LowPercent), b.Low, b.Episodes)
}

const (
	sqlPoolSubscribers    = `SELECT subscriber FROM pool_subscribers WHERE offer = $1 ORDER BY n`
	sqlDropSubscribers    = `DELETE FROM pool_subscribers WHERE offer = $1`
	sqlAddPoolSubscribers = `INSERT INTO pool_subscribers (offer, n, top_id, subscriber)
VALUES ($1, $2, (SELECT top_id FROM pool_plans WHERE offer = $1), $3)`
)

func (r *reader) PoolSubscribers(o billing.OfferID) ([]string, error) {
	return list(r, func(r *row, s *string) { *s = r.text() }, sqlPoolSubscribers, int64(o))
}

func (t *tx) SetPoolSubscribers(o billing.OfferID, subscribers []string) error {
	if _, err := t.exec(sqlDropSubscribers, int64(o)); err != nil {
		return err
	}
	for i, s := range subscribers {
		if _, err := t.exec(sqlAddPoolSubscribers, int64(o), int64(i+1), s); err != nil {
			return t.spoil(err)
		}
	}
	return nil
}
