package db

import (
	"time"

	"topupd/billing"
)

const planColumns = `id, name, price, currency, cycle, prepaid, on_failure, description, suspend_all_calls,
    tariff_id, customer_id`

func scanPlan(r *row, p *billing.Plan) {
	p.ID = billing.PlanID(r.int64())
	p.Name = r.text()
	p.Price = r.int64()
	p.Currency = billing.Unit(r.text())
	p.Cycle = billing.Cycle(r.text())
	p.Prepaid = r.bool()
	p.OnFailure = billing.OnFailure(r.text())
	p.Description = r.text()
	p.SuspendAllCalls = r.bool()
	p.Tariff = r.int64()
	p.Customer = billing.OwnerID(r.int64())
}

const sqlPlan = `SELECT ` + planColumns + ` FROM plans WHERE id = $1`

func (r *reader) Plan(id billing.PlanID) (billing.Plan, error) {
	return one(r, "plan", scanPlan, sqlPlan, int64(id))
}

const sqlPlans = `SELECT ` + planColumns + ` FROM plans ORDER BY id`

func (r *reader) Plans() ([]billing.Plan, error) { return list(r, scanPlan, sqlPlans) }

const (
	sqlNextPlan = `SELECT COALESCE(MAX(id), 0) + 1 FROM plans`
	sqlPutPlan  = `INSERT INTO plans (id, name, price, currency, cycle, prepaid, on_failure, description, suspend_all_calls,
    tariff_id, customer_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, price = excluded.price, currency = excluded.currency,
    cycle = excluded.cycle, prepaid = excluded.prepaid, on_failure = excluded.on_failure,
    description = excluded.description, suspend_all_calls = excluded.suspend_all_calls, tariff_id = excluded.tariff_id,
    customer_id = excluded.customer_id`
)

func (t *tx) PutPlan(p *billing.Plan) error {
	id, err := t.idOr(int64(p.ID), sqlNextPlan)
	if err != nil {
		return err
	}
	_, err = t.exec(sqlPutPlan, id, p.Name, p.Price, string(p.Currency), string(p.Cycle), p.Prepaid, string(p.OnFailure),
		p.Description, p.SuspendAllCalls, ref(p.Tariff), ref(p.Customer))
	if err == nil {
		p.ID = billing.PlanID(id)
	}
	return err
}

const accountPlanColumns = `owner_id, top_id, plan_id, next_at, anchor_day, time_zone, suspended`

func scanAccountPlan(r *row, a *billing.AccountPlan) {
	a.Owner = billing.OwnerID(r.int64())
	a.Top = billing.OwnerID(r.int64())
	a.Plan = billing.PlanID(r.int64())
	a.NextAt = r.time()
	a.AnchorDay = r.int()
	a.TimeZone = r.text()
	a.Suspended = r.bool()
}

const sqlAccountPlan = `SELECT ` + accountPlanColumns + ` FROM account_plans WHERE owner_id = $1`

func (r *reader) AccountPlan(o billing.OwnerID) (billing.AccountPlan, error) {
	return one(r, "plan", scanAccountPlan, sqlAccountPlan, int64(o))
}

const sqlDueAccounts = `SELECT ` + accountPlanColumns + ` FROM account_plans
WHERE next_at IS NOT NULL AND next_at <= $1 AND (next_at, owner_id) > ($2, $3)
ORDER BY next_at, owner_id LIMIT $4`

func (r *reader) DueAccounts(now, afterAt time.Time, after billing.OwnerID, limit int) ([]billing.AccountPlan, error) {
	return list(r, scanAccountPlan, sqlDueAccounts, now, timeOrLeast(afterAt), int64(after), limitOf(limit))
}

const (
	sqlAddAccountPlan = `INSERT INTO account_plans (owner_id, top_id, plan_id, next_at, anchor_day, time_zone, suspended)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (owner_id) DO NOTHING`
	sqlReplaceAccountPlan = `UPDATE account_plans SET top_id = $2, plan_id = $3, next_at = $4, anchor_day = $5,
    time_zone = $6, suspended = $7
WHERE owner_id = $1`
)

