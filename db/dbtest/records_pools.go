package dbtest

import (
	"fmt"
	"time"

	"topupd/billing"
)

// day is the end of a day, which is when pool plans expire.
var day = time.Date(2027, 4, 26, 0, 0, 0, 0, time.UTC)

func newPool(o billing.OfferID) billing.PoolPlan {
	return billing.PoolPlan{
		Offer: o, Customer: acmeE, Top: acme, Name: "Pool", Currency: usd, ExpirationType: billing.ExpirationFixed,
		ExpiresAt: day, Lapses: 2, CreatedAt: noon.UTC(), UpdatedAt: noon.UTC(),
	}
}

func newTopUp(n int) billing.PoolTopUp {
	return billing.PoolTopUp{
		ID: billing.PoolTopUpID(fmt.Sprintf("%036d", n)), Requester: acme, Login: "acme", Customer: acmeE, Top: acme, Offer: 500,
		Charge: 7, Currency: usd, ExpiresAt: day, SMS: 5, KB: 6, State: billing.PoolTopUpOpen, Tries: 1,
		DueAt: noon.UTC(), CreatedAt: noon.UTC(),
	}
}

// poolRecords: plans with their subscribers and allowances, whose content is the ledger's.
func poolRecords(w *world) {
	put := func(p *billing.PoolPlan) { w.update(func(tx billing.Tx) error { return tx.PutPoolPlan(p) }) }
	get := func(o billing.OfferID) billing.PoolPlan {
		p := read(w, func(r billing.Reader) (billing.PoolPlan, error) { return r.PoolPlan(o) })
		utc(w, p)
		return p
	}
	a, b := newPool(500), newPool(501)
	b.ExpiresAt, b.ExpirationType = time.Time{}, ""
	put(&a)
	put(&b)
	same(w, get(500), a)
	same(w, get(501), b)
	missing(w, func(r billing.Reader) (billing.PoolPlan, error) { return r.PoolPlan(502) })

	subscribers := func(o billing.OfferID) []string {
		return read(w, func(r billing.Reader) ([]string, error) { return r.PoolSubscribers(o) })
	}
	w.update(func(tx billing.Tx) error { return tx.SetPoolSubscribers(500, []string{"z", "a", "ñ"}) })
	same(w, subscribers(500), []string{"z", "a", "ñ"})
	same(w, subscribers(501), nil)
	a.Subscribed = true
	same(w, get(500), a)
	w.update(func(tx billing.Tx) error { return tx.SetPoolSubscribers(500, []string{"a"}) })
	same(w, subscribers(500), []string{"a"})

	plans := func(after billing.OfferID, limit int) []billing.PoolPlan {
		return read(w, func(r billing.Reader) ([]billing.PoolPlan, error) { return r.PoolPlans(after, limit) })
	}
	same(w, plans(0, 0), []billing.PoolPlan{a, b})
	same(w, plans(0, 1), []billing.PoolPlan{a})
	same(w, plans(500, 9), []billing.PoolPlan{b})

	due := func(at time.Time) []billing.OfferID {
		return read(w, func(r billing.Reader) ([]billing.OfferID, error) { return r.DuePools(at, 9) })
	}
	same(w, due(day.Add(-time.Microsecond)), nil)
	same(w, due(day), []billing.OfferID{500})
	a.Lapsed = true
	put(&a)
	same(w, get(500), a)
	same(w, due(day), nil)

	at, percent := int64(3), int64(20*billing.Micro)
	sms := billing.PoolBalance{Offer: 500, Top: acme, Unit: billing.UnitSMS, Total: 9, LowAt: &at, Low: true, Episodes: 4}
	kb := billing.PoolBalance{Offer: 500, Top: acme, Unit: billing.UnitKB, LowPercent: &percent}
	w.update(func(tx billing.Tx) error {
		if err := tx.PutPoolBalance(&kb); err != nil {
			return err
		}
		if err := tx.PutPoolBalance(&sms); err != nil {
			return err
		}
		p := posting(acmeE, "pool", 5)
		p.Entries[0].Unit, p.Entries[1].Unit = "SMS/500", "SMS/500"
		return tx.Post(p)
	})
	sms.Left = 5
	balances := func() []billing.PoolBalance {
		return read(w, func(r billing.Reader) ([]billing.PoolBalance, error) { return r.PoolBalances(500) })
	}
	same(w, balances(), []billing.PoolBalance{sms, kb})
	sms.Low, sms.LowAt, sms.Total = false, nil, 10
	w.update(func(tx billing.Tx) error { return tx.PutPoolBalance(&sms) })
	same(w, balances(), []billing.PoolBalance{sms, kb})

	// The plans of a deleted customer are in no list.
	w.update(func(tx billing.Tx) error { return tx.DeleteOwner(acmeE, noon) })
	same(w, plans(0, 0), nil)
}

