package db

import "topupd/billing"

const tokenColumns = `id, top_id, customer_id, name, hash, hint, created_at, revoked_at`

func scanToken(r *row, t *billing.Token) {
	t.ID = billing.TokenID(r.int64())
	t.Top = billing.OwnerID(r.int64())
	t.Customer = billing.OwnerID(r.int64())
	t.Name = r.text()
	t.Hash = r.bytes()
	t.Hint = r.text()
	t.CreatedAt = r.time()
	t.RevokedAt = r.time()
}

const (
	sqlToken       = `SELECT ` + tokenColumns + ` FROM tokens WHERE id = $1`
	sqlTokenByHash = `SELECT ` + tokenColumns + ` FROM tokens WHERE hash = $1 AND revoked_at IS NULL`
	sqlTokenNamed  = `SELECT ` + tokenColumns + ` FROM tokens WHERE customer_id = $1 AND name = $2 AND revoked_at IS NULL`
	sqlTokens      = `SELECT ` + tokenColumns + ` FROM tokens ORDER BY id`
)

func (r *reader) Token(id billing.TokenID) (billing.Token, error) {
	return one(r, "token", scanToken, sqlToken, int64(id))
}

func (r *reader) TokenByHash(hash []byte) (billing.Token, error) {
	return one(r, "token", scanToken, sqlTokenByHash, hash)
}

func (r *reader) TokenNamed(customer billing.OwnerID, name string) (billing.Token, error) {
	return one(r, "token", scanToken, sqlTokenNamed, int64(customer), name)
}

func (r *reader) Tokens() ([]billing.Token, error) { return list(r, scanToken, sqlTokens) }

const (
	sqlNextToken = `SELECT COALESCE(MAX(id), 0) + 1 FROM tokens`
	sqlAddToken  = `INSERT INTO tokens (id, top_id, customer_id, name, hash, hint, created_at, revoked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`
	sqlReplaceToken = `UPDATE tokens SET top_id = $2, customer_id = $3, name = $4, hash = $5, hint = $6, created_at = $7,
    revoked_at = $8
WHERE id = $1`
)

func (t *tx) PutToken(k *billing.Token) error {
	id, err := t.idOr(int64(k.ID), sqlNextToken)
	if err != nil {
		return err
	}
	err = t.put(sqlAddToken, sqlReplaceToken, id, int64(k.Top), int64(k.Customer), k.Name, k.Hash, k.Hint, k.CreatedAt, k.RevokedAt)
	if err == nil {
		k.ID = billing.TokenID(id)
	}
	return err
}
