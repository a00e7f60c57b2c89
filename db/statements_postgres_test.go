package db_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"

	"topupd/db"
	"topupd/db/dbtest"
)

// TestStatementsPostgres holds that PostgreSQL understands every statement of the package,
// as wide as it is meant: a parameter that is compared with a small number first would be
// too small for an id, and a column of an unknown type could not be read.
func TestStatementsPostgres(t *testing.T) {
	s, err := db.Open(t.Context(), dbtest.Postgres(t), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	texts := statements(t)
	if len(texts) < 300 {
		t.Errorf("only %d statements were found", len(texts))
	}
	taken := []uint32{pgtype.Int8OID, pgtype.BoolOID, pgtype.TextOID, pgtype.ByteaOID, pgtype.NameOID}
	given := append(slices.Clone(taken), pgtype.Int4OID, pgtype.NumericOID)
	for name, text := range texts {
		if strings.Contains(text, "sqlite_schema") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			params, columns, err := s.Prepared(text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			for i, oid := range params {
				if !slices.Contains(taken, oid) {
					t.Errorf("$%d is of PostgreSQL's type %d\n%s", i+1, oid, text)
				}
			}
			for i, oid := range columns {
				if !slices.Contains(given, oid) {
					t.Errorf("column %d is of PostgreSQL's type %d\n%s", i+1, oid, text)
				}
			}
		})
	}
}
