package billing_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"topupd/billing"
)

// resources are those of all audit rows, one of each.
func (k *kit) resources() (all []string, rows int) {
	k.t.Helper()
	var list []billing.AuditRow
	k.ok(k.store.View(k.t.Context(), func(r billing.Reader) (err error) {
		list, err = r.AuditRows(billing.AuditFilter{From: time.Unix(0, 0), To: time.Now().AddDate(1, 0, 0)})
		return err
	}))
	for _, a := range list {
		all = append(all, a.Resource)
	}
	slices.Sort(all)
	return slices.Compact(all), len(list)
}

// Audit rows go when their time is over by the real clock, in several transactions,
// and stay when the setting says so.
func TestAuditRowsEnd(t *testing.T) {
	k := newKit(t, func(c *billing.Config) { c.Settings.AuditDays = 30 })
	put := func(resource string, age time.Duration, times int) {
		k.ok(k.store.Update(t.Context(), func(tx billing.Tx) error {
			for range times {
				if err := tx.AddAudit(&billing.AuditRow{At: time.Now().Add(-age), Top: billing.Root, Action: "A", Resource: resource}); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	const day = 24 * time.Hour
	put("old", 30*day+time.Hour, 1203)
	put("young", 30*day-time.Hour, 2)
	put("now", 0, 2)
	if got := billing.DefaultSettings().AuditDays; got != 400 {
		t.Errorf("%d days by default", got)
	}
	for days, want := range map[int]int{0: 1207, 400: 1207} {
		k.config.Settings.AuditDays = days
		k.restart()
		if n, err := k.engine.Tidy(root(t0.AddDate(3, 0, 0))); n != 0 || err != nil {
			t.Errorf("%d days: %d rows are gone, %v", days, n, err)
		}
		if _, n := k.resources(); n != want {
			t.Errorf("%d days: %d rows", days, n)
		}
	}
	k.config.Settings.AuditDays = 30
	k.restart()
	defer billing.TidyAtOnce()()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { k.engine.Work(ctx); close(done) }()
	for begin := time.Now(); time.Since(begin) < 20*time.Second; time.Sleep(10 * time.Millisecond) {
		if _, n := k.resources(); n == 4 {
			break
		}
	}
	stop()
	<-done
	if got, n := k.resources(); n != 4 || !slices.Equal(got, []string{"now", "young"}) {
		t.Errorf("%d rows are left: %q", n, got)
	}
	if n, err := k.engine.Tidy(t.Context()); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
}
