package dbtest

import "topupd/billing"

// sealedRecords: what rekey reads and replaces. A sealed value that somebody
// changed meanwhile is left alone, and so is everything beside it.
func sealedRecords(w *world) {
	ends := func() (ids []billing.CardID) {
		for _, c := range read(w, billing.Reader.SealedCards) {
			ids = append(ids, c.ID)
		}
		return ids
	}
	same(w, ends(), []billing.CardID{w.card[alice], w.card[carol]})
	for _, id := range w.card {
		c := read(w, func(r billing.Reader) (billing.Card, error) { return r.Card(id) })
		c.Token = nil
		w.update(func(tx billing.Tx) error { return tx.PutCard(&c) })
	}
	same(w, ends(), nil)
	var c billing.Card
	stuff(&c)
	c.ID, c.Owner, c.State, c.Last4, c.ExpMonth, c.Primary = 7000, alice, billing.CardAside, "0007", 12, false
	c.Token, c.Type, c.Country = []byte("before"), billing.CardJCB, "DE"
	w.update(func(tx billing.Tx) error { return tx.PutCard(&c) })
	same(w, ends(), []billing.CardID{7000, 7000})
	for _, id := range []billing.CardID{7001, 7002} {
		w.update(func(tx billing.Tx) error {
			return tx.PutCard(&billing.Card{ID: id, Owner: alice, Gateway: "stripe", State: billing.CardUsable, Token: []byte("t")})
		})
	}
	w.update(func(tx billing.Tx) error {
		return tx.PutCard(&billing.Card{ID: 7003, Owner: alice, Gateway: "stripe", State: billing.CardUsable})
	})
	same(w, ends(), []billing.CardID{7000, 7002})

	var l billing.Login
	stuff(&l)
	l.Customer, l.HA1 = acme, []byte("before")
	w.update(func(tx billing.Tx) error { return tx.PutLogin(&l) })

	card := func(id billing.CardID, was, now string) (changed bool) {
		w.update(func(tx billing.Tx) (err error) {
			changed, err = tx.ResealCard(id, []byte(was), []byte(now))
			return err
		})
		return changed
	}
	login := func(name, was, now string) (changed bool) {
		w.update(func(tx billing.Tx) (err error) {
			changed, err = tx.ResealLogin(name, []byte(was), []byte(now))
			return err
		})
		return changed
	}
	same(w, card(c.ID, "other", "after"), false)
	same(w, card(9999, "before", "after"), false)
	same(w, login(l.Name, "other", "after"), false)
	same(w, login("none", "before", "after"), false)
	same(w, card(c.ID, "before", "after"), true)
	same(w, login(l.Name, "before", "after"), true)
	c.Token, l.HA1 = []byte("after"), []byte("after")
	same(w, read(w, func(r billing.Reader) (billing.Card, error) { return r.Card(c.ID) }), c)
	same(w, read(w, func(r billing.Reader) (billing.Login, error) { return r.Login(l.Name) }), l)
}
