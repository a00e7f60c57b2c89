package db

import (
	"encoding/json"
	"math"
	"time"

	"topupd/billing"
)

// The columns of a policy, in the order of scanPolicy.
const policyColumns = `p.owner_id, p.threshold, p.notify_by_email, p.charge_card, p.charge_amount, p.card_id,
    p.br_charge_card, p.br_charge_amount, p.br_card_id, p.retry_count, p.retry_interval,
    p.below, p.episode, p.charges, p.armed, p.back, p.mailed_at, p.reminders, p.suspended, p.br_suspended, p.reason, p.judge_at`

const policyWidth = 22

// scanPolicy reads an owner's policy of a LEFT JOIN; false if it has none.
func scanPolicy(r *row, p *billing.LowBalance) bool {
	if r.null() {
		r.skip(policyWidth)
		return false
	}
	p.Owner = billing.OwnerID(r.int64())
	p.Threshold = r.opt()
	p.NotifyByEmail = r.bool()
	p.ChargeCard = r.bool()
	p.ChargeAmount = r.int64()
	p.Card = optID[billing.CardID](r)
	p.BRChargeCard = r.bool()
	p.BRChargeAmount = r.opt()
	p.BRCard = optID[billing.CardID](r)
	count, interval := r.opt(), r.opt()
	if count != nil {
		p.Retry = &billing.NotificationRetry{Count: *count, Interval: interval}
	}
	s := &p.State
	s.Below = r.bool()
	s.Episode = r.int64()
	s.Charges = r.int64()
	s.Armed = r.bool()
	s.Back = r.bool()
	s.MailedAt = r.time()
	s.Reminders = r.int64()
	s.Suspended = billing.Suspension(r.text())
	s.BRSuspended = billing.Suspension(r.text())
	s.Reason = billing.Reason(r.text())
	s.JudgeAt = r.time()
	return true
}

func scanOwnerPolicy(r *row, j *billing.Judged) {
	scanOwner(r, &j.Owner)
	j.Configured = scanPolicy(r, &j.Policy)
}

const sqlOwnerPolicy = `SELECT ` + ownerColumns + `, ` + policyColumns + `
FROM owners o LEFT JOIN low_balance p ON p.owner_id = o.id WHERE o.id = $1`

func (r *reader) OwnerPolicy(id billing.OwnerID) (billing.Judged, error) {
	return one(r, id.Field(), scanOwnerPolicy, sqlOwnerPolicy, int64(id))
}

// judgedColumns adds the money bucket and what is open; sub-selects, so that
// one statement tells all and locks nothing but the owner.
const judgedColumns = ownerColumns + `, ` + policyColumns + `,
    b.balance, b.reserved,
    (SELECT c.id FROM charges c WHERE c.owner_id = o.id AND c.purpose <> 'manual' AND c.settled_at IS NULL),
    EXISTS (SELECT 1 FROM periods d WHERE d.owner_id = o.id AND d.settled_at IS NULL)
FROM owners o
LEFT JOIN low_balance p ON p.owner_id = o.id
LEFT JOIN buckets b ON b.owner_id = o.id AND b.unit = o.currency`

func scanJudged(r *row, j *billing.Judged) {
	scanOwnerPolicy(r, j)
	j.Bucket = billing.Bucket{Owner: j.Owner.ID, Unit: j.Owner.Currency, Balance: r.int64(), Reserved: r.int64()}
	j.OpenCharge = billing.ChargeID(r.int64())
	j.OpenPeriods = r.bool()
}

const sqlJudged = `SELECT ` + judgedColumns + ` WHERE o.id = $1`

func (r *reader) Judged(id billing.OwnerID) (billing.Judged, error) {
	return one(r, id.Field(), scanJudged, sqlJudged, int64(id))
}

const sqlDueJudgements = `SELECT owner_id FROM low_balance WHERE judge_at IS NOT NULL AND judge_at <= $1
ORDER BY judge_at, owner_id LIMIT $2`

func (r *reader) DueJudgements(now time.Time, limit int) ([]billing.OwnerID, error) {
	return list(r, scanID[billing.OwnerID], sqlDueJudgements, now, limitOf(limit))
}

func scanID[T ~int64](r *row, id *T) { *id = T(r.int64()) }

const (
	sqlPolicies = `SELECT ` + judgedColumns + `
WHERE p.owner_id > $1 ORDER BY p.owner_id LIMIT $2`
	sqlPoliciesBelow = `SELECT ` + judgedColumns + `
WHERE p.below AND p.owner_id > $1 ORDER BY p.owner_id LIMIT $2`
	sqlPoliciesWithin = `SELECT ` + judgedColumns + `
WHERE p.owner_id > $1 AND o.top_id = $3 AND o.path >= $4 AND o.path < $5 ORDER BY p.owner_id LIMIT $2`
	sqlPoliciesWithinBelow = `SELECT ` + judgedColumns + `
WHERE p.below AND p.owner_id > $1 AND o.top_id = $3 AND o.path >= $4 AND o.path < $5 ORDER BY p.owner_id LIMIT $2`
)

