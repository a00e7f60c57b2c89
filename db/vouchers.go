package db

import (
	"time"

	"topupd/billing"
)

const voucherColumns = `id, top_id, code_hash, pin_hash, hint, amount, currency, created_at, expires_at, used_at, used_by`

func scanVoucher(r *row, v *billing.Voucher) {
	v.ID = billing.VoucherID(r.int64())
	v.Top = billing.OwnerID(r.int64())
	v.CodeHash = r.bytes()
	v.PINHash = r.bytes()
	v.Hint = r.text()
	v.Amount = r.int64()
	v.Currency = billing.Unit(r.text())
	v.CreatedAt = r.time()
	v.ExpiresAt = r.time()
	v.UsedAt = r.time()
	v.UsedBy = billing.OwnerID(r.int64())
}

const sqlVoucher = `SELECT ` + voucherColumns + ` FROM vouchers WHERE id = $1`

func (r *reader) Voucher(id billing.VoucherID) (billing.Voucher, error) {
	return one(r, "voucher", scanVoucher, sqlVoucher, int64(id))
}

const sqlVoucherByCode = `SELECT ` + voucherColumns + ` FROM vouchers WHERE code_hash = $1`

func (r *reader) VoucherByCode(hash []byte) (billing.Voucher, error) {
	return one(r, "voucher", scanVoucher, sqlVoucherByCode, hash)
}

const sqlVouchers = `SELECT ` + voucherColumns + ` FROM vouchers WHERE id > $1 ORDER BY id LIMIT $2`

func (r *reader) Vouchers(after billing.VoucherID, limit int) ([]billing.Voucher, error) {
	return list(r, scanVoucher, sqlVouchers, int64(after), limitOf(limit))
}

const (
	sqlNextVoucher = `SELECT COALESCE(MAX(id), 0) + 1 FROM vouchers`
	sqlAddVoucher  = `INSERT INTO vouchers (id, top_id, code_hash, pin_hash, hint, amount, currency, created_at, expires_at,
    used_at, used_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING`
	sqlReplaceVoucher = `UPDATE vouchers SET top_id = $2, code_hash = $3, pin_hash = $4, hint = $5, amount = $6, currency = $7,
    created_at = $8, expires_at = $9, used_at = $10, used_by = $11
WHERE id = $1`
)

func (t *tx) PutVoucher(v *billing.Voucher) error {
	id, err := t.idOr(int64(v.ID), sqlNextVoucher)
	if err != nil {
		return err
	}
	err = t.put(sqlAddVoucher, sqlReplaceVoucher, id, int64(v.Top), v.CodeHash, v.PINHash, v.Hint, v.Amount, string(v.Currency),
		v.CreatedAt, v.ExpiresAt, v.UsedAt, ref(v.UsedBy))
	if err == nil {
		v.ID = billing.VoucherID(id)
	}
	return err
}

const sqlGuesses = `SELECT subject, top_id, since, wrong FROM voucher_guesses WHERE subject = $1`

func scanGuesses(r *row, g *billing.Guesses) {
	g.Subject = r.text()
	g.Top = billing.OwnerID(r.int64())
	g.Since = r.time()
	g.Wrong = r.int64()
}

func (r *reader) Guesses(subject string) (billing.Guesses, error) {
	return one(r, "guesses", scanGuesses, sqlGuesses, subject)
}

const sqlPutGuesses = `INSERT INTO voucher_guesses (subject, top_id, since, wrong) VALUES ($1, $2, $3, $4)
ON CONFLICT (subject) DO UPDATE SET top_id = excluded.top_id, since = excluded.since, wrong = excluded.wrong`

func (t *tx) PutGuesses(g *billing.Guesses) error {
	_, err := t.exec(sqlPutGuesses, g.Subject, int64(g.Top), g.Since, g.Wrong)
	return err
}

const sqlUseVoucher = `UPDATE vouchers SET used_by = $2, top_id = $3, used_at = $4 WHERE id = $1 AND used_at IS NULL`

func (t *tx) UseVoucher(id billing.VoucherID, by, top billing.OwnerID, at time.Time) (bool, error) {
	if err := t.owns(by); err != nil {
		return false, err
	}
	n, err := t.exec(sqlUseVoucher, int64(id), int64(by), int64(top), at)
	return n == 1, err
}
