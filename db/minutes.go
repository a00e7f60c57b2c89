package db

import "topupd/billing"

const sqlMinutePlans = `SELECT id, plan_id, description, price, seconds FROM minute_plans WHERE plan_id = $1 ORDER BY id`

func (r *reader) MinutePlans(plan billing.PlanID) ([]billing.MinutePlan, error) {
	return list(r, func(r *row, m *billing.MinutePlan) {
		m.ID = billing.MinutePlanID(r.int64())
		m.Plan = billing.PlanID(r.int64())
		m.Description = r.text()
		m.Price = r.int64()
		m.Seconds = r.opt()
	}, sqlMinutePlans, int64(plan))
}

const sqlMinutesUsed = `SELECT owner_id, top_id, minute_plan_id, seconds, until FROM minutes_used
WHERE owner_id = $1 ORDER BY minute_plan_id`

func (r *reader) MinutesUsed(o billing.OwnerID) ([]billing.MinutesUsed, error) {
	return list(r, func(r *row, m *billing.MinutesUsed) {
		m.Owner = billing.OwnerID(r.int64())
		m.Top = billing.OwnerID(r.int64())
		m.Minutes = billing.MinutePlanID(r.int64())
		m.Seconds = r.int64()
		m.Until = r.time()
	}, sqlMinutesUsed, int64(o))
}

// Another plan's row is left alone, and counts as none.
const sqlPutMinutePlan = `INSERT INTO minute_plans (id, plan_id, description, price, seconds) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET description = excluded.description, price = excluded.price, seconds = excluded.seconds
WHERE minute_plans.plan_id = excluded.plan_id`

func (t *tx) PutMinutePlan(m *billing.MinutePlan) error {
	n, err := t.exec(sqlPutMinutePlan, int64(m.ID), int64(m.Plan), m.Description, m.Price, m.Seconds)
	if err == nil && n == 0 {
		return billing.Errorf(billing.Exists, "minute_plan", "minute plan %d belongs to another plan", m.ID)
	}
	return err
}

const (
	sqlForgetMinutes    = `DELETE FROM minutes_used WHERE minute_plan_id = $1`
	sqlDeleteMinutePlan = `DELETE FROM minute_plans WHERE id = $1`
	sqlDropMinutes      = `DELETE FROM minutes_used WHERE owner_id = $1`
)

func (t *tx) DeleteMinutePlan(id billing.MinutePlanID) error {
	if _, err := t.exec(sqlForgetMinutes, int64(id)); err != nil {
		return err
	}
	return t.change("minute_plan", sqlDeleteMinutePlan, int64(id))
}

const sqlPutMinutesUsed = `INSERT INTO minutes_used (owner_id, minute_plan_id, top_id, seconds, until) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (owner_id, minute_plan_id) DO UPDATE SET top_id = excluded.top_id, seconds = excluded.seconds, until = excluded.until`

func (t *tx) PutMinutesUsed(m *billing.MinutesUsed) error {
	_, err := t.exec(sqlPutMinutesUsed, int64(m.Owner), int64(m.Minutes), int64(m.Top), m.Seconds, m.Until)
	return err
}
