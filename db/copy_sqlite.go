package db

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"strings"

	"topupd/billing"
)

// lastIDs are the ids up to which a table has given them out, where rows may be deleted
// and their ids must not come again.
func (s *sqliteStore) lastIDs(r *reader) (map[string]int64, error) {
	last := map[string]int64{}
	err := r.each(func(row *row) error {
		last[row.text()] = row.int64()
		return nil
	}, `SELECT name, seq FROM sqlite_sequence WHERE name <> 'goose_db_version'`)
	return last, err
}

// watch keeps one connection: what it calls the data's version grows with each commit of
// another one, also of another process.
func (s *sqliteStore) watch(ctx context.Context) (func() (bool, error), func(), error) {
	ses, err := s.readers.take(ctx)
	if err != nil {
		return nil, nil, err
	}
	version := func() (v int64, err error) {
		r := &reader{s: ses}
		_, err = r.first(func(row *row) { v = row.int64() }, `PRAGMA data_version`)
		return v, errors.Join(err, r.end())
	}
	end := func() { s.readers.give(ses, true) }
	first, err := version()
	if err != nil {
		s.readers.give(ses, false)
		return nil, nil, err
	}
	return func() (bool, error) {
		now, err := version()
		return now != first, err
	}, end, nil
}

// load runs fn in one transaction. The triggers, which guard the changes of a living
// database, are put away meanwhile.
func (s *sqliteStore) load(ctx context.Context, fn func(loader) error) error {
	m := &member{ctx: ctx, fn: func(w billing.Tx) error {
		t := w.(*tx)
		if _, err := t.s.exec(`PRAGMA defer_foreign_keys = ON`); err != nil {
			return t.spoil(err)
		}
		type trigger struct{ name, text string }
		triggers, err := list(&t.reader, func(r *row, v *trigger) { v.name, v.text = r.text(), r.text() },
			`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`)
		for _, v := range triggers {
			if err == nil {
				_, err = t.exec(`DROP TRIGGER ` + v.name)
			}
		}
		if err == nil {
			err = fn(sqliteLoader{t})
		}
		for _, v := range triggers {
			if err == nil {
				_, err = t.exec(v.text)
			}
		}
		return err
	}}
	if err := s.update(m); err != nil {
		return err
	}
	return m.err
}

type sqliteLoader struct{ t *tx }

func (l sqliteLoader) columns(table string) ([]string, error) {
	return list(&l.t.reader, func(r *row, s *string) { *s = r.text() }, `SELECT name FROM pragma_table_info('`+table+`') ORDER BY cid`)
}

func (l sqliteLoader) clear(table string) error {
	_, err := l.t.exec(`DELETE FROM ` + table)
	return err
}

func (l sqliteLoader) add(table string, columns []string, rows iter.Seq2[[]cell, error]) error {
	places := make([]string, len(columns))
	for i := range places {
		places[i] = "$" + strconv.Itoa(i+1)
	}
	query := `INSERT INTO ` + table + ` (` + strings.Join(columns, ", ") + `) VALUES (` + strings.Join(places, ", ") + `)`
	args := make([]any, len(columns))
	for cells, err := range rows {
		if err != nil {
			return err
		}
		for i := range cells {
			switch c := &cells[i]; c.kind {
			case cellInt:
				args[i] = c.n
			case cellText:
				args[i] = c.s
			case cellBlob:
				args[i] = []byte(c.s)
			default:
				args[i] = nil
			}
		}
		if _, err := l.t.exec(query, args...); err != nil {
			return err
		}
	}
	return nil
}

func (l sqliteLoader) continueAt(last map[string]int64) error {
	for table, id := range last {
		// Tables without AUTOINCREMENT go on above what they hold.
		if _, err := l.t.exec(`UPDATE sqlite_sequence SET seq = $2 WHERE name = $1 AND seq < $2`, table, id); err != nil {
			return err
		}
	}
	return nil
}
