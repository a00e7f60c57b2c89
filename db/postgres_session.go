package db

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// pgSession is a connection to PostgreSQL with its prepared statements. It speaks the
// extended protocol through pgconn: a statement is prepared once per connection, and its
// columns are read into the same cells as SQLite's.
//
// PostgreSQL ends the work of a transaction at its first error, SQLite undoes the
// statement and no more. So a session is quick or careful: quick, an error of a rule
// (a unique index, a CHECK) is errCareful, after which the transaction is run again;
// careful, each statement that changes something has a savepoint of its own.
type pgSession struct {
	conn  *pgconn.PgConn
	stmts map[string]*pgStmt
	// before is sent ahead of the next statement, in the same packet.
	before  string
	careful bool
	// patience is how long PostgreSQL may be silent; 0 is for ever.
	patience time.Duration
	open     *pgRows // the result that is still on its way, nil if none
	values   [][]byte
	formats  []int16
	text     []byte // what values point into
}

// pgStmt is a prepared statement.
type pgStmt struct {
	sd      *pgconn.StatementDescription
	results []int16
}

const (
	sqlSavepointStmt = `SAVEPOINT statement`
	sqlReleaseStmt   = `RELEASE statement`
	sqlUndoStmt      = `ROLLBACK TO statement`
)

// pgSessionKey is where a connection keeps its session.
const pgSessionKey = "topupd"

// pgSessionOf is the session of a pooled connection.
func pgSessionOf(conn *pgconn.PgConn) *pgSession {
	s, ok := conn.CustomData()[pgSessionKey].(*pgSession)
	if !ok {
		s = &pgSession{conn: conn, stmts: map[string]*pgStmt{}}
		conn.CustomData()[pgSessionKey] = s
	}
	s.before, s.careful, s.open, s.patience = "", false, nil, 0
	return s
}

// sqliteHint chooses an index where SQLite, which has no statistics, would take another.
var sqliteHint = regexp.MustCompile(` INDEXED BY \w+`)

func postgresText(query string) string { return sqliteHint.ReplaceAllString(query, "") }

func (s *pgSession) prepare(query string) (*pgStmt, error) {
	if st, ok := s.stmts[query]; ok {
		return st, nil
	}
	sd, err := s.conn.Prepare(context.Background(), "s"+strconv.Itoa(len(s.stmts)), postgresText(query), nil)
	if err != nil {
		return nil, err
	}
	st := &pgStmt{sd: sd}
	for _, f := range sd.Fields {
		switch f.DataTypeOID {
		case pgtype.Int8OID, pgtype.Int4OID, pgtype.BoolOID, pgtype.ByteaOID:
			st.results = append(st.results, pgtype.BinaryFormatCode)
		default:
			st.results = append(st.results, pgtype.TextFormatCode)
		}
	}
	s.stmts[query] = st
	return st, nil
}

// exec runs a statement to its end.
func (s *pgSession) exec(query string, args ...any) (int64, error) {
	rs, err := s.start(true, query, args)
	if err != nil {
		return 0, s.failed(err)
	}
	tag, err := rs.finish()
	if err != nil {
		return 0, s.failed(err)
	}
	return tag.RowsAffected(), nil
}

// insert has the database answer with the id.
func (s *pgSession) insert(query string, args ...any) (int64, error) {
	rs, err := s.start(true, query+` RETURNING id`, args)
	if err != nil {
		return 0, s.failed(err)
	}
	var id [1]cell
	found, err := rs.read(id[:])
	if _, ferr := rs.finish(); err == nil {
		err = ferr
	}
	if err == nil && !found {
		err = errors.New("an INSERT gave no id back")
	}
	return id[0].n, s.failed(err)
}

func (s *pgSession) query(query string, args ...any) (*rows, error) {
	rs, err := s.start(false, query, args)
	if err != nil {
		return nil, s.failed(err)
	}
	s.open = rs
	return &rows{row: row{cells: make([]cell, len(rs.st.results))}, from: rs}, nil
}

// failed is an error as the callers know it.
func (s *pgSession) failed(err error) error {
	if err == nil {
		return nil
	}
	if !s.careful && s.conn.TxStatus() == 'E' && ofRule(err) {
		return errCareful
	}
	return classifyPostgres(err)
}

