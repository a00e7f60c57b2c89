package db

import (
	"errors"
	"iter"

	"topupd/billing"
)

const sqlObjects = `SELECT type, key, body FROM objects ORDER BY type, key`

// errEnough ends a list early.
var errEnough = errors.New("enough")

func (r *reader) Objects() iter.Seq2[billing.Object, error] {
	return func(yield func(billing.Object, error) bool) {
		err := r.each(func(row *row) error {
			o := billing.Object{Type: row.text(), Key: row.text(), Body: row.text()}
			if !yield(o, nil) {
				return errEnough
			}
			return nil
		}, sqlObjects)
		if err != nil && err != errEnough {
			yield(billing.Object{}, err)
		}
	}
}

const sqlObject = `SELECT type, key, body FROM objects WHERE type = $1 AND key = $2`

func (r *reader) Object(kind, key string) (billing.Object, error) {
	return one(r, "object", func(row *row, o *billing.Object) {
		*o = billing.Object{Type: row.text(), Key: row.text(), Body: row.text()}
	}, sqlObject, kind, key)
}

const (
	sqlAddObject     = `INSERT INTO objects (type, key, body) VALUES ($1, $2, $3) ON CONFLICT (type, key) DO NOTHING`
	sqlReplaceObject = `UPDATE objects SET body = $3 WHERE type = $1 AND key = $2`
)

func (t *tx) PutObject(o billing.Object) error {
	return t.put(sqlAddObject, sqlReplaceObject, o.Type, o.Key, o.Body)
}
