package dbtest

import (
	"strings"
	"time"

	"topupd/billing"
)

func newProfile(id billing.ProfileID) billing.Profile {
	return billing.Profile{
		ID: id, Name: "P", Description: "d", Enabled: true, Basis: billing.BasisOverdue, Trigger: billing.TriggerPercent, TriggerValue: 80 * billing.Micro,
		Limit: "Credit Limit", Mode: billing.TopupToPercent, TopupValue: 20*billing.Micro + 1, TopupLimit: "Overdue Limit", AutoCollect: true,
		LetterExpected: 1, LetterCard: 2, LetterDirectDebit: 3, MinDays: 7, Customer: acme, CreatedAt: noon.UTC(), UpdatedAt: noon.UTC().Add(time.Hour),
	}
}

func newTerms(o billing.OwnerID, p billing.ProfileID) billing.TopupTerms {
	amount := int64(75)
	return billing.TopupTerms{
		Owner: o, Top: acme, Profile: p, Amount: &amount, Outstanding: -1, Overdue: 2, Unbilled: 3, PaymentType: billing.PaysByDirectDebit,
		Limits:    []billing.NamedLimit{{Name: "Credit Limit", Micros: 5}, {Name: "x", Micros: -6}},
		Suspended: billing.SuspendedHard, UpdatedAt: noon.UTC(),
	}
}

func newExpected(o billing.OwnerID, p billing.ProfileID, date string) billing.ExpectedPayment {
	return billing.ExpectedPayment{
		Owner: o, Top: acme, Type: billing.ExpectedTopup, Profile: p, Date: date, Amount: 10, Unit: usd, Method: billing.CollectNone, Reason: billing.ReasonNoCard,
		Revision: 1, CreatedAt: noon.UTC(), UpdatedAt: noon.UTC(),
	}
}

// profileRecords: profiles come back as written, are listed by id and time, found by
// name, and deleted unless linked.
func profileRecords(w *world) {
	a, b := newProfile(7), newProfile(0)
	b.Name, b.Customer, b.LetterExpected, b.LetterCard, b.LetterDirectDebit, b.TopupLimit = "Q", 0, 0, 0, 0, ""
	b.CreatedAt = b.CreatedAt.Add(time.Hour)
	for _, p := range []*billing.Profile{&a, &b} {
		w.update(func(tx billing.Tx) error { return tx.PutProfile(p) })
		same(w, read(w, func(r billing.Reader) (billing.Profile, error) { return r.Profile(p.ID) }), *p)
	}
	same(w, b.ID, billing.ProfileID(8))
	a.Enabled, a.Name = false, "p"
	w.update(func(tx billing.Tx) error { return tx.PutProfile(&a) })
	list := func(f billing.ListFilter) []billing.Profile {
		return read(w, func(r billing.Reader) ([]billing.Profile, error) { return r.Profiles(f) })
	}
	same(w, list(billing.ListFilter{}), []billing.Profile{a, b})
	same(w, list(billing.ListFilter{After: 7}), []billing.Profile{b})
	same(w, list(billing.ListFilter{Limit: 1}), []billing.Profile{a})
	same(w, list(billing.ListFilter{CreatedSince: b.CreatedAt}), []billing.Profile{b})
	same(w, list(billing.ListFilter{UpdatedSince: a.UpdatedAt}), []billing.Profile{a, b})
	same(w, list(billing.ListFilter{UpdatedSince: a.UpdatedAt.Add(time.Microsecond)}), nil)
	named := func(name string) []billing.Profile {
		return read(w, func(r billing.Reader) ([]billing.Profile, error) { return r.ProfilesNamed(name) })
	}
	same(w, named("P"), []billing.Profile{a})
	same(w, named("R"), nil)

	t := newTerms(acme, 7)
	w.update(func(tx billing.Tx) error { return tx.PutTopupTerms(&t) })
	linked := func(id billing.ProfileID) bool {
		return read(w, func(r billing.Reader) (bool, error) { return r.ProfileLinked(id) })
	}
	same(w, []bool{linked(7), linked(8)}, []bool{true, false})
	w.refused(billing.Conflict, "", func(tx billing.Tx) error { return tx.DeleteProfile(7, noon) })
	w.update(func(tx billing.Tx) error { return tx.DeleteProfile(8, noon) })
	missing(w, func(r billing.Reader) (billing.Profile, error) { return r.Profile(8) })
	same(w, list(billing.ListFilter{}), []billing.Profile{a})
	same(w, named("Q"), nil)
	next := newProfile(0)
	w.update(func(tx billing.Tx) error { return tx.PutProfile(&next) })
	same(w, next.ID, billing.ProfileID(9))
}