func (r *reader) Policies(f billing.PolicyFilter) ([]billing.Judged, error) {
	s, err := r.scopeOf(f.Within)
	if err != nil {
		return nil, err
	}
	args := []any{int64(f.After), limitOf(f.Limit)}
	if !s.all {
		args = append(args, s.top, s.from, s.end)
	}
	query := map[[2]bool]string{ // all, below
		{true, false}:  sqlPolicies,
		{true, true}:   sqlPoliciesBelow,
		{false, false}: sqlPoliciesWithin,
		{false, true}:  sqlPoliciesWithinBelow,
	}[[2]bool{s.all, f.Below}]
	return list(r, scanJudged, query, args...)
}

const (
	sqlAddLowBalance = `INSERT INTO low_balance (owner_id, top_id, threshold, notify_by_email, charge_card,
    charge_amount, card_id, br_charge_card, br_charge_amount, br_card_id, retry_count, retry_interval,
    below, episode, charges, armed, back, mailed_at, reminders, suspended, br_suspended, reason, judge_at)
VALUES ($1, (SELECT top_id FROM owners WHERE id = $1), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
    $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`
	sqlReplaceLowBalance = `UPDATE low_balance SET threshold = $2, notify_by_email = $3, charge_card = $4,
    charge_amount = $5, card_id = $6, br_charge_card = $7, br_charge_amount = $8, br_card_id = $9, retry_count = $10,
    retry_interval = $11, below = $12, episode = $13, charges = $14, armed = $15, back = $16, mailed_at = $17,
    reminders = $18, suspended = $19, br_suspended = $20, reason = $21, judge_at = $22
WHERE owner_id = $1`
)

func (t *tx) PutLowBalance(p *billing.LowBalance) error {
	if err := t.owns(p.Owner); err != nil {
		return err
	}
	s := &p.State
	args := append(lowBalanceTerms(p),
		s.Below, s.Episode, s.Charges, s.Armed, s.Back, s.MailedAt, s.Reminders, string(s.Suspended),
		string(s.BRSuspended), string(s.Reason), s.JudgeAt)
	// Unlike other records, a policy is mostly there already: panels change it.
	n, err := t.exec(sqlReplaceLowBalance, args...)
	if err == nil && n == 0 {
		err = t.add(sqlAddLowBalance, args...)
	}
	return err
}

const sqlPutLowBalanceTerms = `UPDATE low_balance SET threshold = $2, notify_by_email = $3, charge_card = $4,
    charge_amount = $5, card_id = $6, br_charge_card = $7, br_charge_amount = $8, br_card_id = $9, retry_count = $10,
    retry_interval = $11
WHERE owner_id = $1`

func (t *tx) PutLowBalanceTerms(p *billing.LowBalance) error {
	if err := t.owns(p.Owner); err != nil {
		return err
	}
	return t.change("low_balance", sqlPutLowBalanceTerms, lowBalanceTerms(p)...)
}

// lowBalanceTerms are the arguments for all but the state.
func lowBalanceTerms(p *billing.LowBalance) []any {
	var count, interval *int64
	if p.Retry != nil {
		count, interval = &p.Retry.Count, p.Retry.Interval
	}
	return []any{int64(p.Owner), p.Threshold, p.NotifyByEmail, p.ChargeCard,
		p.ChargeAmount, optRef(p.Card), p.BRChargeCard, p.BRChargeAmount, optRef(p.BRCard), count, interval}
}

const sqlPutLowBalanceState = `UPDATE low_balance SET below = $2, episode = $3, charges = $4, armed = $5, back = $6,
    mailed_at = $7, reminders = $8, suspended = $9, br_suspended = $10, reason = $11, judge_at = $12
WHERE owner_id = $1`

func (t *tx) PutLowBalanceState(o billing.OwnerID, s billing.LowBalanceState) error {
	if err := t.owns(o); err != nil {
		return err
	}
	return t.change("low_balance", sqlPutLowBalanceState, int64(o), s.Below, s.Episode, s.Charges, s.Armed, s.Back, s.MailedAt,
		s.Reminders, string(s.Suspended), string(s.BRSuspended), string(s.Reason), s.JudgeAt)
}

const (
	sqlJudgeOne    = `UPDATE low_balance SET judge_at = $2 WHERE owner_id = $1 AND threshold IS NOT NULL`
	sqlJudgeAll    = `UPDATE low_balance SET judge_at = $1 WHERE threshold IS NOT NULL`
	sqlJudgeWithin = `UPDATE low_balance SET judge_at = $1 WHERE threshold IS NOT NULL AND owner_id IN
    (SELECT id FROM owners WHERE top_id = $2 AND path >= $3 AND path < $4)`
)

