package dbtest

import (
	"math"
	"slices"
	"time"

	"topupd/billing"
)

func cardRecords(w *world) {
	var c billing.Card
	stuff(&c)
	c.ID, c.Owner, c.State, c.Last4, c.ExpMonth, c.Primary = 5000, alice, billing.CardAside, "0007", 12, false
	c.Type, c.Country = billing.CardJCB, "DE"
	w.update(func(tx billing.Tx) error { return tx.PutCard(&c) })
	get := func(r billing.Reader) (billing.Card, error) { return r.Card(c.ID) }
	got := read(w, get)
	same(w, got, c)
	utc(w, got)

	next := billing.Card{Owner: bob, Gateway: "stripe", State: billing.CardDeleted, Primary: true}
	w.update(func(tx billing.Tx) error { return tx.PutCard(&next) })
	if next.ID != 5001 {
		w.Errorf("the next card is %d, not above the highest", next.ID)
	}
	primary := read(w, func(r billing.Reader) (billing.Card, error) { return r.Card(w.card[alice]) })
	primary.Holder = "renamed"
	w.update(func(tx billing.Tx) error { return tx.PutCard(&primary) })
	same(w, read(w, func(r billing.Reader) (billing.Card, error) { return r.Card(primary.ID) }), primary)
	plain := billing.Card{ID: c.ID, Owner: alice, Gateway: "stripe", State: billing.CardUsable}
	w.update(func(tx billing.Tx) error { return tx.PutCard(&plain) })
	same(w, read(w, get), plain)

	ids := func(get func(billing.Reader) ([]billing.Card, error)) (ids []billing.CardID) {
		for _, c := range read(w, get) {
			ids = append(ids, c.ID)
		}
		return ids
	}
	first := w.card[alice]
	same(w, ids(func(r billing.Reader) ([]billing.Card, error) { return r.CardsOf(alice) }), []billing.CardID{first, c.ID})
	same(w, ids(func(r billing.Reader) ([]billing.Card, error) { return r.CardsOf(bob) }), []billing.CardID{w.card[bob], next.ID})
	same(w, ids(func(r billing.Reader) ([]billing.Card, error) { return r.Cards(w.card[carol], 9) }), []billing.CardID{c.ID, next.ID})
	missing(w, func(r billing.Reader) (billing.Card, error) { return r.Card(9999) })

	plain.ExpMonth, plain.ExpYear = 12, 2026
	w.update(func(tx billing.Tx) error { return tx.PutCard(&plain) })
	expiring := func(month int, after billing.CardID) []billing.CardID {
		return ids(func(r billing.Reader) ([]billing.Card, error) { return r.ExpiringCards(2026, month, after, 9) })
	}
	same(w, expiring(12, 0), []billing.CardID{plain.ID})
	same(w, expiring(11, 0), nil)
	same(w, expiring(12, plain.ID), nil)
	plain.State = billing.CardAside
	w.update(func(tx billing.Tx) error { return tx.PutCard(&plain) })
	same(w, expiring(12, 0), nil)
}

func mandateRecords(w *world) {
	get := func(r billing.Reader) (billing.Mandate, error) {
		return r.ActiveMandate(alice, billing.PurposeLowBalance)
	}
	missing(w, get)
	var m billing.Mandate
	stuff(&m)
	m.ID, m.Owner, m.Top, m.Purpose, m.Card, m.RevokedAt = 0, alice, acme, billing.PurposeLowBalance, w.card[alice], time.Time{}
	w.update(func(tx billing.Tx) error { return tx.PutMandate(&m) })
	got := read(w, get)
	same(w, got, m)
	utc(w, got)

	other := billing.Mandate{Owner: alice, Top: acme, Purpose: billing.PurposeBillingRun, At: noon}
	newer := billing.Mandate{Owner: alice, Top: acme, Purpose: billing.PurposeLowBalance, At: noon}
	old := billing.Mandate{Owner: alice, Top: acme, Purpose: billing.PurposeLowBalance, At: noon, RevokedAt: noon}
	for _, m := range []*billing.Mandate{&other, &newer, &old} {
		w.update(func(tx billing.Tx) error { return tx.PutMandate(m) })
	}
	same(w, read(w, get), newer)
	m.RevokedAt = newer.At
	all := read(w, func(r billing.Reader) ([]billing.Mandate, error) { return r.Mandates(alice) })
	same(w, all, []billing.Mandate{old, newer, other, m})
	same(w, read(w, func(r billing.Reader) ([]billing.Mandate, error) { return r.Mandates(bob) }), nil)
	w.update(func(tx billing.Tx) error { return tx.RevokeMandates(alice, billing.PurposeLowBalance, noon) })
	missing(w, get)
	same(w, read(w, func(r billing.Reader) (billing.Mandate, error) {
		return r.ActiveMandate(alice, billing.PurposeBillingRun)
	}), other)
}

