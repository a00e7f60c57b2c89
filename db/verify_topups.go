package db

import "topupd/billing"

// What the REST interfaces lead to. E1: a profile's charge and what it expects agree. E2:
// a top-up has one letter, which is told by its own notice. O1: an order and its payment's
// posting agree. P1: a pool top-up has both of its effects, or none.

// A charge that was imported from elsewhere is not there, so what came with an import is
// left out.
const (
	sqlVerifyExpected = `SELECT e.id, e.owner_id, e.unit, e.amount, e.charge_id, e.fulfilled_at IS NOT NULL, e.payment_id, c.id, c.owner_id, c.unit,
    c.credit, c.purpose, c.state
FROM expected_payments e LEFT JOIN charges c ON c.id = e.charge_id WHERE e.charge_id IS NOT NULL ORDER BY e.id`
	sqlVerifyFulfilled = `SELECT e.id FROM expected_payments e LEFT JOIN charges c ON c.id = e.payment_id >> 1
WHERE e.payment_id & 1 = 1 AND (c.id IS NULL OR c.owner_id <> e.owner_id OR c.state <> 'succeeded')`
	sqlVerifyUnexpected = `SELECT c.id FROM charges c WHERE c.purpose = 'profile'
    AND NOT EXISTS (SELECT 1 FROM expected_payments e WHERE e.charge_id = c.id)`
	sqlVerifyLetters = `SELECT l.id, l.expected_id FROM correspondence l JOIN expected_payments e ON e.id = l.expected_id
LEFT JOIN notices n ON n.id = l.notice_id
WHERE e.profile_id IS NULL OR l.owner_id <> e.owner_id OR n.id IS NULL OR n.owner_id IS DISTINCT FROM l.owner_id OR n.cause <> 'topup:' || l.expected_id`
	sqlVerifyUnsaid = `SELECT n.id FROM notices n LEFT JOIN expected_payments e ON n.cause = 'topup:' || e.id
LEFT JOIN correspondence l ON l.expected_id = e.id WHERE n.kind = 'topup' AND l.notice_id IS DISTINCT FROM n.id`
)

func (v *verifier) topups() error {
	err := v.each(func(r *row) error {
		id, owner, unit, amount := r.int64(), r.int64(), r.text(), r.int64()
		charge, fulfilled, payment := r.int64(), r.bool(), r.opt()
		if r.opt() == nil {
			return v.add("E1", "expected payment %d is collected by charge %d, which is not there", id, charge)
		}
		same := r.int64() == owner
		same = r.text() == unit && same
		same = r.int64() == amount && same
		same = r.text() == string(billing.PurposeProfile) && same
		state := billing.ChargeState(r.text())
		own := payment != nil && billing.PaymentID(*payment) == billing.ChargePayment(billing.ChargeID(charge))
		switch {
		case !same:
			return v.add("E1", "expected payment %d and charge %d do not agree", id, charge)
		case state == billing.ChargeSucceeded && !fulfilled:
			return v.add("E1", "charge %d succeeded and expected payment %d is open", charge, id)
		case state != billing.ChargeSucceeded && own:
			return v.add("E1", "charge %d is %s and expected payment %d is fulfilled by it", charge, state, id)
		}
		return nil
	}, sqlVerifyExpected)
	if err != nil {
		return err
	}
	err = v.checks("E1", []check{
		{sqlVerifyFulfilled, "expected payment %d is fulfilled by a charge of its owner that did not succeed"},
		{sqlVerifyUnexpected, "charge %d of a profile collects no expected payment"},
	})
	if err != nil {
		return err
	}
	return v.checks("E2", []check{
		{sqlVerifyLetters, "letter %d and its notice do not agree about a top-up"},
		{sqlVerifyUnsaid, "notice %d tells of a top-up and is no letter"},
	})
}

// An imported order has no posting here: its payment was booked elsewhere.
const (
	sqlVerifyOrders = `SELECT d.id FROM orders d LEFT JOIN gateway_payments g ON g.id = d.payment_id LEFT JOIN subscriptions s ON s.id = d.subscription_id
LEFT JOIN postings p ON p.id = d.posting_id
WHERE g.id IS NULL OR s.id IS NULL OR g.status <> 'paid' OR d.posting_id IS NOT NULL AND (p.id IS NULL OR p.kind <> 'gateway_payment'
    OR p.cause <> 'gateway_payment:' || g.id
    OR (SELECT COALESCE(SUM(e.micros), 0) FROM entries e WHERE e.posting_id = p.id AND e.owner_id = g.owner_id AND e.unit = g.currency) <> g.amount)`
	sqlVerifyUnordered = `SELECT p.id FROM postings p LEFT JOIN gateway_payments g ON p.cause = 'gateway_payment:' || g.id
LEFT JOIN orders d ON d.payment_id = g.id WHERE p.kind = 'gateway_payment' AND d.posting_id IS DISTINCT FROM p.id`
)

// orders is O1.
func (v *verifier) orders() error {
	err := v.each(func(r *row) error {
		return v.add("O1", "order %d and what was booked of its payment do not agree", r.int64())
	}, sqlVerifyOrders)
	if err != nil {
		return err
	}
	return v.each(func(r *row) error {
		return v.add("O1", "posting %d books a payment that no order is about", r.int64())
	}, sqlVerifyUnordered)
}

// A finished request is deleted after a time, its posting never: so the requests lead.
const (
	sqlVerifyPools = `SELECT t.id FROM pool_topups t LEFT JOIN postings p ON p.id = t.posting_id WHERE t.state = 'success'
    AND (p.id IS NULL OR p.kind <> 'pool_topup' OR p.cause <> 'pool_topup:' || t.id
    OR -t.charge <> (SELECT COALESCE(SUM(e.micros), 0) FROM entries e WHERE e.posting_id = p.id AND e.owner_id = t.owner_id AND e.unit = t.currency)
    OR t.sms <> (SELECT COALESCE(SUM(e.micros), 0) FROM entries e WHERE e.posting_id = p.id AND e.owner_id = t.owner_id AND e.unit = 'SMS/' || t.offer)
    OR t.kb <> (SELECT COALESCE(SUM(e.micros), 0) FROM entries e WHERE e.posting_id = p.id AND e.owner_id = t.owner_id AND e.unit = 'KB/' || t.offer))`
	sqlVerifyUnfinished = `SELECT t.id, p.id FROM pool_topups t JOIN postings p ON p.cause = 'pool_topup:' || t.id WHERE t.state <> 'success'`
)

// poolTopUps is P1.
func (v *verifier) poolTopUps() error {
	err := v.each(func(r *row) error {
		return v.add("P1", "pool top-up %s does not have its effects", r.text())
	}, sqlVerifyPools)
	if err != nil {
		return err
	}
	return v.each(func(r *row) error {
		id := r.text()
		return v.add("P1", "pool top-up %s did not succeed, and posting %d books it", id, r.int64())
	}, sqlVerifyUnfinished)
}
