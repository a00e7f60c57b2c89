package dbtest

import (
	"time"

	"topupd/billing"
)

func planRecords(w *world) {
	var p billing.Plan
	stuff(&p)
	p.ID, p.Currency, p.Cycle, p.OnFailure, p.Customer = 70, "EUR", billing.CycleWeekly, billing.FailOverdraw, acme
	w.update(func(tx billing.Tx) error { return tx.PutPlan(&p) })
	get := func(r billing.Reader) (billing.Plan, error) { return r.Plan(p.ID) }
	same(w, read(w, get), p)
	next := billing.Plan{Currency: usd, Cycle: billing.CycleMonthly, OnFailure: billing.FailTariff}
	w.update(func(tx billing.Tx) error { return tx.PutPlan(&next) })
	if next.ID != 71 {
		w.Errorf("the next plan is %d", next.ID)
	}
	p.Prepaid, p.Price, p.Name, p.SuspendAllCalls, p.Tariff, p.Customer = false, 0, "", false, 0, 0
	w.update(func(tx billing.Tx) error { return tx.PutPlan(&p) })
	same(w, read(w, get), p)
	if all := read(w, func(r billing.Reader) ([]billing.Plan, error) { return r.Plans() }); len(all) != 3 || all[0].ID != w.plan || all[2].ID != 71 {
		w.Errorf("plans %+v", all)
	}
	missing(w, func(r billing.Reader) (billing.Plan, error) { return r.Plan(99) })

	var a billing.AccountPlan
	stuff(&a)
	a.Owner, a.Top, a.Plan, a.AnchorDay = alice, acme, p.ID, 31
	w.update(func(tx billing.Tx) error { return tx.PutAccountPlan(&a) })
	of := func(r billing.Reader) (billing.AccountPlan, error) { return r.AccountPlan(alice) }
	got := read(w, of)
	same(w, got, a)
	utc(w, got)
	a = billing.AccountPlan{Owner: alice, Top: acme, Plan: w.plan}
	w.update(func(tx billing.Tx) error { return tx.PutAccountPlan(&a) })
	same(w, read(w, of), a)
	missing(w, func(r billing.Reader) (billing.AccountPlan, error) { return r.AccountPlan(bob) })
	w.refused(billing.NotFound, "", func(tx billing.Tx) error {
		return tx.PutAccountPlan(&billing.AccountPlan{Owner: bob, Top: acme, Plan: 99})
	})
}

func periodRecords(w *world) {
	var p billing.Period
	stuff(&p)
	c := w.charge(alice, "c")
	run := billing.Run{Job: billing.JobBilling}
	p.Owner, p.Top, p.Date, p.Plan, p.OnFailure = alice, acme, "2026-12-01", w.plan, billing.FailTariff
	p.State, p.SettledAt, p.Posting = billing.PeriodCharging, time.Time{}, 0
	w.update(func(tx billing.Tx) error {
		if err := tx.CreateCharge(c); err != nil {
			return err
		}
		if err := tx.CreateRun(&run); err != nil {
			return err
		}
		p.Charge, p.Run = c.ID, run.ID
		return tx.CreatePeriod(&p)
	})
	get := func(r billing.Reader) (billing.Period, error) { return r.Period(alice, p.Date) }
	got := read(w, get)
	same(w, got, p)
	utc(w, got)

	early := w.period("2026-11-01")
	w.update(func(tx billing.Tx) error { return tx.CreatePeriod(early) })
	open := func(o billing.OwnerID) (dates []string) {
		for _, p := range read(w, func(r billing.Reader) ([]billing.Period, error) { return r.OpenPeriods(o) }) {
			dates = append(dates, p.Date)
		}
		return dates
	}
	waiting := func(after billing.OwnerID) []billing.OwnerID {
		return read(w, func(r billing.Reader) ([]billing.OwnerID, error) { return r.WaitingPeriods(after, 9) })
	}
	same(w, open(alice), []string{"2026-11-01", "2026-12-01"})
	same(w, open(bob), nil)
	same(w, waiting(0), []billing.OwnerID{alice})
	same(w, waiting(alice), nil)
	for state, want := range map[billing.PeriodState][]billing.OwnerID{
		billing.PeriodUnpaid: {alice}, billing.PeriodCharging: nil, billing.PeriodDue: {alice},
	} {
		early.State = state
		w.update(func(tx billing.Tx) error { return tx.SetPeriod(early) })
		same(w, waiting(0), want)
	}

	post := posting(alice, "p", -20)
	w.update(func(tx billing.Tx) error {
		if err := tx.Post(post); err != nil {
			return err
		}
		p.State, p.Reason, p.Posting, p.SettledAt = billing.PeriodPosted, "r", post.ID, noon
		early.State, early.SettledAt = billing.PeriodSkipped, noon
		if err := tx.SetPeriod(early); err != nil {
			return err
		}
		return tx.SetPeriod(&p)
	})
	same(w, read(w, get), p)
	same(w, open(alice), nil)
	same(w, waiting(0), nil)
	missing(w, func(r billing.Reader) (billing.Period, error) { return r.Period(alice, "2027-01-01") })
	w.refused(billing.NotFound, "", func(tx billing.Tx) error { return tx.SetPeriod(w.period("2027-01-01")) })
}

