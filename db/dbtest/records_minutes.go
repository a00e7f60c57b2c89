package dbtest

import "topupd/billing"

func minuteRecords(w *world) {
	var m billing.MinutePlan
	stuff(&m)
	m.Plan = w.plan
	next := billing.MinutePlan{ID: m.ID + 1, Plan: w.plan}
	put := func(m billing.MinutePlan) func(billing.Tx) error {
		return func(tx billing.Tx) error { return tx.PutMinutePlan(&m) }
	}
	w.update(put(next))
	w.update(put(m))
	of := func(r billing.Reader) ([]billing.MinutePlan, error) { return r.MinutePlans(w.plan) }
	same(w, read(w, of), []billing.MinutePlan{m, next})
	m.Description, m.Price, m.Seconds = "", 0, nil
	w.update(put(m))
	same(w, read(w, of), []billing.MinutePlan{m, next})

	other := billing.Plan{Currency: usd, Cycle: billing.CycleMonthly, OnFailure: billing.FailTariff}
	w.update(func(tx billing.Tx) error { return tx.PutPlan(&other) })
	taken := m
	taken.Plan, taken.Description = other.ID, "taken"
	w.refused(billing.Exists, "minute_plan", put(taken))
	same(w, read(w, of), []billing.MinutePlan{m, next})
	if all := read(w, func(r billing.Reader) ([]billing.MinutePlan, error) { return r.MinutePlans(other.ID) }); len(all) != 0 {
		w.Errorf("another plan has %+v", all)
	}

	var u billing.MinutesUsed
	stuff(&u)
	u.Owner, u.Top, u.Minutes = alice, acme, next.ID
	used := func(u billing.MinutesUsed) func(billing.Tx) error {
		return func(tx billing.Tx) error { return tx.PutMinutesUsed(&u) }
	}
	first := u
	first.Minutes, first.Seconds = m.ID, 0
	w.update(used(u))
	w.update(used(first))
	ofAlice := func(r billing.Reader) ([]billing.MinutesUsed, error) { return r.MinutesUsed(alice) }
	got := read(w, ofAlice)
	same(w, got, []billing.MinutesUsed{first, u})
	utc(w, got)
	u.Seconds, u.Until = billing.MaxSeconds, noon
	w.update(used(u))
	same(w, read(w, ofAlice), []billing.MinutesUsed{first, u})

	// What was used goes with its minute plan, and with its account.
	w.update(func(tx billing.Tx) error { return tx.DeleteMinutePlan(m.ID) })
	same(w, read(w, of), []billing.MinutePlan{next})
	same(w, read(w, ofAlice), []billing.MinutesUsed{u})
	w.refused(billing.NotFound, "minute_plan", func(tx billing.Tx) error { return tx.DeleteMinutePlan(m.ID) })
	w.update(func(tx billing.Tx) error { return tx.DeleteOwner(alice, noon) })
	if left := read(w, ofAlice); len(left) != 0 {
		w.Errorf("a deleted account used %+v", left)
	}
}

func minuteRules(w *world) {
	seconds := func(n int64) *int64 { return &n }
	plan := func() billing.MinutePlan { return billing.MinutePlan{ID: 5, Plan: w.plan} }
	put := func(tx billing.Tx, m *billing.MinutePlan) error { return tx.PutMinutePlan(m) }
	each(w, billing.Conflict, plan, put, map[string]func(*billing.MinutePlan){
		"id 0":              func(m *billing.MinutePlan) { m.ID = 0 },
		"a large id":        func(m *billing.MinutePlan) { m.ID = billing.MaxSeconds + 1 },
		"a negative price":  func(m *billing.MinutePlan) { m.Price = -1 },
		"less than nothing": func(m *billing.MinutePlan) { m.Seconds = seconds(-1) },
		"too many seconds":  func(m *billing.MinutePlan) { m.Seconds = seconds(billing.MaxSeconds + 1) },
	})
	each(w, billing.NotFound, plan, put, map[string]func(*billing.MinutePlan){
		"an unknown plan": func(m *billing.MinutePlan) { m.ID, m.Plan = 6, 99 },
	})
	used := func() billing.MinutesUsed {
		return billing.MinutesUsed{Owner: alice, Top: acme, Minutes: 5, Until: noon}
	}
	note := func(tx billing.Tx, u *billing.MinutesUsed) error { return tx.PutMinutesUsed(u) }
	each(w, billing.Conflict, used, note, map[string]func(*billing.MinutesUsed){
		"a customer's":      func(u *billing.MinutesUsed) { u.Owner = acme },
		"an account on top": func(u *billing.MinutesUsed) { u.Top = alice },
		"nobody on top":     func(u *billing.MinutesUsed) { u.Top = 0 },
		"less than nothing": func(u *billing.MinutesUsed) { u.Seconds = -1 },
		"too many seconds":  func(u *billing.MinutesUsed) { u.Seconds = billing.MaxSeconds + 1 },
	})
	each(w, billing.NotFound, used, note, map[string]func(*billing.MinutesUsed){
		"an unknown minute plan": func(u *billing.MinutesUsed) { u.Minutes = 99 },
		"an unknown account":     func(u *billing.MinutesUsed) { u.Owner = billing.Account(9) },
	})
}
