package dbtest

import (
	"time"

	"topupd/billing"
)

func newAction() billing.BalanceAction {
	return billing.BalanceAction{Kind: billing.ActionTopup, Owner: alice, Top: acme, CreatedAt: noon.UTC()}
}

// actionRules: ids are one sequence over all kinds, and nothing of an action changes.
func actionRules(w *world) {
	add := func(tx billing.Tx, a *billing.BalanceAction) error { return tx.AddBalanceAction(a) }
	each(w, billing.Conflict, newAction, add, map[string]func(*billing.BalanceAction){
		"another kind":      func(a *billing.BalanceAction) { a.Kind = "dance" },
		"an account as top": func(a *billing.BalanceAction) { a.Top = alice },
		"a negative id":     func(a *billing.BalanceAction) { a.ID = -1 },
		"no time":           func(a *billing.BalanceAction) { a.CreatedAt = time.Time{} },
	})
	each(w, billing.NotFound, newAction, add, map[string]func(*billing.BalanceAction){
		"an unknown owner": func(a *billing.BalanceAction) { a.Owner = billing.Account(9) },
	})
	given := newAction()
	given.ID, given.Kind = 700, billing.ActionReservation
	w.update(func(tx billing.Tx) error { return tx.AddBalanceAction(&given) })
	next := newAction()
	next.Kind = billing.ActionTransfer
	w.update(func(tx billing.Tx) error { return tx.AddBalanceAction(&next) })
	if next.ID <= given.ID {
		w.Errorf("id %d follows %d", next.ID, given.ID)
	}
	w.refused(billing.Exists, "id", func(tx billing.Tx) error { return tx.AddBalanceAction(&given) })
	if w.exec == nil {
		return
	}
	for _, query := range []string{"UPDATE balance_actions SET kind = 'adjustment'", "DELETE FROM balance_actions"} {
		if w.exec(query) == nil {
			w.Errorf("%s was accepted", query)
		}
	}
}

// newRule is a rule of alice with the given id, whose action is written first.
func newRule(id billing.TopupID) billing.TopupRule {
	periods := int64(9)
	return billing.TopupRule{
		ID: id, Owner: alice, Top: acme, Unit: usd, Amount: 5, Period: billing.TopupWeekly, Periods: &periods, Anchor: noon.UTC(),
		Next: 2, NextAt: noon.UTC().Add(time.Hour), Done: 1, Failures: 2, State: billing.RuleActive,
		Reason: billing.ReasonBlocked, CreatedAt: noon.UTC().Add(time.Minute), UpdatedAt: noon.UTC().Add(time.Second),
	}
}

func newBalanceTopup(id billing.TopupID) billing.BalanceTopup {
	return billing.BalanceTopup{
		ID: id, Owner: alice, Top: acme, Unit: usd, Amount: 10, State: billing.TopupFailed, Reason: "why",
		Extra: `{"a":1}`, CreatedAt: noon.UTC(), SettledAt: noon.UTC().Add(time.Second),
	}
}

// act writes the balance actions of ids.
func (w *world) act(ids ...billing.TopupID) {
	w.Helper()
	w.update(func(tx billing.Tx) error {
		for _, id := range ids {
			a := newAction()
			a.ID = billing.ActionID(id)
			if err := tx.AddBalanceAction(&a); err != nil {
				return err
			}
		}
		return nil
	})
}

