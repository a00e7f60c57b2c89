package dbtest

import (
	"time"

	"topupd/billing"
)

func ownerLists(w *world) {
	dan := owner(billing.Account(103), acme, acme, "/1/10/")
	dan.Username, dan.CreditLimit, dan.Blocked, dan.Extra = "dan", new(int64(5)), billing.BlockFraud, `{"a":1}`
	dan.Lifetime, dan.FirstUsedAt, dan.ExpiresAt = new(int64(1)), noon, noon.Add(time.Hour)
	w.update(func(tx billing.Tx) error {
		if err := tx.PutOwner(&dan); err != nil {
			return err
		}
		parent := owner(acme, billing.Root, acme, "/1/10/")
		parent.Extra = `{"b":2}`
		if err := tx.PutOwner(&parent); err != nil {
			return err
		}
		for _, name := range []string{"zoe", "amy"} {
			if err := tx.PutLogin(&billing.Login{Name: name, Customer: acme}); err != nil {
				return err
			}
		}
		return tx.Post(posting(alice, "rows", 70))
	})
	rows := func(f billing.OwnerRowFilter) []billing.OwnerRow {
		return read(w, func(r billing.Reader) ([]billing.OwnerRow, error) { return r.OwnerRows(f) })
	}
	ids := func(rows []billing.OwnerRow) (ids []billing.OwnerID) {
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		return ids
	}
	below := billing.OwnerRowFilter{Kind: billing.KindAccount, Parent: acme}
	got := rows(below)
	same(w, ids(got), []billing.OwnerID{alice, dan.ID})
	same(w, []int64{got[0].Balance, got[1].Balance}, []int64{70, 0})
	same(w, got[1], billing.OwnerRow{
		ID: dan.ID, Name: dan.Name, Username: "dan", Currency: usd, CreditLimit: new(int64(5)), Blocked: billing.BlockFraud, ExpiresAt: noon.Add(time.Hour),
	})
	below.Offset = 1
	same(w, ids(rows(below)), []billing.OwnerID{dan.ID})
	below.Offset, below.Limit = 0, 1
	same(w, ids(rows(below)), []billing.OwnerID{alice})

	same(w, ids(rows(billing.OwnerRowFilter{Kind: billing.KindAccount})), []billing.OwnerID{alice, bob, carol, dan.ID})
	customers := rows(billing.OwnerRowFilter{Kind: billing.KindCustomer})
	same(w, ids(customers), []billing.OwnerID{acme, acmeE, zeta}) // not root
	same(w, []string{customers[0].Login, customers[1].Login}, []string{"amy", ""})
	same(w, []string{customers[0].Extra, customers[1].Extra}, []string{`{"b":2}`, ""})
	same(w, len(rows(billing.OwnerRowFilter{Kind: billing.KindAccount, Parent: billing.Customer(99)})), 0)

	logins := read(w, func(r billing.Reader) ([]billing.Login, error) { return r.LoginsOf(acme) })
	if len(logins) != 2 || logins[0].Name != "amy" || logins[1].Name != "zoe" {
		w.Errorf("logins %+v", logins)
	}
	w.update(func(tx billing.Tx) error { return tx.DropLogin("amy") })
	missing(w, func(r billing.Reader) (billing.Login, error) { return r.Login("amy") })
	w.refused(billing.NotFound, "login", func(tx billing.Tx) error { return tx.DropLogin("amy") })

	same(w, read(w, func(r billing.Reader) (billing.Owner, error) { return r.AccountNamed("dan") }).ID, dan.ID)
	missing(w, func(r billing.Reader) (billing.Owner, error) { return r.AccountNamed("nobody") })
	missing(w, func(r billing.Reader) (billing.Owner, error) { return r.AccountNamed("") })
	named := func(name string) int {
		return len(read(w, func(r billing.Reader) ([]billing.Owner, error) { return r.CustomersNamed(name) }))
	}
	same(w, named(acme.String()), 1)
	same(w, named(alice.String()), 0) // an account's name is no customer's
}

