package db

// A delivery that waits for its turn behind nothing would wait for ever.
const sqlStuckDeliveries = `SELECT d.hub_id, d.subject, MIN(d.event_id) FROM deliveries d JOIN hub_subscriptions h ON h.id = d.hub_id AND h.deleted_at IS NULL
WHERE d.state = 'pending' AND NOT EXISTS (
    SELECT 1 FROM deliveries f WHERE f.hub_id = d.hub_id AND f.subject = d.subject AND f.due_at IS NOT NULL)
GROUP BY d.hub_id, d.subject ORDER BY d.hub_id, d.subject`

// deliveries is H1: of what is on its way to a subscription about one record, one is due.
func (v *verifier) deliveries() error {
	return v.each(func(r *row) error {
		hub, subject := r.int64(), r.text()
		return v.add("H1", "event %d waits behind nothing on its way to subscription %d (%s)", r.int64(), hub, subject)
	}, sqlStuckDeliveries)
}
