package db_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"topupd/billing"
	"topupd/db"
)

// TestVerifyFinds damages a database in every way that verify looks for.
func TestVerifyFinds(t *testing.T) {
	const free = `DROP TRIGGER entries_no_update; DROP TRIGGER entries_no_delete;
DROP TRIGGER postings_no_update; DROP TRIGGER postings_no_delete; `
	for name, c := range map[string]struct {
		damage string
		want   []string // the invariants that are reported, beside the missing triggers
	}{
		"a trigger is gone":         {`DROP TRIGGER entries_no_update`, []string{"L2"}},
		"an entry was changed":      {free + `UPDATE entries SET micros = micros + 1 WHERE posting_id = 1 AND n = 0`, []string{"L1", "L3"}},
		"an account was changed":    {free + `UPDATE entries SET micros = micros + 1 WHERE posting_id = 1 AND n = 1`, []string{"L1"}},
		"a unit was changed":        {free + `UPDATE entries SET unit = 'EUR' WHERE posting_id = 1 AND n = 1`, []string{"L1", "L1"}},
		"the entries are gone":      {free + `DELETE FROM entries WHERE posting_id = 1`, []string{"L1", "L3"}},
		"the posting is gone":       {free + `DELETE FROM postings WHERE id = 1`, []string{"L1"}},
		"a balance was changed":     {`UPDATE buckets SET balance = 5 WHERE owner_id = 5`, []string{"L3"}},
		"a bucket is gone":          {`DELETE FROM buckets WHERE owner_id = 5`, []string{"L3"}},
		"a bucket without entries":  {`INSERT INTO buckets VALUES (20, 'USD', 20, 5, 0)`, []string{"L3"}},
		"a cause twice":             {free + `DROP INDEX postings_cause; UPDATE postings SET cause = 'x' WHERE id < 3`, []string{"L4", "L4"}},
		"a booking is gone":         {free + `UPDATE postings SET kind = 'adjustment' WHERE kind = 'charge'`, []string{"C4"}},
		"a booking of no charge":    {free + `UPDATE postings SET charge_id = NULL WHERE kind = 'charge'`, []string{"C4", "C4"}},
		"a booking of another":      {`PRAGMA ignore_check_constraints = ON; UPDATE charges SET posting_id = 1 WHERE state = 'succeeded'`, []string{"C4"}},
		"booked and not succeeded":  {`UPDATE charges SET state = 'failed', posting_id = NULL WHERE state = 'succeeded'`, []string{"C4"}},
		"booked twice":              {free + `DROP INDEX postings_charge; UPDATE postings SET kind = 'charge', charge_id = 1 WHERE id = 1`, []string{"C4", "C4", "C4"}},
		"other amounts were booked": {`DROP TRIGGER charges_frozen; UPDATE charges SET credit = 9, gross = 12`, []string{"C4"}},
		"too much was booked":       {`DROP TRIGGER charges_frozen; UPDATE charges SET fee = 0, gross = 12`, []string{"C4"}},
		"two open charges": {`DROP INDEX charges_open; INSERT INTO charges SELECT NULL, owner_id, top_id, purpose, cause || 'x', card_id, gateway,
mandate_id, unit, credit, tax, fee, gross, 'created', 1, NULL, NULL, period, run_id, reason, NULL, created_at, NULL, NULL, '', '', '', '' FROM charges;
INSERT INTO charges SELECT NULL, owner_id, top_id, purpose, cause || 'y', card_id, gateway,
mandate_id, unit, credit, tax, fee, gross, 'created', 1, NULL, NULL, period, run_id, reason, NULL, created_at, NULL, NULL, '', '', '', '' FROM charges WHERE id = 1`, []string{"C6", "C6"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "t.db")
			s, err := db.Open(t.Context(), path, db.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			update(t, s, bookCharge)
			if found, err := s.Verify(t.Context(), 0); err != nil || len(found) != 0 {
				t.Fatalf("before the damage: %v %v", found, err)
			}
			if err := execRaw(path, "foreign_keys(OFF)", c.damage); err != nil {
				t.Fatal(err)
			}
			found, err := s.Verify(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range found {
				if !strings.Contains(c.damage, free) || !strings.Contains(d.What, "_no_") {
					got = append(got, d.Invariant)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", found, c.want)
			}
			if len(found) > 1 {
				if some, err := s.Verify(t.Context(), 1); err != nil || len(some) != 1 {
					t.Errorf("with limit 1: %v %v", some, err)
				}
			}
		})
	}
}

// bookCharge makes three accounts and a charge of the first that succeeded.
func bookCharge(tx billing.Tx) error {
	if err := fill(tx, 3); err != nil {
		return err
	}
	o, at := billing.Account(1), time.Now()
	c := billing.Card{Owner: o, Gateway: "sandbox", State: billing.CardUsable}
	if err := tx.PutCard(&c); err != nil {
		return err
	}
	charge := billing.Charge{
		Owner: o, Top: acme, Purpose: billing.PurposeLowBalance, Cause: "c", Card: c.ID, Gateway: "sandbox", Unit: usd,
		Credit: 10, Tax: 2, Fee: 1, Gross: 13, State: billing.ChargeCreated, Attempt: 1, CreatedAt: at,
	}
	if err := tx.CreateCharge(&charge); err != nil {
		return err
	}
	p := billing.Posting{
		Top: acme, Kind: billing.PostCharge, Cause: "charge:1", Charge: charge.ID,
		Entries: []billing.Entry{
			{Owner: o, Unit: usd, Micros: 10},
			{Account: billing.CashAccount("sandbox"), Unit: usd, Micros: -13},
			{Account: billing.AccountTax, Unit: usd, Micros: 2},
			{Account: billing.AccountFee, Unit: usd, Micros: 1},
		},
	}
	if err := tx.Post(&p); err != nil {
		return err
	}
	charge.State, charge.Posting, charge.SettledAt = billing.ChargeSucceeded, p.ID, at
	return tx.SetCharge(&charge)
}