// deletedOwners: the row and what refers to it stay, the rest is gone or free.
func deletedOwners(w *world) {
	w.update(func(tx billing.Tx) error {
		o, err := tx.Owner(alice)
		if err != nil {
			return err
		}
		o.Username, o.BalanceGroup = "alice", 77
		if err := tx.PutOwner(&o); err != nil {
			return err
		}
		p := billing.NewLowBalance(alice)
		p.State.JudgeAt = noon
		if err := tx.PutLowBalance(&p); err != nil {
			return err
		}
		if err := tx.PutAccountPlan(&billing.AccountPlan{Owner: alice, Top: acme, Plan: w.plan, NextAt: noon}); err != nil {
			return err
		}
		if err := tx.PutMandate(&billing.Mandate{Owner: alice, Purpose: billing.PurposeLowBalance, Text: "t", At: noon}); err != nil {
			return err
		}
		if err := tx.PutLogin(&billing.Login{Name: "zeta", Customer: zeta}); err != nil {
			return err
		}
		if err := tx.DeleteOwner(zeta, noon); err != nil {
			return err
		}
		return tx.DeleteOwner(alice, noon)
	})
	got := read(w, func(r billing.Reader) (billing.Owner, error) { return r.Owner(alice) })
	if !got.DeletedAt.Equal(noon) || got.Username != "" || got.BalanceGroup != 0 {
		w.Errorf("deleted owner is %+v", got)
	}
	missing(w, func(r billing.Reader) (billing.Owner, error) { return r.AccountNamed("alice") })
	missing(w, func(r billing.Reader) (billing.AccountPlan, error) { return r.AccountPlan(alice) })
	missing(w, func(r billing.Reader) (billing.Mandate, error) {
		return r.ActiveMandate(alice, billing.PurposeLowBalance)
	})
	missing(w, func(r billing.Reader) (billing.Login, error) { return r.Login("zeta") })
	if j := read(w, func(r billing.Reader) (billing.Judged, error) { return r.Judged(alice) }); j.Configured {
		w.Error("its policy is still there")
	}
	c := read(w, func(r billing.Reader) (billing.Card, error) { return r.Card(w.card[alice]) })
	if c.State != billing.CardDeleted || len(c.Token) != 0 {
		w.Errorf("its card is %+v", c)
	}
	if other := read(w, func(r billing.Reader) (billing.Card, error) { return r.Card(w.card[bob]) }); other.State != billing.CardUsable {
		w.Error("another's card was deleted")
	}
	for _, f := range []billing.OwnerFilter{{}, {Kind: new(billing.KindAccount)}, {Within: acme}, {Within: acme, Kind: new(billing.KindAccount)}} {
		for _, o := range read(w, func(r billing.Reader) ([]billing.Owner, error) { return r.Owners(f) }) {
			if o.ID == alice || o.ID == zeta {
				w.Errorf("%v lists %s", f, o.ID)
			}
		}
	}
	for _, f := range []billing.OwnerRowFilter{{Kind: billing.KindAccount}, {Kind: billing.KindAccount, Parent: acme}, {Kind: billing.KindCustomer}, {Kind: billing.KindCustomer, Parent: billing.Root}} {
		for _, o := range read(w, func(r billing.Reader) ([]billing.OwnerRow, error) { return r.OwnerRows(f) }) {
			if o.ID == alice || o.ID == zeta {
				w.Errorf("%v lists %s", f, o.ID)
			}
		}
	}
	if n := len(read(w, func(r billing.Reader) ([]billing.Owner, error) { return r.CustomersNamed(zeta.String()) })); n != 0 {
		w.Error("a deleted customer has a name")
	}
	w.refused(billing.NotFound, "i_account", func(tx billing.Tx) error { return tx.DeleteOwner(alice, noon) })
	w.refused(billing.Conflict, "owners_deleted", func(tx billing.Tx) error { return tx.DeleteOwner(billing.Root, noon) })
	// Its names are free, its number is not.
	again := owner(billing.Account(103), acme, acme, "/1/10/")
	again.Username, again.BalanceGroup = "alice", 77
	w.update(func(tx billing.Tx) error { return tx.PutOwner(&again) })
	w.refused(billing.Conflict, "owners_deleted", func(tx billing.Tx) error {
		got.Username = "back"
		return tx.PutOwner(&got)
	})
}

func unfinishedOwners(w *world) {
	get := func(o billing.OwnerID) billing.Unfinished {
		return read(w, func(r billing.Reader) (billing.Unfinished, error) { return r.Unfinished(o) })
	}
	same(w, get(alice), billing.Unfinished{})
	same(w, get(acmeE), billing.Unfinished{Children: true})
	w.update(func(tx billing.Tx) error { return tx.DeleteOwner(bob, noon) })
	same(w, get(acmeE), billing.Unfinished{})

	w.update(func(tx billing.Tx) error { return tx.Post(posting(alice, "in", -5)) })
	same(w, get(alice), billing.Unfinished{Money: true})
	w.update(func(tx billing.Tx) error { return tx.Post(posting(alice, "out", 5)) })
	same(w, get(alice), billing.Unfinished{})

	c := w.charge(alice, "need")
	p := w.period("2026-11-01")
	w.update(func(tx billing.Tx) error {
		if err := tx.CreateCharge(c); err != nil {
			return err
		}
		return tx.CreatePeriod(p)
	})
	same(w, get(alice), billing.Unfinished{Charges: true, Periods: true})
	w.update(func(tx billing.Tx) error {
		c.State, c.SettledAt = billing.ChargeFailed, noon
		if err := tx.SetCharge(c); err != nil {
			return err
		}
		p.State, p.SettledAt = billing.PeriodSkipped, noon
		return tx.SetPeriod(p)
	})
	same(w, get(alice), billing.Unfinished{})

	d := &billing.Dispute{Charge: c.ID, Owner: alice, Top: acme, Gateway: "sandbox", Ref: "d1", State: billing.DisputeOpen, OpenedAt: noon, Unit: usd}
	w.update(func(tx billing.Tx) error { return tx.PutDispute(d) })
	same(w, get(alice), billing.Unfinished{Disputes: true})
	d.State, d.ClosedAt = billing.DisputeLost, noon
	w.update(func(tx billing.Tx) error { return tx.PutDispute(d) })
	same(w, get(alice), billing.Unfinished{Disputes: true}) // nobody lifted it
	lifted := *d
	lifted.LiftedAt, lifted.LiftedBy = noon, "root"
	w.update(func(tx billing.Tx) error { return tx.PutDispute(&lifted) })
	same(w, get(alice), billing.Unfinished{})
	lifted.State, lifted.ClosedAt = billing.DisputeOpen, time.Time{}
	w.update(func(tx billing.Tx) error { return tx.PutDispute(&lifted) })
	same(w, get(alice), billing.Unfinished{Disputes: true}) // the gateway may still take it
	lifted.State, lifted.ClosedAt = billing.DisputeWon, noon
	w.update(func(tx billing.Tx) error { return tx.PutDispute(&lifted) })

	f := &billing.Refund{Charge: c.ID, Owner: alice, Top: acme, Gateway: "sandbox", Key: "k", Unit: usd, Amount: 1, State: billing.RefundCreated}
	w.update(func(tx billing.Tx) error { return tx.CreateRefund(f) })
	same(w, get(alice), billing.Unfinished{Refunds: true})
}