func runRecords(w *world) {
	var run billing.Run
	stuff(&run)
	run.ID, run.Job, run.Key = 0, billing.JobBilling, "2026-11-22"
	w.update(func(tx billing.Tx) error { return tx.CreateRun(&run) })
	get := func(r billing.Reader) (billing.Run, error) { return r.Run(run.ID) }
	got := read(w, get)
	same(w, got, run)
	utc(w, got)

	run.FinishedAt, run.LeaseUntil, run.Error = time.Time{}, time.Time{}, ""
	run.Tally = billing.Tally{Decided: 9}
	w.update(func(tx billing.Tx) error { return tx.SetRun(&run) })
	same(w, read(w, get), run)
	missing(w, func(r billing.Reader) (billing.Run, error) { return r.Run(99) })
	w.refused(billing.NotFound, "", func(tx billing.Tx) error { return tx.SetRun(&billing.Run{ID: 99}) })

	hand := billing.Run{Job: billing.JobBilling, Trigger: "command"}
	again := billing.Run{Job: billing.JobBilling, Trigger: "command"}
	other := billing.Run{Job: billing.JobLowBalance, Key: "2026-11-23T10:15Z"}
	w.update(func(tx billing.Tx) error {
		for _, r := range []*billing.Run{&hand, &again, &other} {
			if err := tx.CreateRun(r); err != nil {
				return err
			}
		}
		return nil
	})
	key := func(j billing.Job) string {
		return read(w, func(r billing.Reader) (string, error) { return r.LastKey(j) })
	}
	same(w, key(billing.JobBilling), "") // a run that did not finish closes no night
	run.FinishedAt = run.StartedAt
	w.update(func(tx billing.Tx) error { return tx.SetRun(&run) })
	same(w, key(billing.JobBilling), "2026-11-22")
	same(w, key("none"), "")
	same(w, read(w, func(r billing.Reader) (billing.Run, error) { return r.RunByKey(billing.JobBilling, "2026-11-22") }), run)
	missing(w, func(r billing.Reader) (billing.Run, error) { return r.RunByKey(billing.JobBilling, "") })
	missing(w, func(r billing.Reader) (billing.Run, error) { return r.RunByKey(billing.JobLowBalance, "2026-11-22") })

	list := func(j billing.Job, before billing.RunID, limit int) []billing.Run {
		return read(w, func(r billing.Reader) ([]billing.Run, error) { return r.Runs(j, before, limit) })
	}
	same(w, list("", 0, 9), []billing.Run{other, again, hand, run})
	same(w, list(billing.JobBilling, 0, 9), []billing.Run{again, hand, run})
	same(w, list(billing.JobBilling, again.ID, 1), []billing.Run{hand})
}