// topupRecords: a customer's terms with their limits, and who is linked.
func topupRecords(w *world) {
	p, q := newProfile(1), newProfile(2)
	all := []billing.TopupTerms{newTerms(acme, 1), newTerms(acmeE, 0), newTerms(zeta, 2)}
	all[1].Amount, all[1].Limits, all[1].PaymentType = nil, nil, billing.PaysUntold
	all[2].Top = zeta
	w.update(func(tx billing.Tx) error {
		if err := tx.PutProfile(&p); err != nil {
			return err
		}
		if err := tx.PutProfile(&q); err != nil {
			return err
		}
		for i := range all {
			if err := tx.PutTopupTerms(&all[i]); err != nil {
				return err
			}
		}
		return nil
	})
	missing(w, func(r billing.Reader) (billing.TopupTerms, error) { return r.TopupTerms(billing.Customer(99)) })
	same(w, read(w, func(r billing.Reader) (billing.TopupTerms, error) { return r.TopupTerms(zeta) }), all[2])
	list := func(f billing.TopupFilter) []billing.TopupTerms {
		return read(w, func(r billing.Reader) ([]billing.TopupTerms, error) { return r.TopupTermsList(f) })
	}
	same(w, list(billing.TopupFilter{}), all)
	same(w, list(billing.TopupFilter{Linked: true}), []billing.TopupTerms{all[0], all[2]})
	same(w, list(billing.TopupFilter{Linked: true, After: acme, Limit: 5}), all[2:])
	same(w, list(billing.TopupFilter{Profile: 1}), all[:1])
	same(w, list(billing.TopupFilter{Upto: acmeE}), all[:2])
	same(w, list(billing.TopupFilter{Limit: 1}), all[:1])
	all[0].Limits, all[0].Profile = all[0].Limits[1:], 2
	w.update(func(tx billing.Tx) error { return tx.PutTopupTerms(&all[0]) })
	same(w, list(billing.TopupFilter{Profile: 2}), []billing.TopupTerms{all[0], all[2]})
	w.update(func(tx billing.Tx) error { return tx.DeleteOwner(zeta, noon) })
	same(w, list(billing.TopupFilter{}), all[:2])
}