func serviceRecords(w *world) {
	a := billing.Service{ID: 7, Owner: alice, Top: acme, Class: "/service/a"}
	b := billing.Service{ID: 8, Owner: alice, Top: acme, Class: "/service/b"}
	c := billing.Service{ID: 9, Owner: carol, Top: zeta, Class: "/x"}
	w.update(func(tx billing.Tx) error {
		for _, s := range []billing.Service{c, b, a} {
			if err := tx.PutService(&s); err != nil {
				return err
			}
		}
		return nil
	})
	get := func(id billing.ServiceID) billing.Service {
		return read(w, func(r billing.Reader) (billing.Service, error) { return r.Service(id) })
	}
	same(w, get(8), b)
	missing(w, func(r billing.Reader) (billing.Service, error) { return r.Service(1) })
	same(w, read(w, func(r billing.Reader) ([]billing.Service, error) { return r.ServicesOf(alice) }), []billing.Service{a, b})
	same(w, read(w, func(r billing.Reader) ([]billing.Service, error) { return r.Services(7, 1) }), []billing.Service{b})
	b.Class, b.Owner = "/service/c", bob
	w.update(func(tx billing.Tx) error { return tx.PutService(&b) })
	same(w, get(8), b)
	w.update(func(tx billing.Tx) error { return tx.DeleteOwner(carol, noon) })
	same(w, read(w, func(r billing.Reader) ([]billing.Service, error) { return r.Services(0, 0) }), []billing.Service{a, b})
	each(w, billing.Conflict, func() billing.Service { return a }, func(tx billing.Tx, s *billing.Service) error { return tx.PutService(s) },
		map[string]func(*billing.Service){
			"no id":    func(s *billing.Service) { s.ID = 0 },
			"no class": func(s *billing.Service) { s.Class = "" },
			"no path":  func(s *billing.Service) { s.Class = "x" },
			"no top":   func(s *billing.Service) { s.ID, s.Top = 70, alice },
		})
}

func ruleRecords(w *world) {
	w.act(50, 51, 52)
	one, two := newRule(50), newRule(51)
	card := w.card[alice]
	two.Card = &card
	two.Periods, two.NextAt, two.Suspended, two.Reason = nil, noon.UTC(), billing.SuspendedDeclined, ""
	other := newRule(52)
	other.NextAt = noon.UTC()
	w.update(func(tx billing.Tx) error {
		for _, r := range []*billing.TopupRule{&one, &two, &other} {
			if err := tx.CreateTopupRule(r); err != nil {
				return err
			}
		}
		return nil
	})
	get := func(id billing.TopupID) billing.TopupRule {
		r := read(w, func(r billing.Reader) (billing.TopupRule, error) { return r.TopupRule(id) })
		utc(w, r)
		return r
	}
	same(w, get(50), one)
	same(w, get(51), two)
	missing(w, func(r billing.Reader) (billing.TopupRule, error) { return r.TopupRule(1) })
	list := func(get func(billing.Reader) ([]billing.TopupRule, error)) []billing.TopupRule { return read(w, get) }
	same(w, list(func(r billing.Reader) ([]billing.TopupRule, error) { return r.TopupRules(50, 1) }), []billing.TopupRule{two})
	same(w, list(func(r billing.Reader) ([]billing.TopupRule, error) { return r.TopupRulesOf(alice) }), []billing.TopupRule{one, two, other})
	same(w, list(func(r billing.Reader) ([]billing.TopupRule, error) { return r.TopupRulesOf(bob) }), nil)
	same(w, list(func(r billing.Reader) ([]billing.TopupRule, error) { return r.SuspendedRules(alice) }), []billing.TopupRule{two})
	due := func(at, afterAt time.Time, after billing.TopupID) []billing.TopupRule {
		return list(func(r billing.Reader) ([]billing.TopupRule, error) { return r.DueTopupRules(at, afterAt, after, 5) })
	}
	late := noon.UTC().Add(2 * time.Hour)
	same(w, due(noon.Add(-time.Microsecond), time.Time{}, 0), nil)
	same(w, due(noon, time.Time{}, 0), []billing.TopupRule{other}) // the suspended one is not
	same(w, due(late, time.Time{}, 0), []billing.TopupRule{other, one})
	same(w, due(late, noon, 52), []billing.TopupRule{one})
	one.Next, one.NextAt, one.Done, one.Failures, one.Reason = 3, late, 2, 0, ""
	w.update(func(tx billing.Tx) error { return tx.SetTopupRule(&one) })
	same(w, get(50), one)
	one.State, one.NextAt = billing.RuleCancelled, time.Time{}
	w.update(func(tx billing.Tx) error { return tx.SetTopupRule(&one) })
	same(w, get(50), one)
	w.refused(billing.Conflict, "", func(tx billing.Tx) error {
		again := one
		again.State, again.NextAt = billing.RuleActive, late
		return tx.SetTopupRule(&again)
	})
	w.update(func(tx billing.Tx) error { return tx.DeleteOwner(alice, noon) })
	if got := get(52); got.State != billing.RuleCancelled || !got.NextAt.IsZero() {
		w.Errorf("the rule of a deleted owner is %+v", got)
	}
	same(w, list(func(r billing.Reader) ([]billing.TopupRule, error) { return r.TopupRules(0, 0) }), nil)
}

