package db

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"strconv"
	"time"

	"topupd/billing"
)

const (
	sqlMeta    = `SELECT value FROM meta WHERE key = $1`
	sqlPutMeta = `INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING`
)

func metaValue(r *reader, key string) (string, error) {
	return one(r, key, func(row *row, s *string) { *s = row.text() }, sqlMeta, key)
}

// readInstance reads the database's name and makes it the first time. Of two
// that open it at once the first one's stays.
func readInstance(ctx context.Context, s *Store) (string, error) {
	var name string
	read := func(r billing.Reader) error {
		var err error
		name, err = metaValue(readerOf(r), "instance")
		return err
	}
	err := s.View(ctx, read)
	if billing.ErrorCode(err) != billing.NotFound {
		return name, err
	}
	err = s.Update(ctx, func(w billing.Tx) error {
		if _, err := w.(*tx).exec(sqlPutMeta, "instance", randomLetters(12)); err != nil {
			return err
		}
		return read(w)
	})
	return name, err
}

func readerOf(r billing.Reader) *reader {
	if t, ok := r.(*tx); ok {
		return &t.reader
	}
	return r.(*reader)
}

// randomLetters makes a name of lower-case letters, from the system's randomness.
func randomLetters(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	name := make([]byte, 0, n)
	buf := make([]byte, n)
	for len(name) < n {
		_, _ = rand.Read(buf) // never fails
		for _, b := range buf {
			// 234 is the last multiple of 26: every letter is as likely.
			if b < 234 && len(name) < n {
				name = append(name, letters[b%26])
			}
		}
	}
	return string(name)
}

func dirOf(path string) string { return filepath.Dir(path) }

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