// expectedRecords: expected payments and letters come back as written; one for each
// customer, profile and date, also after it was deleted.
func expectedRecords(w *world) {
	p := newProfile(1)
	a, b, c := newExpected(acme, 1, "2026-11-21"), newExpected(acme, 1, "2026-11-22"), newExpected(acmeE, 1, "2026-11-22")
	d := newExpected(zeta, 1, "2026-11-22")
	d.Top = zeta
	w.update(func(tx billing.Tx) error { return tx.PutProfile(&p) })
	create := func(e *billing.ExpectedPayment) func(tx billing.Tx) error {
		return func(tx billing.Tx) error { return tx.CreateExpectedPayment(e) }
	}
	for _, e := range []*billing.ExpectedPayment{&a, &b, &c, &d} {
		w.update(create(e))
		same(w, read(w, func(r billing.Reader) (billing.ExpectedPayment, error) { return r.ExpectedPayment(e.ID) }), *e)
	}
	a.DeletedAt, a.Revision, a.Reason, a.OurReference, a.CustomerReference = noon.UTC(), 2, billing.ReasonNotLow, "o", "c"
	b.Payment, b.FulfilledAt, b.UpdatedAt = 9, noon.UTC(), noon.UTC().Add(time.Hour)
	for _, e := range []*billing.ExpectedPayment{&a, &b} {
		w.update(func(tx billing.Tx) error { return tx.SetExpectedPayment(e) })
	}
	same(w, read(w, func(r billing.Reader) (billing.ExpectedPayment, error) { return r.ExpectedPayment(a.ID) }), a)
	again := newExpected(acme, 1, "2026-11-21")
	w.refused(billing.Exists, "run_date", create(&again))
	missing(w, func(r billing.Reader) (billing.ExpectedPayment, error) { return r.ExpectedPayment(99) })
	missing(w, func(r billing.Reader) (billing.ExpectedPayment, error) { return r.ExpectedByCharge(99) })
	list := func(f billing.ExpectedFilter) []billing.ExpectedPayment {
		return read(w, func(r billing.Reader) ([]billing.ExpectedPayment, error) { return r.ExpectedPayments(f) })
	}
	type filter = billing.ExpectedFilter
	for _, l := range []struct {
		f    filter
		want []billing.ExpectedPayment
	}{
		{filter{}, []billing.ExpectedPayment{b, c, d}},
		{filter{Open: true}, []billing.ExpectedPayment{c, d}},
		{filter{Complete: true}, []billing.ExpectedPayment{b}},
		{filter{Payment: 9}, []billing.ExpectedPayment{b}},
		{filter{Payment: 8}, nil},
		{filter{Owner: acme}, []billing.ExpectedPayment{b}},
		{filter{Within: acme}, []billing.ExpectedPayment{b, c}},
		{filter{Within: acme, Open: true}, []billing.ExpectedPayment{c}},
		{filter{ListFilter: billing.ListFilter{After: int64(b.ID), Limit: 1}}, []billing.ExpectedPayment{c}},
		{filter{ListFilter: billing.ListFilter{UpdatedSince: b.UpdatedAt}}, []billing.ExpectedPayment{b}},
	} {
		same(w, list(l.f), l.want)
	}
	same(w, read(w, func(r billing.Reader) (bool, error) { return r.OpenExpected(acme) }), false)
	same(w, read(w, func(r billing.Reader) (bool, error) { return r.OpenExpected(acmeE) }), true)
	same(w, read(w, func(r billing.Reader) (string, error) { return r.LastExpected(acme) }), "2026-11-22")
	same(w, read(w, func(r billing.Reader) (string, error) { return r.LastExpected(carol) }), "")

	asked := expectedByPersons(w, d.ID, create)
	same(w, list(filter{Owner: zeta}), []billing.ExpectedPayment{d, asked})
	all := read(w, func(r billing.Reader) ([]billing.ExpectedPayment, error) { return r.AllExpected(a.ID, 9) })
	same(w, all, []billing.ExpectedPayment{b, c, d, asked})
	same(w, read(w, func(r billing.Reader) ([]billing.ExpectedPayment, error) { return r.AllExpected(0, 1) }), []billing.ExpectedPayment{a})
	same(w, read(w, func(r billing.Reader) ([]billing.Profile, error) { return r.ExpectedProfiles() }), nil)
	w.update(func(tx billing.Tx) error { return tx.DeleteProfile(1, noon) })
	p.DeletedAt, p.UpdatedAt = noon.UTC(), noon.UTC()
	same(w, read(w, func(r billing.Reader) ([]billing.Profile, error) { return r.ExpectedProfiles() }), []billing.Profile{p})
	w.update(func(tx billing.Tx) error { return tx.DeleteOwner(zeta, noon) })
	same(w, read(w, func(r billing.Reader) ([]billing.ExpectedPayment, error) { return r.AllExpected(b.ID, 9) }), []billing.ExpectedPayment{c})

	t := billing.LetterType{Name: "Ours", CreatedAt: noon.UTC()}
	w.update(func(tx billing.Tx) error { return tx.PutLetterType(&t) })
	same(w, t.ID, billing.LetterTypeID(billing.BuiltInLetters+1))
	same(w, read(w, func(r billing.Reader) (billing.LetterType, error) { return r.LetterTypeNamed("OURS") }), t)
	same(w, read(w, func(r billing.Reader) (billing.LetterType, error) { return r.LetterType(t.ID) }), t)
	same(w, len(read(w, func(r billing.Reader) ([]billing.LetterType, error) { return r.LetterTypes() })), billing.BuiltInLetters+1)
	missing(w, func(r billing.Reader) (billing.LetterType, error) { return r.LetterTypeNamed("None") })
	missing(w, func(r billing.Reader) (billing.LetterType, error) { return r.LetterType(99) })
	w.refused(billing.Exists, "name", func(tx billing.Tx) error { return tx.PutLetterType(&billing.LetterType{Name: "ours"}) })
	// Only ASCII has cases, whatever the database's locale thinks.
	for _, name := range []string{"Ärger ONE", "ärger one"} {
		other := billing.LetterType{Name: name, CreatedAt: noon.UTC()}
		w.update(func(tx billing.Tx) error { return tx.PutLetterType(&other) })
		upper := name[:2] + strings.ToUpper(name[2:])
		same(w, read(w, func(r billing.Reader) (billing.LetterType, error) { return r.LetterTypeNamed(upper) }), other)
	}

	n := billing.Notice{Owner: acme, Top: acme, Kind: billing.NoticeTopup, Cause: "topup:1", State: billing.NoticePending, DueAt: noon, CreatedAt: noon}
	l := billing.Letter{Owner: acme, Top: acme, Type: t.ID, Expected: b.ID, CreatedAt: noon.UTC()}
	w.update(func(tx billing.Tx) error {
		if err := tx.CreateNotice(&n); err != nil {
			return err
		}
		l.Notice = n.ID
		return tx.CreateLetter(&l)
	})
	same(w, read(w, func(r billing.Reader) (billing.Letter, error) { return r.Letter(l.ID) }), l)
	same(w, read(w, func(r billing.Reader) (billing.Letter, error) { return r.LetterOf(b.ID) }), l)
	missing(w, func(r billing.Reader) (billing.Letter, error) { return r.LetterOf(c.ID) })
	same(w, read(w, func(r billing.Reader) ([]billing.Letter, error) { return r.Letters(acme, 0, 0) }), []billing.Letter{l})
	same(w, read(w, func(r billing.Reader) ([]billing.Letter, error) { return r.Letters(0, l.ID, 0) }), nil)
	missing(w, func(r billing.Reader) (billing.Letter, error) { return r.Letter(99) })
	w.refused(billing.Exists, "", func(tx billing.Tx) error {
		return tx.CreateLetter(&billing.Letter{Owner: acme, Top: acme, Type: 1, Expected: b.ID, Notice: n.ID, CreatedAt: noon})
	})
}

