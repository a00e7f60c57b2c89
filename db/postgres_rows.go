package db

import (
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

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
	r.s.heard = true
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
