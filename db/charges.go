package db

import (
	"time"

	"topupd/billing"
)

const chargeColumns = `c.id, c.owner_id, c.top_id, c.purpose, c.cause, c.card_id, c.gateway, c.mandate_id, c.unit,
    c.credit, c.tax, c.fee, c.gross, c.state, c.attempt, c.due_at, c.lease_until, c.period, c.run_id, c.reason,
    c.posting_id, c.created_at, c.settled_at, c.actor_id, c.actor, c.address, c.payer, c.input`

func scanCharge(r *row, c *billing.Charge) {
	c.ID = billing.ChargeID(r.int64())
	c.Owner = billing.OwnerID(r.int64())
	c.Top = billing.OwnerID(r.int64())
	c.Purpose = billing.Purpose(r.text())
	c.Cause = r.text()
	c.Card = billing.CardID(r.int64())
	c.Gateway = r.text()
	c.Mandate = billing.MandateID(r.int64())
	c.Unit = billing.Unit(r.text())
	c.Credit = r.int64()
	c.Tax = r.int64()
	c.Fee = r.int64()
	c.Gross = r.int64()
	c.State = billing.ChargeState(r.text())
	c.Attempt = r.int()
	c.DueAt = r.time()
	c.LeaseUntil = r.time()
	c.Period = r.text()
	c.Run = billing.RunID(r.int64())
	c.Reason = r.text()
	c.Posting = billing.PostingID(r.int64())
	c.CreatedAt = r.time()
	c.SettledAt = r.time()
	c.By.Customer = billing.OwnerID(r.int64())
	c.By.Login = r.text()
	c.By.Address = r.text()
	c.By.Payer = r.text()
	c.By.Input = r.text()
}

const sqlCharge = `SELECT ` + chargeColumns + ` FROM charges c WHERE c.id = $1`

func (r *reader) Charge(id billing.ChargeID) (billing.Charge, error) {
	return one(r, "charge", scanCharge, sqlCharge, int64(id))
}

const sqlChargeByCause = `SELECT ` + chargeColumns + ` FROM charges c WHERE c.cause = $1`

func (r *reader) ChargeByCause(cause string) (billing.Charge, error) {
	return one(r, "charge", scanCharge, sqlChargeByCause, cause)
}

// A charge counts from its capture, others from when they were made; a capture
// comes at most settleWithin after that.
const sqlAutomaticSince = `SELECT c.purpose, c.counts_at, c.gross, c.state = 'failed' FROM (
    SELECT id, purpose, gross, state, CASE WHEN state = 'succeeded' THEN settled_at ELSE created_at END AS counts_at
    FROM charges WHERE owner_id = $1 AND created_at >= $3 AND purpose <> 'manual' AND state <> 'cancelled') c
WHERE c.counts_at >= $2 ORDER BY c.counts_at DESC, c.id DESC`

// settleWithin is longer than any retry plan and than an unknown outcome is asked about.
const settleWithin = 15 * 24 * time.Hour

func (r *reader) AutomaticSince(o billing.OwnerID, since time.Time) ([]billing.AutomaticCharge, error) {
	return list(r, func(r *row, c *billing.AutomaticCharge) {
		c.Purpose = billing.Purpose(r.text())
		c.At = r.time()
		c.Gross = r.int64()
		c.Failed = r.bool()
	}, sqlAutomaticSince, int64(o), timeOrLeast(since), timeOrLeast(since.Add(-settleWithin)))
}

// sqlCharges begin with what narrows the list; the rest of the filter is the
// same in all, and what is not asked for lets everything through.
const (
	sqlChargesRest = ` AND c.id < $1 AND (c.owner_id = $2 OR $2 = 0) AND ($3 = '' OR c.state = $3)
    AND (c.run_id = $4 OR $4 = 0)
ORDER BY c.id DESC LIMIT $5`
	sqlChargesAll = `SELECT ` + chargeColumns + ` FROM charges c WHERE c.id > 0` + sqlChargesRest
	// The few that are open, whose states people look for.
	sqlChargesOpen   = `SELECT ` + chargeColumns + ` FROM charges c WHERE c.settled_at IS NULL AND c.state = $3` + sqlChargesRest
	sqlChargesWithin = `SELECT ` + chargeColumns + ` FROM charges c JOIN owners o ON o.id = c.owner_id
WHERE c.top_id = $6 AND o.path >= $7 AND o.path < $8` + sqlChargesRest
	sqlChargesOf = `SELECT ` + chargeColumns + ` FROM charges c JOIN owners o ON o.id = c.owner_id
WHERE c.owner_id = $2 AND ((c.top_id = $6 AND o.path >= $7 AND o.path < $8) OR $6 = 0)` + sqlChargesRest
	sqlChargesOfRun = `SELECT ` + chargeColumns + ` FROM charges c JOIN owners o ON o.id = c.owner_id
WHERE c.run_id = $4 AND ((c.top_id = $6 AND o.path >= $7 AND o.path < $8) OR $6 = 0)` + sqlChargesRest
)

