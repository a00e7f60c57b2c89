package dbtest

import (
	"time"

	"topupd/billing"
)

// at is noon and some hours.
func at(hours int) time.Time { return noon.UTC().Add(time.Duration(hours) * time.Hour) }

func paymentRecords(w *world) {
	pays := func(hour int, kind billing.PostingKind, micros int64) billing.PaymentID {
		p := posting(alice, string(kind)+at(hour).String(), micros)
		p.Kind, p.EffectiveAt, p.Notes = kind, at(hour), "by "+string(kind)
		w.update(func(tx billing.Tx) error { return tx.Post(p) })
		return billing.PostingPayment(p.ID)
	}
	charge := func(hour int, change func(*billing.Charge), attempts ...billing.Attempt) billing.PaymentID {
		c := w.charge(alice, "charge"+at(hour).String())
		c.Purpose, c.By.Customer, c.CreatedAt = billing.PurposeManual, acme, at(hour)
		w.update(func(tx billing.Tx) error {
			if change != nil {
				change(c)
			}
			if err := tx.CreateCharge(c); err != nil {
				return err
			}
			for i, a := range attempts {
				a.Charge, a.N, a.Key, a.SubmittedAt = c.ID, i+1, c.Cause+string(rune('a'+i)), noon
				if a.State == billing.AttemptSucceeded || a.State == billing.AttemptDeclined {
					a.SettledAt = noon
				}
				if err := tx.AddAttempt(&a); err != nil {
					return err
				}
			}
			return nil
		})
		return billing.ChargePayment(c.ID)
	}
	ended := func(p billing.Purpose, s billing.ChargeState, attempt int) func(*billing.Charge) {
		return func(c *billing.Charge) {
			c.State, c.Purpose, c.Attempt, c.SettledAt, c.Reason = s, p, attempt, noon, "why"
			if p != billing.PurposeManual {
				c.By.Customer = 0
			}
		}
	}
	declined := billing.Attempt{State: billing.AttemptDeclined, Ref: "r1", Code: "no", Message: "not today"}

	add := pays(1, billing.PostAddFunds, 70)
	open := charge(2, nil)
	debit := pays(3, billing.PostDebit, -30)
	failed := charge(4, ended(billing.PurposeLowBalance, billing.ChargeFailed, 2), declined,
		billing.Attempt{State: billing.AttemptDeclined, Ref: "r2", Code: "never"})
	// Both at one moment: the charge comes first, as after the usage that led to it.
	refund := pays(5, billing.PostRefund, -10)
	same5 := charge(5, ended(billing.PurposeManual, billing.ChargeCancelled, 1))
	retried := charge(6, ended(billing.PurposeLowBalance, billing.ChargeCancelled, 2), declined)

	// None of these is a payment.
	charge(7, ended(billing.PurposeLowBalance, billing.ChargeCancelled, 1))
	pays(8, billing.PostAdjustment, 1)
	pays(8, billing.PostServiceCharge, -1)
	booked := posting(alice, "booked", 10)
	booked.Kind = billing.PostCharge
	w.update(func(tx billing.Tx) error { return tx.Post(booked) })
	paid := charge(9, func(c *billing.Charge) {
		ended(billing.PurposeManual, billing.ChargeSucceeded, 2)(c)
		c.Posting = booked.ID
	}, billing.Attempt{State: billing.AttemptSucceeded, Ref: "ok"},
		billing.Attempt{State: billing.AttemptSucceeded, Ref: "twice", Code: "captured_twice"})

	list := func(f billing.PaymentFilter) (ids []billing.PaymentID) {
		if f.Owner == 0 {
			f.Owner = alice
		}
		if f.Limit == 0 {
			f.Limit = 100
		}
		for _, p := range read(w, func(r billing.Reader) ([]billing.Payment, error) { return r.Payments(f) }) {
			ids = append(ids, p.ID)
		}
		return ids
	}
	all := []billing.PaymentID{paid, retried, same5, refund, failed, debit, open, add}
	same(w, list(billing.PaymentFilter{}), all)
	for offset := range all {
		same(w, list(billing.PaymentFilter{Offset: int64(offset), Limit: 2}), all[offset:min(offset+2, len(all))])
	}
	same(w, list(billing.PaymentFilter{Offset: 8}), nil)
	same(w, list(billing.PaymentFilter{Direction: billing.MoneyOut}), []billing.PaymentID{refund, debit})
	same(w, list(billing.PaymentFilter{Direction: billing.MoneyIn}), []billing.PaymentID{paid, retried, same5, failed, open, add})
	same(w, list(billing.PaymentFilter{From: at(2), Until: at(4)}), []billing.PaymentID{debit, open})
	same(w, list(billing.PaymentFilter{From: at(6)}), []billing.PaymentID{paid, retried})
	same(w, list(billing.PaymentFilter{Owner: bob}), nil)

	get := func(id billing.PaymentID) billing.Payment {
		p := read(w, func(r billing.Reader) (billing.Payment, error) { return r.Payment(alice, id) })
		utc(w, p)
		return p
	}
	same(w, get(debit), billing.Payment{
		ID: debit, Owner: alice, At: at(3), Unit: usd, Micros: -30, Kind: billing.PostDebit, Notes: "by debit",
	})
	want := billing.Payment{
		ID: paid, Owner: alice, At: at(9), Unit: usd, Micros: 10, Kind: billing.PostCharge,
		State: billing.ChargeSucceeded, Purpose: billing.PurposeManual, Card: "4242", Reason: "why", Attempt: billing.AttemptSucceeded, Ref: "ok",
	}
	same(w, get(paid), want)
	same(w, read(w, func(r billing.Reader) ([]billing.Payment, error) {
		return r.Payments(billing.PaymentFilter{Owner: alice, Limit: 1})
	}), []billing.Payment{want})
	if p := get(failed); p.Ref != "r2" || p.Code != "never" || p.Purpose != billing.PurposeLowBalance {
		w.Errorf("a failed charge is %+v", p)
	}
	if p := get(retried); p.Ref != "r1" || p.Message != "not today" {
		w.Errorf("a charge that was cancelled between two tries is %+v", p)
	}
	for _, id := range []billing.PaymentID{0, 1, billing.PostingPayment(booked.ID), billing.ChargePayment(999)} {
		missing(w, func(r billing.Reader) (billing.Payment, error) { return r.Payment(alice, id) })
	}
	for _, id := range all {
		missing(w, func(r billing.Reader) (billing.Payment, error) { return r.Payment(bob, id) })
	}
}

