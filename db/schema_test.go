package db_test

import (
	"database/sql"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topupd/db/dbtest"
)

// TestSchemas holds that both engines have one schema: tables, columns, keys, rules by
// their names.
func TestSchemas(t *testing.T) {
	sqlite := sqliteSchema(t, dbtest.Raw(t, dbtest.File(t)))
	postgres := postgresSchema(t, dbtest.Raw(t, dbtest.Postgres(t)))
	for _, kind := range slices.Sorted(maps.Keys(sqlite)) {
		if len(sqlite[kind]) < 20 {
			t.Errorf("SQLite has only %d of kind %s", len(sqlite[kind]), kind)
		}
		if d := cmp.Diff(sqlite[kind], postgres[kind]); d != "" {
			t.Errorf("%s: - is SQLite's alone, + PostgreSQL's:\n%s", kind, d)
		}
	}
}

// schema is what a database has of each kind, in the order of names.
type schema map[string][]string

func (s schema) add(t *testing.T, kind string, db *sql.DB, query string, say func(cells []string) string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		cells := make([]sql.NullString, len(columns))
		places := make([]any, len(columns))
		for i := range cells {
			places[i] = &cells[i]
		}
		if err := rows.Scan(places...); err != nil {
			t.Fatal(err)
		}
		texts := make([]string, len(cells))
		for i, c := range cells {
			texts[i] = c.String
		}
		if what := say(texts); what != "" {
			s[kind] = append(s[kind], what)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(s[kind])
}

func joined(cells []string) string { return strings.Join(cells, " ") }

// What the engines keep for themselves, and the migrations.
const notOurs = `('goose_db_version', 'sqlite_sequence', 'schema_files')`

func sqliteSchema(t *testing.T, db *sql.DB) schema {
	s := schema{}
	// INTEGER and BOOLEAN are one kind, which PostgreSQL's schema tells apart.
	s.add(t, "columns", db, `SELECT m.name, c.name, CASE c.type WHEN 'INTEGER' THEN 'number' ELSE lower(c.type) END,
    CASE WHEN c."notnull" OR c.pk > 0 THEN 'not null' END, c.dflt_value IS NOT NULL FROM sqlite_schema m JOIN pragma_table_info(m.name) c
WHERE m.type = 'table' AND m.name NOT IN `+notOurs, joined)
	s.add(t, "primary keys", db, `SELECT m.name, group_concat(c.name, ', ' ORDER BY c.pk) FROM sqlite_schema m JOIN pragma_table_info(m.name) c
WHERE m.type = 'table' AND c.pk > 0 AND m.name NOT IN `+notOurs+` GROUP BY m.name`, joined)
	s.add(t, "foreign keys", db, `SELECT m.name, group_concat(f."from", ', ' ORDER BY f.seq), f."table" FROM sqlite_schema m
JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' GROUP BY m.name, f.id`, joined)
	s.add(t, "indexes", db, `SELECT i.name, i."unique", i.partial, (SELECT group_concat(COALESCE(c.name, 'lower(name)'), ', ' ORDER BY c.seqno)
    FROM pragma_index_info(i.name) c) FROM sqlite_schema m JOIN pragma_index_list(m.name) i WHERE i.origin = 'c'`,
		func(cells []string) string {
			return fmt.Sprintf("%s %s %s (%s)", cells[0], cells[1], cells[2], cells[3])
		})
	s.add(t, "triggers", db, `SELECT tbl_name, name FROM sqlite_schema WHERE type = 'trigger'`, joined)
	named := regexp.MustCompile(`CONSTRAINT (\w+)\s+CHECK`)
	s.add(t, "checks", db, `SELECT sql FROM sqlite_schema WHERE type = 'table'`, func(cells []string) string {
		for _, match := range named.FindAllStringSubmatch(cells[0], -1) {
			if !heldByType[match[1]] {
				s["checks"] = append(s["checks"], match[1])
			}
		}
		return ""
	})
	return s
}

// heldByType are checks of SQLite's that a column of PostgreSQL's type BOOLEAN needs not.
var heldByType = map[string]bool{
	"owners_held": true, "cards_primary": true, "cards_auto_collect": true, "low_balance_flags": true,
	"plans_suspend_all_calls": true, "plans_prepaid": true, "account_plans_suspended": true, "periods_prepaid": true,
	"logins_disabled": true, "auto_topup_profiles_flags": true, "pool_balances_low": true, "topups_imported": true,
	"hub_subscriptions_balances": true, "expected_payments_imported": true,
}

// besides are checks that have no name on SQLite, because a column that is added cannot
// give one to a check of two.
var besides = map[string]bool{"cards_type": true, "cards_deleted": true, "cards_country": true, "attempts_token": true}

// appended are the indexes that end with the row's id, which SQLite's do without a word.
var appended = map[string]string{
	"cards_expiry": ", id", "low_balance_judge": ", owner_id", "decisions_owner": ", id", "charges_top": ", id",
	"charges_due": ", id", "charges_ask": ", id", "charges_state": ", id", "charges_run": ", id", "runs_job": ", id",
	"notices_owner": ", id", "notices_due": ", id",
}

func postgresSchema(t *testing.T, db *sql.DB) schema {
	s := schema{}
	const ours = ` c.relnamespace = current_schema()::regnamespace AND c.relname NOT IN ` + notOurs
	s.add(t, "columns", db, `SELECT c.relname, a.attname, CASE format_type(a.atttypid, NULL) WHEN 'bigint' THEN 'number' WHEN 'boolean' THEN 'number'
    WHEN 'bytea' THEN 'blob' WHEN 'text' THEN CASE a.attcollation WHEN '"C"'::regcollation THEN 'text' ELSE 'text of a locale' END
    ELSE format_type(a.atttypid, NULL) END, CASE WHEN a.attnotnull THEN 'not null' END, (a.atthasdef)::int
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE c.relkind = 'r' AND`+ours, joined)
	keys := func(kind string) string {
		return `SELECT c.relname, (SELECT string_agg(a.attname, ', ' ORDER BY k.n) FROM unnest(o.conkey) WITH ORDINALITY k (attnum, n)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum), r.relname
FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid LEFT JOIN pg_class r ON r.oid = o.confrelid WHERE o.contype = '` + kind + `' AND` + ours
	}
	s.add(t, "primary keys", db, keys("p"), func(cells []string) string { return cells[0] + " " + cells[1] })
	// A copy of a whole database checks them at its end.
	s.add(t, "foreign keys", db, keys("f")+` AND o.condeferrable`, joined)
	s.add(t, "indexes", db, `SELECT x.relname, i.indisunique::int, (i.indpred IS NOT NULL)::int, (SELECT string_agg(pg_get_indexdef(i.indexrelid, n, false), ', ' ORDER BY n)
    FROM generate_series(1, i.indnkeyatts) n) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
WHERE NOT i.indisprimary AND`+ours, func(cells []string) string {
		columns, found := strings.CutSuffix(cells[3], appended[cells[0]])
		if !found {
			columns += " without " + appended[cells[0]]
		}
		return fmt.Sprintf("%s %s %s (%s)", cells[0], cells[1], cells[2], columns)
	})
	s.add(t, "triggers", db, `SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgname NOT LIKE '%\_next\_id' AND`+ours, joined)
	s.add(t, "checks", db, `SELECT o.conname FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid WHERE o.contype = 'c' AND`+ours,
		func(cells []string) string {
			if besides[cells[0]] {
				return ""
			}
			return cells[0]
		})
	return s
}
