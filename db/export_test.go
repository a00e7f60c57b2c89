package db

import (
	"context"
	"slices"
	"time"
)

// What the tests outside of the package may see: those on PostgreSQL, whose kit imports it.

// Plan is a statement whose plan is held.
type Plan struct {
	Query string
	Args  int
	Want  []string // what SQLite's plan names
}

// Plans are those of TestQueryPlans, as PostgreSQL gets them.
func Plans(yield func(name string, p Plan) bool) {
	for name, p := range plans {
		if !yield(name, Plan{postgresText(p.query), p.args, p.want}) {
			return
		}
	}
}

// OwnersTables are those that a transaction of declared owners may change.
var OwnersTables = ownersTables

// Prepared is how PostgreSQL understands a statement: the types of its parameters and
// columns, by their numbers.
func (s *Store) Prepared(query string) (params, columns []uint32, err error) {
	pooled, err := s.engine.(*postgresStore).readers.Acquire(context.Background())
	if err != nil {
		return nil, nil, err
	}
	defer pooled.Release()
	st, err := pgSessionOf(pooled.Conn().PgConn()).prepare(query)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range st.sd.Fields {
		columns = append(columns, f.DataTypeOID)
	}
	return st.sd.ParamOIDs, columns, nil
}

// Enforced are the rules that verify wants in force, with their invariants.
func Enforced(yield func(invariant, name string) bool) {
	for _, rule := range enforced {
		if !yield(rule.invariant, rule.name) {
			return
		}
	}
}

// AgeMarks has the lanes of PostgreSQL take new rows for their commits, as a day later.
func (s *Store) AgeMarks() {
	engine := s.engine.(*postgresStore)
	for _, l := range append(slices.Clone(engine.lanes), engine.alone) {
		l.mark.stale = time.Now().Add(-time.Second)
	}
}

// CopyLogEvery has SQLite's log copied after so many pages.
func (s *Store) CopyLogEvery(pages int) { s.engine.(*sqliteStore).writer.every = pages }
