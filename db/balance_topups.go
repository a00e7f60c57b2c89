package db

import (
	"time"

	"topupd/billing"
)

const balanceTopupColumns = `t.id, t.owner_id, t.top_id, t.unit, t.amount, t.state, t.rule_id, t.period, t.charge_id, t.voucher, t.posting_id,
    t.balance_before, t.balance_after, t.reason, t.imported, t.extra, t.created_at, t.settled_at, t.deleted_at`

func scanBalanceTopup(r *row, t *billing.BalanceTopup) {
	t.ID = billing.TopupID(r.int64())
	t.Owner = billing.OwnerID(r.int64())
	t.Top = billing.OwnerID(r.int64())
	t.Unit = billing.Unit(r.text())
	t.Amount = r.int64()
	t.State = billing.TopupState(r.text())
	t.Rule = billing.TopupID(r.int64())
	t.Period = r.int64()
	t.Charge = billing.ChargeID(r.int64())
	t.Voucher = r.text()
	t.Posting = billing.PostingID(r.int64())
	t.Before = r.opt()
	t.After = r.opt()
	t.Reason = r.text()
	t.Imported = r.bool()
	t.Extra = r.text()
	t.CreatedAt = r.time()
	t.SettledAt = r.time()
	t.DeletedAt = r.time()
}

const (
	sqlBalanceTopup         = `SELECT ` + balanceTopupColumns + ` FROM topups t WHERE t.id = $1`
	sqlBalanceTopupByCharge = `SELECT ` + balanceTopupColumns + ` FROM topups t WHERE t.charge_id = $1`
	sqlLatestExecution      = `SELECT ` + balanceTopupColumns + ` FROM topups t WHERE t.rule_id = $1 ORDER BY t.period DESC LIMIT 1`
	sqlOpenExecution        = `SELECT EXISTS (SELECT 1 FROM topups t WHERE t.rule_id = $1 AND t.state = 'created' AND t.charge_id IS NOT NULL)`
)

func (r *reader) BalanceTopup(id billing.TopupID) (billing.BalanceTopup, error) {
	return one(r, "id", scanBalanceTopup, sqlBalanceTopup, int64(id))
}

func (r *reader) BalanceTopupByCharge(c billing.ChargeID) (billing.BalanceTopup, error) {
	return one(r, "charge", scanBalanceTopup, sqlBalanceTopupByCharge, int64(c))
}

func (r *reader) LatestExecution(rule billing.TopupID) (billing.BalanceTopup, error) {
	return one(r, "id", scanBalanceTopup, sqlLatestExecution, int64(rule))
}

func (r *reader) OpenExecution(rule billing.TopupID) (bool, error) {
	return one(r, "id", func(row *row, open *bool) { *open = row.bool() }, sqlOpenExecution, int64(rule))
}

// The lists of top-ups begin with what narrows them.
const (
	sqlBalanceTopupsShown  = ` AND t.deleted_at IS NULL AND o.deleted_at IS NULL AND t.owner_id % 2 = 1`
	sqlBalanceTopupsPage   = ` AND t.id > $1 ORDER BY t.id LIMIT $2 OFFSET $3`
	sqlBalanceTopupsFrom   = ` FROM topups t JOIN owners o ON o.id = t.owner_id WHERE `
	sqlBalanceTopupsOf     = `t.owner_id = $4 AND ((t.top_id = $5 AND o.path >= $6 AND o.path < $7) OR $5 = 0)`
	sqlBalanceTopupsWithin = `t.top_id = $4 AND o.path >= $5 AND o.path < $6`

	sqlBalanceTopupsAll      = `SELECT ` + balanceTopupColumns + sqlBalanceTopupsFrom + `t.id > 0` + sqlBalanceTopupsShown + sqlBalanceTopupsPage
	sqlBalanceTopupsExport   = `SELECT ` + balanceTopupColumns + sqlBalanceTopupsFrom + `o.deleted_at IS NULL` + sqlBalanceTopupsPage
	sqlBalanceTopupsOwner    = `SELECT ` + balanceTopupColumns + sqlBalanceTopupsFrom + sqlBalanceTopupsOf + sqlBalanceTopupsShown + sqlBalanceTopupsPage
	sqlBalanceTopupsCustomer = `SELECT ` + balanceTopupColumns + sqlBalanceTopupsFrom + sqlBalanceTopupsWithin + sqlBalanceTopupsShown + sqlBalanceTopupsPage

	// A count has the arguments of its list.
	sqlCountBalanceTopups         = `SELECT COUNT(*)` + sqlBalanceTopupsFrom + `t.id > $1 AND CAST($2 AS BIGINT) <> 0 AND CAST($3 AS BIGINT) = 0` + sqlBalanceTopupsShown
	sqlCountBalanceTopupsOwner    = `SELECT COUNT(*)` + sqlBalanceTopupsFrom + sqlBalanceTopupsOf + ` AND t.id > $1 AND CAST($2 AS BIGINT) <> 0 AND CAST($3 AS BIGINT) = 0` + sqlBalanceTopupsShown
	sqlCountBalanceTopupsCustomer = `SELECT COUNT(*)` + sqlBalanceTopupsFrom + sqlBalanceTopupsWithin + ` AND t.id > $1 AND CAST($2 AS BIGINT) <> 0 AND CAST($3 AS BIGINT) = 0` + sqlBalanceTopupsShown
)

