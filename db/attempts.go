package db

import (
	"time"

	"topupd/billing"
)

const attemptColumns = `a.charge_id, a.n, a.key, a.state, a.first_at, a.submitted_at, a.settled_at, a.lookups, a.gateway, a.ref, a.token,
    a.customer, a.card_print, a.class, a.code, a.advice, a.message
FROM attempts a`

func scanAttempt(r *row, a *billing.Attempt) {
	a.Charge = billing.ChargeID(r.int64())
	a.N = r.int()
	a.Key = r.text()
	a.State = billing.AttemptState(r.text())
	a.FirstAt = r.time()
	a.SubmittedAt = r.time()
	a.SettledAt = r.time()
	a.Lookups = r.int()
	a.Gateway = r.text()
	a.Ref = r.text()
	a.Token = r.bytes()
	a.Customer = r.text()
	a.Print = r.text()
	a.Class = declineClass(r.text())
	a.Code = r.text()
	a.Advice = r.text()
	a.Message = r.text()
}

// declineClass reads what DeclineClass.String wrote.
func declineClass(word string) billing.DeclineClass {
	for c := billing.DeclineNone; c <= billing.DeclineAuthentication; c++ {
		if c.String() == word {
			return c
		}
	}
	return billing.DeclineNone
}

const sqlAttempts = `SELECT ` + attemptColumns + ` WHERE a.charge_id = $1 ORDER BY a.n`

func (r *reader) Attempts(id billing.ChargeID) ([]billing.Attempt, error) {
	return list(r, scanAttempt, sqlAttempts, int64(id))
}

const sqlAttemptByKey = `SELECT ` + attemptColumns + ` WHERE a.key = $1`

func (r *reader) AttemptByKey(key string) (billing.Attempt, error) {
	return one(r, "attempt", scanAttempt, sqlAttemptByKey, key)
}

const sqlAttemptByRef = `SELECT ` + attemptColumns + ` WHERE a.gateway = $1 AND a.ref = $2 AND a.ref <> ''
ORDER BY a.charge_id DESC, a.n DESC LIMIT 1`

func (r *reader) AttemptByRef(gateway, ref string) (billing.Attempt, error) {
	return one(r, "attempt", scanAttempt, sqlAttemptByRef, gateway, ref)
}

const sqlDeclinedTries = `SELECT a.settled_at, c.unit, c.gross FROM attempts a JOIN charges c ON c.id = a.charge_id
WHERE a.state = 'declined' AND a.card_print = $1 AND a.settled_at >= $2 ORDER BY a.settled_at DESC LIMIT $3`

func (r *reader) DeclinedTries(print string, since time.Time, limit int) ([]billing.DeclinedTry, error) {
	return list(r, func(r *row, t *billing.DeclinedTry) {
		t.At = r.time()
		t.Unit = billing.Unit(r.text())
		t.Gross = r.int64()
	}, sqlDeclinedTries, print, timeOrLeast(since), limitOf(limit))
}

const sqlSubmittedSince = `SELECT c.unit, COUNT(*), SUM(c.gross) FROM attempts a JOIN charges c ON c.id = a.charge_id
WHERE a.submitted_at >= $1 GROUP BY c.unit`

func (r *reader) SubmittedSince(at time.Time) (count int64, money map[billing.Unit]int64, err error) {
	money = map[billing.Unit]int64{}
	err = r.each(func(r *row) error {
		unit := billing.Unit(r.text())
		count += r.int64()
		money[unit] += r.int64()
		return nil
	}, sqlSubmittedSince, timeOrLeast(at))
	return count, money, err
}

const sqlAddAttempt = `INSERT INTO attempts (charge_id, n, top_id, key, state, submitted_at, settled_at, lookups, gateway,
    ref, token, customer, card_print, class, code, advice, message, first_at)
VALUES ($1, $2, (SELECT top_id FROM charges WHERE id = $1), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
    $17)`

func (t *tx) AddAttempt(a *billing.Attempt) error {
	err := t.add(sqlAddAttempt, int64(a.Charge), a.N, a.Key, string(a.State), a.SubmittedAt, a.SettledAt,
		a.Lookups, a.Gateway, a.Ref, a.Token, a.Customer, a.Print, a.Class.String(), a.Code, a.Advice, a.Message, a.FirstAt)
	return err
}

const sqlSetAttempt = `UPDATE attempts SET state = $3, submitted_at = $4, settled_at = $5, lookups = $6, ref = $7,
    token = $8, customer = $9, card_print = $10, class = $11, code = $12, advice = $13, message = $14,
    first_at = $15
WHERE charge_id = $1 AND n = $2`

func (t *tx) SetAttempt(a *billing.Attempt) error {
	return t.change("attempt", sqlSetAttempt, int64(a.Charge), a.N, string(a.State), a.SubmittedAt, a.SettledAt,
		a.Lookups, a.Ref, a.Token, a.Customer, a.Print, a.Class.String(), a.Code, a.Advice, a.Message, a.FirstAt)
}

const sqlSealedAttempts = `SELECT a.charge_id, a.n, c.card_id, a.token FROM attempts a JOIN charges c ON c.id = a.charge_id
WHERE a.token IS NOT NULL ORDER BY a.charge_id, a.n`

func (r *reader) SealedAttempts() ([]billing.SealedAttempt, error) {
	return list(r, func(r *row, s *billing.SealedAttempt) {
		s.Charge, s.N = billing.ChargeID(r.int64()), r.int()
		s.Card, s.Token = billing.CardID(r.int64()), r.bytes()
	}, sqlSealedAttempts)
}

const sqlResealAttempt = `UPDATE attempts SET token = $4 WHERE charge_id = $1 AND n = $2 AND token = $3`

func (t *tx) ResealAttempt(id billing.ChargeID, n int, was, now []byte) (bool, error) {
	changed, err := t.exec(sqlResealAttempt, int64(id), n, was, now)
	return changed == 1, err
}