// start sends a statement, with what goes before it and, for one that changes
// something in a careful session, between a savepoint and its release.
func (s *pgSession) start(changes bool, query string, args []any) (*pgRows, error) {
	if err := s.settle(); err != nil {
		return nil, err
	}
	s.await()
	var before, after []*pgStmt
	add := func(list *[]*pgStmt, q string) error {
		st, err := s.prepare(q)
		*list = append(*list, st)
		return err
	}
	if s.before != "" {
		if err := add(&before, s.before); err != nil {
			return nil, err
		}
		s.before = ""
	}
	guarded := changes && s.careful && !transactional(query)
	if guarded {
		// Before the statement is prepared, which may fail, too.
		if err := errors.Join(add(&before, sqlSavepointStmt), add(&after, sqlReleaseStmt)); err != nil {
			return nil, err
		}
	}
	st, err := s.prepare(query)
	if err != nil {
		return nil, err
	}
	if err := s.encode(st, args); err != nil {
		return nil, err
	}
	rs := &pgRows{s: s, st: st, guarded: guarded}
	if len(before) == 0 && len(after) == 0 {
		rs.rr = s.conn.ExecStatement(context.Background(), st.sd, s.values, s.formats, st.results)
		return rs, nil
	}
	p := s.conn.StartPipeline(context.Background())
	for _, b := range before {
		p.SendQueryStatement(b.sd, nil, nil, nil)
	}
	p.SendQueryStatement(st.sd, s.values, s.formats, st.results)
	for _, a := range after {
		p.SendQueryStatement(a.sd, nil, nil, nil)
	}
	err = p.Sync()
	for range before {
		if err == nil {
			_, err = pipelined(p)
		}
	}
	if err == nil {
		var res any
		if res, err = p.GetResults(); err == nil {
			rs.rr = res.(*pgconn.ResultReader)
		}
	}
	if err != nil {
		return nil, errors.Join(err, rs.end(p, err))
	}
	rs.pipeline = p
	return rs, nil
}

// pipelined reads the next answer of a pipeline to its end.
func pipelined(p *pgconn.Pipeline) (pgconn.CommandTag, error) {
	res, err := p.GetResults()
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	rr, ok := res.(*pgconn.ResultReader)
	if !ok {
		return pgconn.CommandTag{}, fmt.Errorf("PostgreSQL answered a statement with %T", res)
	}
	return rr.Close()
}

// transactional reports whether a statement is about the transaction itself.
func transactional(query string) bool {
	switch query {
	case sqlBegin, sqlCommit, sqlRollback, sqlSavepoint, sqlRelease, sqlRollbackTo, sqlPart, sqlPartDone, sqlPartUndone:
		return true
	}
	return false
}

// settle reads the rest of an open result into memory, so that another statement can
// be sent.
func (s *pgSession) settle() error {
	if s.open == nil {
		return nil
	}
	return s.open.drain()
}

// run sends statements without parameters as one text; nothing else may be on its way.
func (s *pgSession) run(text string) ([]*pgconn.Result, error) {
	if err := s.settle(); err != nil {
		return nil, err
	}
	s.await()
	return s.conn.Exec(context.Background(), text).ReadAll()
}

// await has the connection fail when nothing is heard for the session's patience.
func (s *pgSession) await() {
	var until time.Time
	if s.patience > 0 {
		until = time.Now().Add(s.patience)
	}
	_ = s.conn.Conn().SetDeadline(until) // a connection that refuses it fails at the next word
}

func (s *pgSession) close() error { return s.conn.Close(context.Background()) }

// pgRows is a result on its way; it is a cursor.
type pgRows struct {
	s        *pgSession
	st       *pgStmt
	rr       *pgconn.ResultReader
	pipeline *pgconn.Pipeline
	guarded  bool
	// rest are rows that were read ahead, for another statement.
	rest [][]cell
	tag  pgconn.CommandTag
	err  error
	over bool
}

func (r *pgRows) fetch(cells []cell) (bool, error) {
	if len(r.rest) > 0 {
		copy(cells, r.rest[0])
		r.rest = r.rest[1:]
		return true, nil
	}
	if r.over {
		return false, r.s.failed(r.err)
	}
	found, err := r.read(cells)
	if !found && err == nil {
		_, err = r.finish()
	}
	return found, r.s.failed(err)
}

// read reads a row from the connection.
func (r *pgRows) read(cells []cell) (bool, error) {
	if !r.rr.NextRow() {
		return false, nil
	}
	for i, b := range r.rr.Values() {
		if err := decode(&cells[i], b, r.st.sd.Fields[i].DataTypeOID); err != nil {
			return false, fmt.Errorf("column %s: %w", r.st.sd.Fields[i].Name, err)
		}
	}
	return true, nil
}

