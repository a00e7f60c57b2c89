package db

import (
	"fmt"

	"topupd/billing"
)

// The top-ups of TMF654. U1: a top-up and what paid for it agree, once. U2: a rule and its
// executions agree.

// What was imported was paid for elsewhere, so it has neither charge nor posting; only a
// rule that came so has executions that were charged here.
const (
	sqlVerifyCharged = `SELECT t.id, t.charge_id, t.owner_id, t.unit, t.amount, t.state, t.posting_id, c.id, c.owner_id, c.unit, c.credit,
    c.cause = 'topup:' || t.id, c.state, c.posting_id
FROM topups t LEFT JOIN charges c ON c.id = t.charge_id WHERE t.charge_id IS NOT NULL ORDER BY t.id`
	sqlVerifyUncharged = `SELECT t.id FROM topups t WHERE t.charge_id IS NULL
    AND CASE WHEN t.imported THEN t.posting_id IS NOT NULL WHEN t.voucher <> '' THEN t.state <> 'completed' ELSE t.rule_id IS NULL OR t.state <> 'failed' END`
	sqlVerifyTwoSources = `SELECT t.id FROM topups t WHERE t.charge_id IS NOT NULL AND t.voucher <> ''`
	// A cause is indexed; its numbers are followed by nothing.
	sqlVerifyUntold = `SELECT c.id FROM charges c WHERE c.cause >= 'topup:' AND c.cause < 'topup;'
    AND NOT EXISTS (SELECT 1 FROM topups t WHERE t.charge_id = c.id)`
	sqlVerifyChargedTwice = `SELECT t.charge_id FROM topups t WHERE t.charge_id IS NOT NULL GROUP BY t.charge_id HAVING COUNT(*) > 1`
	sqlVerifyBookedTwice  = `SELECT t.posting_id FROM topups t WHERE t.posting_id IS NOT NULL GROUP BY t.posting_id HAVING COUNT(*) > 1`
	sqlVerifyActions      = `SELECT a.id FROM balance_actions a LEFT JOIN topups t ON t.id = a.id
WHERE a.kind = 'topup' AND (t.id IS NULL OR t.owner_id <> a.owner_id)`
	sqlVerifyActionless = `SELECT t.id FROM topups t LEFT JOIN balance_actions a ON a.id = t.id WHERE a.id IS NULL OR a.kind <> 'topup'`

	sqlVerifyRedeemed = `SELECT t.id, t.owner_id, t.unit, t.amount, p.kind, p.cause FROM topups t LEFT JOIN postings p ON p.id = t.posting_id
WHERE t.voucher <> '' AND t.state = 'completed' AND NOT t.imported ORDER BY t.id`
	sqlVerifyRedeemer = `SELECT v.used_by, v.amount, v.currency FROM vouchers v WHERE v.id = $1`

	sqlVerifyCredits = `SELECT t.id FROM topups t WHERE t.posting_id IS NOT NULL AND t.amount <> COALESCE((SELECT SUM(e.micros) FROM entries e
    WHERE e.posting_id = t.posting_id AND e.owner_id = t.owner_id AND e.unit = t.unit), 0)`
	// An owner's postings are numbered in the order in which they moved its balance: the
	// number is taken under its lock.
	sqlVerifyAround = `SELECT e.owner_id, e.unit, e.micros, t.id, t.amount, t.balance_before, t.balance_after
FROM entries e LEFT JOIN topups t ON t.posting_id = e.posting_id AND t.owner_id = e.owner_id AND t.unit = e.unit
WHERE e.owner_id IN (SELECT x.owner_id FROM topups x WHERE x.posting_id IS NOT NULL) ORDER BY e.owner_id, e.posting_id`
)

