package db_test

import (
	"context"
	"strings"
	"testing"

	"topupd/db"
	"topupd/db/dbtest"
)

// eachEngine runs a test on an empty database of every engine.
func eachEngine(t *testing.T, run func(*testing.T, func(testing.TB) string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, dbtest.File) })
	t.Run("postgres", func(t *testing.T) { run(t, dbtest.Postgres) })
}

// TestVerifyFindsMissingRules takes away every rule that verify wants in force, one after
// the other.
func TestVerifyFindsMissingRules(t *testing.T) {
	eachEngine(t, func(t *testing.T, address func(testing.TB) string) {
		t.Parallel()
		where := address(t)
		s := booked(t, where, bookCharge)
		raw, err := dbtest.Raw(t, where).Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		missing := 0
		for invariant, name := range db.Enforced {
			drop := `DROP INDEX ` + name
			find := `SELECT tbl_name FROM sqlite_schema WHERE type = 'trigger' AND name = $1`
			if strings.HasPrefix(where, "postgres://") {
				find = `SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = $1`
			}
			var table string
			if raw.QueryRowContext(t.Context(), find, name).Scan(&table) == nil {
				if drop = `DROP TRIGGER ` + name; strings.HasPrefix(where, "postgres://") {
					drop += ` ON ` + table
				}
			}
			run(t, raw, drop)
			missing++
			found, err := s.Verify(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			if len(found) != missing {
				t.Fatalf("without %s: %v", name, found)
			}
			told := false
			for _, d := range found {
				told = told || d.Invariant == invariant && strings.Contains(d.What, " "+name+" ")
			}
			if !told {
				t.Errorf("without %s: %v", name, found)
			}
		}
		if missing < 20 {
			t.Errorf("only %d rules", missing)
		}
	})
}

// A trigger of PostgreSQL may be there and not fire.
func TestVerifyFindsPostgresRules(t *testing.T) {
	for name, c := range map[string]struct{ damage, want string }{
		"switched off": {`ALTER TABLE postings DISABLE TRIGGER postings_no_delete`, "L2"},
		"renamed":      {`ALTER TRIGGER transfers_frozen ON transfers RENAME TO old`, "T1"},
	} {
		t.Run(name, func(t *testing.T) {
			address := dbtest.Postgres(t)
			s := booked(t, address, bookCharge)
			if _, err := dbtest.Raw(t, address).ExecContext(t.Context(), c.damage); err != nil {
				t.Fatal(err)
			}
			found, err := s.Verify(t.Context(), 0)
			if err != nil || len(found) != 1 || found[0].Invariant != c.want {
				t.Errorf("found %v (%v)", found, err)
			}
		})
	}
}
