package db

import (
	"slices"
	"testing"
)

// Every table is copied, but the database's own name and the record of its migrations.
func TestCopyKnowsEveryTable(t *testing.T) {
	s := openStore(t, Options{})
	var tables []string
	err := s.view(t.Context(), func(r *reader) (err error) {
		tables, err = list(r, func(row *row, name *string) { *name = row.text() }, `SELECT name FROM sqlite_schema WHERE type = 'table'
    AND name NOT LIKE 'sqlite%' AND name NOT IN ('goose_db_version', 'schema_files', 'meta') ORDER BY name`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	copied := slices.Sorted(slices.Values(copiedTables))
	if !slices.Equal(tables, copied) {
		t.Errorf("the schema has %v,\ncopied are %v", tables, copied)
	}
}
