package db

import "errors"

// sqliteSession is a connection with its compiled statements.
type sqliteSession struct {
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
func openSession(uri string, pragmas []string) (*sqliteSession, error) {
	conn, err := openSQLiteConn(uri)
	if err != nil {
		return nil, classify(err)
	}
	s := &sqliteSession{conn: conn, stmts: map[string]*stmt{}}
	for _, pragma := range pragmas {
		if err := s.pragma("PRAGMA " + pragma); err != nil {
			_ = s.close()
			return nil, err
		}
	}
	return s, nil
}

// pragma runs a statement that is needed once.
func (s *sqliteSession) pragma(query string) error {
	_, err := s.exec(query)
	if st, ok := s.stmts[query]; ok {
		delete(s.stmts, query)
		err = errors.Join(err, classify(st.finalize()))
	}
	return err
}

// close frees the statements and the connection.
func (s *sqliteSession) close() error {
	var errs []error
	for _, st := range s.stmts {
		errs = append(errs, st.finalize())
	}
	s.stmts = nil
	return classify(errors.Join(append(errs, s.conn.close())...))
}

// prepare returns the query's statement, compiled once, with its arguments. One
// that is being read gets a twin, which lives for one execution.
func (s *sqliteSession) prepare(query string, args []any) (*stmt, error) {
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
func (s *sqliteSession) exec(query string, args ...any) (int64, error) {
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

// queue takes nothing: a statement costs no round trip here.
func (s *sqliteSession) queue(bool, string, []any) (bool, error) { return false, nil }

// postingID leaves numbers to the database, which is not far.
func (s *sqliteSession) postingID() int64 { return 0 }

func (s *sqliteSession) balancesWatched() (watched, known bool) { return false, false }

// insert is exec for an INSERT that leaves the id to the database.
func (s *sqliteSession) insert(query string, args ...any) (int64, error) {
	if _, err := s.exec(query, args...); err != nil {
		return 0, err
	}
	return s.conn.lastID(), nil
}

func (s *sqliteSession) query(query string, args ...any) (*rows, error) {
	st, err := s.prepare(query, args)
	if err != nil {
		return nil, err
	}
	st.busy = true
	return &rows{row: row{cells: st.cells}, from: st}, nil
}

// fetch steps to the next row.
func (st *stmt) fetch(cells []cell) (bool, error) {
	found, err := st.step()
	if found {
		st.read(cells)
	}
	return found, classify(err)
}
