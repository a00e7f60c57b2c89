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
		w.update(func(tx billing.Tx) error {
			rows[i].ID = 0
			return tx.AddAudit(&rows[i])
		})
		if rows[i].ID == 0 {
			w.Error("no id")
		}
	}
	list := func(f billing.AuditFilter) []billing.AuditRow {
		got := read(w, func(r billing.Reader) ([]billing.AuditRow, error) { return r.AuditRows(f) })
		for i := range got {
			utc(w, got[i])
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
	for _, query := range []string{"UPDATE audit SET actor = 'x'", "DELETE FROM audit"} {
		if w.exec(query) == nil {
			w.Errorf("accepted: %s", query)
		}
	}
}