func noticeRecords(w *world) {
	var n billing.Notice
	stuff(&n)
	run := billing.Run{Job: billing.JobLowBalance}
	n.ID, n.Owner, n.Top, n.State = 0, alice, acme, billing.NoticeSent
	w.update(func(tx billing.Tx) error {
		if err := tx.CreateRun(&run); err != nil {
			return err
		}
		n.Run = run.ID
		return tx.CreateNotice(&n)
	})
	get := func(r billing.Reader) (billing.Notice, error) { return r.Notice(n.ID) }
	got := read(w, get)
	same(w, got, n)
	utc(w, got)

	n.State, n.SentAt, n.To, n.Subject, n.Body = billing.NoticePending, time.Time{}, "a", "b", "c"
	n.Tries, n.Error, n.DueAt, n.LeaseUntil = 5, "e", noon, noon
	w.update(func(tx billing.Tx) error { return tx.SetNotice(&n) })
	same(w, read(w, get), n)
	missing(w, func(r billing.Reader) (billing.Notice, error) { return r.Notice(99) })
	w.refused(billing.NotFound, "", func(tx billing.Tx) error {
		return tx.SetNotice(&billing.Notice{ID: 99, State: billing.NoticePending})
	})

	operator := billing.Notice{Kind: billing.NoticeDeclined, Cause: "op", State: billing.NoticePending, DueAt: noon.Add(-time.Minute)}
	w.update(func(tx billing.Tx) error { return tx.CreateNotice(&operator) })
	operators := billing.DueNotice{ID: operator.ID}
	due := func(now, real time.Time, limit int) []billing.DueNotice {
		return read(w, func(r billing.Reader) ([]billing.DueNotice, error) { return r.DueNotices(now, real, limit) })
	}
	same(w, due(noon, noon, 9), []billing.DueNotice{operators, {ID: n.ID, Owner: n.Owner}})
	same(w, due(noon, noon, 1), []billing.DueNotice{operators})
	same(w, due(noon, noon.Add(-time.Microsecond), 9), []billing.DueNotice{operators})
	same(w, due(noon.Add(-time.Hour), noon, 9), nil)
	list := func(o billing.OwnerID, before billing.NoticeID) []billing.Notice {
		return read(w, func(r billing.Reader) ([]billing.Notice, error) { return r.Notices(o, before, 9) })
	}
	same(w, list(0, 0), []billing.Notice{operator, n})
	same(w, list(0, operator.ID), []billing.Notice{n})
	same(w, list(alice, 0), []billing.Notice{n})
	same(w, list(bob, 0), nil)
}

func loginRecords(w *world) {
	var l billing.Login
	stuff(&l)
	l.Customer = acme
	w.update(func(tx billing.Tx) error { return tx.PutLogin(&l) })
	get := func(r billing.Reader) (billing.Login, error) { return r.Login(l.Name) }
	got := read(w, get)
	same(w, got, l)
	utc(w, got)
	l = billing.Login{Name: l.Name, Customer: billing.Root}
	first := billing.Login{Name: "a", Customer: acmeE, HA1: []byte{1}}
	w.update(func(tx billing.Tx) error {
		if err := tx.PutLogin(&l); err != nil {
			return err
		}
		return tx.PutLogin(&first)
	})
	same(w, read(w, get), l)
	same(w, read(w, func(r billing.Reader) ([]billing.Login, error) { return r.Logins() }), []billing.Login{first, l})
	missing(w, func(r billing.Reader) (billing.Login, error) { return r.Login("none") })
	w.refused(billing.NotFound, "", func(tx billing.Tx) error {
		return tx.PutLogin(&billing.Login{Name: "x", Customer: billing.Customer(9)})
	})
}

func objectRecords(w *world) {
	want := []billing.Object{{Type: "pool_plan", Key: "500", Body: `{"b":2}`}, {Type: "service", Key: "1", Body: "{}"}, {Type: "service", Key: "2", Body: "{}"}}
	w.update(func(tx billing.Tx) error {
		for _, o := range []billing.Object{want[2], want[1], {Type: "pool_plan", Key: "500", Body: "{}"}, want[0]} {
			if err := tx.PutObject(o); err != nil {
				return err
			}
		}
		return nil
	})
	all := func(limit int) []billing.Object {
		return read(w, func(r billing.Reader) (all []billing.Object, err error) {
			for o, err := range r.Objects() {
				if err != nil {
					return nil, err
				}
				// Another question while the list is being read, also the same one.
				for range r.Objects() {
					break
				}
				if _, err := r.Owner(acme); err != nil {
					return nil, err
				}
				if all = append(all, o); len(all) == limit {
					break
				}
			}
			return all, nil
		})
	}
	same(w, all(9), want)
	same(w, all(1), want[:1])
	same(w, read(w, func(r billing.Reader) (billing.Object, error) { return r.Object("pool_plan", "500") }), want[0])
	missing(w, func(r billing.Reader) (billing.Object, error) { return r.Object("pool_plan", "501") })
}