// balanceTopups is U1.
func (v *verifier) balanceTopups() error {
	if err := v.each(v.charged, sqlVerifyCharged); err != nil {
		return err
	}
	err := v.checks("U1", []check{
		{sqlVerifyUncharged, "top-up %d is of a state that needs a charge or a voucher"},
		{sqlVerifyTwoSources, "top-up %d has a charge and a voucher"},
		{sqlVerifyUntold, "charge %d pays for a top-up that is not there"},
		{sqlVerifyChargedTwice, "charge %d pays for several top-ups"},
		{sqlVerifyBookedTwice, "posting %d books several top-ups"},
		{sqlVerifyActions, "balance action %d is a top-up that is not there, or another's"},
		{sqlVerifyActionless, "top-up %d has no balance action"},
		{sqlVerifyCredits, "the posting of top-up %d does not book its amount"},
	})
	if err != nil {
		return err
	}
	if err := v.each(v.redeemed, sqlVerifyRedeemed); err != nil {
		return err
	}
	return v.around()
}

type check struct{ query, what string }

// checks tells each number that a query finds.
func (v *verifier) checks(invariant string, all []check) error {
	for _, c := range all {
		if err := v.each(func(r *row) error { return v.add(invariant, c.what, r.int64()) }, c.query); err != nil {
			return err
		}
	}
	return nil
}

// charged compares a top-up with its charge. How that is booked is C4.
func (v *verifier) charged(r *row) error {
	id, charge := r.int64(), r.int64()
	owner, unit, amount, state, posting := r.int64(), r.text(), r.int64(), billing.TopupState(r.text()), r.int64()
	if r.opt() == nil {
		return v.add("U1", "top-up %d is paid for by charge %d, which is not there", id, charge)
	}
	same := r.int64() == owner
	same = r.text() == unit && same
	same = r.int64() == amount && same
	same = r.bool() && same
	end := billing.ChargeState(r.text())
	switch booked := r.int64(); {
	case !same:
		return v.add("U1", "top-up %d and charge %d do not agree", id, charge)
	case !follows(state, end):
		return v.add("U1", "top-up %d is %s and its charge %d is %s", id, state, charge, end)
	case posting != booked:
		return v.add("U1", "top-up %d names posting %d, and its charge %d names %d", id, posting, charge, booked)
	}
	return nil
}

// follows reports whether a top-up can be in a state while its charge is in another: they
// change in one transaction.
func follows(t billing.TopupState, c billing.ChargeState) bool {
	switch c {
	case billing.ChargeSucceeded:
		return t == billing.TopupCompleted
	case billing.ChargeFailed:
		return t == billing.TopupFailed
	case billing.ChargeCancelled:
		return t == billing.TopupCancelled || t == billing.TopupFailed // failed where the card was in the way
	}
	return t == billing.TopupCreated
}

// redeemed compares a top-up with the voucher that its posting was caused by.
func (v *verifier) redeemed(r *row) error {
	id, owner, unit, amount := r.int64(), r.int64(), r.text(), r.int64()
	kind, cause := r.text(), r.text()
	var voucher int64
	same := kind == string(billing.PostVoucher)
	if n, err := fmt.Sscanf(cause, "voucher:%d", &voucher); n != 1 || err != nil {
		same = false
	}
	there, err := v.r.first(func(r *row) {
		same = r.int64() == owner && same
		same = r.int64() == amount && same
		same = r.text() == unit && same
	}, sqlVerifyRedeemer, voucher)
	if err != nil || there && same {
		return err
	}
	return v.add("U1", "top-up %d and the voucher that it redeemed do not agree", id)
}

// around compares the balances around each top-up with the entries until then.
func (v *verifier) around() error {
	var owner int64
	balances := map[string]int64{}
	return v.each(func(r *row) error {
		if o := r.int64(); o != owner {
			owner = o
			clear(balances)
		}
		unit, micros := r.text(), r.int64()
		before := balances[unit]
		balances[unit] += micros
		if r.null() {
			return nil
		}
		id := r.int64()
		amount, told, after := r.int64(), r.opt(), r.opt()
		if told != nil && after != nil && *told == before && *after == before+amount {
			return nil
		}
		return v.add("U1", "the balance around top-up %d was not what it says", id)
	}, sqlVerifyAround)
}

