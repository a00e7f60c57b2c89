package db

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"topupd/billing"
)

// lastIDs are the ids up to which the sequences have given them out.
func (s *postgresStore) lastIDs(r *reader) (map[string]int64, error) {
	last := map[string]int64{}
	err := r.each(func(row *row) error {
		last[row.text()] = row.int64()
		return nil
	}, `SELECT t.relname, s.last_value FROM pg_sequences s
JOIN pg_class q ON q.relname = s.sequencename JOIN pg_namespace n ON n.oid = q.relnamespace AND n.nspname = s.schemaname
JOIN pg_depend d ON d.objid = q.oid AND d.deptype = 'i' JOIN pg_class t ON t.oid = d.refobjid
WHERE s.schemaname = current_schema() AND s.last_value IS NOT NULL AND t.relname <> 'goose_db_version'`)
	return last, err
}

// watch knows nothing: no server is asked whether it writes.
func (s *postgresStore) watch(context.Context) (func() (bool, error), func(), error) {
	return func() (bool, error) { return false, nil }, func() {}, nil
}

// load runs fn in one transaction, alone, on a connection of its own: it takes as long
// as it takes.
func (s *postgresStore) load(ctx context.Context, fn func(loader) error) (err error) {
	cfg := s.cfg.ConnConfig.Copy()
	cfg.RuntimeParams["lock_timeout"] = "0"
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return classifyPostgres(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // what is not committed goes with it
	l := &postgresLoader{ctx: ctx, conn: conn}
	if err := l.exec(fmt.Sprintf("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(%d); SET CONSTRAINTS ALL DEFERRED", pgWriteLock)); err != nil {
		return err
	}
	for _, table := range copiedTables {
		if err := l.exec("ALTER TABLE " + table + " DISABLE TRIGGER USER"); err != nil {
			return err
		}
	}
	if err := fn(l); err != nil {
		return err
	}
	// A table with checks of foreign keys still to be made cannot be altered.
	if err := l.exec("SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
		return err
	}
	for _, table := range copiedTables {
		if err := l.exec("ALTER TABLE " + table + " ENABLE TRIGGER USER"); err != nil {
			return err
		}
	}
	// Without the figures of what is there now PostgreSQL would plan for empty tables.
	return errors.Join(l.exec("COMMIT"), l.exec("ANALYZE"))
}

type postgresLoader struct {
	ctx  context.Context
	conn *pgx.Conn
}

func (l *postgresLoader) exec(text string) error {
	_, err := l.conn.PgConn().Exec(l.ctx, text).ReadAll()
	return classifyPostgres(err)
}

func (l *postgresLoader) columns(table string) ([]string, error) {
	rows, err := l.conn.Query(l.ctx, `SELECT attname::text FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, table)
	if err != nil {
		return nil, classifyPostgres(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return names, classifyPostgres(err)
}

func (l *postgresLoader) clear(table string) error { return l.exec("DELETE FROM " + table) }

// add sends the rows as COPY takes them.
func (l *postgresLoader) add(table string, columns []string, rows iter.Seq2[[]cell, error]) error {
	next, stop := iter.Pull2(rows)
	defer stop()
	keys, err := l.keys(table)
	if err != nil {
		return err
	}
	from := &copyText{next: next, check: func(cells []cell) error { return withoutNull(columns, keys, cells) }}
	_, err = l.conn.PgConn().CopyFrom(l.ctx, from, `COPY `+table+` (`+strings.Join(columns, ", ")+`) FROM STDIN`)
	if from.err != nil {
		return from.err // PostgreSQL only says that the copy was given up
	}
	return classifyPostgres(err)
}

// keys are the columns that name a row of a table.
func (l *postgresLoader) keys(table string) ([]string, error) {
	rows, err := l.conn.Query(l.ctx, `SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = $1::text::regclass AND i.indisprimary ORDER BY a.attnum`, table)
	if err != nil {
		return nil, classifyPostgres(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return names, classifyPostgres(err)
}

// withoutNull refuses U+0000 in a text, which SQLite holds and PostgreSQL does not.
func withoutNull(columns, keys []string, cells []cell) error {
	for i := range cells {
		if cells[i].kind != cellText || !strings.Contains(cells[i].s, "\x00") {
			continue
		}
		var row []string
		for at, name := range columns {
			switch v := &cells[at]; {
			case !slices.Contains(keys, name):
			case v.kind == cellText:
				row = append(row, name+" "+strconv.Quote(v.s))
			case v.kind == cellInt:
				row = append(row, name+" "+strconv.FormatInt(v.n, 10))
			}
		}
		return billing.Errorf(billing.Conflict, "from", "the row with %s has U+0000 in %s, which PostgreSQL cannot hold: change it at the source", strings.Join(row, ", "), columns[i])
	}
	return nil
}

func (l *postgresLoader) continueAt(last map[string]int64) error {
	rows, err := l.conn.Query(l.ctx, `SELECT c.relname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = current_schema()::regnamespace AND a.attname = 'id' AND a.attidentity <> ''`)
	if err != nil {
		return classifyPostgres(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return classifyPostgres(err)
	}
	for _, table := range tables {
		// A sequence that never gave an id begins with 1; so it stays when there is none.
		if err := l.exec(fmt.Sprintf(`SELECT setval(pg_get_serial_sequence('%s', 'id'), GREATEST(m, 1), m > 0)
FROM (SELECT GREATEST(%d, (SELECT COALESCE(MAX(id), 0) FROM %s)) AS m) s`, table, last[table], table)); err != nil {
			return err
		}
	}
	return nil
}

// copyText is rows in the text form of COPY.
type copyText struct {
	next  func() ([]cell, error, bool)
	check func([]cell) error
	err   error // what ended it
	buf   []byte
	at    int
}

// Read fills p.
func (c *copyText) Read(p []byte) (int, error) {
	for len(c.buf)-c.at < len(p) {
		cells, err, ok := c.next()
		if ok && err == nil {
			err = c.check(cells)
		}
		if err != nil {
			c.err = err
			return 0, err
		}
		if !ok {
			break
		}
		if c.at > 0 {
			c.buf = append(c.buf[:0], c.buf[c.at:]...)
			c.at = 0
		}
		c.row(cells)
	}
	if c.at == len(c.buf) {
		return 0, io.EOF
	}
	n := copy(p, c.buf[c.at:])
	c.at += n
	return n, nil
}

var copyEscapes = strings.NewReplacer("\\", "\\\\", "\n", "\\n", "\r", "\\r", "\t", "\\t")

func (c *copyText) row(cells []cell) {
	for i := range cells {
		if i > 0 {
			c.buf = append(c.buf, '\t')
		}
		switch v := &cells[i]; v.kind {
		case cellInt:
			c.buf = strconv.AppendInt(c.buf, v.n, 10)
		case cellText:
			c.buf = append(c.buf, copyEscapes.Replace(v.s)...)
		case cellBlob:
			c.buf = append(c.buf, `\\x`...)
			c.buf = hex.AppendEncode(c.buf, []byte(v.s))
		default:
			c.buf = append(c.buf, `\N`...)
		}
	}
	c.buf = append(c.buf, '\n')
}
