package dbtest

import (
	"time"

	"topupd/billing"
)

// created makes a charge of alice with an attempt.
func (w *world) created(cause string) *billing.Charge {
	c := w.charge(alice, cause)
	c.Purpose, c.By.Customer = billing.PurposeManual, acme
	w.update(func(tx billing.Tx) error {
		if err := tx.CreateCharge(c); err != nil {
			return err
		}
		return tx.AddAttempt(&billing.Attempt{Charge: c.ID, N: 1, Key: "key " + cause, State: billing.AttemptSubmitted, SubmittedAt: noon})
	})
	return c
}

func attemptsByKeyAndRef(w *world) {
	c, d := w.created("c"), w.created("d")
	later := noon.Add(time.Hour)
	w.update(func(tx billing.Tx) error {
		for _, a := range []billing.Attempt{
			{Charge: c.ID, N: 2, Key: "k2", Gateway: "stripe", Ref: "pi_1", Print: "p", State: billing.AttemptDeclined, SubmittedAt: noon, SettledAt: noon},
			{Charge: d.ID, N: 2, Key: "k3", Gateway: "stripe", Ref: "pi_1", Print: "p", State: billing.AttemptDeclined, SubmittedAt: later, SettledAt: later},
			{Charge: d.ID, N: 3, Key: "k4", Gateway: "hook", Ref: "", Print: "p", State: billing.AttemptSubmitted, SubmittedAt: later},
		} {
			if err := tx.AddAttempt(&a); err != nil {
				return err
			}
		}
		return nil
	})
	byKey := read(w, func(r billing.Reader) (billing.Attempt, error) { return r.AttemptByKey("k2") })
	same(w, byKey.Charge, c.ID)
	byRef := read(w, func(r billing.Reader) (billing.Attempt, error) { return r.AttemptByRef("stripe", "pi_1") })
	same(w, byRef.Charge, d.ID)
	missing(w, func(r billing.Reader) (billing.Attempt, error) { return r.AttemptByKey("none") })
	missing(w, func(r billing.Reader) (billing.Attempt, error) { return r.AttemptByRef("hook", "pi_1") })
	missing(w, func(r billing.Reader) (billing.Attempt, error) { return r.AttemptByRef("hook", "") })

	tries := func(since time.Time, limit int) []billing.DeclinedTry {
		return read(w, func(r billing.Reader) ([]billing.DeclinedTry, error) { return r.DeclinedTries("p", since, limit) })
	}
	both := []billing.DeclinedTry{{At: later, Unit: usd, Gross: 10}, {At: noon, Unit: usd, Gross: 10}}
	same(w, tries(noon, 9), both)
	same(w, tries(noon, 1), both[:1])
	same(w, tries(later, 9), both[:1])

	w.view(func(r billing.Reader) error {
		n, money, err := r.SubmittedSince(later)
		same(w, n, int64(2))
		same(w, money, map[billing.Unit]int64{usd: 20})
		return err
	})
	w.refused(billing.Exists, "key", func(tx billing.Tx) error {
		return tx.AddAttempt(&billing.Attempt{Charge: c.ID, N: 9, Key: "k4", State: billing.AttemptSubmitted})
	})
}

func refundRecords(w *world) {
	c := w.created("c")
	var f billing.Refund
	stuff(&f)
	f.ID, f.Charge, f.Owner, f.Top, f.State = 0, c.ID, alice, acme, billing.RefundUnknown
	f.Posting, f.Reversal, f.SettledAt = 0, 0, time.Time{}
	w.update(func(tx billing.Tx) error { return tx.CreateRefund(&f) })
	get := func(r billing.Reader) (billing.Refund, error) { return r.Refund(f.ID) }
	got := read(w, get)
	same(w, got, f)
	utc(w, got)
	same(w, read(w, func(r billing.Reader) (billing.Refund, error) { return r.RefundByKey(f.Key) }), f)
	same(w, read(w, func(r billing.Reader) (billing.Refund, error) { return r.RefundByRef(f.Gateway, f.Ref) }), f)
	same(w, read(w, func(r billing.Reader) ([]billing.Refund, error) { return r.RefundsOf(c.ID) }), []billing.Refund{f})
	missing(w, func(r billing.Reader) (billing.Refund, error) { return r.Refund(f.ID + 1) })
	missing(w, func(r billing.Reader) (billing.Refund, error) { return r.RefundByKey("") })
	missing(w, func(r billing.Reader) (billing.Refund, error) { return r.RefundByRef("sandbox", "") })
	due := func(now, real time.Time) []billing.RefundID {
		return read(w, func(r billing.Reader) ([]billing.RefundID, error) { return r.DueRefunds(now, real, 9) })
	}
	same(w, due(f.DueAt, f.LeaseUntil), []billing.RefundID{f.ID})
	same(w, due(f.DueAt.Add(-time.Microsecond), f.LeaseUntil), nil)
	same(w, due(f.DueAt, f.LeaseUntil.Add(-time.Microsecond)), nil)

	same2 := billing.Refund{Charge: c.ID, Owner: alice, Top: acme, Gateway: f.Gateway, Key: f.Key, Unit: usd, Amount: 1, State: billing.RefundCreated}
	w.refused(billing.Exists, "key", func(tx billing.Tx) error { return tx.CreateRefund(&same2) })
	same2.Key, same2.Ref = "", f.Ref
	w.refused(billing.Exists, "ref", func(tx billing.Tx) error { return tx.CreateRefund(&same2) })
	same2.Ref = ""
	w.refused(billing.Conflict, "", func(tx billing.Tx) error { return tx.CreateRefund(&same2) })

	p := posting(alice, "back", -1)
	f.State, f.Ref, f.DueAt, f.LeaseUntil, f.SettledAt = billing.RefundSucceeded, "re_2", time.Time{}, time.Time{}, noon
	w.refused(billing.Conflict, "", func(tx billing.Tx) error { return tx.SetRefund(&f) }) // not booked
	w.update(func(tx billing.Tx) error {
		if err := tx.Post(p); err != nil {
			return err
		}
		f.Posting = p.ID
		return tx.SetRefund(&f)
	})
	same(w, read(w, get), f)
	f.State = billing.RefundFailed
	w.refused(billing.Conflict, "", func(tx billing.Tx) error { return tx.SetRefund(&f) }) // not booked back
}