// What was done elsewhere is not counted here, so a rule with an imported execution is
// left out of the count.
const (
	sqlVerifyRuleless = `SELECT t.id FROM topups t LEFT JOIN topup_rules r ON r.id = t.rule_id WHERE t.rule_id IS NOT NULL
    AND (r.id IS NULL OR r.owner_id <> t.owner_id OR r.unit <> t.unit OR NOT t.imported AND r.amount <> t.amount
    OR (t.id = r.id AND t.period <> 0) OR (t.period = 0 AND t.id <> r.id))`
	sqlVerifyFirst = `SELECT r.id FROM topup_rules r LEFT JOIN topups t ON t.id = r.id WHERE t.id IS NULL OR t.rule_id IS NULL OR t.rule_id <> r.id`
	sqlVerifyTwice = `SELECT t.rule_id, t.period, COUNT(*) FROM topups t WHERE t.rule_id IS NOT NULL GROUP BY t.rule_id, t.period HAVING COUNT(*) > 1`
	sqlVerifyBusy  = `SELECT t.rule_id FROM topups t WHERE t.rule_id IS NOT NULL AND t.state = 'created' AND t.charge_id IS NOT NULL
GROUP BY t.rule_id HAVING COUNT(*) > 1`
	// A period that was executed is not the next one, but where it only stands for the rule.
	sqlVerifyAhead = `SELECT t.id FROM topup_rules r JOIN topups t ON t.rule_id = r.id WHERE r.state = 'active' AND t.period >= r.next_n
    AND (t.charge_id IS NOT NULL OR t.state <> 'created')`
	sqlVerifyUnpaid = `SELECT r.id FROM topup_rules r JOIN topups t ON t.id = r.id JOIN charges c ON c.id = t.charge_id
WHERE r.state = 'active' AND t.state = 'failed' AND c.purpose = 'manual'`
	sqlVerifyDone = `SELECT r.id, r.done, r.periods, x.completed, x.failed FROM topup_rules r JOIN (
    SELECT t.rule_id, SUM(CASE t.state WHEN 'completed' THEN 1 ELSE 0 END) AS completed, SUM(CASE t.state WHEN 'failed' THEN 1 ELSE 0 END) AS failed,
        SUM(CASE WHEN t.imported THEN 1 ELSE 0 END) AS imported
    FROM topups t WHERE t.rule_id IS NOT NULL GROUP BY t.rule_id) x ON x.rule_id = r.id WHERE x.imported = 0 ORDER BY r.id`
)

// topupRules is U2.
func (v *verifier) topupRules() error {
	err := v.checks("U2", []check{
		{sqlVerifyRuleless, "top-up %d and its rule do not agree"},
		{sqlVerifyFirst, "rule %d has no top-up that stands for it"},
		{sqlVerifyBusy, "several executions of rule %d are open"},
		{sqlVerifyAhead, "top-up %d is of a period that its rule has not come to"},
		{sqlVerifyUnpaid, "rule %d goes on, and its first period was not paid"},
	})
	if err != nil {
		return err
	}
	err = v.each(func(r *row) error {
		rule, period := r.int64(), r.int64()
		return v.add("U2", "period %d of rule %d is executed %d times", period, rule, r.int64())
	}, sqlVerifyTwice)
	if err != nil {
		return err
	}
	return v.each(func(r *row) error {
		rule, done, periods := r.int64(), r.int64(), r.opt()
		completed, failed := r.int64(), r.int64()
		least := completed
		if periods != nil { // one that was paid late, after the last, is counted no more
			least = min(least, *periods)
		}
		// Whether a failed one counts is a setting.
		if least <= done && done <= completed+failed {
			return nil
		}
		return v.add("U2", "rule %d counts %d executions, %d were paid and %d failed", rule, done, completed, failed)
	}, sqlVerifyDone)
}
