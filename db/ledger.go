package db

import (
	"time"

	"topupd/billing"
)

const sqlBucket = `SELECT balance, reserved FROM buckets WHERE owner_id = $1 AND unit = $2`

func (r *reader) Bucket(o billing.OwnerID, unit billing.Unit) (billing.Bucket, error) {
	b := billing.Bucket{Owner: o, Unit: unit}
	_, err := r.first(func(row *row) {
		b.Balance = row.int64()
		b.Reserved = row.int64()
	}, sqlBucket, int64(o), string(unit))
	return b, err
}

const postingColumns = `p.id, p.top_id, p.kind, p.cause, p.input, p.charge_id, p.notes, p.actor, p.booked_at, p.effective_at`

func scanPosting(r *row, p *billing.Posting) {
	p.ID = billing.PostingID(r.int64())
	p.Top = billing.OwnerID(r.int64())
	p.Kind = billing.PostingKind(r.text())
	p.Cause = r.text()
	p.Input = r.text()
	p.Charge = billing.ChargeID(r.int64())
	p.Notes = r.text()
	p.Actor = r.text()
	p.BookedAt = r.time()
	p.EffectiveAt = r.time()
}

const sqlPostingByCause = `SELECT ` + postingColumns + ` FROM postings p WHERE p.cause = $1`

func (r *reader) PostingByCause(cause string) (billing.Posting, error) {
	p, err := one(r, "posting", scanPosting, sqlPostingByCause, cause)
	if err != nil {
		return p, err
	}
	return p, r.fillEntries(&p)
}

const sqlEntries = `SELECT owner_id, account, unit, micros FROM entries WHERE posting_id = $1 ORDER BY n`

func (r *reader) fillEntries(p *billing.Posting) (err error) {
	p.Entries, err = list(r, scanEntry, sqlEntries, int64(p.ID))
	return err
}

func scanEntry(r *row, e *billing.Entry) {
	e.Owner = billing.OwnerID(r.int64())
	e.Account = r.text()
	e.Unit = billing.Unit(r.text())
	e.Micros = r.int64()
}

const sqlPostings = `SELECT ` + postingColumns + ` FROM postings p WHERE p.id IN (
    SELECT DISTINCT e.posting_id FROM entries e
    WHERE e.owner_id = $1 AND e.posting_id < $2 ORDER BY e.posting_id DESC LIMIT $3)
ORDER BY p.id DESC`

func (r *reader) Postings(o billing.OwnerID, before billing.PostingID, limit int) ([]billing.Posting, error) {
	all, err := list(r, scanPosting, sqlPostings, int64(o), beforeOf(before), limitOf(limit))
	for i := range all {
		if err == nil {
			err = r.fillEntries(&all[i])
		}
	}
	return all, err
}

const (
	sqlPost = `INSERT INTO postings (top_id, kind, cause, input, charge_id, notes, actor, booked_at, effective_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
	sqlPostNumbered = `INSERT INTO postings (top_id, kind, cause, input, charge_id, notes, actor, booked_at, effective_at, id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	sqlMoveBucket = `UPDATE buckets SET balance = balance + $3 WHERE owner_id = $1 AND unit = $2`
	sqlMakeBucket = `INSERT INTO buckets (owner_id, unit, top_id, balance, reserved)
VALUES ($1, $2, (SELECT top_id FROM owners WHERE id = $1), $3, 0)`
	// Both at once, for who would wait for the answer of the first.
	sqlMoveOrMakeBucket = sqlMakeBucket + ` ON CONFLICT (owner_id, unit) DO UPDATE SET balance = buckets.balance + EXCLUDED.balance`

	sqlEntry = `INSERT INTO entries (posting_id, n, top_id, owner_id, account, unit, micros, payment_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
)

func (t *tx) Post(p *billing.Posting) error {
	if err := p.Validate(); err != nil {
		return err
	}
	args := []any{int64(p.Top), string(p.Kind), p.Cause, p.Input, ref(p.Charge), p.Notes, p.Actor, p.BookedAt, p.EffectiveAt}
	// A cause that is there already is refused here, before anything is written.
	id, err := t.s.postingID(), error(nil)
	if id != 0 {
		err = t.add(sqlPostNumbered, append(args, id)...)
	} else {
		id, err = t.insert(sqlPost, args...)
	}
	if err != nil {
		return err
	}
	for i := range p.Entries {
		if err := t.postEntry(id, i, p, &p.Entries[i]); err != nil {
			return t.spoil(err)
		}
	}
	p.ID = billing.PostingID(id)
	return nil
}

func (t *tx) postEntry(posting int64, n int, p *billing.Posting, e *billing.Entry) error {
	var account any
	var paymentAt time.Time
	if e.Owner == 0 {
		account = e.Account
	} else {
		if err := t.moveBucket(e); err != nil {
			return err
		}
		if p.Kind.Payment() {
			paymentAt = p.EffectiveAt
		}
	}
	return t.add(sqlEntry, posting, n, int64(p.Top), ref(e.Owner), account, string(e.Unit), e.Micros, paymentAt)
}

// moveBucket adds to a bucket and makes it when nothing was ever posted to it.
func (t *tx) moveBucket(e *billing.Entry) error {
	if err := t.owns(e.Owner); err != nil {
		return err
	}
	args := []any{int64(e.Owner), string(e.Unit), e.Micros}
	if queued, err := t.later(false, sqlMoveOrMakeBucket, args); queued || err != nil {
		return err
	}
	n, err := t.exec(sqlMoveBucket, args...)
	if err == nil && n == 0 {
		_, err = t.exec(sqlMakeBucket, args...)
	}
	return err
}