func ledgerRecords(w *world) {
	var p billing.Posting
	stuff(&p)
	p.ID, p.Top, p.Charge = 0, acme, 0
	p.Entries = []billing.Entry{
		{Owner: alice, Unit: usd, Micros: -7},
		{Owner: bob, Unit: usd, Micros: 5},
		{Account: billing.AccountFee, Unit: usd, Micros: 2},
		{Owner: alice, Unit: sms, Micros: 100},
		{Account: billing.AccountRevenue, Unit: sms, Micros: -100},
	}
	w.update(func(tx billing.Tx) error { return tx.Post(&p) })
	got := read(w, func(r billing.Reader) (billing.Posting, error) { return r.PostingByCause(p.Cause) })
	same(w, got, p)
	utc(w, got)
	missing(w, func(r billing.Reader) (billing.Posting, error) { return r.PostingByCause("none") })

	bucket := func(o billing.OwnerID, u billing.Unit) billing.Bucket {
		return read(w, func(r billing.Reader) (billing.Bucket, error) { return r.Bucket(o, u) })
	}
	same(w, bucket(alice, usd), billing.Bucket{Owner: alice, Unit: usd, Balance: -7})
	same(w, bucket(alice, sms), billing.Bucket{Owner: alice, Unit: sms, Balance: 100})
	same(w, bucket(bob, usd), billing.Bucket{Owner: bob, Unit: usd, Balance: 5})
	same(w, bucket(carol, usd), billing.Bucket{Owner: carol, Unit: usd})

	q := posting(alice, "second", 3)
	w.update(func(tx billing.Tx) error { return tx.Post(q) })
	of := func(o billing.OwnerID, before billing.PostingID, limit int) []billing.Posting {
		return read(w, func(r billing.Reader) ([]billing.Posting, error) { return r.Postings(o, before, limit) })
	}
	q.BookedAt, q.EffectiveAt = q.BookedAt.UTC(), q.EffectiveAt.UTC()
	same(w, of(alice, 0, 9), []billing.Posting{*q, p})
	same(w, of(alice, q.ID, 9), []billing.Posting{p})
	same(w, of(alice, 0, 1), []billing.Posting{*q})
	same(w, of(bob, 0, 9), []billing.Posting{p})
	same(w, of(carol, 0, 9), nil)
}

func ledgerOverflow(w *world) {
	const top = math.MaxInt64
	post := func(cause string, micros int64) func(billing.Tx) error {
		return func(tx billing.Tx) error { return tx.Post(posting(alice, cause, micros)) }
	}
	w.update(post("most", top))
	w.refused(billing.Overflow, "", post("more", 1))
	w.refused(billing.Overflow, "", post("most again", top))
	w.update(post("none", -top))
	w.update(post("least", -top))
	w.refused(billing.Overflow, "", post("less", -1))
	w.refused(billing.Overflow, "", post("least again", -top))

	// Half a posting is not kept, also when the error is.
	err := w.s.Update(w.Context(), func(tx billing.Tx) error {
		_ = tx.Post(posting(alice, "swallowed", -5))
		return nil
	})
	if billing.ErrorCode(err) != billing.Overflow {
		w.Errorf("a swallowed overflow was committed: %v", err)
	}
	missing(w, func(r billing.Reader) (billing.Posting, error) { return r.PostingByCause("swallowed") })
	if found, err := w.s.Verify(w.Context(), 0); err != nil || len(found) != 0 {
		w.Errorf("verify: %v, %v", found, err)
	}
}