func topUpRecords(w *world) {
	plan := newPool(500)
	one, two := newTopUp(1), newTopUp(2)
	two.ExpiresAt, two.DueAt, two.KB = time.Time{}, noon.UTC().Add(-time.Second), 0
	w.update(func(tx billing.Tx) error {
		if err := tx.PutPoolPlan(&plan); err != nil {
			return err
		}
		if err := tx.CreatePoolTopUp(&one); err != nil {
			return err
		}
		return tx.CreatePoolTopUp(&two)
	})
	get := func(id billing.PoolTopUpID) billing.PoolTopUp {
		t := read(w, func(r billing.Reader) (billing.PoolTopUp, error) { return r.PoolTopUp(id) })
		utc(w, t)
		return t
	}
	same(w, get(one.ID), one)
	same(w, get(two.ID), two)
	missing(w, func(r billing.Reader) (billing.PoolTopUp, error) { return r.PoolTopUp("x") })
	due := func(at time.Time, limit int) []billing.PoolTopUpID {
		return read(w, func(r billing.Reader) ([]billing.PoolTopUpID, error) { return r.DuePoolTopUps(at, limit) })
	}
	same(w, due(noon, 9), []billing.PoolTopUpID{two.ID, one.ID})
	same(w, due(noon, 1), []billing.PoolTopUpID{two.ID})
	same(w, due(noon.Add(-time.Minute), 9), nil)

	w.refused(billing.Conflict, "", func(tx billing.Tx) error { return tx.DropPoolTopUp(one.ID) })
	w.update(func(tx billing.Tx) error {
		p := posting(acmeE, "pool", 5)
		if err := tx.Post(p); err != nil {
			return err
		}
		one.State, one.Reason, one.Posting, one.Tries = billing.PoolTopUpSuccess, "why", p.ID, 3
		one.DueAt, one.FinishedAt = time.Time{}, noon.UTC()
		return tx.SetPoolTopUp(&one)
	})
	same(w, get(one.ID), one)
	same(w, due(noon, 9), []billing.PoolTopUpID{two.ID})
	old := func(before time.Time) []billing.PoolTopUpID {
		return read(w, func(r billing.Reader) ([]billing.PoolTopUpID, error) { return r.OldPoolTopUps(before, 9) })
	}
	same(w, old(noon), nil)
	same(w, old(noon.Add(time.Microsecond)), []billing.PoolTopUpID{one.ID})

	w.refused(billing.Conflict, "", func(tx billing.Tx) error {
		again := one
		again.Reason = "other"
		return tx.SetPoolTopUp(&again)
	})
	w.update(func(tx billing.Tx) error { return tx.DropPoolTopUp(one.ID) })
	missing(w, func(r billing.Reader) (billing.PoolTopUp, error) { return r.PoolTopUp(one.ID) })
	w.refused(billing.NotFound, "request", func(tx billing.Tx) error { return tx.DropPoolTopUp(one.ID) })
	if w.exec != nil && w.exec("UPDATE pool_topups SET sms = 100") == nil {
		w.Error("what a request asks for was changed")
	}
}