func disputeRecords(w *world) {
	c := w.created("c")
	var d billing.Dispute
	stuff(&d)
	d.ID, d.Charge, d.Owner, d.Top, d.State = 0, c.ID, alice, acme, billing.DisputeLost
	w.update(func(tx billing.Tx) error { return tx.PutDispute(&d) })
	get := func(r billing.Reader) (billing.Dispute, error) { return r.DisputeByRef(d.Gateway, d.Ref) }
	got := read(w, get)
	same(w, got, d)
	utc(w, got)
	holding := func() []billing.Dispute {
		return read(w, func(r billing.Reader) ([]billing.Dispute, error) { return r.HoldingDisputes(alice) })
	}
	same(w, holding(), nil)
	d.State, d.ClosedAt, d.LiftedAt, d.LiftedBy = billing.DisputeOpen, time.Time{}, time.Time{}, ""
	w.update(func(tx billing.Tx) error { return tx.PutDispute(&d) })
	same(w, read(w, get), d)
	same(w, holding(), []billing.Dispute{d})
	same(w, read(w, func(r billing.Reader) ([]billing.Dispute, error) { return r.DisputesOf(c.ID) }), []billing.Dispute{d})
	missing(w, func(r billing.Reader) (billing.Dispute, error) { return r.DisputeByRef(d.Gateway, "dp_none") })
	again := d
	again.ID = 0
	w.refused(billing.Exists, "ref", func(tx billing.Tx) error { return tx.PutDispute(&again) })
}

func gatewayEvents(w *world) {
	c := w.created("c")
	ev := billing.GatewayEvent{ID: "evt_1", Kind: billing.EventCharge, At: noon}
	w.update(func(tx billing.Tx) error { return tx.NoteGatewayEvent("stripe", &ev, c, noon) })
	w.refused(billing.Exists, "", func(tx billing.Tx) error { return tx.NoteGatewayEvent("stripe", &ev, c, noon) })
	w.update(func(tx billing.Tx) error { return tx.NoteGatewayEvent("hook", &ev, nil, noon) })
}

func sendingRecords(w *world) {
	stop := func() billing.SendingStop {
		return read(w, func(r billing.Reader) (billing.SendingStop, error) { return r.SendingStop() })
	}
	same(w, stop(), billing.SendingStop{})
	var s billing.SendingStop
	stuff(&s)
	w.update(func(tx billing.Tx) error { return tx.SetSendingStop(s) })
	got := stop()
	same(w, got, s)
	utc(w, got)
	w.update(func(tx billing.Tx) error { return tx.SetSendingStop(billing.SendingStop{}) })
	same(w, stop(), billing.SendingStop{})

	pace := func(name string) billing.Pace {
		return read(w, func(r billing.Reader) (billing.Pace, error) { return r.Pace(name) })
	}
	same(w, pace("stripe"), billing.Pace{Gateway: "stripe", Slow: 1})
	for range 2 {
		var p billing.Pace
		stuff(&p)
		p.Gateway = "stripe"
		w.update(func(tx billing.Tx) error { return tx.SetPace(&p) })
		got := pace("stripe")
		same(w, got, p)
		utc(w, got)
	}
	same(w, pace("hook"), billing.Pace{Gateway: "hook", Slow: 1})
}

func oneCard(w *world) {
	cards := []billing.Card{
		{Owner: alice, Gateway: "stripe", GatewayCustomer: "cus_1", Fingerprint: "f", State: billing.CardUsable},
		{Owner: bob, Gateway: "stripe", GatewayCustomer: "cus_2", Fingerprint: "f", State: billing.CardDeleted},
		{Owner: bob, Gateway: "hook", GatewayCustomer: "cus_1", Fingerprint: "f", State: billing.CardUsable},
		{Owner: bob, Gateway: "stripe", GatewayCustomer: "cus_1", State: billing.CardUsable},
	}
	w.update(func(tx billing.Tx) error {
		for i := range cards {
			if err := tx.PutCard(&cards[i]); err != nil {
				return err
			}
		}
		return nil
	})
	ids := func(get func(billing.Reader) ([]billing.Card, error)) (ids []billing.CardID) {
		for _, c := range read(w, get) {
			ids = append(ids, c.ID)
		}
		return ids
	}
	by := func(gateway, print string) []billing.CardID {
		return ids(func(r billing.Reader) ([]billing.Card, error) { return r.CardsByFingerprint(gateway, print) })
	}
	same(w, by("stripe", "f"), []billing.CardID{cards[0].ID, cards[1].ID})
	same(w, by("hook", "f"), []billing.CardID{cards[2].ID})
	same(w, by("stripe", ""), nil)
	same(w, ids(func(r billing.Reader) ([]billing.Card, error) { return r.CardsOfCustomer("stripe", "cus_1") }),
		[]billing.CardID{cards[0].ID, cards[3].ID})
}
