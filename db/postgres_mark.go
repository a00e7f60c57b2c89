package db

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// mark tells what became of a COMMIT that was not answered. Each lane has a row of its own
// in meta, and each of its transactions changes that from the value before to one of its
// own, as its last statement. Whoever asks takes the row: it has the transaction's value,
// or gets another one, after which that transaction, wherever it may still be on its way,
// fails. (A transaction's number would not do: after a crash or a fail-over PostgreSQL
// gives those that left no trace to others.)
type mark struct {
	key   string
	old   string    // the row before, which is not needed any more
	stale time.Time // from then on the lane takes a new row: old ones are deleted
	was   string    // the row's value; empty is not known
	next  string    // that of the transaction under way
	made  bool      // the row was made in the transaction under way
	used  bool      // the row may be there
}

// markPrefix and the day are what keys begin with, so that those of servers that died can
// be found.
const markPrefix = "commit:"

// markLife is how long the row of a server that died is kept, and markDay how long a lane
// uses one: a row that a transaction may be asked about is never old.
const (
	markLife = 30 * 24 * time.Hour
	markDay  = 24 * time.Hour
)

func markSince(at time.Time) string { return markPrefix + at.UTC().Format("20060102") }

func newMark() mark {
	return mark{key: markSince(time.Now()) + ":" + rand.Text(), stale: time.Now().Add(markDay)}
}

// madeMark is what a row begins with; it is never committed.
const madeMark = "-"

const sqlMark = `UPDATE meta SET value = $2 WHERE key = $1 AND value = $3`

// begin adds to what a transaction begins with where the row's value is not known. The
// key has no character that SQL would read otherwise.
func (m *mark) begin(text string) string {
	m.made = false
	if time.Now().After(m.stale) {
		old := m.key
		*m = newMark()
		m.old = old
	}
	if m.was != "" {
		return text
	}
	return text + fmt.Sprintf("; WITH old AS (DELETE FROM meta WHERE key = '%s') INSERT INTO meta (key, value) VALUES ('%s', '"+madeMark+"') ON CONFLICT (key) DO UPDATE SET value = meta.value RETURNING value", m.old, m.key)
}

// begun takes its answer from those of the beginning.
func (m *mark) begun(res []*pgconn.Result) []*pgconn.Result {
	if m.was != "" {
		return res
	}
	m.was, m.used = string(res[len(res)-1].Rows[0][0]), true
	m.made = m.was == madeMark
	return slices.Clip(res[:len(res)-1])
}

// set is the transaction's last statement.
func (m *mark) set(s *pgSession) error {
	m.next = rand.Text()
	return s.enqueue(true, sqlMark, []any{m.key, m.next, m.was})
}

// kept: the transaction was committed.
func (m *mark) kept() { m.was = m.next }

// forget: it was not, or nobody knows.
func (m *mark) forget() { m.was = "" }

// undone: the transaction ended without a COMMIT, and a row that it made with it.
func (m *mark) undone() {
	if m.made {
		m.forget()
	}
}

// sqlAskMark waits for a transaction that holds the row. It writes, so its own commit waits
// for a standby as the one that it asks about: what is committed after that one is on the
// standby only with it.
//
// A row that the transaction made itself is not there if it was not committed. One that was
// there before and is not any more, because somebody deleted it, tells nothing.
const (
	sqlAskMark = `UPDATE meta SET value = CASE WHEN value = $2 THEN value ELSE $3 END WHERE key = $1 RETURNING value`

	sqlAskMadeMark = `INSERT INTO meta (key, value) VALUES ($1, $3)
ON CONFLICT (key) DO UPDATE SET value = CASE WHEN meta.value = $2 THEN meta.value ELSE EXCLUDED.value END RETURNING value`
)

// ask finds out what became of the transaction, over a connection of its own: those of the
// pool may all be broken. nil says that it was committed; an error that it was not and
// will not be, or that nobody could be asked in time.
func (m *mark) ask(cfg *pgx.ConnConfig, wait time.Duration, lost error) error {
	next := m.next
	m.forget()
	for until := time.Now().Add(wait); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		ctx, cancel := context.WithDeadline(context.Background(), until)
		value, err := m.take(ctx, cfg, next)
		cancel()
		switch {
		case err == nil && value == next:
			return nil
		case err == nil:
			return unreachable(lost)
		case errors.Is(err, pgx.ErrNoRows):
			lost = fmt.Errorf("the row %s is not there any more: %w", m.key, lost)
			until = time.Time{}
		}
	}
	return internal(fmt.Errorf("the connection broke while a transaction was being committed; whether it was is not known: %w", lost))
}

func (m *mark) take(ctx context.Context, cfg *pgx.ConnConfig, next string) (value string, err error) {
	c, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	query := sqlAskMark
	if m.made {
		query = sqlAskMadeMark
	}
	err = c.QueryRow(ctx, query, m.key, next, rand.Text()).Scan(&value)
	return value, err
}

// forgetMarks deletes the rows of this server's lanes, as far as that can be done soon.
func (s *postgresStore) forgetMarks() {
	var keys []string
	for _, l := range append(slices.Clone(s.lanes), s.alone) {
		if l.mark.used {
			keys = append(keys, l.mark.key)
		}
	}
	if len(keys) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, _ = s.writing.Exec(ctx, `DELETE FROM meta WHERE key = ANY($1)`, keys) // else the next server does
}

// forgetOldMarks deletes those of servers that died.
func (s *postgresStore) forgetOldMarks(ctx context.Context) error {
	_, err := s.writing.Exec(ctx, `DELETE FROM meta WHERE key >= $1 AND key < $2`, markPrefix, markSince(time.Now().Add(-markLife)))
	return classifyPostgres(err)
}