// paidSince holds that each part of what makes two payments the same counts.
func paidSince(w *world) {
	c := w.charge(alice, "by hand")
	c.Purpose, c.By, c.CreatedAt = billing.PurposeManual, billing.PaidBy{Customer: acme, Login: "acme", Input: "hash"}, at(0)
	w.update(func(tx billing.Tx) error { return tx.CreateCharge(c) })
	find := func(o billing.OwnerID, card billing.CardID, credit int64, by billing.OwnerID, login string, since int) func(billing.Reader) (billing.Charge, error) {
		return func(r billing.Reader) (billing.Charge, error) {
			return r.PaidSince(o, card, credit, by, login, at(since))
		}
	}
	same(w, read(w, find(alice, c.Card, 10, acme, "acme", -1)), *c)
	missing(w, find(alice, c.Card, 10, acme, "acme", 0))
	missing(w, find(bob, c.Card, 10, acme, "acme", -1))
	missing(w, find(alice, c.Card+1, 10, acme, "acme", -1))
	missing(w, find(alice, c.Card, 11, acme, "acme", -1))
	missing(w, find(alice, c.Card, 10, zeta, "acme", -1))
	missing(w, find(alice, c.Card, 10, acme, "other", -1))
	asked := func(o billing.OwnerID, input string, by billing.OwnerID, login string, since int) func(billing.Reader) (billing.Charge, error) {
		return func(r billing.Reader) (billing.Charge, error) { return r.PaidWithInput(o, input, by, login, at(since)) }
	}
	same(w, read(w, asked(alice, "hash", acme, "acme", -1)), *c)
	missing(w, asked(alice, "hash", acme, "acme", 0))
	missing(w, asked(alice, "", acme, "acme", -1))
	missing(w, asked(bob, "hash", acme, "acme", -1))
	missing(w, asked(alice, "hash", zeta, "acme", -1))
	missing(w, asked(alice, "hash", acme, "other", -1))
	newer := *c
	newer.ID, newer.Cause, newer.CreatedAt = 0, "again", at(1)
	w.update(func(tx billing.Tx) error { return tx.CreateCharge(&newer) })
	same(w, read(w, find(alice, c.Card, 10, acme, "acme", -1)), newer)
	newer.State, newer.SettledAt = billing.ChargeCancelled, at(1)
	w.update(func(tx billing.Tx) error { return tx.SetCharge(&newer) })
	same(w, read(w, find(alice, c.Card, 10, acme, "acme", -1)), *c)
	same(w, read(w, asked(alice, "hash", acme, "acme", -1)), *c)
}

// oneTimeCards holds that a card given with one payment never comes back.
func oneTimeCards(w *world) {
	good := func() billing.Card {
		return billing.Card{Owner: alice, Gateway: "sandbox", State: billing.CardDeleted, Aside: "one_time"}
	}
	put := func(tx billing.Tx, c *billing.Card) error { return tx.PutCard(c) }
	bad := map[string]func(*billing.Card){
		"usable":  func(c *billing.Card) { c.State = billing.CardUsable },
		"primary": func(c *billing.Card) { c.Primary = true },
	}
	each(w, billing.Conflict, good, put, bad)
	kept := good()
	w.update(func(tx billing.Tx) error { return tx.PutCard(&kept) })
	bad["another card"] = func(c *billing.Card) { c.Aside = "" }
	each(w, billing.Conflict, func() billing.Card { return kept }, put, bad)
}

// onePayment holds that a posting is one payment of an owner.
func onePayment(w *world) {
	p := posting(alice, "two", 10)
	p.Kind = billing.PostAddFunds
	p.Entries = append(p.Entries, p.Entries[0], p.Entries[1])
	w.refused(billing.Exists, "payment", func(tx billing.Tx) error { return tx.Post(p) })
}
