package db_test

import (
	"testing"
	"time"

	"topupd/billing"
)

// TestVerifyFinds damages a database in every way that verify looks for in the ledger and
// its charges.
func TestVerifyFinds(t *testing.T) {
	verifyFinds(t, bookCharge, map[string]damage{
		"an entry was changed":      {`UPDATE entries SET micros = micros + 1 WHERE posting_id = 1 AND n = 0`, []string{"L1", "L3"}},
		"an account was changed":    {`UPDATE entries SET micros = micros + 1 WHERE posting_id = 1 AND n = 1`, []string{"L1"}},
		"a unit was changed":        {`UPDATE entries SET unit = 'EUR' WHERE posting_id = 1 AND n = 1`, []string{"L1", "L1"}},
		"the entries are gone":      {`DELETE FROM entries WHERE posting_id = 1`, []string{"L1", "L3"}},
		"the posting is gone":       {`DELETE FROM postings WHERE id = 1`, []string{"L1"}},
		"a balance was changed":     {`UPDATE buckets SET balance = 5 WHERE owner_id = 5`, []string{"L3"}},
		"a bucket is gone":          {`DELETE FROM buckets WHERE owner_id = 5`, []string{"L3"}},
		"a bucket without entries":  {`INSERT INTO buckets (owner_id, unit, top_id, balance, reserved) VALUES (20, 'USD', 20, 5, 0)`, []string{"L3"}},
		"a cause twice":             {`DROP INDEX postings_cause; UPDATE postings SET cause = 'x' WHERE id < 3`, []string{"L4", "L4"}},
		"a booking is gone":         {`UPDATE postings SET kind = 'adjustment' WHERE kind = 'charge'`, []string{"C4"}},
		"a booking of no charge":    {`UPDATE postings SET charge_id = NULL WHERE kind = 'charge'`, []string{"C4", "C4"}},
		"a booking of another":      {`UPDATE charges SET posting_id = 1 WHERE state = 'succeeded'`, []string{"C4"}},
		"booked and not succeeded":  {`UPDATE charges SET state = 'failed', posting_id = NULL WHERE state = 'succeeded'`, []string{"C4"}},
		"booked twice":              {`DROP INDEX postings_charge; UPDATE postings SET kind = 'charge', charge_id = 1 WHERE id = 1`, []string{"C4", "C4", "C4"}},
		"other amounts were booked": {`UPDATE charges SET credit = 9, gross = 12`, []string{"C4"}},
		"too much was booked":       {`UPDATE charges SET fee = 0, gross = 12`, []string{"C4"}},
		"two open charges": {`DROP INDEX charges_open;
INSERT INTO charges (owner_id, top_id, purpose, cause, card_id, gateway, unit, credit, tax, fee, gross, state, attempt, period, reason, created_at)
SELECT owner_id, top_id, purpose, cause || 'x', card_id, gateway, unit, credit, tax, fee, gross, 'created', 1, period, reason, created_at FROM charges;
INSERT INTO charges (owner_id, top_id, purpose, cause, card_id, gateway, unit, credit, tax, fee, gross, state, attempt, period, reason, created_at)
SELECT owner_id, top_id, purpose, cause || 'y', card_id, gateway, unit, credit, tax, fee, gross, 'created', 1, period, reason, created_at FROM charges WHERE id = 1`, []string{"C6", "C6"}},
	})
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
