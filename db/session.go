package db

import "time"

// session is one connection. One goroutine uses it at a time.
type session interface {
	// exec runs a statement to its end and says how many rows it changed. No context
	// interrupts it: View and Update look at theirs between statements.
	exec(query string, args ...any) (int64, error)
	// queue takes a statement of which nobody asks anything back, but, when it must, that
	// it changes a row; false: the caller is to exec it.
	queue(must bool, query string, args []any) (bool, error)
	// insert runs an INSERT that leaves the id to the database and returns the id.
	insert(query string, args ...any) (int64, error)
	// postingID is a number for the next posting that was kept for this transaction; 0 when
	// the database is to give one.
	postingID() int64
	// balancesWatched is the answer to sqlBalancesWatched where that was asked with the
	// transaction's locks.
	balancesWatched() (watched, known bool)
	// query runs a statement whose rows are read one by one; others may run meanwhile.
	query(query string, args ...any) (*rows, error)
	close() error
}

// rows is a result being read.
type rows struct {
	row
	from cursor
	err  error
}

// cursor is where an engine's rows come from.
type cursor interface {
	// fetch reads the next row; false at the end.
	fetch([]cell) (bool, error)
	// done ends the reading.
	done() error
}

// next reads the next row; false at the end and on an error.
func (r *rows) next() bool {
	if r.err != nil || r.from == nil {
		return false
	}
	found, err := r.from.fetch(r.cells)
	r.err = err
	r.at = 0
	return found
}

// close ends the reading; it returns what went wrong on the way.
func (r *rows) close() error {
	if r.from == nil {
		return r.err
	}
	err := r.from.done()
	r.from = nil
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
