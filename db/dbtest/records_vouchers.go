package dbtest

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"

	"topupd/billing"
)

func newVoucher(id billing.VoucherID, code byte) billing.Voucher {
	return billing.Voucher{
		ID: id, Top: billing.Root, CodeHash: bytes.Repeat([]byte{code}, 32), PINHash: bytes.Repeat([]byte{1}, 32), Hint: "WXYZ",
		Amount: 5, Currency: usd, CreatedAt: noon.UTC(), ExpiresAt: noon.UTC().Add(time.Hour),
	}
}

// voucherRecords: vouchers come back as written, change until they are used, and are
// used once.
func voucherRecords(w *world) {
	put := func(v *billing.Voucher) { w.update(func(tx billing.Tx) error { return tx.PutVoucher(v) }) }
	get := func(id billing.VoucherID) billing.Voucher {
		v := read(w, func(r billing.Reader) (billing.Voucher, error) { return r.Voucher(id) })
		utc(w, v)
		return v
	}
	a, b, plain := newVoucher(7, 1), newVoucher(0, 2), newVoucher(0, 3)
	plain.PINHash, plain.ExpiresAt = nil, time.Time{}
	for _, v := range []*billing.Voucher{&a, &b, &plain} {
		put(v)
		same(w, get(v.ID), *v)
	}
	same(w, b.ID, billing.VoucherID(8))
	a.Amount, a.Hint = 6, ""
	put(&a)
	same(w, get(7), a)
	same(w, read(w, func(r billing.Reader) (billing.Voucher, error) { return r.VoucherByCode(b.CodeHash) }), b)
	missing(w, func(r billing.Reader) (billing.Voucher, error) { return r.Voucher(99) })
	missing(w, func(r billing.Reader) (billing.Voucher, error) { return r.VoucherByCode(a.PINHash[:31]) })
	list := func(after billing.VoucherID, limit int) []billing.Voucher {
		return read(w, func(r billing.Reader) ([]billing.Voucher, error) { return r.Vouchers(after, limit) })
	}
	same(w, list(0, 0), []billing.Voucher{a, b, plain})
	same(w, list(7, 1), []billing.Voucher{b})
	same(w, list(9, 1), nil)

	// Used by many at once, it is used once.
	var used atomic.Int64
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			var first bool
			err := w.s.Update(w.Context(), func(tx billing.Tx) (err error) {
				first, err = tx.UseVoucher(b.ID, alice, acme, noon)
				return err
			})
			if err != nil {
				w.Error(err)
			}
			if first {
				used.Add(1)
			}
		})
	}
	all.Wait()
	same(w, used.Load(), int64(1))
	b.UsedBy, b.UsedAt, b.Top = alice, noon.UTC(), acme
	same(w, get(b.ID), b)
	w.refused(billing.Conflict, "", func(tx billing.Tx) error {
		again := b
		again.UsedBy, again.UsedAt = 0, time.Time{}
		return tx.PutVoucher(&again)
	})

	o := owner(billing.Account(7), acme, acme, "/1/10/")
	o.Username, o.BalanceGroup = "15551230107", 7
	w.update(func(tx billing.Tx) error { return tx.PutOwner(&o) })
	same(w, read(w, func(r billing.Reader) (billing.Owner, error) { return r.AccountByUsername("15551230107") }).ID, o.ID)
	for _, name := range []string{"", "1555"} {
		missing(w, func(r billing.Reader) (billing.Owner, error) { return r.AccountByUsername(name) })
	}
}

func guessRecords(w *world) {
	g := billing.Guesses{Subject: "account:100", Top: acme, Since: noon.UTC(), Wrong: 1}
	get := func() (billing.Guesses, error) {
		var got billing.Guesses
		err := w.s.View(w.Context(), func(r billing.Reader) (err error) {
			got, err = r.Guesses(g.Subject)
			return err
		})
		utc(w, got)
		return got, err
	}
	missing(w, func(r billing.Reader) (billing.Guesses, error) { return r.Guesses(g.Subject) })
	for range 2 {
		w.update(func(tx billing.Tx) error { return tx.PutGuesses(&g) })
		got, err := get()
		if err != nil {
			w.Error(err)
		}
		same(w, got, g)
		g.Top, g.Since, g.Wrong = zeta, g.Since.Add(time.Hour), 2
	}
	missing(w, func(r billing.Reader) (billing.Guesses, error) { return r.Guesses("account:10") })
}

func guessRules(w *world) {
	good := func() billing.Guesses {
		return billing.Guesses{Subject: "account:100", Top: acme, Since: noon, Wrong: 1}
	}
	each(w, billing.Conflict, good, func(tx billing.Tx, g *billing.Guesses) error { return tx.PutGuesses(g) }, map[string]func(*billing.Guesses){
		"of nobody":         func(g *billing.Guesses) { g.Subject = "" },
		"no top":            func(g *billing.Guesses) { g.Top = 0 },
		"an account as top": func(g *billing.Guesses) { g.Top = alice },
		"none":              func(g *billing.Guesses) { g.Wrong = 0 },
		"no time":           func(g *billing.Guesses) { g.Since = time.Time{} },
	})
}

func voucherRules(w *world) {
	n := byte(10)
	good := func() billing.Voucher {
		n++
		return newVoucher(0, n)
	}
	put := func(tx billing.Tx, v *billing.Voucher) error { return tx.PutVoucher(v) }
	each(w, billing.Conflict, good, put, map[string]func(*billing.Voucher){
		"a negative id":      func(v *billing.Voucher) { v.ID = -1 },
		"no code":            func(v *billing.Voucher) { v.CodeHash = nil },
		"a code as it is":    func(v *billing.Voucher) { v.CodeHash = []byte("ABCDE-FGHIJ") },
		"a PIN as it is":     func(v *billing.Voucher) { v.PINHash = []byte("1234") },
		"a code as hint":     func(v *billing.Voucher) { v.Hint = "ABCDE" },
		"worth nothing":      func(v *billing.Voucher) { v.Amount = 0 },
		"no currency":        func(v *billing.Voucher) { v.Currency = "" },
		"used by nobody":     func(v *billing.Voucher) { v.UsedAt = noon },
		"used at no time":    func(v *billing.Voucher) { v.UsedBy = alice },
		"used by a customer": func(v *billing.Voucher) { v.UsedBy, v.UsedAt = acme, noon },
		"an account as top":  func(v *billing.Voucher) { v.Top = alice },
	})
	each(w, billing.NotFound, good, put, map[string]func(*billing.Voucher){
		"an unknown user": func(v *billing.Voucher) { v.UsedBy, v.UsedAt = billing.Account(9), noon },
	})
	twin := newVoucher(0, n)
	w.refused(billing.Exists, "code_hash", func(tx billing.Tx) error { return tx.PutVoucher(&twin) })
	if w.exec != nil && w.exec("DELETE FROM vouchers") == nil {
		w.Error("a voucher was deleted")
	}
}