func (t *tx) JudgeWithin(o billing.OwnerID, at time.Time) error {
	if err := t.ownsAccount(o); err != nil {
		return err
	}
	if o.IsAccount() {
		err := t.add(sqlJudgeOne, int64(o), at)
		return err
	}
	s, err := t.scopeOf(o)
	switch {
	case err != nil:
		return err
	case s.all:
		_, err = t.exec(sqlJudgeAll, at)
	default:
		_, err = t.exec(sqlJudgeWithin, at, s.top, s.from, s.end)
	}
	return err
}

// timeOrLeast is a time to page after: a zero one is before all.
func timeOrLeast(t time.Time) int64 {
	if t.IsZero() {
		return math.MinInt64
	}
	return t.UnixMicro()
}

const sqlKeepDecision = `INSERT INTO decisions (owner_id, top_id, decided_at, triggered_by, purpose, run_id, actor,
    available, threshold, unit, low, reason, detail, card_id, mandate_id, credit, tax, fee, charge_id, notice,
    next_at, state)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`

func (t *tx) KeepDecision(d *billing.Decision) error {
	s := d.State
	s.MailedAt, s.JudgeAt = s.MailedAt.UTC(), s.JudgeAt.UTC()
	state, err := json.Marshal(s)
	if err != nil {
		return internal(err)
	}
	var card, mandate any
	var credit, tax, fee *int64
	if c := d.Charge; c != nil {
		card, mandate = ref(c.Card.ID), ref(c.Mandate)
		credit, tax, fee = &c.Credit, &c.Tax, &c.Fee
	}
	d.ID, err = t.insert(sqlKeepDecision, int64(d.Owner), int64(d.Top), d.At, string(d.Trigger), string(d.Purpose),
		ref(d.Run), d.Actor, d.Available, d.Threshold, string(d.Unit), d.Low, string(d.Reason), d.Detail,
		card, mandate, credit, tax, fee, ref(d.Made), string(d.Notice), d.NextAt, string(state))
	return err
}

// A decision's card is read as it is now: its label may have changed.
const decisionColumns = `d.id, d.owner_id, d.top_id, d.decided_at, d.triggered_by, d.purpose, d.run_id, d.actor,
    d.available, d.threshold, d.unit, d.low, d.reason, d.detail, d.charge_id, d.notice, d.next_at, d.state,
    d.mandate_id, d.credit, d.tax, d.fee, c.id, c.owner_id, c.gateway, c.brand, c.last4
FROM decisions d LEFT JOIN cards c ON c.id = d.card_id`

func scanDecision(r *row, d *billing.Decision) {
	d.ID = r.int64()
	d.Owner = billing.OwnerID(r.int64())
	d.Top = billing.OwnerID(r.int64())
	d.At = r.time()
	d.Trigger = billing.Trigger(r.text())
	d.Purpose = billing.Purpose(r.text())
	d.Run = billing.RunID(r.int64())
	d.Actor = r.text()
	d.Available = r.opt()
	d.Threshold = r.opt()
	d.Unit = billing.Unit(r.text())
	d.Low = r.bool()
	d.Reason = billing.Reason(r.text())
	d.Detail = r.text()
	d.Made = billing.ChargeID(r.int64())
	d.Notice = billing.NoticeKind(r.text())
	d.NextAt = r.time()
	// What cannot be read is shown empty: history decides nothing.
	_ = json.Unmarshal([]byte(r.text()), &d.State)
	plan := billing.ChargePlan{Mandate: billing.MandateID(r.int64())}
	made := !r.null()
	plan.Credit, plan.Tax, plan.Fee = r.int64(), r.int64(), r.int64()
	plan.Card.ID = billing.CardID(r.int64())
	plan.Card.Owner = billing.OwnerID(r.int64())
	plan.Card.Gateway, plan.Card.Brand, plan.Card.Last4 = r.text(), r.text(), r.text()
	if made {
		d.Charge = &plan
	}
}

const (
	sqlDecisionsOf = `SELECT ` + decisionColumns + ` WHERE d.owner_id = $1 AND d.id < $2 ORDER BY d.id DESC LIMIT $3`
	sqlDecisions   = `SELECT ` + decisionColumns + ` WHERE d.id < $1 ORDER BY d.id DESC LIMIT $2`
)

func (r *reader) Decisions(o billing.OwnerID, before int64, limit int) ([]billing.Decision, error) {
	if o == 0 {
		return list(r, scanDecision, sqlDecisions, beforeOf(before), limitOf(limit))
	}
	return list(r, scanDecision, sqlDecisionsOf, int64(o), beforeOf(before), limitOf(limit))
}

// beforeOf is where a page of the newest first begins: 0 is from the newest.
func beforeOf[T ~int64](id T) int64 {
	if id == 0 {
		return math.MaxInt64
	}
	return int64(id)
}