func ruleRules(w *world) {
	w.act(50)
	zero := int64(0)
	done := int64(1)
	each(w, billing.Conflict, func() billing.TopupRule { return newRule(50) }, func(tx billing.Tx, r *billing.TopupRule) error { return tx.CreateTopupRule(r) },
		map[string]func(*billing.TopupRule){
			"an account as top":    func(r *billing.TopupRule) { r.Top = alice },
			"no currency":          func(r *billing.TopupRule) { r.Unit = "" },
			"no amount":            func(r *billing.TopupRule) { r.Amount = 0 },
			"another period":       func(r *billing.TopupRule) { r.Period = "hourly" },
			"no periods":           func(r *billing.TopupRule) { r.Periods = &zero },
			"a period before all":  func(r *billing.TopupRule) { r.Next = -1 },
			"active, never due":    func(r *billing.TopupRule) { r.NextAt = time.Time{} },
			"over, still due":      func(r *billing.TopupRule) { r.State, r.Suspended = billing.RuleCancelled, "" },
			"done more than asked": func(r *billing.TopupRule) { r.Done = 10 },
			"done less than none":  func(r *billing.TopupRule) { r.Done = -1 },
			"all done, active":     func(r *billing.TopupRule) { r.Periods = &done },
			"finished too early":   func(r *billing.TopupRule) { r.State, r.NextAt = billing.RuleFinished, time.Time{} },
			"finished, no end":     func(r *billing.TopupRule) { r.State, r.NextAt, r.Periods = billing.RuleFinished, time.Time{}, nil },
			"fewer failures":       func(r *billing.TopupRule) { r.Failures = -1 },
			"another state":        func(r *billing.TopupRule) { r.State = "paused" },
			"over and suspended": func(r *billing.TopupRule) {
				r.State, r.NextAt, r.Suspended = billing.RuleFailed, time.Time{}, billing.SuspendedHard
			},
		})
	w.refused(billing.NotFound, "", func(tx billing.Tx) error { r := newRule(51); return tx.CreateTopupRule(&r) })
	if w.exec == nil {
		return
	}
	for _, query := range []string{
		"UPDATE topup_rules SET amount = 6", "UPDATE topup_rules SET period = 'daily'", "UPDATE topup_rules SET anchor = 1",
		"UPDATE topup_rules SET owner_id = 23", "UPDATE topup_rules SET card_id = 1", "DELETE FROM topup_rules",
	} {
		if w.exec(query) == nil {
			w.Errorf("%s was accepted", query)
		}
	}
}

