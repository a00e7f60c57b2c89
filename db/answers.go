package db

import (
	"encoding/json"
	"time"

	"topupd/billing"
)

const sqlKeptAnswer = `SELECT customer_id, key, top_id, input_hash, status, content_type, headers, body, created_at
FROM idempotency_keys WHERE customer_id = $1 AND key = $2`

func (r *reader) KeptAnswer(customer billing.OwnerID, key string) (billing.KeptAnswer, error) {
	var headers string
	k, err := one(r, "key", func(row *row, k *billing.KeptAnswer) {
		k.Customer = billing.OwnerID(row.int64())
		k.Key = row.text()
		k.Top = billing.OwnerID(row.int64())
		k.Input = row.bytes()
		k.Answer.Status = row.int()
		k.Answer.ContentType = row.text()
		headers = row.text()
		k.Answer.Body = row.bytes()
		k.CreatedAt = row.time()
	}, sqlKeptAnswer, int64(customer), key)
	if err != nil {
		return k, err
	}
	if err := json.Unmarshal([]byte(headers), &k.Answer.Headers); err != nil {
		return k, internal(err)
	}
	return k, nil
}

const sqlOldestAnswer = `SELECT MIN(created_at) FROM idempotency_keys`

func (r *reader) OldestAnswer() (time.Time, error) {
	return one(r, "key", func(row *row, at *time.Time) { *at = row.time() }, sqlOldestAnswer)
}

const sqlKeepAnswer = `INSERT INTO idempotency_keys (customer_id, key, top_id, input_hash, status, content_type, headers, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

func (t *tx) KeepAnswer(k *billing.KeptAnswer) error {
	headers, err := json.Marshal(k.Answer.Headers)
	if err != nil {
		return internal(err)
	}
	err = t.add(sqlKeepAnswer, int64(k.Customer), k.Key, int64(k.Top), k.Input, k.Answer.Status, k.Answer.ContentType,
		string(headers), k.Answer.Body, k.CreatedAt)
	return err
}

const sqlDropAnswer = `DELETE FROM idempotency_keys WHERE customer_id = $1 AND key = $2`

func (t *tx) DropAnswer(customer billing.OwnerID, key string) error {
	return t.change("key", sqlDropAnswer, int64(customer), key)
}

const sqlDropAnswers = `DELETE FROM idempotency_keys WHERE (customer_id, key) IN
    (SELECT customer_id, key FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2)`

func (t *tx) DropAnswers(before time.Time, limit int) (int64, error) {
	if err := t.alone(); err != nil {
		return 0, err
	}
	return t.exec(sqlDropAnswers, before, limitOf(limit))
}
