package db

import (
	"errors"
	"time"
)

// session is one connection with its compiled statements. One goroutine uses
// it at a time.
type session struct {
	conn  *sqliteConn
	stmts map[string]*stmt
}

// stmt is a compiled statement with the buffer of one execution.
type stmt struct {
	*sqliteStmt
	cells []cell
	busy  bool
	twin  bool
}

// openSession opens a connection; what a pragma sets holds for one connection
// only, so each gets them all.
func openSession(uri string, pragmas []string) (*session, error) {
	conn, err := openSQLiteConn(uri)
	if err != nil {
		return nil, classify(err)
	}
	s := &session{conn: conn, stmts: map[string]*stmt{}}
	for _, pragma := range pragmas {
		if err := s.pragma("PRAGMA " + pragma); err != nil {
			_ = s.close()
			return nil, err
		}
	}
	return s, nil
}

// pragma runs a statement that is needed once.
func (s *session) pragma(query string) error {
	_, err := s.exec(query)
	if st, ok := s.stmts[query]; ok {
		delete(s.stmts, query)
		err = errors.Join(err, classify(st.finalize()))
	}
	return err
}

// close frees the statements and the connection.
func (s *session) close() error {
	var errs []error
	for _, st := range s.stmts {
		errs = append(errs, st.finalize())
	}
	s.stmts = nil
	return classify(errors.Join(append(errs, s.conn.close())...))
}

// prepare returns the query's statement, compiled once, with its arguments. One
// that is being read gets a twin, which lives for one execution.
func (s *session) prepare(query string, args []any) (*stmt, error) {
	st, ok := s.stmts[query]
	if !ok || st.busy {
		compiled, err := s.conn.prepare(query)
		if err != nil {
			return nil, classify(err)
		}
		st = &stmt{sqliteStmt: compiled, cells: make([]cell, compiled.columns), twin: ok}
		if !ok {
			s.stmts[query] = st
		}
	}
	if err := st.bind(args); err != nil {
		return nil, errors.Join(classify(err), st.done())
	}
	return st, nil
}

// done ends an execution.
func (st *stmt) done() error {
	st.reset()
	st.busy = false
	if st.twin {
		return classify(st.finalize())
	}
	return nil
}

// exec runs a statement to its end and says how many rows it changed. No
// context interrupts it: View and Update look at theirs between statements.
func (s *session) exec(query string, args ...any) (int64, error) {
	st, err := s.prepare(query, args)
	if err != nil {
		return 0, err
	}
	more := true
	for more && err == nil {
		more, err = st.step()
	}
	if err != nil {
		return 0, errors.Join(classify(err), st.done())
	}
	n := s.conn.changes()
	return n, st.done()
}

// rows is a result being read.
type rows struct {
	row
	st  *stmt
	err error
}

func (s *session) query(query string, args ...any) (*rows, error) {
	st, err := s.prepare(query, args)
	if err != nil {
		return nil, err
	}
	st.busy = true
	return &rows{row: row{cells: st.cells}, st: st}, nil
}

// next reads the next row; false at the end and on an error.
func (r *rows) next() bool {
	if r.err != nil || r.st == nil {
		return false
	}
	found, err := r.st.step()
	if err != nil {
		r.err = classify(err)
	}
	if !found {
		return false
	}
	r.st.read(r.cells)
	r.at = 0
	return true
}

// close ends the reading; it returns what went wrong on the way.
func (r *rows) close() error {
	if r.st == nil {
		return r.err
	}
	err := r.st.done()
	r.st = nil
	if r.err == nil {
		r.err = err
	}
	return r.err
}

// cell is one column of one row.
type cell struct {
	kind cellKind
	n    int64
	s    string
}

type cellKind uint8

const (
	cellNull cellKind = iota
	cellInt
	cellText
	cellBlob
)

// row hands out the columns of one row from left to right.
type row struct {
	cells []cell
	at    int
}

func (r *row) cell() *cell {
	c := &r.cells[r.at]
	r.at++
	return c
}

// null reports whether the next column is NULL, without taking it.
func (r *row) null() bool { return r.cells[r.at].kind == cellNull }

// skip passes over n columns.
func (r *row) skip(n int) { r.at += n }

// int64 is a number, 0 for NULL.
func (r *row) int64() int64 { return r.cell().n }

func (r *row) int() int { return int(r.int64()) }

// opt is a number or nil.
func (r *row) opt() *int64 {
	c := r.cell()
	if c.kind == cellNull {
		return nil
	}
	n := c.n
	return &n
}

// text is a string, empty for NULL.
func (r *row) text() string { return r.cell().s }

// optText is a text or nil.
func (r *row) optText() *string {
	c := r.cell()
	if c.kind == cellNull {
		return nil
	}
	s := c.s
	return &s
}

// bytes is a blob, nil for NULL.
func (r *row) bytes() []byte {
	c := r.cell()
	if c.kind == cellNull {
		return nil
	}
	return []byte(c.s)
}

// bool reads a flag, which is kept as 0 or 1.
func (r *row) bool() bool { return r.cell().n != 0 }

// time is a moment in UTC, zero for NULL.
func (r *row) time() time.Time {
	c := r.cell()
	if c.kind == cellNull {
		return time.Time{}
	}
	return time.UnixMicro(c.n).UTC()
}

// ref is an id that a row may do without: 0 is NULL.
func ref[T ~int64](id T) any {
	if id == 0 {
		return nil
	}
	return int64(id)
}

// optText is a pointer to a text: nil is NULL.
func optText(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

// optRef is a pointer to an id: nil is NULL.
func optRef[T ~int64](id *T) any {
	if id == nil {
		return nil
	}
	return int64(*id)
}

// optID reads what optRef wrote.
func optID[T ~int64](r *row) *T {
	n := r.opt()
	if n == nil {
		return nil
	}
	id := T(*n)
	return &id
}
