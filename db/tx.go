package db

import "topupd/billing"

// reader is a transaction that reads. Its first record comes from a statement
// that is left open, which holds the snapshot as well as a BEGIN would; a
// second statement makes it a real transaction. So a View of one record, the
// common case, costs one statement instead of three.
type reader struct {
	s    session
	mode readMode
	held *rows // the open first statement
	err  error // sticky: nothing more may be done
	// disk is set for a View; seen is the last commit that its snapshot may show.
	disk *durable
	seen uint64
}

type readMode uint8

const (
	fresh readMode = iota // nothing was read yet
	held                  // one statement is open
	begun                 // inside BEGIN
)

const (
	sqlBegin          = `BEGIN`
	sqlBeginImmediate = `BEGIN IMMEDIATE`
	sqlCommit         = `COMMIT`
	sqlRollback       = `ROLLBACK`
	sqlSavepoint      = `SAVEPOINT member`
	sqlRelease        = `RELEASE member`
	sqlRollbackTo     = `ROLLBACK TO member`
	sqlPart           = `SAVEPOINT part`
	sqlPartDone       = `RELEASE part`
	sqlPartUndone     = `ROLLBACK TO part`
)

// begin makes sure that what follows reads the snapshot of what went before.
func (r *reader) begin() error {
	if r.err != nil || r.mode == begun {
		return r.err
	}
	if _, err := r.s.exec(sqlBegin); err != nil {
		r.err = err
		return err
	}
	// The open statement hands its snapshot over to the transaction.
	r.mode = begun
	if r.held != nil {
		r.err = r.held.close()
		r.held = nil
	}
	return r.err
}

// end gives the snapshot back.
func (r *reader) end() error {
	var err error
	switch {
	case r.held != nil:
		err = r.held.close()
	case r.mode == begun:
		_, err = r.s.exec(sqlRollback)
	}
	r.mode, r.held = fresh, nil
	return err
}

// first reads the first row of a query into scan; false if there is none.
func (r *reader) first(scan func(*row), query string, args ...any) (bool, error) {
	lazy := r.mode == fresh
	if !lazy {
		if err := r.begin(); err != nil {
			return false, err
		}
	}
	rs, err := r.s.query(query, args...)
	if err != nil {
		return false, r.note(err)
	}
	found := rs.next()
	r.mark()
	if found {
		scan(&rs.row)
	}
	if lazy && found {
		r.mode, r.held = held, rs
		return true, nil
	}
	if err := rs.close(); err != nil {
		return false, r.note(err)
	}
	if lazy {
		// A statement at its end holds no snapshot: ask again inside one.
		r.seen = 0
		if err := r.begin(); err != nil {
			return false, err
		}
		return r.first(scan, query, args...)
	}
	return found, nil
}

// each calls scan for every row of a query.
func (r *reader) each(scan func(*row) error, query string, args ...any) error {
	if err := r.begin(); err != nil {
		return err
	}
	rs, err := r.s.query(query, args...)
	if err != nil {
		return r.note(err)
	}
	// Also when scan panics: an open statement would pin an old snapshot.
	defer rs.close()
	for rs.next() {
		r.mark()
		if err := scan(&rs.row); err != nil {
			return err
		}
	}
	r.mark()
	return r.note(rs.close())
}

// mark remembers, once there is a snapshot, which commits it may show.
func (r *reader) mark() {
	if r.disk != nil && r.seen == 0 {
		r.seen = r.disk.begun.Load()
	}
}

// note remembers an error after which the transaction must not go on.
func (r *reader) note(err error) error {
	if err != nil && r.err == nil && spoils(err) {
		r.err = err
	}
	return err
}

// one reads one record; NotFound with the field if there is none.
func one[T any](r *reader, field string, scan func(*row, *T), query string, args ...any) (T, error) {
	var v T
	found, err := r.first(func(row *row) { scan(row, &v) }, query, args...)
	if err == nil && !found {
		err = notFound(field)
	}
	return v, err
}

// list reads all records of a query.
func list[T any](r *reader, scan func(*row, *T), query string, args ...any) ([]T, error) {
	var all []T
	err := r.each(func(row *row) error {
		var v T
		scan(row, &v)
		all = append(all, v)
		return nil
	}, query, args...)
	return all, err
}

// tx is a transaction that writes, inside a group's.
type tx struct {
	reader
	wrote bool // a statement that may have changed something was run
	// scope are the owners that the function declared; nil is everything.
	scope []billing.OwnerID
}

var _ billing.Tx = (*tx)(nil)

// exec runs a statement that changes something.
func (t *tx) exec(query string, args ...any) (int64, error) {
	if err := t.writes(query); err != nil {
		return 0, err
	}
	n, err := t.s.exec(query, args...)
	return n, t.note(err)
}

// writes is asked before each statement that changes something.
func (t *tx) writes(query string) error {
	if t.err == nil && t.scope != nil && !besideOthers(query) {
		t.err = errBeyond
	}
	t.wrote = true
	return t.err
}

// later leaves a statement to the next one where that saves a way to the database.
func (t *tx) later(must bool, query string, args []any) (bool, error) {
	if err := t.writes(query); err != nil {
		return false, err
	}
	queued, err := t.s.queue(must, query, args)
	return queued, t.note(err)
}

// add is exec for a statement of which nobody asks how many rows it changed.
func (t *tx) add(query string, args ...any) error {
	if queued, err := t.later(false, query, args); queued || err != nil {
		return err
	}
	_, err := t.s.exec(query, args...)
	return t.note(err)
}

// change is exec for a record that must be there.
func (t *tx) change(field, query string, args ...any) error {
	if queued, err := t.later(true, query, args); queued || err != nil {
		return err
	}
	n, err := t.exec(query, args...)
	if err == nil && n == 0 {
		err = notFound(field)
	}
	return err
}

// insert runs an INSERT that leaves the id to the database and returns the id.
func (t *tx) insert(query string, args ...any) (int64, error) {
	if err := t.writes(query); err != nil {
		return 0, err
	}
	id, err := t.s.insert(query, args...)
	return id, t.note(err)
}

// put inserts a record, or replaces the one that has its key. An upsert would
// do it at once, but SQLite keeps a journal for each, in case it fails half
// way, which takes longer than the insert of a bulk import.
func (t *tx) put(insert, replace string, args ...any) error {
	n, err := t.exec(insert, args...)
	if err == nil && n == 0 {
		_, err = t.exec(replace, args...)
	}
	return err
}

// spoil keeps a change that was half made from being committed, also by a
// caller that swallows the error.
func (t *tx) spoil(err error) error {
	if err != nil && t.err == nil {
		t.err = err
	}
	return err
}

// Part runs fn in a savepoint of its own. A panic leaves it open: the whole
// transaction is undone then.
func (t *tx) Part(fn func() error) error {
	if err := t.savepoint(sqlPart); err != nil {
		return err
	}
	err := fn()
	if t.err != nil {
		return t.err // spoilt: nothing of the transaction stays
	}
	if err != nil {
		if undone := t.savepoint(sqlPartUndone); undone != nil {
			return undone
		}
	}
	if ended := t.savepoint(sqlPartDone); ended != nil {
		return ended
	}
	return err
}

// savepoint runs a statement about a savepoint, which changes nothing by itself.
func (t *tx) savepoint(query string) error {
	if t.err == nil {
		_, t.err = t.s.exec(query)
	}
	return t.err
}
