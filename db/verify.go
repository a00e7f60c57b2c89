package db

import (
	"context"
	"fmt"

	"topupd/billing"
)

// Verify checks the invariants that a ledger can be trusted by, on one
// snapshot and in streams: its memory does not follow the size of the ledger.
// limit 0 is all.
func (s *Store) Verify(ctx context.Context, limit int) ([]billing.Discrepancy, error) {
	v := &verifier{ctx: ctx, limit: limit, hasRule: s.hasRule()}
	err := s.View(ctx, func(r billing.Reader) error {
		v.r = readerOf(r)
		for _, check := range []func() error{
			v.rulesInForce, v.zeroSums, v.orphans, v.balances, v.causes, v.bookings, v.openCharges, v.givenBack,
			v.topups, v.orders, v.poolTopUps, v.balanceTopups, v.topupRules, v.reserved, v.transfers, v.closedBuckets, v.deliveries,
		} {
			if err := check(); err != nil {
				return err
			}
		}
		return nil
	})
	if err == errEnough {
		err = nil
	}
	return v.found, err
}

type verifier struct {
	ctx     context.Context
	r       *reader
	limit   int
	hasRule string // the query of a rule by its name
	found   []billing.Discrepancy
}

// add keeps what was found; errEnough when nobody wants more.
func (v *verifier) add(invariant, format string, args ...any) error {
	v.found = append(v.found, billing.Discrepancy{Invariant: invariant, What: fmt.Sprintf(format, args...)})
	if v.limit > 0 && len(v.found) >= v.limit {
		return errEnough
	}
	return nil
}

// each streams a query and stops when the caller gives up.
func (v *verifier) each(scan func(*row) error, query string, args ...any) error {
	return v.r.each(func(r *row) error {
		if err := v.ctx.Err(); err != nil {
			return cancelled(err)
		}
		return scan(r)
	}, query, args...)
}

// The rules that the database itself keeps; without one of them nothing else
// that is found correct stays so.
var enforced = []struct{ invariant, name string }{
	{"L2", "entries_no_delete"}, {"L2", "entries_no_update"},
	{"L2", "postings_no_delete"}, {"L2", "postings_no_update"},
	{"L4", "postings_cause"}, {"C4", "postings_charge"}, {"C6", "charges_open"},
	{"E1", "expected_payments_once"}, {"E1", "expected_payments_charge"}, {"E1", "expected_payments_no_delete"},
	{"E2", "correspondence_expected"}, {"O1", "orders_payment"}, {"P1", "pool_topups_posting"},
	{"R1", "reservations_frozen"}, {"R1", "reservations_final"}, {"R1", "reservations_no_delete"},
	{"H1", "deliveries_head"},
	{"T1", "transfers_frozen"}, {"T1", "transfers_no_delete"},
	{"U1", "topups_charge"}, {"U1", "topups_posting"}, {"U1", "topups_frozen"}, {"U1", "topups_charge_stays"}, {"U1", "topups_final"},
	{"U1", "topups_credited"}, {"U1", "topups_no_delete"},
	{"U2", "topups_once"}, {"U2", "topups_one_open"}, {"U2", "topup_rules_frozen"}, {"U2", "topup_rules_over"}, {"U2", "topup_rules_no_delete"},
}