func chargeRecords(w *world) {
	var c billing.Charge
	stuff(&c)
	m := billing.Mandate{Owner: alice, Top: acme, Purpose: billing.PurposeLowBalance, At: noon}
	run := billing.Run{Job: billing.JobBilling}
	c.ID, c.Owner, c.Top, c.Card = 0, alice, acme, w.card[alice]
	c.Purpose, c.By.Customer = billing.PurposeManual, acmeE
	c.Credit, c.Tax, c.Fee, c.Gross = 100, 7, 3, 110
	c.State, c.SettledAt, c.Posting = billing.ChargeUnknown, time.Time{}, 0
	w.update(func(tx billing.Tx) error {
		if err := tx.PutMandate(&m); err != nil {
			return err
		}
		if err := tx.CreateRun(&run); err != nil {
			return err
		}
		c.Mandate, c.Run = m.ID, run.ID
		return tx.CreateCharge(&c)
	})
	get := func(r billing.Reader) (billing.Charge, error) { return r.Charge(c.ID) }
	got := read(w, get)
	same(w, got, c)
	utc(w, got)
	same(w, read(w, func(r billing.Reader) (billing.Charge, error) { return r.ChargeByCause(c.Cause) }), c)
	missing(w, func(r billing.Reader) (billing.Charge, error) { return r.Charge(c.ID + 1) })
	missing(w, func(r billing.Reader) (billing.Charge, error) { return r.ChargeByCause("none") })

	// What changes in its life, and nothing else.
	p := posting(alice, "booked", 100)
	p.Kind, p.Charge = billing.PostCharge, c.ID
	w.update(func(tx billing.Tx) error {
		if err := tx.Post(p); err != nil {
			return err
		}
		c.State, c.Attempt, c.DueAt, c.LeaseUntil, c.Reason = billing.ChargeSucceeded, 4, time.Time{}, time.Time{}, "why"
		c.Posting, c.SettledAt = p.ID, noon
		changed := c
		changed.Gross, changed.Cause, changed.Card, changed.Owner = 1, "changed", 9, bob
		return tx.SetCharge(&changed)
	})
	same(w, read(w, get), c)
	w.refused(billing.NotFound, "", func(tx billing.Tx) error {
		return tx.SetCharge(&billing.Charge{ID: 999, State: billing.ChargeCreated, Attempt: 1})
	})
	attemptRecords(w, c.ID)
}

func attemptRecords(w *world, id billing.ChargeID) {
	var a billing.Attempt
	stuff(&a)
	a.Charge, a.N, a.State, a.Class, a.Token = id, 2, billing.AttemptDeclined, billing.DeclineAuthentication, nil
	first := billing.Attempt{Charge: id, N: 1, Key: "k1", State: billing.AttemptSubmitted, SubmittedAt: noon, Token: []byte("sealed"), Customer: "cus"}
	w.update(func(tx billing.Tx) error {
		if err := tx.AddAttempt(&a); err != nil {
			return err
		}
		return tx.AddAttempt(&first)
	})
	get := func(r billing.Reader) ([]billing.Attempt, error) { return r.Attempts(id) }
	got := read(w, get)
	same(w, got, []billing.Attempt{first, a})
	utc(w, got)
	same(w, read(w, billing.Reader.SealedAttempts), []billing.SealedAttempt{{Charge: id, N: 1, Card: w.card[alice], Token: []byte("sealed")}})
	reseal := func(was string) (changed bool) {
		w.update(func(tx billing.Tx) (err error) {
			changed, err = tx.ResealAttempt(id, 1, []byte(was), []byte("anew"))
			return err
		})
		return changed
	}
	if reseal("other") || !reseal("sealed") || reseal("sealed") {
		w.Error("a token was resealed that was not what it was")
	}
	w.refused(billing.Conflict, "", func(tx billing.Tx) error {
		held := first
		held.State, held.SettledAt = billing.AttemptSucceeded, noon // with its token
		return tx.SetAttempt(&held)
	})
	first.Token = nil
	for class := billing.DeclineNone; class <= billing.DeclineAuthentication; class++ {
		first.State, first.SettledAt, first.Class, first.Lookups, first.Ref = billing.AttemptSucceeded, noon, class, 3, "ref"
		w.update(func(tx billing.Tx) error { return tx.SetAttempt(&first) })
		same(w, read(w, get), []billing.Attempt{first, a})
	}
	same(w, read(w, func(r billing.Reader) ([]billing.Attempt, error) { return r.Attempts(id + 1) }), nil)
	w.refused(billing.NotFound, "", func(tx billing.Tx) error {
		return tx.SetAttempt(&billing.Attempt{Charge: id, N: 3, State: billing.AttemptSubmitted})
	})
}

