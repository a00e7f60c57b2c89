package db

import (
	"database/sql"
	"path/filepath"
	"testing"

	"topupd/billing"
)

// Expected payments and their letters keep what they say when their tables are made anew,
// and what keeps them from changing is there again.
func TestExpectedPaymentsAreMoved(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "t.db")
	before := withFile(t, nil)
	for name := range before {
		if name >= "0017" {
			delete(before, name)
		}
	}
	if err := migrate(ctx, sqliteDSN(path, Options{}.withDefaults()), before, false); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	run := func(query string) error {
		_, err := raw.ExecContext(ctx, query)
		return err
	}
	for _, query := range []string{
		`INSERT INTO owners (id, kind, parent_id, top_id, path, name, username, email, currency, balance_group, credit_limit,
    time_zone, blocked, held, extra) VALUES (20, 0, 2, 20, '/1/10/', 'Acme', '', '', 'USD', 0, 0, '', 0, 0, '')`,
		`INSERT INTO auto_topup_profiles (id, name, description, enabled, trigger_basis, trigger_type, trigger_value, reference_limit,
    topup_mode, topup_value, topup_limit, auto_collect, min_days) VALUES (7, 'P', '', 1, 'outstanding', 'absolute', 0, 'Credit Limit', 'fixed', 1, '', 0, 0)`,
		`INSERT INTO expected_payments (id, owner_id, top_id, profile_id, run_date, amount, unit, method, reason, payment_id, our_reference,
    customer_reference, revision, created_at, updated_at, deleted_at) VALUES
    (3, 20, 20, 7, '2026-11-20', 5, 'USD', 'none', 'off', 9, 'o', 'c', 2, 100, 200, NULL),
    (4, 20, 20, 7, '2026-11-21', 6, 'USD', 'none', 'off', NULL, '', '', 1, 300, 300, 400),
    (5, 20, 20, 7, '2026-11-22', 7, 'USD', 'none', 'off', NULL, '', '', 1, 500, 500, NULL)`,
		`INSERT INTO notices (id, owner_id, top_id, kind, cause, recipient, subject, body, state, tries, error) VALUES
    (2, 20, 20, 'topup', 'topup:3', '', 's', 'b', 'no_address', 0, '')`,
		`INSERT INTO correspondence (id, owner_id, top_id, type_id, expected_id, notice_id, created_at) VALUES (6, 20, 20, 1, 3, 2, 100)`,
	} {
		if err := run(query); err != nil {
			t.Fatal(err)
		}
	}
	if err := migrate(ctx, sqliteDSN(path, Options{}.withDefaults()), migrationFiles("sqlite"), true); err != nil {
		t.Fatal(err)
	}
	s, err := Open(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.View(ctx, func(r billing.Reader) error {
		all, err := r.AllExpected(0, 0)
		if err != nil || len(all) != 3 {
			t.Fatalf("%+v, %v", all, err)
		}
		paid, withdrawn, open := all[0], all[1], all[2]
		if paid.ID != 3 || paid.Type != billing.ExpectedTopup || paid.Profile != 7 || paid.Payment != 9 || paid.FulfilledAt.UnixMicro() != 200 ||
			paid.OurReference != "o" || paid.CustomerReference != "c" || paid.Revision != 2 || paid.Amount != 5 || paid.Imported {
			t.Errorf("paid: %+v", paid)
		}
		if withdrawn.DeletedAt.UnixMicro() != 400 || withdrawn.Open() || !open.Open() || !open.FulfilledAt.IsZero() {
			t.Errorf("withdrawn %+v, open %+v", withdrawn, open)
		}
		l, err := r.LetterOf(3)
		if err != nil || l.ID != 6 || l.Notice != 2 || l.Type != 1 {
			t.Errorf("letter %+v, %v", l, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{
		`PRAGMA foreign_keys = ON; DELETE FROM expected_payments`, `UPDATE expected_payments SET amount = 8`,
		`PRAGMA foreign_keys = ON; INSERT INTO correspondence (id, owner_id, top_id, type_id, expected_id, notice_id, created_at) VALUES (8, 20, 20, 1, 99, 2, 100)`,
	} {
		if err := run(query); err == nil {
			t.Errorf("%s went through", query)
		}
	}
}
