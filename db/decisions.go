package db

import (
	"encoding/json"
	"math"

	"topupd/billing"
)

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