func dueCharges(w *world) {
	at := func(o billing.OwnerID, due, lease time.Time) billing.DueCharge {
		c := w.charge(o, o.String())
		c.DueAt, c.LeaseUntil = due, lease
		w.update(func(tx billing.Tx) error { return tx.CreateCharge(c) })
		return billing.DueCharge{ID: c.ID, Owner: o}
	}
	a := at(alice, noon, time.Time{})
	b := at(bob, noon.Add(-time.Hour), noon)
	at(carol, time.Time{}, time.Time{})
	due := func(now, real time.Time, limit int) []billing.DueCharge {
		return read(w, func(r billing.Reader) ([]billing.DueCharge, error) {
			return r.DueCharges(billing.DueFilter{Now: now, Real: real, Limit: limit})
		})
	}
	same(w, due(noon, noon, 9), []billing.DueCharge{b, a})
	same(w, due(noon, noon, 1), []billing.DueCharge{b})
	same(w, due(noon, noon.Add(-time.Microsecond), 9), []billing.DueCharge{a})
	same(w, due(noon.Add(-time.Microsecond), noon, 9), []billing.DueCharge{b})

	filtered := func(f billing.DueFilter) []billing.DueCharge {
		f.Now, f.Real = noon, noon
		return read(w, func(r billing.Reader) ([]billing.DueCharge, error) { return r.DueCharges(f) })
	}
	w.update(func(tx billing.Tx) error {
		c, err := tx.Charge(b.ID)
		if err != nil {
			return err
		}
		c.State = billing.ChargeUnknown
		return tx.SetCharge(&c)
	})
	same(w, filtered(billing.DueFilter{AskOnly: true}), []billing.DueCharge{b})
	same(w, filtered(billing.DueFilter{Except: []string{"stripe", "hook", "x", "sandbox"}}), nil)
	same(w, filtered(billing.DueFilter{Except: []string{"stripe"}}), []billing.DueCharge{b, a})
}

func automaticHistory(w *world) {
	w.update(func(tx billing.Tx) error {
		for i, state := range []billing.ChargeState{billing.ChargeFailed, billing.ChargeCancelled, billing.ChargeFailed, billing.ChargeCreated} {
			c := w.charge(alice, string(rune('a'+i)))
			c.State, c.CreatedAt = state, noon.Add(time.Duration(i)*time.Hour)
			c.Credit, c.Gross = int64(i+1), int64(i+1)
			if state != billing.ChargeCreated {
				c.SettledAt = noon
			}
			if i == 2 {
				c.Purpose = billing.PurposeBillingRun
			}
			if err := tx.CreateCharge(c); err != nil {
				return err
			}
		}
		m := w.charge(alice, "manual")
		m.Purpose, m.By.Customer = billing.PurposeManual, acme
		return tx.CreateCharge(m)
	})
	since := func(o billing.OwnerID, t time.Time) []billing.AutomaticCharge {
		return read(w, func(r billing.Reader) ([]billing.AutomaticCharge, error) { return r.AutomaticSince(o, t) })
	}
	all := []billing.AutomaticCharge{
		{Purpose: billing.PurposeLowBalance, At: noon.Add(3 * time.Hour), Gross: 4},
		{Purpose: billing.PurposeBillingRun, At: noon.Add(2 * time.Hour), Gross: 3, Failed: true},
		{Purpose: billing.PurposeLowBalance, At: noon, Gross: 1, Failed: true},
	}
	same(w, since(alice, time.Time{}), all)
	same(w, since(alice, noon), all)
	same(w, since(alice, noon.Add(time.Microsecond)), all[:2])
	same(w, since(bob, time.Time{}), nil)
}

