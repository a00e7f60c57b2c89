package db_test

import (
	"testing"
	"time"

	"topupd/billing"
)

// TestVerifyFindsActions damages what verify looks for in transfers, reservations and
// closed buckets.
func TestVerifyFindsActions(t *testing.T) {
	verifyFinds(t, balanceActions, map[string]damage{
		"more is reserved":        {`UPDATE buckets SET reserved = 8 WHERE owner_id = 3 AND unit = 'USD'`, []string{"R1"}},
		"nothing is reserved":     {`UPDATE buckets SET reserved = 0 WHERE owner_id = 3 AND unit = 'USD'`, []string{"R1"}},
		"reserved by nobody":      {`UPDATE buckets SET reserved = 1 WHERE owner_id = 7 AND unit = 'USD'`, []string{"R1"}},
		"a reservation ended":     {`UPDATE reservations SET state = 'released', closed_at = 9000000000000000`, []string{"R1"}},
		"another amount":          {`UPDATE transfers SET amount = 6`, []string{"T1"}},
		"another cost":            {`UPDATE transfers SET cost = 3`, []string{"T1"}},
		"another bears the cost":  {`UPDATE transfers SET cost_by = 'receiver'`, []string{"T1"}},
		"the sides are not there": {`UPDATE transfers SET out_id = NULL, in_id = NULL`, []string{"T1", "T1"}},
		"the transfer is gone":    {`DELETE FROM transfers`, []string{"T1", "T1"}},
		"a closed bucket is not empty": {`UPDATE buckets SET reserved = 0 WHERE unit = 'SMS';
INSERT INTO postings (top_id, kind, cause, input, notes, actor) VALUES (4, 'credit', 'x', '', '', '');
INSERT INTO entries (posting_id, n, top_id, owner_id, unit, micros) SELECT id, 0, 4, 3, 'SMS', 5 FROM postings WHERE cause = 'x';
INSERT INTO entries (posting_id, n, top_id, account, unit, micros) SELECT id, 1, 4, 'usage', 'SMS', -5 FROM postings WHERE cause = 'x';
UPDATE buckets SET balance = 5 WHERE unit = 'SMS'`, []string{"B1"}},
	})
}

// balanceActions is a transfer from account 1 to account 2, a reservation of account 1,
// and its closed bucket.
func balanceActions(tx billing.Tx) error {
	if err := fill(tx, 3); err != nil {
		return err
	}
	at := time.Now()
	id := func(k billing.ActionKind) billing.ActionID {
		a := billing.BalanceAction{Kind: k, Owner: billing.Account(1), Top: acme, CreatedAt: at}
		if err := tx.AddBalanceAction(&a); err != nil {
			panic(err)
		}
		return a.ID
	}
	x := billing.Transfer{
		ID: id(billing.ActionTransfer), From: billing.Account(1), Top: acme, To: billing.Account(2), ToTop: acme, Unit: usd,
		Amount: 5, Cost: 2, CostBy: billing.CostByOriginator, CreatedAt: at, UpdatedAt: at,
	}
	out := billing.Posting{Top: acme, Kind: billing.PostTransfer, Cause: "transfer_out:1", Entries: []billing.Entry{
		{Owner: x.From, Unit: usd, Micros: -5}, {Account: billing.AccountTransfer, Unit: usd, Micros: 5},
		{Owner: x.From, Unit: usd, Micros: -2}, {Account: billing.AccountRevenue, Unit: usd, Micros: 2},
	}}
	in := billing.Posting{Top: acme, Kind: billing.PostTransfer, Cause: "transfer_in:1", Entries: []billing.Entry{
		{Owner: x.To, Unit: usd, Micros: 5}, {Account: billing.AccountTransfer, Unit: usd, Micros: -5},
	}}
	for _, p := range []*billing.Posting{&out, &in} {
		if err := tx.Post(p); err != nil {
			return err
		}
	}
	x.Out, x.In = out.ID, in.ID
	if err := tx.CreateTransfer(&x); err != nil {
		return err
	}
	v := billing.Reservation{
		ID: id(billing.ActionReservation), Owner: billing.Account(1), Top: acme, Unit: usd, Amount: 4, State: billing.ReservationHeld,
		CreatedAt: at, UpdatedAt: at,
	}
	if err := tx.CreateReservation(&v); err != nil {
		return err
	}
	return tx.PutOpenedBucket(&billing.OpenedBucket{
		Bucket: billing.Bucket{Owner: billing.Account(1), Unit: billing.UnitSMS}, Top: acme, CreatedAt: at, ClosedAt: at,
	})
}