// expectedByPersons: what a person asks for has a type of the operator's, holds no top-up
// back, and may come with the id that it had elsewhere.
func expectedByPersons(w *world, highest billing.ExpectedID, create func(*billing.ExpectedPayment) func(billing.Tx) error) billing.ExpectedPayment {
	w.Helper()
	kind := billing.ExpectedType{Name: "Invoice", DisplayName: "An invoice", Description: "d", CreatedAt: noon.UTC(), UpdatedAt: noon.UTC()}
	w.update(func(tx billing.Tx) error { return tx.PutExpectedType(&kind) })
	same(w, kind.ID, billing.ExpectedTopup+1)
	kind.DisplayName = "Invoice"
	w.update(func(tx billing.Tx) error { return tx.PutExpectedType(&kind) })
	same(w, read(w, func(r billing.Reader) (billing.ExpectedType, error) { return r.ExpectedType(kind.ID) }), kind)
	same(w, read(w, func(r billing.Reader) (billing.ExpectedType, error) { return r.ExpectedTypeNamed("INVOICE") }), kind)
	missing(w, func(r billing.Reader) (billing.ExpectedType, error) { return r.ExpectedType(99) })
	missing(w, func(r billing.Reader) (billing.ExpectedType, error) { return r.ExpectedTypeNamed("None") })
	same(w, read(w, func(r billing.Reader) ([]billing.ExpectedType, error) {
		return r.ExpectedTypes(billing.ListFilter{After: int64(billing.ExpectedTopup)})
	}), []billing.ExpectedType{kind})
	w.refused(billing.Exists, "name", func(tx billing.Tx) error { return tx.PutExpectedType(&billing.ExpectedType{Name: "invoice"}) })

	asked := newExpected(zeta, 0, "2030-01-01")
	asked.ID, asked.Top, asked.Type = highest+10, zeta, kind.ID
	w.update(create(&asked))
	same(w, asked.ID, highest+10)
	same(w, read(w, func(r billing.Reader) (billing.ExpectedPayment, error) { return r.ExpectedPayment(asked.ID) }), asked)
	same(w, read(w, func(r billing.Reader) (string, error) { return r.LastExpected(zeta) }), "2026-11-22")
	again := asked
	w.refused(billing.Exists, "", create(&again))
	w.refused(billing.Conflict, "", func(tx billing.Tx) error { return tx.DeleteExpectedType(kind.ID) })
	w.refused(billing.Conflict, "", func(tx billing.Tx) error { return tx.DeleteExpectedType(billing.ExpectedTopup) })
	w.refused(billing.NotFound, "", func(tx billing.Tx) error { return tx.DeleteExpectedType(99) })
	other := billing.ExpectedType{Name: "Other", DisplayName: "Other"}
	w.update(func(tx billing.Tx) error { return tx.PutExpectedType(&other) })
	w.update(func(tx billing.Tx) error { return tx.DeleteExpectedType(other.ID) })
	missing(w, func(r billing.Reader) (billing.ExpectedType, error) { return r.ExpectedType(other.ID) })
	same(w, read(w, func(r billing.Reader) (bool, error) { return r.ExpectedWithCard(w.card[alice]) }), false)
	return asked
}

