package dbtest

import (
	"bytes"
	"time"

	"topupd/billing"
)

func newToken(name string, n byte) billing.Token {
	return billing.Token{Top: acme, Customer: acme, Name: name, Hash: bytes.Repeat([]byte{n}, 32), Hint: "WXYZ", CreatedAt: noon.UTC()}
}

// tokenRecords: tokens come back as written, are found while they work, and stop for good.
func tokenRecords(w *world) {
	put := func(k *billing.Token) { w.update(func(tx billing.Tx) error { return tx.PutToken(k) }) }
	get := func(id billing.TokenID) billing.Token {
		k := read(w, func(r billing.Reader) (billing.Token, error) { return r.Token(id) })
		utc(w, k)
		return k
	}
	byHash := func(n byte) func(billing.Reader) (billing.Token, error) {
		return func(r billing.Reader) (billing.Token, error) { return r.TokenByHash(bytes.Repeat([]byte{n}, 32)) }
	}
	named := func(r billing.Reader) (billing.Token, error) { return r.TokenNamed(acme, "crm") }
	list := func() []billing.Token {
		return read(w, func(r billing.Reader) ([]billing.Token, error) { return r.Tokens() })
	}
	same(w, list(), nil)
	a, b := newToken("crm", 1), newToken("web", 2)
	put(&a)
	put(&b)
	same(w, []billing.TokenID{a.ID, b.ID}, []billing.TokenID{1, 2})
	same(w, get(a.ID), a)
	same(w, list(), []billing.Token{a, b})
	same(w, read(w, byHash(1)), a)
	same(w, read(w, named), a)
	missing(w, byHash(3))
	missing(w, func(r billing.Reader) (billing.Token, error) { return r.Token(99) })
	missing(w, func(r billing.Reader) (billing.Token, error) { return r.TokenNamed(zeta, "crm") })
	a.Hint = ""
	put(&a)
	same(w, get(a.ID), a)

	a.RevokedAt = noon.UTC().Add(time.Hour)
	put(&a)
	same(w, get(a.ID), a)
	missing(w, byHash(1))
	missing(w, named)
	w.refused(billing.Conflict, "", func(tx billing.Tx) error {
		again := a
		again.RevokedAt = time.Time{}
		return tx.PutToken(&again)
	})
	// Name and token are free again, under another row.
	again := newToken("crm", 1)
	put(&again)
	same(w, read(w, byHash(1)).ID, billing.TokenID(3))

	// A deleted customer's tokens stop.
	gone := newToken("gone", 9)
	gone.Customer = acmeE
	put(&gone)
	w.update(func(tx billing.Tx) error { return tx.DeleteOwner(acmeE, noon) })
	missing(w, byHash(9))
	same(w, read(w, byHash(1)).ID, billing.TokenID(3))
}

func tokenRules(w *world) {
	n := byte(10)
	good := func() billing.Token {
		n++
		return newToken(string(rune('a'+n)), n)
	}
	put := func(tx billing.Tx, k *billing.Token) error { return tx.PutToken(k) }
	each(w, billing.Conflict, good, put, map[string]func(*billing.Token){
		"a negative id":      func(k *billing.Token) { k.ID = -1 },
		"no token":           func(k *billing.Token) { k.Hash = nil },
		"a token as it is":   func(k *billing.Token) { k.Hash = []byte("tpd_ABCDE") },
		"a token as hint":    func(k *billing.Token) { k.Hint = "ABCDE" },
		"no name":            func(k *billing.Token) { k.Name = "" },
		"an account as top":  func(k *billing.Token) { k.Top = alice },
		"an account's token": func(k *billing.Token) { k.Customer = alice },
		"nobody's token":     func(k *billing.Token) { k.Customer = 0 },
	})
	each(w, billing.NotFound, good, put, map[string]func(*billing.Token){
		"an unknown customer": func(k *billing.Token) { k.Customer = billing.Customer(99) },
	})
	twin := newToken("twin", n)
	w.refused(billing.Exists, "hash", func(tx billing.Tx) error { return tx.PutToken(&twin) })
	twin = newToken(string(rune('a'+n)), 200)
	w.refused(billing.Exists, "name", func(tx billing.Tx) error { return tx.PutToken(&twin) })
	if w.exec != nil && w.exec("DELETE FROM tokens") == nil {
		w.Error("a token was deleted")
	}
}

