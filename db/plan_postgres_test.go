package db_test

import (
	"context"
	"database/sql"
	"regexp"
	"slices"
	"strings"
	"testing"

	"topupd/db"
	"topupd/db/dbtest"
)

// fillTables puts rows into every table: twenty for each record that others refer to, a
// third of what may be null is, one in a hundred is open, all else differs. No rule is asked: PostgreSQL only has to
// see large tables.
const fillTables = `
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT conrelid::regclass AS t, conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', r.t, r.conname);
    END LOOP;
    FOR r IN SELECT c.oid::regclass AS t, string_agg(quote_ident(a.attname), ', ' ORDER BY attnum) AS names,
            string_agg(CASE WHEN a.attnotnull THEN v WHEN a.attname = 'settled_at' THEN 'nullif(g, g / 100 * 100)'
                ELSE format('CASE WHEN g %% 3 > 0 THEN %s END', v) END, ', ' ORDER BY attnum) AS vals
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped, LATERAL (SELECT CASE
            WHEN a.attname = 'state' THEN '(ARRAY[''created'', ''pending'', ''declined'', ''held'', ''over''])[1 + least(g % 100, 4)]'
            WHEN a.attname = 'suspended' AND a.atttypid = 'text'::regtype THEN 'CASE WHEN g % 7 = 0 THEN g::text ELSE '''' END'
            WHEN a.attname LIKE '%\_id' AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique
                AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum) THEN CASE a.attnum % 2 WHEN 0 THEN 'g / 20' ELSE 'g % 150' END
            WHEN a.atttypid = 'bigint'::regtype THEN 'g'
            WHEN a.atttypid = 'boolean'::regtype THEN 'g % 2 = 0'
            ELSE format('g::text::%s', a.atttypid::regtype) END AS v) s
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname NOT LIKE 'goose%' GROUP BY c.oid LOOP
        EXECUTE format('INSERT INTO %s (%s) SELECT %s FROM generate_series(1000, 4000) g', r.t, r.names, r.vals);
    END LOOP;
END $$`

// TestQueryPlansPostgres holds that PostgreSQL finds rows as SQLite does (TestQueryPlans):
// by the same indexes, in one plan for all arguments.
func TestQueryPlansPostgres(t *testing.T) {
	c, err := dbtest.Raw(t, dbtest.Postgres(t)).Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, query := range []string{
		`SET session_replication_role = replica`, fillTables, `ANALYZE`,
		`SET enable_seqscan = off`, `SET jit = off`, `SET plan_cache_mode = force_generic_plan`,
	} {
		if _, err := c.ExecContext(context.Background(), query); err != nil {
			t.Fatalf("%v: %s", err, query)
		}
	}
	for name, p := range db.Plans {
		t.Run(name, func(t *testing.T) {
			plan := explain(t, c, p)
			for _, want := range p.Want {
				if slices.Contains(otherwise[name], want) {
					continue
				}
				if index := indexOf(want); !strings.Contains(plan, index) {
					t.Errorf("the plan does not use %s:\n%s", index, plan)
				}
			}
			// Plans of a price are few.
			if strings.Contains(strings.ReplaceAll(plan, "Seq Scan on plans ", ""), "Seq Scan") {
				t.Errorf("the plan reads a whole table:\n%s", plan)
			}
		})
	}
}

// otherwise is what PostgreSQL finds as well by another way: it counts rows, and those
// that are pending, deleted or in one state are few or soon found.
var otherwise = map[string][]string{
	"old events":          {"deliveries_once", "h USING INTEGER PRIMARY KEY"},
	"expected profiles":   {"expected_payments_profile"},
	"deliveries in state": {"deliveries_state"},
}

// explain is the plan of a statement for arguments that are not known.
func explain(t *testing.T, c *sql.Conn, p db.Plan) string {
	t.Helper()
	args := ""
	if p.Args > 0 {
		args = "(NULL" + strings.Repeat(", NULL", p.Args-1) + ")"
	}
	if _, err := c.ExecContext(t.Context(), "PREPARE p AS "+p.Query); err != nil {
		t.Fatal(err)
	}
	rows, err := c.QueryContext(t.Context(), "EXPLAIN (COSTS OFF) EXECUTE p"+args)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(line + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ExecContext(t.Context(), "DEALLOCATE p"); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

var indexName = regexp.MustCompile(`^\w+`)

// indexOf is PostgreSQL's name of what SQLite's plan names.
func indexOf(want string) string {
	switch {
	case strings.Contains(want, "PRIMARY KEY"), strings.HasPrefix(want, "sqlite_autoindex"):
		return "_pkey"
	case want == "MERGE (UNION ALL)":
		return "Append"
	}
	return indexName.FindString(want)
}