// profileRules tries every state of a profile and what hangs on it that must be impossible.
func profileRules(w *world) {
	type profile = billing.Profile
	each(w, billing.Conflict, func() profile { return newProfile(1) }, func(tx billing.Tx, p *profile) error { return tx.PutProfile(p) }, map[string]func(*profile){
		"negative id":         func(p *profile) { p.ID = -1 },
		"no name":             func(p *profile) { p.Name = "" },
		"an unknown basis":    func(p *profile) { p.Basis = "debt" },
		"an unknown trigger":  func(p *profile) { p.Trigger = "edge" },
		"an unknown mode":     func(p *profile) { p.Mode = "half" },
		"a negative value":    func(p *profile) { p.Mode, p.TopupValue = billing.TopupFixed, -1 },
		"negative days":       func(p *profile) { p.MinDays = -1 },
		"no limit":            func(p *profile) { p.Limit = "" },
		"more than all of it": func(p *profile) { p.TriggerValue = 100*billing.Micro + 1 },
		"none of it":          func(p *profile) { p.TriggerValue = 0 },
		"to all of it":        func(p *profile) { p.TopupValue = 100 * billing.Micro },
		"an account's":        func(p *profile) { p.Customer = alice },
	})
	each(w, billing.NotFound, func() profile { return newProfile(2) }, func(tx billing.Tx, p *profile) error { return tx.PutProfile(p) }, map[string]func(*profile){
		"nobody's":          func(p *profile) { p.Customer = billing.Customer(99) },
		"an unknown letter": func(p *profile) { p.LetterCard = 99 },
	})
	type terms = billing.TopupTerms
	each(w, billing.Conflict, func() terms { return newTerms(acme, 1) }, func(tx billing.Tx, t *terms) error { return tx.PutTopupTerms(t) }, map[string]func(*terms){
		"an account's":            func(t *terms) { t.Owner = alice },
		"a negative amount":       func(t *terms) { n := int64(-1); t.Amount = &n },
		"an unknown payment type": func(t *terms) { t.PaymentType = "cheque" },
		"a limit without a name":  func(t *terms) { t.Limits[0].Name = "" },
	})
	w.refused(billing.NotFound, "", func(tx billing.Tx) error { t := newTerms(acmeE, 99); return tx.PutTopupTerms(&t) })
	type expected = billing.ExpectedPayment
	good := func() expected { return newExpected(acme, 1, "2026-11-22") }
	invoice := billing.ExpectedType{Name: "Invoice", DisplayName: "Invoice"}
	w.update(func(tx billing.Tx) error { return tx.PutExpectedType(&invoice) })
	w.update(func(tx billing.Tx) error {
		imported := newExpected(acme, 1, "2026-11-20")
		imported.Imported, imported.Method, imported.Card, imported.FulfilledAt, imported.DeletedAt = true, billing.CollectCard, w.card[alice], noon, noon
		return tx.CreateExpectedPayment(&imported)
	})
	same(w, read(w, func(r billing.Reader) (bool, error) { return r.ExpectedWithCard(w.card[alice]) }), true)
	each(w, billing.Conflict, good, func(tx billing.Tx, e *expected) error { return tx.CreateExpectedPayment(e) }, map[string]func(*expected){
		"an account's":              func(e *expected) { e.Owner = alice },
		"no date":                   func(e *expected) { e.Date = "" },
		"nothing":                   func(e *expected) { e.Amount = 0 },
		"an unknown method":         func(e *expected) { e.Method = "cash" },
		"by a card without one":     func(e *expected) { e.Method = billing.CollectCard },
		"no method, and yet a card": func(e *expected) { e.Card = w.card[alice] },
		"no revision":               func(e *expected) { e.Revision = 0 },
		"a profile's of no profile": func(e *expected) { e.Profile = 0 },
		"a person's of a profile":   func(e *expected) { e.Type = invoice.ID },
		"a person's, collected":     func(e *expected) { e.Type, e.Profile, e.Method = invoice.ID, 0, billing.CollectDirectDebit },
		"paid by nobody":            func(e *expected) { e.FulfilledAt = noon },
		"paid at no time":           func(e *expected) { e.Payment = 9 },
		"withdrawn and paid":        func(e *expected) { e.Payment, e.FulfilledAt, e.DeletedAt = 9, noon, noon },
		"negative id":               func(e *expected) { e.ID = -1 },
		"by a card, uncharged": func(e *expected) {
			e.Method, e.Card = billing.CollectCard, w.card[alice]
		},
	})
	if w.exec == nil {
		return
	}
	for _, query := range []string{
		`DELETE FROM expected_payments`, `UPDATE expected_payments SET amount = amount + 1`, `UPDATE expected_payments SET run_date = '2026-11-23'`,
		`UPDATE expected_payments SET imported = 0`, `DELETE FROM expected_payment_types WHERE id = 1`,
	} {
		if err := w.exec(query); err == nil {
			w.Errorf("%s went through", query)
		}
	}
}
