package billing_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"topupd/billing"
)

// What is left is judged by the present period; beyond what is included is chargeable.
func TestMinutesLeft(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	of := func() []billing.AccountMinutes {
		t.Helper()
		all, err := k.engine.MinutePlans(login(10), billing.Account(100))
		k.ok(err)
		return all
	}
	if all := of(); len(all) != 0 {
		t.Errorf("an account without a plan has %+v", all)
	}
	k.plan(func(l *billing.PlanLine) {
		hour, none := int64(3600), int64(0)
		l.Minutes = billing.To([]billing.MinutePlan{{ID: 5, Description: "d", Price: 2 * usd, Seconds: &hour}, {ID: 6}, {ID: 7, Seconds: &none}})
	})
	type row struct {
		id               billing.MinutePlanID
		left, chargeable int64
	}
	check := func(name string, want ...row) {
		t.Helper()
		var got []row
		for _, m := range of() {
			r := row{m.ID, -1, m.Chargeable}
			if m.Left != nil {
				r.left = *m.Left
			}
			got = append(got, r)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(row{})); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	use := func(seconds int64) func(*billing.OwnerLine) {
		return func(l *billing.OwnerLine) {
			l.MinutesUsed = []billing.SecondsUsed{{Minutes: 5, Seconds: seconds}, {Minutes: 6, Seconds: seconds}, {Minutes: 7, Seconds: seconds}}
		}
	}
	check("untouched", row{5, 3600, 0}, row{6, -1, 0}, row{7, 0, 0})
	k.importOwner(use(3599))
	check("a second left", row{5, 1, 0}, row{6, -1, 0}, row{7, 0, 3599})
	k.importOwner(use(3600))
	check("all used", row{5, 0, 0}, row{6, -1, 0}, row{7, 0, 3600})
	k.importOwner(use(3661))
	check("beyond", row{5, 0, 61}, row{6, -1, 0}, row{7, 0, 3661})
	if first := of()[0]; first.Description != "d" || first.Price != 2*usd || *first.Seconds != 3600 || first.Plan != 1 {
		t.Errorf("%+v", first)
	}
	// The next period begins with all of them.
	k.importOwner(func(l *billing.OwnerLine) { l.NextBillingAt = billing.To(due.AddDate(0, 1, 0)) })
	check("the next period", row{5, 3600, 0}, row{6, -1, 0}, row{7, 0, 0})
	k.ok(k.store.Update(t.Context(), func(tx billing.Tx) error {
		ap, err := tx.AccountPlan(billing.Account(100))
		ap.Suspended = true
		if err == nil {
			err = tx.PutAccountPlan(&ap)
		}
		return err
	}))
	if all := of(); len(all) != 0 {
		t.Errorf("a suspended plan gives %+v", all)
	}
}
