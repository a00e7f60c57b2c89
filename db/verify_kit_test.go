package db_test

import (
	"context"
	"database/sql"
	"regexp"
	"slices"
	"testing"

	"topupd/billing"
	"topupd/db"
	"topupd/db/dbtest"
)

// damage is what somebody did to a database behind the program's back, and the invariants
// that verify reports then.
type damage struct {
	sql  string
	want []string
}

// verifyFinds does each damage to a database that was booked, on every engine, with the
// rules of the schema out of force. On PostgreSQL, where a database is dear, it is one, and
// each damage is undone.
func verifyFinds(t *testing.T, book func(billing.Tx) error, damages map[string]damage) {
	t.Helper()
	finds := func(t *testing.T, s *db.Store, want []string) {
		t.Helper()
		found, err := s.Verify(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := invariants(found); !slices.Equal(got, want) {
			t.Errorf("found %v, want %v", found, want)
		}
		if len(found) > 1 {
			if some, err := s.Verify(t.Context(), 1); err != nil || len(some) != 1 {
				t.Errorf("with limit 1: %v %v", some, err)
			}
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		for name, d := range damages {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				address := dbtest.File(t)
				s := booked(t, address, book)
				spoilSQLite(t, address, d.sql)
				finds(t, s, d.want)
			})
		}
	})
	t.Run("postgres", func(t *testing.T) {
		address := dbtest.Postgres(t)
		s := booked(t, address, book)
		raw, err := dbtest.Raw(t, address).Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		run(t, raw, `SET session_replication_role = replica`, withoutChecks)
		for name, d := range damages {
			t.Run(name, func(t *testing.T) {
				undo := undoing(t, raw, d.sql)
				run(t, raw, d.sql)
				finds(t, s, d.want)
				run(t, raw, undo...)
				finds(t, s, nil)
			})
		}
	})
}

// booked is a store with some records, of which nothing is wrong.
func booked(t *testing.T, address string, book func(billing.Tx) error) *db.Store {
	t.Helper()
	s, err := db.Open(t.Context(), address, db.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	update(t, s, book)
	if found, err := s.Verify(t.Context(), 0); err != nil || len(found) != 0 {
		t.Fatalf("before the damage: %v %v", found, err)
	}
	return s
}

func invariants(found []billing.Discrepancy) (all []string) {
	for _, d := range found {
		all = append(all, d.Invariant)
	}
	slices.Sort(all)
	return all
}

// withoutChecks takes the checks of all tables of PostgreSQL away.
const withoutChecks = `DO $$ DECLARE c record; BEGIN
    FOR c IN SELECT conrelid::regclass AS place, conname FROM pg_constraint WHERE contype = 'c' AND connamespace = current_schema()::regnamespace LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.place, c.conname);
    END LOOP;
END $$`

var (
	changes = regexp.MustCompile(`(?:UPDATE|INSERT INTO|DELETE FROM) (\w+)`)
	drops   = regexp.MustCompile(`DROP INDEX (\w+)`)
)

// undoing keeps what a damage is going to change in PostgreSQL, and returns how it comes back.
func undoing(t *testing.T, raw *sql.Conn, damage string) (undo []string) {
	t.Helper()
	for _, m := range changes.FindAllStringSubmatch(damage, -1) {
		table := m[1]
		run(t, raw, `DROP TABLE IF EXISTS pg_temp.kept_`+table, `CREATE TEMP TABLE kept_`+table+` AS TABLE `+table)
		undo = append(undo, `DELETE FROM `+table, `INSERT INTO `+table+` SELECT * FROM kept_`+table)
	}
	for _, m := range drops.FindAllStringSubmatch(damage, -1) {
		var text string
		if err := raw.QueryRowContext(t.Context(), `SELECT pg_get_indexdef($1::regclass)`, m[1]).Scan(&text); err != nil {
			t.Fatal(err)
		}
		undo = append(undo, text)
	}
	return undo
}

// spoilSQLite runs statements that no trigger, foreign key or check refuses. The triggers
// are there again afterwards; an index that was dropped is not.
func spoilSQLite(t *testing.T, address, statements string) {
	t.Helper()
	raw, err := dbtest.Raw(t, address).Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	run(t, raw, `PRAGMA foreign_keys = OFF`, `PRAGMA ignore_check_constraints = ON`)
	triggers := map[string]string{}
	rows, err := raw.QueryContext(t.Context(), `SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		triggers[name] = text
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for name := range triggers {
		run(t, raw, `DROP TRIGGER `+name)
	}
	run(t, raw, statements)
	for _, text := range triggers {
		run(t, raw, text)
	}
}

func run(t *testing.T, raw *sql.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := raw.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}