func (t *tx) PutAccountPlan(a *billing.AccountPlan) error {
	if err := t.owns(a.Owner); err != nil {
		return err
	}
	return t.put(sqlAddAccountPlan, sqlReplaceAccountPlan, int64(a.Owner), int64(a.Top), int64(a.Plan), a.NextAt,
		a.AnchorDay, a.TimeZone, a.Suspended)
}

const periodColumns = `owner_id, top_id, date, plan_id, price, unit, prepaid, on_failure, state, reason, charge_id,
    posting_id, run_id, start_at, created_at, settled_at`

func scanPeriod(r *row, p *billing.Period) {
	p.Owner = billing.OwnerID(r.int64())
	p.Top = billing.OwnerID(r.int64())
	p.Date = r.text()
	p.Plan = billing.PlanID(r.int64())
	p.Price = r.int64()
	p.Unit = billing.Unit(r.text())
	p.Prepaid = r.bool()
	p.OnFailure = billing.OnFailure(r.text())
	p.State = billing.PeriodState(r.text())
	p.Reason = r.text()
	p.Charge = billing.ChargeID(r.int64())
	p.Posting = billing.PostingID(r.int64())
	p.Run = billing.RunID(r.int64())
	p.StartAt = r.time()
	p.CreatedAt = r.time()
	p.SettledAt = r.time()
}

const sqlPeriod = `SELECT ` + periodColumns + ` FROM periods WHERE owner_id = $1 AND date = $2`

func (r *reader) Period(o billing.OwnerID, date string) (billing.Period, error) {
	return one(r, "period", scanPeriod, sqlPeriod, int64(o), date)
}

const sqlOpenPeriods = `SELECT ` + periodColumns + ` FROM periods
WHERE owner_id = $1 AND settled_at IS NULL ORDER BY date`

func (r *reader) OpenPeriods(o billing.OwnerID) ([]billing.Period, error) {
	return list(r, scanPeriod, sqlOpenPeriods, int64(o))
}

const sqlWaitingPeriods = `SELECT DISTINCT owner_id FROM periods
WHERE state IN ('due', 'unpaid') AND owner_id > $1 ORDER BY owner_id LIMIT $2`

func (r *reader) WaitingPeriods(after billing.OwnerID, limit int) ([]billing.OwnerID, error) {
	return list(r, scanID[billing.OwnerID], sqlWaitingPeriods, int64(after), limitOf(limit))
}

const sqlCreatePeriod = `INSERT INTO periods (owner_id, top_id, date, plan_id, price, unit, prepaid, on_failure, state,
    reason, charge_id, posting_id, run_id, start_at, created_at, settled_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

func (t *tx) CreatePeriod(p *billing.Period) error {
	if err := t.owns(p.Owner); err != nil {
		return err
	}
	err := t.add(sqlCreatePeriod, int64(p.Owner), int64(p.Top), p.Date, int64(p.Plan), p.Price, string(p.Unit),
		p.Prepaid, string(p.OnFailure), string(p.State), p.Reason, ref(p.Charge), ref(p.Posting), ref(p.Run),
		p.StartAt, p.CreatedAt, p.SettledAt)
	return err
}

const sqlSetPeriod = `UPDATE periods SET state = $3, reason = $4, charge_id = $5, posting_id = $6, run_id = $7,
    settled_at = $8
WHERE owner_id = $1 AND date = $2`

func (t *tx) SetPeriod(p *billing.Period) error {
	if err := t.owns(p.Owner); err != nil {
		return err
	}
	return t.change("period", sqlSetPeriod, int64(p.Owner), p.Date, string(p.State), p.Reason, ref(p.Charge),
		ref(p.Posting), ref(p.Run), p.SettledAt)
}