func balanceTopupRecords(w *world) {
	w.act(50, 51, 52, 53, 54)
	rule := newRule(50)
	charge := w.charge(alice, "topup:51")
	before, after := int64(-3), int64(7)
	failed, open, first := newBalanceTopup(52), newBalanceTopup(51), newBalanceTopup(50)
	open.State, open.SettledAt, open.Reason, open.Extra, open.Rule, open.Period, open.Amount = billing.TopupCreated, time.Time{}, "", "", 50, 4, 10
	first.State, first.Reason, first.Imported, first.Rule, first.Voucher = billing.TopupCompleted, "", true, 50, "WXYZ"
	first.Before, first.After = &before, &after
	w.update(func(tx billing.Tx) error {
		if err := tx.CreateTopupRule(&rule); err != nil {
			return err
		}
		if err := tx.CreateCharge(charge); err != nil {
			return err
		}
		open.Charge = charge.ID
		for _, t := range []*billing.BalanceTopup{&failed, &open, &first} {
			if err := tx.CreateBalanceTopup(t); err != nil {
				return err
			}
		}
		return nil
	})
	get := func(id billing.TopupID) billing.BalanceTopup {
		t := read(w, func(r billing.Reader) (billing.BalanceTopup, error) { return r.BalanceTopup(id) })
		utc(w, t)
		return t
	}
	for _, t := range []billing.BalanceTopup{failed, open, first} {
		same(w, get(t.ID), t)
	}
	missing(w, func(r billing.Reader) (billing.BalanceTopup, error) { return r.BalanceTopup(1) })
	same(w, read(w, func(r billing.Reader) (billing.BalanceTopup, error) { return r.BalanceTopupByCharge(charge.ID) }), open)
	missing(w, func(r billing.Reader) (billing.BalanceTopup, error) { return r.BalanceTopupByCharge(99) })
	same(w, read(w, func(r billing.Reader) (billing.BalanceTopup, error) { return r.LatestExecution(50) }), open)
	missing(w, func(r billing.Reader) (billing.BalanceTopup, error) { return r.LatestExecution(52) })
	is := func(rule billing.TopupID) bool {
		return read(w, func(r billing.Reader) (bool, error) { return r.OpenExecution(rule) })
	}
	if !is(50) || is(51) {
		w.Error("which rule has an open execution")
	}
	list := func(f billing.BalanceTopupFilter) []billing.BalanceTopup {
		n := read(w, func(r billing.Reader) (int64, error) { return r.CountBalanceTopups(f) })
		all := f
		all.After, all.Offset, all.Limit, all.Deleted = 0, 0, 0, false
		if whole := read(w, func(r billing.Reader) ([]billing.BalanceTopup, error) { return r.BalanceTopups(all) }); int64(len(whole)) != n {
			w.Errorf("%+v: %d are counted, %d listed", f, n, len(whole))
		}
		return read(w, func(r billing.Reader) ([]billing.BalanceTopup, error) { return r.BalanceTopups(f) })
	}
	type top = []billing.BalanceTopup
	same(w, list(billing.BalanceTopupFilter{}), top{first, open, failed})
	same(w, list(billing.BalanceTopupFilter{Limit: 1, Offset: 1}), top{open})
	same(w, list(billing.BalanceTopupFilter{After: 51}), top{failed})
	same(w, list(billing.BalanceTopupFilter{Owner: alice}), top{first, open, failed})
	same(w, list(billing.BalanceTopupFilter{Owner: bob}), nil)
	same(w, list(billing.BalanceTopupFilter{Owner: alice, Within: acme}), top{first, open, failed})
	same(w, list(billing.BalanceTopupFilter{Owner: alice, Within: acmeE}), nil)
	same(w, list(billing.BalanceTopupFilter{Within: acme}), top{first, open, failed})
	same(w, list(billing.BalanceTopupFilter{Within: zeta}), nil)
	same(w, list(billing.BalanceTopupFilter{Within: billing.Customer(99)}), nil)

	// It is credited by its own charge, once that has succeeded.
	w.refused(billing.Conflict, "", func(tx billing.Tx) error {
		p := posting(alice, "x", 10)
		if err := tx.Post(p); err != nil {
			return err
		}
		t := open
		t.State, t.Posting, t.Before, t.After, t.SettledAt = billing.TopupCompleted, p.ID, &before, &after, noon
		return tx.SetBalanceTopup(&t)
	})
	w.update(func(tx billing.Tx) error {
		p := posting(alice, "x", 10)
		p.Charge = charge.ID
		if err := tx.Post(p); err != nil {
			return err
		}
		charge.State, charge.Posting, charge.DueAt, charge.SettledAt = billing.ChargeSucceeded, p.ID, time.Time{}, noon
		if err := tx.SetCharge(charge); err != nil {
			return err
		}
		open.State, open.Posting, open.Before, open.After, open.SettledAt, open.Extra = billing.TopupCompleted, p.ID, &before, &after, noon.UTC(), `{}`
		return tx.SetBalanceTopup(&open)
	})
	same(w, get(51), open)
	if is(50) {
		w.Error("a settled execution is open")
	}
	failed.DeletedAt, failed.Extra = noon.UTC(), ""
	w.update(func(tx billing.Tx) error { return tx.SetBalanceTopup(&failed) })
	same(w, get(52), failed)
	same(w, list(billing.BalanceTopupFilter{}), top{first, open})
	same(w, list(billing.BalanceTopupFilter{Deleted: true}), top{first, open, failed})
	first.Voucher, first.CreatedAt = "ABCD", noon.UTC().Add(time.Hour)
	w.update(func(tx billing.Tx) error { return tx.SetBalanceTopup(&first) }) // an import may say more
	same(w, get(50), first)
	w.update(func(tx billing.Tx) error { return tx.DeleteOwner(alice, noon) })
	same(w, list(billing.BalanceTopupFilter{Owner: alice}), nil)
}