func newAnswer(key string, at time.Time) billing.KeptAnswer {
	return billing.KeptAnswer{
		Top: acme, Customer: acme, Key: key, Input: bytes.Repeat([]byte{7}, 32), CreatedAt: at,
		Answer: billing.Answer{
			Status: 201, ContentType: "application/json", Body: []byte{'{', 0, '}', 255},
			Headers: []billing.AnswerHeader{{Name: "Location", Value: "/x/ñ\n"}, {Name: "ETag", Value: `"a"`}},
		},
	}
}

// answerRecords: answers come back byte for byte, once for each customer and key, and
// the oldest go first.
func answerRecords(w *world) {
	keep := func(k billing.KeptAnswer) { w.update(func(tx billing.Tx) error { return tx.KeepAnswer(&k) }) }
	get := func(customer billing.OwnerID, key string) func(billing.Reader) (billing.KeptAnswer, error) {
		return func(r billing.Reader) (billing.KeptAnswer, error) { return r.KeptAnswer(customer, key) }
	}
	oldest := func() time.Time {
		return read(w, func(r billing.Reader) (time.Time, error) { return r.OldestAnswer() })
	}
	same(w, oldest(), time.Time{})
	at := noon.UTC()
	a, b, other := newAnswer("a", at.Add(time.Hour)), newAnswer("b", at), newAnswer("a", at.Add(2*time.Hour))
	other.Customer, other.Top = zeta, zeta
	other.Answer = billing.Answer{Status: 204}
	for _, k := range []billing.KeptAnswer{a, b, other} {
		keep(k)
		got := read(w, get(k.Customer, k.Key))
		utc(w, got)
		same(w, got, k)
	}
	missing(w, get(acme, "c"))
	missing(w, get(acmeE, "a"))
	same(w, oldest(), at)
	w.refused(billing.Exists, "key", func(tx billing.Tx) error { return tx.KeepAnswer(&a) })

	drop := func(before time.Time, limit int) (n int64) {
		w.update(func(tx billing.Tx) (err error) { n, err = tx.DropAnswers(before, limit); return err })
		return n
	}
	same(w, drop(at, 10), int64(0))
	same(w, drop(at.Add(24*time.Hour), 1), int64(1))
	missing(w, get(acme, "b"))
	same(w, oldest(), at.Add(time.Hour))
	w.update(func(tx billing.Tx) error { return tx.DropAnswer(acme, "a") })
	missing(w, get(acme, "a"))
	w.refused(billing.NotFound, "key", func(tx billing.Tx) error { return tx.DropAnswer(acme, "a") })
	same(w, read(w, get(zeta, "a")), other)
	same(w, drop(at.Add(24*time.Hour), 0), int64(1))
}

func answerRules(w *world) {
	each(w, billing.Conflict, func() billing.KeptAnswer { return newAnswer("k", noon) },
		func(tx billing.Tx, k *billing.KeptAnswer) error { return tx.KeepAnswer(k) }, map[string]func(*billing.KeptAnswer){
			"no key":            func(k *billing.KeptAnswer) { k.Key = "" },
			"a long key":        func(k *billing.KeptAnswer) { k.Key = string(bytes.Repeat([]byte{'k'}, 256)) },
			"no request":        func(k *billing.KeptAnswer) { k.Input = nil },
			"a short hash":      func(k *billing.KeptAnswer) { k.Input = []byte{1} },
			"a refusal":         func(k *billing.KeptAnswer) { k.Answer.Status = 400 },
			"no answer":         func(k *billing.KeptAnswer) { k.Answer.Status = 100 },
			"an account's":      func(k *billing.KeptAnswer) { k.Customer = alice },
			"an account as top": func(k *billing.KeptAnswer) { k.Top = alice },
		})
	w.refused(billing.NotFound, "", func(tx billing.Tx) error {
		k := newAnswer("k", noon)
		k.Customer = billing.Customer(99)
		return tx.KeepAnswer(&k)
	})
}
