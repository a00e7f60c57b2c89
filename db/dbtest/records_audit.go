package dbtest

import (
	"time"

	"topupd/billing"
)

// auditRecords: rows come back as written, oldest first, by half-open times.
func auditRecords(w *world) {
	rows := make([]billing.AuditRow, 4)
	for i := range rows {
		stuff(&rows[i])
		rows[i].ID, rows[i].Top, rows[i].Customer, rows[i].At = 0, acme, acmeE, noon.Add(time.Duration(i/2)*time.Minute).UTC()
	}
	rows[3].Customer, rows[3].At = 0, rows[3].At.Add(-time.Hour)
	for i := range rows {
		w.update(func(tx billing.Tx) error { return tx.AddAudit(&rows[i]) })
	}
	list := func(f billing.AuditFilter) []billing.AuditRow {
		got := read(w, func(r billing.Reader) ([]billing.AuditRow, error) { return r.AuditRows(f) })
		for i := range got {
			utc(w, got[i])
			if got[i].ID == 0 {
				w.Error("no id")
			}
			got[i].ID = 0 // the database's
		}
		return got
	}
	all := []billing.AuditRow{rows[3], rows[0], rows[1], rows[2]}
	day := billing.AuditFilter{From: noon.Add(-24 * time.Hour), To: noon.Add(24 * time.Hour)}
	same(w, list(day), all)
	day.Offset, day.Limit = 1, 2
	same(w, list(day), all[1:3])
	day.Offset, day.Limit = 4, 2
	same(w, list(day), nil)
	same(w, list(billing.AuditFilter{From: noon, To: noon.Add(time.Minute)}), all[1:3])
	same(w, list(billing.AuditFilter{From: noon, To: noon}), nil)
}

// auditEnds: the oldest rows go first, a few at a time, and what was done today stays.
func auditEnds(w *world) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	ages := []time.Duration{0, 30 * time.Hour, 10 * time.Hour, 40 * time.Hour, 20 * time.Hour}
	w.update(func(tx billing.Tx) error {
		for _, age := range ages {
			if err := tx.AddAudit(&billing.AuditRow{At: now.Add(-age), Top: acme, Action: "U", Resource: age.String()}); err != nil {
				return err
			}
		}
		return nil
	})
	drop := func(age time.Duration, limit int) (n int64, err error) {
		err = w.s.Update(w.Context(), func(tx billing.Tx) (err error) {
			n, err = tx.DropAudit(now.Add(-age), limit)
			return err
		})
		return n, err
	}
	left := func() (ages []string) {
		for _, a := range read(w, func(r billing.Reader) ([]billing.AuditRow, error) {
			return r.AuditRows(billing.AuditFilter{From: now.AddDate(-1, 0, 0), To: now.Add(time.Hour)})
		}) {
			ages = append(ages, a.Resource)
		}
		return ages
	}
	for _, step := range []struct {
		age   time.Duration
		limit int
		gone  int64
		left  []string
	}{
		{40 * time.Hour, 10, 0, []string{"40h0m0s", "30h0m0s", "20h0m0s", "10h0m0s", "0s"}}, // before, not at
		{24 * time.Hour, 1, 1, []string{"30h0m0s", "20h0m0s", "10h0m0s", "0s"}},
		{24 * time.Hour, 10, 1, []string{"20h0m0s", "10h0m0s", "0s"}},
		{24 * time.Hour, 10, 0, []string{"20h0m0s", "10h0m0s", "0s"}},
	} {
		n, err := drop(step.age, step.limit)
		if err != nil || n != step.gone {
			w.Errorf("%s: %d rows, %v", step.age, n, err)
		}
		same(w, left(), step.left)
	}
	if _, err := drop(time.Minute, 10); billing.ErrorCode(err) != billing.Conflict {
		w.Errorf("the last hours are gone: %v", err)
	}
	same(w, left(), []string{"20h0m0s", "10h0m0s", "0s"})
}

func auditRules(w *world) {
	good := func() billing.AuditRow {
		return billing.AuditRow{At: noon, Top: acme, Customer: acme, Action: "U", Resource: "x:y=1"}
	}
	each(w, billing.Conflict, good, func(tx billing.Tx, a *billing.AuditRow) error { return tx.AddAudit(a) }, map[string]func(*billing.AuditRow){
		"no action":         func(a *billing.AuditRow) { a.Action = "" },
		"no resource":       func(a *billing.AuditRow) { a.Resource = "" },
		"no time":           func(a *billing.AuditRow) { a.At = time.Time{} },
		"no top":            func(a *billing.AuditRow) { a.Top = 0 },
		"an account as top": func(a *billing.AuditRow) { a.Top = alice },
		"an account acts":   func(a *billing.AuditRow) { a.Customer = alice },
	})
	if w.exec == nil {
		return
	}
	w.update(func(tx billing.Tx) error {
		now := good()
		now.At = time.Now()
		return tx.AddAudit(&now)
	})
	for _, query := range []string{"UPDATE audit SET actor = 'x'", "DELETE FROM audit"} {
		if w.exec(query) == nil {
			w.Errorf("accepted: %s", query)
		}
	}
}
