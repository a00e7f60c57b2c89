package db

import (
	"database/sql"
	"path/filepath"
	"testing"
)

// Lines that were kept as they came move into their tables, amounts digit for digit; what
// could not be used stays where it is.
func TestSubscriptionLinesMove(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "t.db")
	dsn := sqliteDSN(path, Options{}.withDefaults())
	before := withFile(t, nil)
	for name := range before {
		if name >= "0011" {
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
		`INSERT INTO cards (id, owner_id, top_id, gateway, gateway_customer, fingerprint, brand, last4, exp_month, exp_year, holder, is_primary, state, aside, auto_collect, priority, extra)
VALUES (1000, 201, 20, 'sandbox', '', '', '', '', 0, 0, '', 0, 'usable', '', 0, 1, ''), (1001, 20, 20, 'sandbox', '', '', '', '', 0, 0, '', 0, 'usable', '', 0, 1, '')`,
		`INSERT INTO objects (type, key, body) VALUES
('service', '1', '{"type":"service","id":1,"i_account":7,"class":"/x"}'),
('subscription', '1', '{"type":"subscription","id":1,"i_account":100,"phoneNumber":"1555","categoryId":1,"wholeSalesPartnerId":9,"salesCode":null}'),
('subscription', '2', '{"type":"subscription","id":2,"i_customer":10,"phoneNumber":""}'),
('subscription', '3', '{"type":"subscription","id":3,"i_account":7,"phoneNumber":"nobody''s"}'),
('payment', '1', '{"type":"payment","id":1,"i_account":100,"amount":"2.00","currency":"USD","i_debit_credit_card":1000,"status":"paid"}'),
('payment', '2', '{"type":"payment","id":2,"i_customer":10,"amount":"0.000001","currency":"USD","status":"paid"}'),
('payment', '3', '{"type":"payment","id":3,"i_account":100,"amount":"999999999999.345678000","currency":"KWD","i_debit_credit_card":1001,"status":"sent"}'),
('payment', '4', '{"type":"payment","id":4,"i_account":100,"amount":"7","currency":"USD","i_debit_credit_card":99,"status":"paid"}'),
('payment', '5', '{"type":"payment","id":5,"i_account":100,"amount":"-7","currency":"USD","status":"paid"}'),
('payment', '6', '{"type":"payment","id":6,"i_account":100,"amount":"0.00","currency":"USD","status":"paid"}'),
('payment', '7', '{"type":"payment","id":7,"i_account":100,"amount":"1e3","currency":"USD","status":"paid"}'),
('payment', '8', '{"type":"payment","id":8,"i_account":7,"amount":"1","currency":"USD","status":"paid"}')`,
	} {
		if _, err := raw.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	if err := migrate(ctx, dsn, migrationFiles("sqlite"), true); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int{
		`SELECT count(*) FROM subscriptions`: 2,
		`SELECT count(*) FROM subscriptions WHERE id = 1 AND owner_id = 201 AND top_id = 20 AND phone_number = '1555' AND category = 1 AND wholesale_partner = 9 AND sales_code IS NULL AND state = 'active'`: 1,
		`SELECT count(*) FROM subscriptions WHERE id = 2 AND owner_id = 20 AND category IS NULL`:                                                                                                              1,
		`SELECT count(*) FROM gateway_payments`: 4,
		`SELECT count(*) FROM gateway_payments WHERE id = 1 AND owner_id = 201 AND top_id = 20 AND amount = 2000000 AND currency = 'USD' AND card_id = 1000 AND status = 'paid'`: 1,
		`SELECT count(*) FROM gateway_payments WHERE id = 2 AND owner_id = 20 AND amount = 1 AND card_id IS NULL`:                                                                1,
		`SELECT count(*) FROM gateway_payments WHERE id = 3 AND amount = 999999999999345678 AND card_id IS NULL AND status = 'sent'`:                                             1,
		`SELECT count(*) FROM gateway_payments WHERE id = 4 AND amount = 7000000 AND card_id IS NULL`:                                                                            1,
		`SELECT count(*) FROM objects`: 6,
		`SELECT count(*) FROM objects WHERE type = 'payment' AND key IN ('5', '6', '7', '8')`: 4,
		`SELECT count(*) FROM objects WHERE type = 'subscription' AND key = '3'`:              1,
	} {
		if n := count(t, dsn, query); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
}