func balanceTopupRules(w *world) {
	w.act(50, 51, 52, 53)
	rule := newRule(50)
	w.update(func(tx billing.Tx) error { return tx.CreateTopupRule(&rule) })
	one, three := int64(1), int64(3)
	create := func(tx billing.Tx, t *billing.BalanceTopup) error { return tx.CreateBalanceTopup(t) }
	each(w, billing.Conflict, func() billing.BalanceTopup { return newBalanceTopup(52) }, create, map[string]func(*billing.BalanceTopup){
		"an account as top":    func(t *billing.BalanceTopup) { t.Top = alice },
		"no currency":          func(t *billing.BalanceTopup) { t.Unit = "" },
		"no amount":            func(t *billing.BalanceTopup) { t.Amount = 0 },
		"another state":        func(t *billing.BalanceTopup) { t.State = "done" },
		"settled, not yet":     func(t *billing.BalanceTopup) { t.SettledAt = time.Time{} },
		"open and settled":     func(t *billing.BalanceTopup) { t.State = billing.TopupCreated },
		"open, of no charge":   func(t *billing.BalanceTopup) { t.State, t.SettledAt = billing.TopupCreated, time.Time{} },
		"paid by nothing":      func(t *billing.BalanceTopup) { t.State = billing.TopupCompleted },
		"failed, with balance": func(t *billing.BalanceTopup) { t.Before, t.After = &one, &one },
		"half a balance": func(t *billing.BalanceTopup) {
			t.State, t.Imported, t.Before = billing.TopupCompleted, true, &one
		},
		"another credit than its amount": func(t *billing.BalanceTopup) {
			t.State, t.Imported, t.Before, t.After = billing.TopupCompleted, true, &one, &three
		},
		"a period of no rule":      func(t *billing.BalanceTopup) { t.Period = 1 },
		"a period before all":      func(t *billing.BalanceTopup) { t.Rule, t.Period = 50, -1 },
		"before its rule":          func(t *billing.BalanceTopup) { t.ID, t.Rule, t.Period = 53, 99, 1 },
		"an extra that is no JSON": func(t *billing.BalanceTopup) { t.Extra = "{" },
	})
	w.refused(billing.NotFound, "", func(tx billing.Tx) error { t := newBalanceTopup(99); return tx.CreateBalanceTopup(&t) })
	w.refused(billing.NotFound, "", func(tx billing.Tx) error {
		t := newBalanceTopup(51)
		t.Rule, t.Period = 49, 1
		return tx.CreateBalanceTopup(&t)
	})
	execution := func(id billing.TopupID, n int64, cause string) error {
		return w.s.Update(w.Context(), func(tx billing.Tx) error {
			c := w.charge(alice, cause)
			c.Purpose, c.By.Customer = billing.PurposeManual, acme // C6 is not asked here
			if err := tx.CreateCharge(c); err != nil {
				return err
			}
			t := newBalanceTopup(id)
			t.State, t.SettledAt, t.Rule, t.Period, t.Charge = billing.TopupCreated, time.Time{}, 50, n, c.ID
			return tx.CreateBalanceTopup(&t)
		})
	}
	if err := execution(51, 1, "a"); err != nil {
		w.Fatal(err)
	}
	for n, want := range map[int64]string{1: "execution", 2: "execution"} {
		if err := execution(53, n, "b"); billing.ErrorCode(err) != billing.Exists || billing.ErrorField(err) != want {
			w.Errorf("a second execution, of period %d: %v", n, err)
		}
	}
	if w.exec == nil {
		return
	}
	for _, query := range []string{
		"UPDATE topups SET amount = 6 WHERE id = 52", "UPDATE topups SET rule_id = 50 WHERE id = 52", "UPDATE topups SET period = 7 WHERE id = 51",
		"UPDATE topups SET charge_id = NULL WHERE id = 51", "UPDATE topups SET state = 'cancelled' WHERE id = 52",
		"UPDATE topups SET voucher = 'x' WHERE id = 52", "UPDATE topups SET imported = 1 WHERE id = 52", "DELETE FROM topups WHERE id = 52",
	} {
		if w.exec(query) == nil {
			w.Errorf("%s was accepted", query)
		}
	}
}