func poolRules(w *world) {
	good := func() billing.PoolPlan { return newPool(500) }
	put := func(tx billing.Tx, p *billing.PoolPlan) error { return tx.PutPoolPlan(p) }
	each(w, billing.Conflict, good, put, map[string]func(*billing.PoolPlan){
		"no offer":            func(p *billing.PoolPlan) { p.Offer = 0 },
		"an account's":        func(p *billing.PoolPlan) { p.Customer = alice },
		"an account as top":   func(p *billing.PoolPlan) { p.Top = alice },
		"no currency":         func(p *billing.PoolPlan) { p.Currency = "" },
		"an end within a day": func(p *billing.PoolPlan) { p.ExpiresAt = noon },
		"lapsed for ever":     func(p *billing.PoolPlan) { p.Lapsed, p.ExpiresAt = true, time.Time{} },
		"lapsed never":        func(p *billing.PoolPlan) { p.Lapsed, p.Lapses = true, 0 },
	})
	each(w, billing.NotFound, func() billing.PoolPlan { return newPool(501) }, put, map[string]func(*billing.PoolPlan){
		"an unknown customer": func(p *billing.PoolPlan) { p.Customer = billing.Customer(9) },
	})
	w.refused(billing.Conflict, "", func(tx billing.Tx) error {
		p := newPool(500)
		p.Customer = acme
		return tx.PutPoolPlan(&p)
	})
	w.refused(billing.Exists, "", func(tx billing.Tx) error { return tx.SetPoolSubscribers(500, []string{"a", "a"}) })
	w.refused(billing.Conflict, "", func(tx billing.Tx) error { return tx.SetPoolSubscribers(500, []string{""}) })

	low := func(n int64) *int64 { return &n }
	each(w, billing.Conflict, func() billing.PoolBalance { return billing.PoolBalance{Offer: 500, Top: acme, Unit: billing.UnitSMS} },
		func(tx billing.Tx, b *billing.PoolBalance) error { return tx.PutPoolBalance(b) }, map[string]func(*billing.PoolBalance){
			"another unit":     func(b *billing.PoolBalance) { b.Unit = "MB" },
			"a negative total": func(b *billing.PoolBalance) { b.Total = -1 },
			"a negative line":  func(b *billing.PoolBalance) { b.LowAt = low(-1) },
			"over 100 percent": func(b *billing.PoolBalance) { b.LowPercent = low(100*billing.Micro + 1) },
			"two lines":        func(b *billing.PoolBalance) { b.LowAt, b.LowPercent = low(1), low(1) },
			"low, never told":  func(b *billing.PoolBalance) { b.Low = true },
		})

	n := 0
	goodTopUp := func() billing.PoolTopUp { n++; return newTopUp(n) }
	create := func(tx billing.Tx, t *billing.PoolTopUp) error { return tx.CreatePoolTopUp(t) }
	each(w, billing.Conflict, goodTopUp, create, map[string]func(*billing.PoolTopUp){
		"no UUID":             func(t *billing.PoolTopUp) { t.ID = "1" },
		"to itself":           func(t *billing.PoolTopUp) { t.Requester = acmeE },
		"an account asks":     func(t *billing.PoolTopUp) { t.Requester = alice },
		"a negative charge":   func(t *billing.PoolTopUp) { t.Charge = -1 },
		"no currency":         func(t *billing.PoolTopUp) { t.Currency = "" },
		"nothing":             func(t *billing.PoolTopUp) { t.SMS, t.KB = 0, 0 },
		"less":                func(t *billing.PoolTopUp) { t.SMS = -1 },
		"an end within a day": func(t *billing.PoolTopUp) { t.ExpiresAt = noon },
		"another state":       func(t *billing.PoolTopUp) { t.State = "done" },
		"open, never due":     func(t *billing.PoolTopUp) { t.DueAt = time.Time{} },
		"open, finished":      func(t *billing.PoolTopUp) { t.FinishedAt = noon },
		"failed, still due":   func(t *billing.PoolTopUp) { t.State, t.FinishedAt = billing.PoolTopUpFailure, noon },
		"success, not booked": func(t *billing.PoolTopUp) {
			t.State, t.FinishedAt, t.DueAt = billing.PoolTopUpSuccess, noon, time.Time{}
		},
		"fewer tries than one": func(t *billing.PoolTopUp) { t.Tries = -1 },
	})
	each(w, billing.NotFound, goodTopUp, create, map[string]func(*billing.PoolTopUp){
		"an unknown plan": func(t *billing.PoolTopUp) { t.Offer = 9 },
	})
	twin := newTopUp(n)
	w.refused(billing.Exists, "id", func(tx billing.Tx) error { return tx.CreatePoolTopUp(&twin) })
}