// balanceTopupQuery chooses list and count; no list is empty.
func (r *reader) balanceTopupQuery(f billing.BalanceTopupFilter) (list, count string, args []any, err error) {
	args = []any{int64(f.After), limitOf(f.Limit), f.Offset}
	if f.Deleted {
		return sqlBalanceTopupsExport, "", args, nil
	}
	s, err := r.scopeOf(f.Within)
	if err != nil || !s.all && s.top == 0 {
		return "", "", nil, err // within a customer that does not exist
	}
	switch {
	case f.Owner != 0:
		return sqlBalanceTopupsOwner, sqlCountBalanceTopupsOwner, append(args, int64(f.Owner), s.top, s.from, s.end), nil
	case !s.all:
		return sqlBalanceTopupsCustomer, sqlCountBalanceTopupsCustomer, append(args, s.top, s.from, s.end), nil
	}
	return sqlBalanceTopupsAll, sqlCountBalanceTopups, args, nil
}

func (r *reader) BalanceTopups(f billing.BalanceTopupFilter) ([]billing.BalanceTopup, error) {
	query, _, args, err := r.balanceTopupQuery(f)
	if err != nil || query == "" {
		return nil, err
	}
	return list(r, scanBalanceTopup, query, args...)
}

func (r *reader) CountBalanceTopups(f billing.BalanceTopupFilter) (int64, error) {
	f.After, f.Offset, f.Limit, f.Deleted = 0, 0, 0, false
	_, query, args, err := r.balanceTopupQuery(f)
	if err != nil || query == "" {
		return 0, err
	}
	return one(r, "id", func(row *row, n *int64) { *n = row.int64() }, query, args...)
}

const sqlCreateBalanceTopup = `INSERT INTO topups (id, owner_id, top_id, unit, amount, state, rule_id, period, charge_id, voucher, posting_id,
    balance_before, balance_after, reason, imported, extra, created_at, settled_at, deleted_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`

func (t *tx) CreateBalanceTopup(b *billing.BalanceTopup) error {
	if err := t.owns(b.Owner); err != nil {
		return err
	}
	return t.add(sqlCreateBalanceTopup, int64(b.ID), int64(b.Owner), int64(b.Top), string(b.Unit), b.Amount, string(b.State), ref(b.Rule),
		b.Period, ref(b.Charge), b.Voucher, ref(b.Posting), optRef(b.Before), optRef(b.After), b.Reason, b.Imported, b.Extra,
		b.CreatedAt, b.SettledAt, b.DeletedAt)
}

const sqlSetBalanceTopup = `UPDATE topups SET state = $2, charge_id = $3, posting_id = $4, balance_before = $5, balance_after = $6, reason = $7,
    extra = $8, settled_at = $9, deleted_at = $10, voucher = $11, created_at = $12 WHERE id = $1`

func (t *tx) SetBalanceTopup(b *billing.BalanceTopup) error {
	if err := t.owns(b.Owner); err != nil {
		return err
	}
	return t.change("id", sqlSetBalanceTopup, int64(b.ID), string(b.State), ref(b.Charge), ref(b.Posting), optRef(b.Before), optRef(b.After),
		b.Reason, b.Extra, b.SettledAt, b.DeletedAt, b.Voucher, b.CreatedAt)
}

const ruleColumns = `r.id, r.owner_id, r.top_id, r.unit, r.amount, r.card_id, r.period, r.periods, r.anchor, r.next_n, r.next_at, r.done, r.failures,
    r.state, r.suspended, r.reason, r.created_at, r.updated_at FROM topup_rules r`

