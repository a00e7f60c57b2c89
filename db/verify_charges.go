package db

import "topupd/billing"

const (
	sqlBookings = `SELECT c.id, c.owner_id, c.unit, c.gateway, c.credit, c.tax, c.fee, c.gross, c.state, c.posting_id, p.id
FROM charges c LEFT JOIN postings p ON p.charge_id = c.id AND p.kind = 'charge' ORDER BY c.id`
	sqlStrayBookings = `SELECT p.id FROM postings p WHERE p.kind = 'charge'
    AND (p.charge_id IS NULL OR NOT EXISTS (SELECT 1 FROM charges c WHERE c.id = p.charge_id))`
)

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
