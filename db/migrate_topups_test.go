package db

import (
	"database/sql"
	"path/filepath"
	"testing"
)

// Services and recurring top-ups that an import kept as it came become rows; those that do
// not fit stay as they were, and what is over is never charged again.
func TestTopupLinesMove(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "t.db")
	dsn := sqliteDSN(path, Options{}.withDefaults())
	before := withFile(t, nil)
	for name := range before {
		if name >= "0013" {
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
	for _, query := range []string{
		`INSERT INTO owners (id, kind, parent_id, top_id, path, name, username, email, currency, balance_group, credit_limit, time_zone, blocked, held, extra)
VALUES (20, 0, 2, 20, '/1/10/', 'Acme', '', '', 'USD', 0, 0, '', 0, 0, ''), (201, 1, 20, 20, '/1/10/', 'Alice', '', '', 'USD', 100, 0, '', 0, 0, '')`,
		`INSERT INTO objects (type, key, body) VALUES
('service', '7', '{"type":"service","id":7,"i_account":100,"class":"/service/x"}'),
('service', '8', '{"type":"service","id":8,"i_account":9,"class":"/nobody"}'),
('service', '9', '{"type":"service","id":9,"i_account":100,"class":"no path"}'),
('recurring_topup', '1', '{"type":"recurring_topup","id":1,"i_account":100,"amount":"2.00","currency":"USD","period":"daily","periods":2,"done":1,"anchor":"2026-11-01T10:00:00+02:00","status":"active"}'),
('recurring_topup', '2', '{"type":"recurring_topup","id":2,"i_account":100,"amount":"0.000001","currency":"USD","period":"monthly"}'),
('recurring_topup', '3', '{"type":"recurring_topup","id":3,"i_account":100,"amount":"3","currency":"USD","period":"weekly","periods":3,"done":3,"anchor":"2026-11-01T10:00:00Z","status":"active"}'),
('recurring_topup', '4', '{"type":"recurring_topup","id":4,"i_customer":10,"amount":"4.5","currency":"USD","period":"fortnightly","anchor":"2026-11-01T10:00:00Z","status":"paused"}'),
('recurring_topup', '5', '{"type":"recurring_topup","id":5,"i_account":100,"amount":"5","currency":"EUR","period":"daily"}'),
('recurring_topup', '6', '{"type":"recurring_topup","id":6,"i_account":100,"amount":"-6","currency":"USD","period":"daily"}'),
('recurring_topup', '7', '{"type":"recurring_topup","id":7,"i_account":100,"amount":"7","currency":"USD","period":"hourly"}'),
('recurring_topup', '8', '{"type":"recurring_topup","id":8,"i_account":100,"amount":"8","currency":"USD","period":"daily","periods":1,"done":2}'),
('recurring_topup', '9', '{"type":"recurring_topup","id":9,"i_account":9,"amount":"9","currency":"USD","period":"daily"}'),
('recurring_topup', '10', '{"type":"recurring_topup","id":10,"i_account":100,"amount":"1e3","currency":"USD","period":"daily"}')`,
	} {
		if _, err := raw.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	if err := migrate(ctx, dsn, migrationFiles("sqlite"), true); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int{
		`SELECT count(*) FROM services WHERE id = 7 AND owner_id = 201 AND top_id = 20 AND class = '/service/x'`: 1,
		`SELECT count(*) FROM services`:                       1,
		`SELECT count(*) FROM objects WHERE type = 'service'`: 2,
		`SELECT count(*) FROM topup_rules`:                    4,
		`SELECT count(*) FROM topup_rules WHERE id = 1 AND owner_id = 201 AND amount = 2000000 AND unit = 'USD' AND period = 'daily' AND periods = 2
    AND done = 1 AND next_n = 1 AND anchor = 1793520000000000 AND next_at = anchor AND state = 'active'`: 1,
		`SELECT count(*) FROM topup_rules WHERE id = 2 AND amount = 1 AND periods IS NULL AND done = 0 AND next_n = 0 AND state = 'active'`: 1,
		`SELECT count(*) FROM topup_rules WHERE id = 3 AND state = 'finished' AND next_at IS NULL`:                                          1,
		`SELECT count(*) FROM topup_rules WHERE id = 4 AND owner_id = 20 AND amount = 4500000 AND state = 'cancelled' AND next_at IS NULL`:  1,
		`SELECT count(*) FROM topups WHERE rule_id = id AND period = 0 AND imported = 1 AND posting_id IS NULL`:                             4,
		`SELECT count(*) FROM topups WHERE (id = 1 AND state = 'completed') OR (id = 2 AND state = 'created') OR (id = 3 AND state = 'completed')
    OR (id = 4 AND state = 'cancelled')`: 4,
		`SELECT count(*) FROM balance_actions WHERE kind = 'topup' AND id BETWEEN 1 AND 4`: 4,
		`SELECT count(*) FROM mandates WHERE purpose = 'recurring' AND revoked_at IS NULL`: 1,
		`SELECT count(*) FROM objects WHERE type = 'recurring_topup'`:                      6,
		`SELECT count(*) FROM sqlite_schema WHERE name LIKE 'moved%'`:                      0,
	} {
		if n := count(t, dsn, query); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
}
