package db

import (
	"time"

	"topupd/billing"
)

// Both halves give the same columns. An attempt is the one that was booked, else the
// last one; a charge that was cancelled before anything was sent is no payment, unless
// a person was given its number.
const (
	sqlPaymentCharge = `SELECT c.created_at, c.id, 1, c.owner_id, c.unit, c.credit, 'charge', '', c.state, c.purpose,
    c.reason, k.brand, k.last4, COALESCE(a.state, ''), COALESCE(a.ref, ''), COALESCE(a.code, ''), COALESCE(a.message, '')
FROM charges c JOIN cards k ON k.id = c.card_id
LEFT JOIN attempts a ON a.charge_id = c.id AND a.n = (SELECT MAX(b.n) FROM attempts b WHERE b.charge_id = c.id
    AND (c.state <> 'succeeded' OR (b.state = 'succeeded' AND b.code <> 'captured_twice')))
WHERE c.owner_id = $1 AND (c.state <> 'cancelled' OR c.purpose = 'manual' OR c.attempt > 1)`
	sqlPaymentPosting = `SELECT e.payment_at, e.posting_id, 0, e.owner_id, e.unit, e.micros, p.kind, p.notes, '', '',
    '', '', '', '', '', '', ''
FROM entries e JOIN postings p ON p.id = e.posting_id
WHERE e.owner_id = $1 AND e.payment_at IS NOT NULL`

	sqlPaymentOfCharge  = sqlPaymentCharge + ` AND c.id = $2`
	sqlPaymentOfPosting = sqlPaymentPosting + ` AND e.posting_id = $2`

	sqlPayments = sqlPaymentCharge + ` AND c.created_at >= $2 AND c.created_at < $3 AND CAST($4 AS BIGINT) < 2
UNION ALL ` + sqlPaymentPosting + ` AND e.payment_at >= $2 AND e.payment_at < $3
    AND ($4 = 0 OR ($4 = 1) = (e.micros > 0))
ORDER BY 1 DESC, 3 DESC, 2 DESC LIMIT $5 OFFSET $6`
)

func scanPayment(r *row, p *billing.Payment) {
	p.At = r.time()
	id, isCharge := r.int64(), r.bool()
	if isCharge {
		p.ID = billing.ChargePayment(billing.ChargeID(id))
	} else {
		p.ID = billing.PostingPayment(billing.PostingID(id))
	}
	p.Owner = billing.OwnerID(r.int64())
	p.Unit = billing.Unit(r.text())
	p.Micros = r.int64()
	p.Kind = billing.PostingKind(r.text())
	p.Notes = r.text()
	p.State = billing.ChargeState(r.text())
	p.Purpose = billing.Purpose(r.text())
	p.Reason = r.text()
	card := billing.Card{Brand: r.text(), Last4: r.text()}
	p.Card = card.Label()
	p.Attempt = billing.AttemptState(r.text())
	p.Ref = r.text()
	p.Code = r.text()
	p.Message = r.text()
}

func (r *reader) Payments(f billing.PaymentFilter) ([]billing.Payment, error) {
	until := f.Until
	if until.IsZero() {
		until = endOfTime
	}
	return list(r, scanPayment, sqlPayments, int64(f.Owner), timeOrLeast(f.From), until, int64(f.Direction),
		limitOf(f.Limit), f.Offset)
}

// endOfTime is after every moment that is kept.
var endOfTime = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)

func (r *reader) Payment(o billing.OwnerID, id billing.PaymentID) (billing.Payment, error) {
	if c := id.Charge(); c != 0 {
		return one(r, "payment", scanPayment, sqlPaymentOfCharge, int64(o), int64(c))
	}
	return one(r, "payment", scanPayment, sqlPaymentOfPosting, int64(o), int64(id.Posting()))
}

const sqlPaidSince = `SELECT ` + chargeColumns + ` FROM charges c
WHERE c.purpose = 'manual' AND c.owner_id = $1 AND c.card_id = $2 AND c.created_at > $6
    AND c.credit = $3 AND c.actor_id = $4 AND c.actor = $5 AND c.state <> 'cancelled' AND c.cause NOT LIKE 'topup:%'
ORDER BY c.created_at DESC, c.id DESC LIMIT 1`

const sqlPaidWithInput = `SELECT ` + chargeColumns + ` FROM charges c
WHERE c.purpose = 'manual' AND c.input <> '' AND c.owner_id = $1 AND c.input = $2 AND c.created_at > $5
    AND c.actor_id = $3 AND c.actor = $4 AND c.state <> 'cancelled'
ORDER BY c.created_at DESC, c.id DESC LIMIT 1`

func (r *reader) PaidWithInput(o billing.OwnerID, input string, by billing.OwnerID, login string, since time.Time) (billing.Charge, error) {
	return one(r, "charge", scanCharge, sqlPaidWithInput, int64(o), input, int64(by), login, timeOrLeast(since))
}

func (r *reader) PaidSince(o billing.OwnerID, card billing.CardID, credit int64, by billing.OwnerID, login string, since time.Time) (billing.Charge, error) {
	return one(r, "charge", scanCharge, sqlPaidSince, int64(o), int64(card), credit, int64(by), login, timeOrLeast(since))
}
