package db

import (
	"errors"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"topupd/billing"
)

// What PostgreSQL says, what a caller is told, and whether the transaction is run again.
func TestPostgresErrors(t *testing.T) {
	state := func(code string) *pgconn.PgError { return &pgconn.PgError{Code: code} }
	for name, c := range map[string]struct {
		err   error
		code  billing.Code
		field string
		again bool
	}{
		"a unique rule": {
			err:  &pgconn.PgError{Code: "23505", TableName: "charges", Detail: "Schlüssel »(cause)=(x)« existiert bereits.", ConstraintName: "charges_cause"},
			code: billing.Exists, field: "cause",
		},
		"a unique rule over two columns": {
			err:  &pgconn.PgError{Code: "23505", TableName: "periods", Detail: "Key (owner_id, date)=(201, 2026-12-01) already exists.", ConstraintName: "periods_pkey"},
			code: billing.Exists, field: "period",
		},
		"a unique rule without a detail": {
			err:  &pgconn.PgError{Code: "23505", TableName: "charges", ConstraintName: "charges_cause"},
			code: billing.Exists, field: "charges_cause",
		},
		"a foreign key":             {err: state("23503"), code: billing.NotFound},
		"an unknown owner":          {err: &pgconn.PgError{Code: "23502", ColumnName: "top_id"}, code: billing.NotFound, field: "owner"},
		"a missing value":           {err: &pgconn.PgError{Code: "23502", ColumnName: "cause"}, code: billing.Conflict},
		"a check":                   {err: &pgconn.PgError{Code: "23514", ConstraintName: "charges_gross"}, code: billing.Conflict, field: "charges_gross"},
		"the least balance":         {err: &pgconn.PgError{Code: "23514", ConstraintName: "buckets_overflow"}, code: billing.Overflow, field: "amount"},
		"a sum beyond 64 bits":      {err: state("22003"), code: billing.Overflow, field: "amount"},
		"a character":               {err: state("22021"), code: billing.Invalid},
		"a trigger":                 {err: state("P0001"), code: billing.Conflict},
		"a serialization failure":   {err: state("40001"), code: billing.Busy, again: true},
		"a deadlock":                {err: state("40P01"), code: billing.Busy, again: true},
		"a lock that is not free":   {err: state("55P03"), code: billing.Busy},
		"a statement took too long": {err: state("57014"), code: billing.Busy},
		"the server shuts down":     {err: state("57P01"), code: billing.Busy, again: true},
		"the server starts":         {err: state("57P03"), code: billing.Busy, again: true},
		"read-only":                 {err: state("25006"), code: billing.Busy, again: true},
		"the disk is full":          {err: state("53100"), code: billing.Busy},
		"too many connections":      {err: state("53300"), code: billing.Busy, again: true},
		"the connection broke":      {err: io.ErrUnexpectedEOF, code: billing.Busy},
		"a wrong password":          {err: state("28P01"), code: billing.Conflict, field: "db"},
		"no such database":          {err: state("3D000"), code: billing.Conflict, field: "db"},
		"no rights":                 {err: state("42501"), code: billing.Forbidden, field: "db"},
		"a mistake of ours":         {err: state("42601"), code: billing.Internal},
	} {
		got := classifyPostgres(c.err)
		if billing.ErrorCode(got) != c.code || billing.ErrorField(got) != c.field {
			t.Errorf("%s: %v, field %q", name, got, billing.ErrorField(got))
		}
		if again(c.err) != c.again {
			t.Errorf("%s: run again %v", name, again(c.err))
		}
		// What was classified keeps its answer.
		if again(got) != c.again && !errors.Is(c.err, io.ErrUnexpectedEOF) {
			t.Errorf("%s, classified: run again %v", name, again(got))
		}
	}
	if !again(classifyPostgres(io.ErrUnexpectedEOF)) {
		t.Error("a connection that broke before the COMMIT is not tried again")
	}
}