func runTally(w *world) {
	run := billing.Run{Job: billing.JobLowBalance}
	w.update(func(tx billing.Tx) error { return tx.CreateRun(&run) })
	tally := func() billing.Tally {
		return read(w, func(r billing.Reader) (billing.Tally, error) { return r.RunTally(run.ID) })
	}
	same(w, tally(), billing.Tally{})
	a, b, c := w.charge(alice, "a"), w.charge(bob, "b"), w.charge(carol, "c")
	w.update(func(tx billing.Tx) error {
		for _, c := range []*billing.Charge{a, b, c} {
			c.Run = run.ID
			if err := tx.CreateCharge(c); err != nil {
				return err
			}
		}
		p := posting(alice, "p", 10)
		p.Kind, p.Charge = billing.PostCharge, a.ID
		if err := tx.Post(p); err != nil {
			return err
		}
		a.State, a.Posting, a.SettledAt = billing.ChargeSucceeded, p.ID, noon
		b.State, b.SettledAt = billing.ChargeFailed, noon
		c.State = billing.ChargeUnknown
		for i, try := range []struct {
			c *billing.Charge
			s billing.AttemptState
		}{{a, billing.AttemptDeclined}, {a, billing.AttemptSucceeded}, {b, billing.AttemptDeclined}, {c, billing.AttemptUnknown}} {
			at := billing.Attempt{Charge: try.c.ID, N: i + 1, Key: string(rune('k' + i)), State: try.s}
			if try.s != billing.AttemptUnknown {
				at.SettledAt = noon
			}
			if err := tx.AddAttempt(&at); err != nil {
				return err
			}
		}
		for _, c := range []*billing.Charge{a, b, c} {
			if err := tx.SetCharge(c); err != nil {
				return err
			}
		}
		return tx.CreateNotice(&billing.Notice{Owner: alice, Top: acme, Kind: billing.NoticeReceipt, Cause: "r", State: billing.NoticePending, Run: run.ID})
	})
	same(w, tally(), billing.Tally{Charges: 3, Charged: 1, Declined: 1, Unknown: 1, Mails: 1})

	// One that waits to be sent, and one that waits for its next try after a decline.
	d, f := w.charge(alice, "d"), w.charge(bob, "f")
	d.Run, f.Run = run.ID, run.ID
	w.update(func(tx billing.Tx) error {
		if err := tx.CreateCharge(d); err != nil {
			return err
		}
		if err := tx.AddAttempt(&billing.Attempt{Charge: d.ID, N: 1, Key: "d", State: billing.AttemptNotSent}); err != nil {
			return err
		}
		if err := tx.CreateCharge(f); err != nil {
			return err
		}
		return tx.AddAttempt(&billing.Attempt{Charge: f.ID, N: 1, Key: "f", State: billing.AttemptDeclined, SettledAt: noon})
	})
	same(w, tally(), billing.Tally{Charges: 5, Charged: 1, Declined: 2, Unknown: 1, Waiting: 1, Mails: 1})
	var got []billing.ChargeID
	for _, c := range read(w, func(r billing.Reader) ([]billing.Charge, error) {
		return r.Charges(billing.ChargeFilter{Run: run.ID})
	}) {
		got = append(got, c.ID)
	}
	slices.Sort(got)
	same(w, got, []billing.ChargeID{a.ID, b.ID, c.ID, d.ID, f.ID})
}