func (r *reader) Charges(f billing.ChargeFilter) ([]billing.Charge, error) {
	s, err := r.scopeOf(f.Within)
	if err != nil {
		return nil, err
	}
	if !s.all && s.top == 0 {
		return nil, nil // within a customer that does not exist
	}
	args := []any{beforeOf(f.Before), int64(f.Owner), string(f.State), int64(f.Run), limitOf(f.Limit)}
	query := sqlChargesAll
	switch {
	case f.Owner != 0:
		query = sqlChargesOf
	case f.Run != 0:
		query = sqlChargesOfRun
	case !s.all:
		query = sqlChargesWithin
	}
	if query == sqlChargesAll && f.State.Open() {
		query = sqlChargesOpen
	} else if query != sqlChargesAll {
		args = append(args, s.top, s.from, s.end)
	}
	return list(r, scanCharge, query, args...)
}

const sqlDueCharges = `SELECT id, owner_id FROM charges WHERE due_at IS NOT NULL AND due_at <= $1
    AND (lease_until IS NULL OR lease_until <= $2)
    AND gateway NOT IN ($4, $5, $6, $7)
ORDER BY due_at, id LIMIT $3`

// The few that are asked about have an index of their own: a night's queue of new
// charges does not keep them waiting.
const sqlDueAsks = `SELECT id, owner_id FROM charges WHERE due_at IS NOT NULL AND state <> 'created' AND due_at <= $1
    AND (lease_until IS NULL OR lease_until <= $2)
    AND gateway NOT IN ($4, $5, $6, $7)
ORDER BY due_at, id LIMIT $3`

func (r *reader) DueCharges(f billing.DueFilter) ([]billing.DueCharge, error) {
	args := []any{f.Now, f.Real, limitOf(f.Limit), "", "", "", ""}
	copy(args[3:], texts(f.Except[:min(len(f.Except), billing.MaxSpared)]))
	if f.AskOnly {
		return list(r, scanDueCharge, sqlDueAsks, args...)
	}
	return list(r, scanDueCharge, sqlDueCharges, args...)
}

func scanDueCharge(r *row, c *billing.DueCharge) {
	c.ID, c.Owner = billing.ChargeID(r.int64()), billing.OwnerID(r.int64())
}

// texts are strings as arguments.
func texts(list []string) []any {
	args := make([]any, len(list))
	for i, s := range list {
		args[i] = s
	}
	return args
}

// The run's charges by what became of them, each with whether it was declined.
const sqlRunTally = `SELECT COUNT(*),
    COUNT(CASE WHEN c.state = 'succeeded' THEN 1 END),
    COUNT(CASE WHEN c.state <> 'succeeded' AND c.declined THEN 1 END),
    COUNT(CASE WHEN c.state IN ('submitted', 'unknown', 'unresolved') THEN 1 END),
    COUNT(CASE WHEN c.state = 'created' AND NOT c.declined THEN 1 END),
    (SELECT COUNT(*) FROM notices n WHERE n.run_id = $1),
    (SELECT COUNT(*) FROM periods p WHERE p.run_id = $1 AND p.state = 'posted')
FROM (SELECT state, EXISTS (SELECT 1 FROM attempts a WHERE a.charge_id = charges.id AND a.state = 'declined') AS declined
    FROM charges WHERE run_id = $1) c`

func (r *reader) RunTally(id billing.RunID) (billing.Tally, error) {
	return one(r, "run", func(r *row, t *billing.Tally) {
		t.Charges = r.int64()
		t.Charged = r.int64()
		t.Declined = r.int64()
		t.Unknown = r.int64()
		t.Waiting = r.int64()
		t.Mails = r.int64()
		t.Posted = r.int64()
	}, sqlRunTally, int64(id))
}

const sqlCreateCharge = `INSERT INTO charges (owner_id, top_id, purpose, cause, card_id, gateway, mandate_id, unit,
    credit, tax, fee, gross, state, attempt, due_at, lease_until, period, run_id, reason, posting_id, created_at,
    settled_at, actor_id, actor, address, payer, input)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
    $25, $26, $27)`

func (t *tx) CreateCharge(c *billing.Charge) error {
	if err := t.owns(c.Owner); err != nil {
		return err
	}
	id, err := t.insert(sqlCreateCharge, int64(c.Owner), int64(c.Top), string(c.Purpose), c.Cause, int64(c.Card),
		c.Gateway, ref(c.Mandate), string(c.Unit), c.Credit, c.Tax, c.Fee, c.Gross, string(c.State), c.Attempt,
		c.DueAt, c.LeaseUntil, c.Period, ref(c.Run), c.Reason, ref(c.Posting), c.CreatedAt, c.SettledAt,
		ref(c.By.Customer), c.By.Login, c.By.Address, c.By.Payer, c.By.Input)
	if err == nil {
		c.ID = billing.ChargeID(id)
	}
	return err
}

const sqlSetCharge = `UPDATE charges SET state = $2, attempt = $3, due_at = $4, lease_until = $5, reason = $6,
    posting_id = $7, settled_at = $8 WHERE id = $1`

func (t *tx) SetCharge(c *billing.Charge) error {
	if err := t.owns(c.Owner); err != nil {
		return err
	}
	return t.change("charge", sqlSetCharge, int64(c.ID), string(c.State), c.Attempt, c.DueAt, c.LeaseUntil, c.Reason,
		ref(c.Posting), c.SettledAt)
}
