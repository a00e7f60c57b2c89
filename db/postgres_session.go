package db

import (
	"context"
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
	heard   bool // a row, since the session was taken from its pool
	// patience is how long PostgreSQL may be silent; 0 is for ever.
	patience time.Duration
	queued   []pgQueued
	// postings are numbers of the transaction's own, which its owners' locks keep in the
	// order of time; posted is how many were asked for.
	postings []int64
	posted   int
	// watched is whether anyone is told of balances. Subscriptions change only while nobody
	// else writes, so it holds for the whole transaction.
	watched *bool
	open    *pgRows // the result that is still on its way, nil if none
	values  [][]byte
	formats []int16
	text    []byte // what values point into
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
	s.before, s.careful, s.heard, s.open, s.patience, s.queued = "", false, false, nil, 0, nil
	s.postings, s.posted, s.watched = nil, 0, nil
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

func (s *pgSession) postingID() (id int64) {
	s.posted++
	if len(s.postings) > 0 {
		id, s.postings = s.postings[0], s.postings[1:]
	}
	return id
}

func (s *pgSession) balancesWatched() (watched, known bool) {
	if s.watched == nil {
		return false, false
	}
	return *s.watched, true
}

// pgQueued is a statement that goes out with the next one.
type pgQueued struct {
	st      *pgStmt
	values  [][]byte
	formats []int16
}

// queueMost is how many statements wait at most.
const queueMost = 64

// mustChange has PostgreSQL itself fail (22012, a division by zero) where the statement
// changes no row: the COMMIT that may travel in the same packet is then never run.
func mustChange(query string) string {
	return `WITH changed AS (` + query + ` RETURNING 1) SELECT 1 / count(*) FROM changed`
}

// queue keeps a statement of which nobody asks anything back until the next one, so that
// both cost one round trip. Should a rule refuse it, or should it change nothing although
// it must, the transaction runs again carefully, where nothing is queued.
func (s *pgSession) queue(must bool, query string, args []any) (bool, error) {
	if s.careful {
		return false, nil
	}
	return true, s.enqueue(must, query, args)
}

func (s *pgSession) enqueue(must bool, query string, args []any) error {
	if err := s.settle(); err != nil {
		return s.failed(err)
	}
	s.await()
	if must {
		query = mustChange(query)
	}
	if len(s.queued) >= queueMost {
		if err := s.flush(); err != nil {
			return s.failed(err)
		}
	}
	st, err := s.prepare(query)
	if err != nil {
		return s.failed(err)
	}
	q := pgQueued{st: st}
	if q.values, q.formats, _, err = encode(nil, nil, nil, st, args); err != nil {
		return err
	}
	s.queued = append(s.queued, q)
	return nil
}

// flush sends what is queued and hears what became of it.
func (s *pgSession) flush() error {
	if len(s.queued) == 0 {
		return nil
	}
	p, before := s.pipeline()
	if err := p.Sync(); err != nil {
		return err
	}
	return errors.Join(before(), p.Close())
}

// commit sends what is queued and COMMIT. No result is open.
func (s *pgSession) commit() error {
	s.await()
	p, before := s.pipeline()
	p.SendQueryParams(sqlCommit, nil, nil, nil, nil)
	err := p.Sync()
	var tag pgconn.CommandTag
	if err == nil {
		err = before()
	}
	if err == nil {
		tag, err = pipelined(p)
	}
	if cerr := p.Close(); err == nil {
		err = cerr
	}
	if err == nil && tag.String() != sqlCommit {
		err = internal(errors.New("a transaction that was spoilt came to its commit"))
	}
	return err
}

// pipeline starts one with what is to go ahead of the next statement; the function reads
// the answers to that.
func (s *pgSession) pipeline() (*pgconn.Pipeline, func() error) {
	p := s.conn.StartPipeline(context.Background())
	queued := s.queued
	s.queued = nil
	for _, q := range queued {
		p.SendQueryStatement(q.st.sd, q.values, q.formats, nil)
	}
	return p, func() error {
		for range queued {
			if _, err := pipelined(p); err != nil {
				return err
			}
		}
		return nil
	}
}

// start sends a statement, with what goes before it and, for one that changes
// something in a careful session, between a savepoint and its release.
func (s *pgSession) start(changes bool, query string, args []any) (*pgRows, error) {
	if err := s.settle(); err != nil {
		return nil, err
	}
	s.await()
	guarded := changes && s.careful && !transactional(query)
	var around []*pgStmt // what goes before it, and after it when it is guarded
	for _, q := range s.around(guarded) {
		st, err := s.prepare(q)
		if err != nil {
			return nil, err
		}
		around = append(around, st)
	}
	st, err := s.prepare(query)
	if err != nil {
		return nil, err
	}
	if s.values, s.formats, s.text, err = encode(s.values[:0], s.formats[:0], s.text[:0], st, args); err != nil {
		return nil, err
	}
	rs := &pgRows{s: s, st: st, guarded: guarded}
	if len(around) == 0 && len(s.queued) == 0 {
		rs.rr = s.conn.ExecStatement(context.Background(), st.sd, s.values, s.formats, st.results)
		return rs, nil
	}
	p, before := s.pipeline()
	if len(around) > 0 {
		p.SendQueryStatement(around[0].sd, nil, nil, nil)
	}
	p.SendQueryStatement(st.sd, s.values, s.formats, st.results)
	if guarded {
		p.SendQueryStatement(around[1].sd, nil, nil, nil)
	}
	err = p.Sync()
	if err == nil {
		err = before()
	}
	if err == nil && len(around) > 0 {
		_, err = pipelined(p)
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

// around is what a statement goes with: the beginning of a snapshot, or a savepoint.
func (s *pgSession) around(guarded bool) []string {
	if guarded {
		return []string{sqlSavepointStmt, sqlReleaseStmt}
	}
	if s.before != "" {
		first := s.before
		s.before = ""
		return []string{first}
	}
	return nil
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

// run sends statements about the transaction as one text. What is queued is dropped: it
// is for transactions that begin or are undone.
func (s *pgSession) run(text string) ([]*pgconn.Result, error) {
	if err := s.settle(); err != nil {
		return nil, err
	}
	s.queued = nil // undone, or nothing was
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