// drain reads what is left into memory.
func (r *pgRows) drain() error {
	for {
		cells := make([]cell, len(r.st.results))
		found, err := r.read(cells)
		if err != nil {
			return err
		}
		if !found {
			_, err = r.finish()
			return err
		}
		r.rest = append(r.rest, cells)
	}
}

func (r *pgRows) done() error {
	r.rest = nil
	_, err := r.finish()
	return r.s.failed(err)
}

// finish reads to the end and frees the connection for the next statement.
func (r *pgRows) finish() (pgconn.CommandTag, error) {
	if r.over {
		return r.tag, r.err
	}
	r.over = true
	if r.s.open == r {
		r.s.open = nil
	}
	r.tag, r.err = r.rr.Close()
	if r.pipeline != nil {
		if r.err == nil && r.guarded {
			_, r.err = pipelined(r.pipeline)
		}
		if err := r.end(r.pipeline, r.err); r.err == nil {
			r.err = err
		}
	}
	return r.tag, r.err
}

// end closes a pipeline; a statement that failed between savepoints is undone.
func (r *pgRows) end(p *pgconn.Pipeline, failed error) error {
	err := p.Close()
	if failed == nil {
		return err
	}
	if r.guarded && !r.s.conn.IsClosed() {
		if _, err := r.s.run(sqlUndoStmt + "; " + sqlReleaseStmt); err != nil {
			return err
		}
	}
	return nil
}

// encode writes the arguments as the statement wants them: numbers, times and flags as
// text, which PostgreSQL reads as whatever the parameter is.
func (s *pgSession) encode(st *pgStmt, args []any) error {
	oids := st.sd.ParamOIDs
	if len(args) < len(oids) {
		return fmt.Errorf("there is no argument $%d", len(args)+1)
	}
	s.values, s.formats, s.text = s.values[:0], s.formats[:0], s.text[:0]
	// The texts move while the buffer grows: remember where they are first.
	type place struct{ from, to int }
	var places [32]place
	at := places[:0]
	for i, oid := range oids {
		from := len(s.text)
		format := int16(pgtype.TextFormatCode)
		null := false
		switch v := args[i].(type) {
		case nil:
			null = true
		case int64:
			s.text = number(s.text, v, oid)
		case int:
			s.text = number(s.text, int64(v), oid)
		case *int64:
			if null = v == nil; !null {
				s.text = number(s.text, *v, oid)
			}
		case bool:
			n := int64(0)
			if v {
				n = 1
			}
			s.text = number(s.text, n, oid)
		case time.Time:
			if null = v.IsZero(); !null {
				s.text = number(s.text, v.UnixMicro(), oid)
			}
		case string:
			s.text = append(s.text, v...)
		case []byte:
			format = pgtype.BinaryFormatCode
			if null = v == nil; !null {
				s.text = append(s.text, v...)
			}
		default:
			return fmt.Errorf("an argument of type %T cannot be stored", v)
		}
		if null {
			from = -1
		}
		at = append(at, place{from, len(s.text)})
		s.formats = append(s.formats, format)
	}
	for _, p := range at {
		if p.from < 0 {
			s.values = append(s.values, nil)
			continue
		}
		s.values = append(s.values, s.text[p.from:p.to:p.to])
	}
	return nil
}

// number writes an integer for a parameter, which may be a flag.
func number(b []byte, n int64, oid uint32) []byte {
	if oid == pgtype.BoolOID {
		return strconv.AppendBool(b, n != 0)
	}
	return strconv.AppendInt(b, n, 10)
}

// decode reads one column.
func decode(c *cell, b []byte, oid uint32) error {
	if b == nil {
		*c = cell{}
		return nil
	}
	switch oid {
	case pgtype.Int8OID:
		*c = cell{kind: cellInt, n: int64(binary.BigEndian.Uint64(b))}
	case pgtype.Int4OID:
		*c = cell{kind: cellInt, n: int64(int32(binary.BigEndian.Uint32(b)))}
	case pgtype.BoolOID:
		*c = cell{kind: cellInt, n: int64(b[0])}
	case pgtype.NumericOID: // a sum
		n, err := strconv.ParseInt(string(b), 10, 64)
		if err != nil {
			return err
		}
		*c = cell{kind: cellInt, n: n}
	case pgtype.ByteaOID:
		*c = cell{kind: cellBlob, s: string(b)}
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.NameOID, pgtype.UnknownOID:
		*c = cell{kind: cellText, s: string(b)}
	default:
		return fmt.Errorf("a column of PostgreSQL's type %d is not known here", oid)
	}
	return nil
}