func (v *verifier) rulesInForce() error {
	for _, rule := range enforced {
		there, err := v.r.first(func(*row) {}, v.hasRule, rule.name)
		if err == nil && !there {
			err = v.add(rule.invariant, "the rule %s is missing from the database", rule.name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const sqlAllEntries = `SELECT e.posting_id, p.id, e.unit, e.micros FROM entries e LEFT JOIN postings p ON p.id = e.posting_id
ORDER BY e.posting_id`

// zeroSums is L1: every posting sums to zero per unit.
func (v *verifier) zeroSums() error {
	var now int64
	sums := map[string]int64{}
	flush := func() error {
		for unit, sum := range sums {
			if sum != 0 {
				if err := v.add("L1", "posting %d sums to %s %s", now, billing.FormatMicros(sum), unit); err != nil {
					return err
				}
			}
		}
		clear(sums)
		return nil
	}
	err := v.each(func(r *row) error {
		id, posting := r.int64(), r.opt()
		if id != now {
			if err := flush(); err != nil {
				return err
			}
			now = id
			if posting == nil {
				if err := v.add("L1", "there are entries of posting %d, which is not there", id); err != nil {
					return err
				}
			}
		}
		unit := r.text()
		sums[unit] += r.int64() // beyond int64 it wraps, and wraps back
		return nil
	}, sqlAllEntries)
	if err != nil {
		return err
	}
	return flush()
}

const sqlOrphans = `SELECT p.id FROM postings p WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.posting_id = p.id)`

func (v *verifier) orphans() error {
	return v.each(func(r *row) error {
		return v.add("L1", "posting %d has no entries", r.int64())
	}, sqlOrphans)
}

const (
	sqlOwnerEntries = `SELECT e.owner_id, e.unit, e.micros, b.balance
FROM entries e LEFT JOIN buckets b ON b.owner_id = e.owner_id AND b.unit = e.unit
WHERE e.owner_id IS NOT NULL ORDER BY e.owner_id`
	sqlEmptyBuckets = `SELECT b.owner_id, b.unit, b.balance FROM buckets b WHERE b.balance <> 0 AND NOT EXISTS (
    SELECT 1 FROM entries e WHERE e.owner_id = b.owner_id AND e.unit = b.unit)`
)

type bucketSum struct {
	sum     int64
	balance *int64 // nil: no bucket
}

// balances is L3: a balance is the sum of its entries.
func (v *verifier) balances() error {
	var owner billing.OwnerID
	sums := map[string]bucketSum{}
	flush := func() error {
		for unit, b := range sums {
			var err error
			switch {
			case b.balance == nil:
				err = v.add("L3", "%s has entries in %s and no bucket", owner, unit)
			case *b.balance != b.sum:
				err = v.add("L3", "%s has %s %s, its entries sum to %s", owner, billing.FormatMicros(*b.balance), unit, billing.FormatMicros(b.sum))
			}
			if err != nil {
				return err
			}
		}
		clear(sums)
		return nil
	}
	err := v.each(func(r *row) error {
		if o := billing.OwnerID(r.int64()); o != owner {
			if err := flush(); err != nil {
				return err
			}
			owner = o
		}
		unit := r.text()
		b := sums[unit]
		b.sum += r.int64()
		b.balance = r.opt()
		sums[unit] = b
		return nil
	}, sqlOwnerEntries)
	if err == nil {
		err = flush()
	}
	if err != nil {
		return err
	}
	return v.each(func(r *row) error {
		o, unit := billing.OwnerID(r.int64()), r.text()
		return v.add("L3", "%s has %s %s and no entries", o, billing.FormatMicros(r.int64()), unit)
	}, sqlEmptyBuckets)
}

const sqlCauses = `SELECT cause, COUNT(*) FROM postings GROUP BY cause HAVING COUNT(*) > 1`

// causes is L4: one posting per cause.
func (v *verifier) causes() error {
	return v.each(func(r *row) error {
		cause := r.text()
		return v.add("L4", "the cause %s is booked %d times", cause, r.int64())
	}, sqlCauses)
}

const sqlOpenCharges = `SELECT owner_id, COUNT(*) FROM charges WHERE purpose <> 'manual' AND settled_at IS NULL
GROUP BY owner_id HAVING COUNT(*) > 1`

// openCharges is C6: at most one open automatic charge per owner.
func (v *verifier) openCharges() error {
	return v.each(func(r *row) error {
		o := billing.OwnerID(r.int64())
		return v.add("C6", "%s has %d open automatic charges", o, r.int64())
	}, sqlOpenCharges)
}

const (
	sqlBookings = `SELECT c.id, c.owner_id, c.unit, c.gateway, c.credit, c.tax, c.fee, c.gross, c.state, c.posting_id, p.id
FROM charges c LEFT JOIN postings p ON p.charge_id = c.id AND p.kind = 'charge' ORDER BY c.id, p.id`
	sqlStrayBookings = `SELECT p.id FROM postings p WHERE p.kind = 'charge'
    AND (p.charge_id IS NULL OR NOT EXISTS (SELECT 1 FROM charges c WHERE c.id = p.charge_id))`
)

// sqlGivenBack compares, for each charge of which something went back, what the
// refunds and disputes say with what the ledger took from the gateway's cash.
const sqlGivenBack = `SELECT c.id, c.unit, c.gross,
    (SELECT COALESCE(SUM(f.amount), 0) FROM refunds f WHERE f.charge_id = c.id AND f.state = 'succeeded'),
    (SELECT COALESCE(SUM(d.withdrawn - d.reinstated), 0) FROM disputes d WHERE d.charge_id = c.id),
    (SELECT COALESCE(SUM(-e.micros), 0) FROM postings p JOIN entries e ON e.posting_id = p.id
        WHERE p.charge_id = c.id AND p.kind IN ('charge', 'refund', 'dispute') AND e.account = 'cash:' || c.gateway)
FROM charges c WHERE c.id IN (SELECT charge_id FROM refunds UNION SELECT charge_id FROM disputes)
    OR c.id IN (SELECT charge_id FROM postings WHERE kind IN ('refund', 'dispute') AND charge_id IS NOT NULL)
ORDER BY c.id`

// givenBack is C8: captured - refunded - withdrawn + reinstated is what is
// credited, taxed and taken as fee.
func (v *verifier) givenBack() error {
	return v.each(func(r *row) error {
		id, unit, gross := r.int64(), r.text(), r.int64()
		refunded, disputed, cash := r.int64(), r.int64(), r.int64()
		if gross-refunded-disputed == cash {
			return nil
		}
		return v.add("C8", "charge %d captured %s %s, %s went back by refunds and %s by disputes, and %s are booked", id,
			billing.FormatMicros(gross), unit, billing.FormatMicros(refunded), billing.FormatMicros(disputed), billing.FormatMicros(cash))
	}, sqlGivenBack)
}

// bookings is C4: a charge succeeded if and only if exactly one posting books
// it, with its amounts.
func (v *verifier) bookings() error {
	var last billing.ChargeID
	err := v.each(func(r *row) error {
		var c billing.Charge
		c.ID = billing.ChargeID(r.int64())
		c.Owner = billing.OwnerID(r.int64())
		c.Unit = billing.Unit(r.text())
		c.Gateway = r.text()
		c.Credit, c.Tax, c.Fee, c.Gross = r.int64(), r.int64(), r.int64(), r.int64()
		c.State = billing.ChargeState(r.text())
		c.Posting = billing.PostingID(r.int64())
		booked := billing.PostingID(r.int64())
		again := c.ID == last
		last = c.ID
		if again {
			return v.add("C4", "charge %d is booked again by posting %d", c.ID, booked)
		}
		return v.booking(&c, booked)
	}, sqlBookings)
	if err != nil {
		return err
	}
	return v.each(func(r *row) error {
		return v.add("C4", "posting %d books a charge that is not there", r.int64())
	}, sqlStrayBookings)
}

// booking compares one charge with the posting that books it, 0 if none.
func (v *verifier) booking(c *billing.Charge, booked billing.PostingID) error {
	succeeded := c.State == billing.ChargeSucceeded
	switch {
	case succeeded && booked == 0:
		return v.add("C4", "charge %d succeeded and is not booked", c.ID)
	case !succeeded && booked != 0:
		return v.add("C4", "charge %d is %s and posting %d books it", c.ID, c.State, booked)
	case !succeeded:
		return nil
	case c.Posting != booked:
		return v.add("C4", "charge %d names posting %d, posting %d books it", c.ID, c.Posting, booked)
	}
	p := billing.Posting{ID: booked}
	if err := v.r.fillEntries(&p); err != nil {
		return err
	}
	got := map[billing.Entry]int64{}
	for _, e := range p.Entries {
		m := e.Micros
		e.Micros = 0
		got[e] += m
	}
	want := map[billing.Entry]int64{
		{Owner: c.Owner, Unit: c.Unit}:                          c.Credit,
		{Account: billing.CashAccount(c.Gateway), Unit: c.Unit}: -c.Gross,
	}
	if c.Tax != 0 {
		want[billing.Entry{Account: billing.AccountTax, Unit: c.Unit}] = c.Tax
	}
	if c.Fee != 0 {
		want[billing.Entry{Account: billing.AccountFee, Unit: c.Unit}] = c.Fee
	}
	for side, micros := range want {
		if got[side] != micros {
			return v.add("C4", "posting %d does not book the amounts of charge %d", booked, c.ID)
		}
	}
	if len(got) != len(want) {
		return v.add("C4", "posting %d books more than charge %d", booked, c.ID)
	}
	return nil
}