func scanRule(r *row, t *billing.TopupRule) {
	t.ID = billing.TopupID(r.int64())
	t.Owner = billing.OwnerID(r.int64())
	t.Top = billing.OwnerID(r.int64())
	t.Unit = billing.Unit(r.text())
	t.Amount = r.int64()
	t.Card = optID[billing.CardID](r)
	t.Period = billing.TopupPeriod(r.text())
	t.Periods = r.opt()
	t.Anchor = r.time()
	t.Next = r.int64()
	t.NextAt = r.time()
	t.Done = r.int64()
	t.Failures = r.int64()
	t.State = billing.RuleState(r.text())
	t.Suspended = billing.Suspension(r.text())
	t.Reason = billing.Reason(r.text())
	t.CreatedAt = r.time()
	t.UpdatedAt = r.time()
}

const (
	sqlRule           = `SELECT ` + ruleColumns + ` WHERE r.id = $1`
	sqlRules          = `SELECT ` + ruleColumns + ` JOIN owners o ON o.id = r.owner_id WHERE r.id > $1 AND o.deleted_at IS NULL ORDER BY r.id LIMIT $2`
	sqlRulesOf        = `SELECT ` + ruleColumns + ` WHERE r.owner_id = $1 ORDER BY r.id`
	sqlSuspendedRules = `SELECT ` + ruleColumns + ` WHERE r.owner_id = $1 AND r.suspended <> '' ORDER BY r.id`
	sqlDueRules       = `SELECT ` + ruleColumns + ` WHERE r.next_at IS NOT NULL AND r.suspended = '' AND r.next_at <= $1
    AND (r.next_at, r.id) > ($2, $3) ORDER BY r.next_at, r.id LIMIT $4`
	sqlEndRulesOf = `UPDATE topup_rules SET state = 'cancelled', next_at = NULL, suspended = '', reason = '', updated_at = $2
WHERE owner_id = $1 AND state = 'active'`
)

func (r *reader) TopupRule(id billing.TopupID) (billing.TopupRule, error) {
	return one(r, "id", scanRule, sqlRule, int64(id))
}

func (r *reader) TopupRules(after billing.TopupID, limit int) ([]billing.TopupRule, error) {
	return list(r, scanRule, sqlRules, int64(after), limitOf(limit))
}

func (r *reader) TopupRulesOf(o billing.OwnerID) ([]billing.TopupRule, error) {
	return list(r, scanRule, sqlRulesOf, int64(o))
}

func (r *reader) SuspendedRules(o billing.OwnerID) ([]billing.TopupRule, error) {
	return list(r, scanRule, sqlSuspendedRules, int64(o))
}

func (r *reader) DueTopupRules(now, afterAt time.Time, after billing.TopupID, limit int) ([]billing.TopupRule, error) {
	return list(r, scanRule, sqlDueRules, now, timeOrLeast(afterAt), int64(after), limitOf(limit))
}

const sqlCreateRule = `INSERT INTO topup_rules (id, owner_id, top_id, unit, amount, card_id, period, periods, anchor, next_n, next_at, done, failures,
    state, suspended, reason, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`

func (t *tx) CreateTopupRule(r *billing.TopupRule) error {
	if err := t.owns(r.Owner); err != nil {
		return err
	}
	_, err := t.exec(sqlCreateRule, int64(r.ID), int64(r.Owner), int64(r.Top), string(r.Unit), r.Amount, optRef(r.Card), string(r.Period), optRef(r.Periods),
		r.Anchor, r.Next, r.NextAt, r.Done, r.Failures, string(r.State), string(r.Suspended), string(r.Reason), r.CreatedAt, r.UpdatedAt)
	return err
}

const sqlSetRule = `UPDATE topup_rules SET periods = $2, next_n = $3, next_at = $4, done = $5, failures = $6, state = $7, suspended = $8,
    reason = $9, updated_at = $10 WHERE id = $1`

func (t *tx) SetTopupRule(r *billing.TopupRule) error {
	if err := t.owns(r.Owner); err != nil {
		return err
	}
	return t.change("id", sqlSetRule, int64(r.ID), optRef(r.Periods), r.Next, r.NextAt, r.Done, r.Failures, string(r.State),
		string(r.Suspended), string(r.Reason), r.UpdatedAt)
}
