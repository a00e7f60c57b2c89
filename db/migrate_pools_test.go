package db

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"topupd/billing"
)

// Pool plans that an import kept as it came become rows of the tables and balances of
// the ledger; those that do not fit stay as they were.
func TestPoolPlansAreMoved(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "t.db")
	dsn := sqliteDSN(path, Options{}.withDefaults())
	before := withFile(t, nil)
	for name := range before {
		if name >= "0012" {
			delete(before, name)
		}
	}
	if err := migrate(ctx, dsn, before, false); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	run := func(query string, args ...any) {
		t.Helper()
		if _, err := raw.ExecContext(ctx, query, args...); err != nil {
			t.Fatal(err)
		}
	}
	run(`INSERT INTO owners (id, kind, parent_id, top_id, path, name, username, email, currency, balance_group, credit_limit,
    time_zone, blocked, held, extra) VALUES (22, 0, 2, 22, '/1/11/', 'x', '', '', 'EUR', 0, 0, '', 0, 0, '')`)
	lines := map[string]string{
		"500": `{"type":"pool_plan","offer":500,"i_customer":11,"name":"A","currency":"EUR","expirationType":"FIXED","expires":"2027-04-25","subscribers":["b","a","b"],"balances":{"KB":"-1.5","SMS":"12.00"}}`,
		"501": `{"type":"pool_plan","offer":501,"i_customer":11,"name":"B","currency":"EUR","expires":null}`,
		"502": `{"type":"pool_plan","offer":502,"i_customer":99,"name":"no customer","currency":"EUR"}`,
		"503": `{"type":"pool_plan","offer":503,"i_customer":11,"name":"no currency","currency":"USD"}`,
		"504": `{"type":"pool_plan","offer":504,"i_customer":11,"name":"no unit","currency":"EUR","balances":{"MB":"1"}}`,
		"505": `{"type":"pool_plan","offer":505,"i_customer":11,"name":"no number","currency":"EUR","balances":{"SMS":"1e3"}}`,
		"506": `{"type":"pool_plan","offer":506,"i_customer":11,"name":"half","currency":"EUR","balances":{"SMS":"0.5"}}`,
	}
	for key, body := range lines {
		run(`INSERT INTO objects (type, key, body) VALUES ('pool_plan', $1, $2)`, key, body)
	}
	run(`INSERT INTO objects (type, key, body) VALUES ('service', '500', '{}')`)
	if err := migrate(ctx, dsn, migrationFiles("sqlite"), true); err != nil {
		t.Fatal(err)
	}
	s, err := Open(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.View(ctx, func(r billing.Reader) error {
		plans, err := r.PoolPlans(0, 0)
		if err != nil || len(plans) != 2 || plans[0].Name != "A" || !plans[0].Subscribed || plans[0].Customer != billing.Customer(11) ||
			plans[0].Top != billing.Customer(11) || plans[0].ExpiresAt.Format("2006-01-02T15:04:05Z") != "2027-04-26T00:00:00Z" || !plans[1].ExpiresAt.IsZero() {
			t.Errorf("plans %+v, %v", plans, err)
		}
		subscribers, err := r.PoolSubscribers(500)
		if err != nil || strings.Join(subscribers, ",") != "b,a" {
			t.Errorf("subscribers %v, %v", subscribers, err)
		}
		balances, err := r.PoolBalances(500)
		if err != nil || len(balances) != 2 || balances[0].Unit != "SMS" || balances[0].Left != 12_000_000 || balances[1].Left != -1_500_000 ||
			balances[0].Total != 12_000_000 || balances[1].Total != 0 {
			t.Errorf("balances %+v, %v", balances, err)
		}
		kept := map[string]string{}
		for o, err := range r.Objects() {
			if err != nil {
				return err
			}
			if o.Type == "pool_plan" {
				kept[o.Key] = o.Body
			}
		}
		for _, key := range []string{"502", "503", "504", "505", "506"} {
			if kept[key] != lines[key] {
				t.Errorf("line %s is %q", key, kept[key])
			}
		}
		if len(kept) != 5 {
			t.Errorf("%d lines stayed", len(kept))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if wrong, err := s.Verify(ctx, 10); err != nil || len(wrong) != 0 {
		t.Errorf("verify: %v, %v", wrong, err)
	}
	if n := count(t, dsn, `SELECT count(*) FROM sqlite_schema WHERE name LIKE 'moved%'`); n != 0 {
		t.Error("a table of the move stayed")
	}
}
