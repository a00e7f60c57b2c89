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
