package dbtest

import (
	"fmt"
	"testing"
	"time"

	"topupd/billing"
)

// paging holds that pages put together are the whole list, in order, whatever
// their size, and that a filter leaves out exactly what it should.
func paging(t *testing.T, e Engine) {
	for name, run := range map[string]func(*world){
		"owners":   ownerPages,
		"policies": policyPages,
		"charges":  chargePages,
		"accounts": dueAccountPages,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(newWorld(t, e))
		})
	}
}

func ownerPages(w *world) {
	customers, accounts := billing.KindCustomer, billing.KindAccount
	for _, c := range []struct {
		within billing.OwnerID
		kind   *billing.OwnerKind
		want   []billing.OwnerID
	}{
		{0, nil, []billing.OwnerID{billing.Root, acme, acmeE, zeta, alice, bob, carol}},
		{billing.Root, nil, []billing.OwnerID{billing.Root, acme, acmeE, zeta, alice, bob, carol}},
		{0, &customers, []billing.OwnerID{billing.Root, acme, acmeE, zeta}},
		{0, &accounts, []billing.OwnerID{alice, bob, carol}},
		{acme, nil, []billing.OwnerID{acme, acmeE, alice, bob}},
		{acme, &accounts, []billing.OwnerID{alice, bob}},
		{acmeE, nil, []billing.OwnerID{acmeE, bob}},
		{acmeE, &customers, []billing.OwnerID{acmeE}},
		{billing.Customer(1000), nil, nil},
		{alice, nil, nil}, // an account has nothing below it
	} {
		for limit := range 4 {
			var got []billing.OwnerID
			f := billing.OwnerFilter{Within: c.within, Kind: c.kind, Limit: limit}
			for {
				page := read(w, func(r billing.Reader) ([]billing.Owner, error) { return r.Owners(f) })
				for _, o := range page {
					got = append(got, o.ID)
				}
				if len(page) == 0 || limit == 0 {
					break
				}
				f.After = page[len(page)-1].ID
			}
			same(w, got, c.want)
		}
	}
	// 11 is the beginning of 110, and is not above it.
	lookalike := owner(billing.Customer(110), acme, acme, "/1/10/110/")
	w.update(func(tx billing.Tx) error { return tx.PutOwner(&lookalike) })
	for _, o := range read(w, func(r billing.Reader) ([]billing.Owner, error) {
		return r.Owners(billing.OwnerFilter{Within: acmeE})
	}) {
		if o.ID == lookalike.ID {
			w.Error("customer 110 lies within customer 11")
		}
	}
}

func policyPages(w *world) {
	w.update(func(tx billing.Tx) error {
		for _, o := range []billing.OwnerID{alice, bob, carol, acme} {
			p := billing.LowBalance{Owner: o, State: billing.LowBalanceState{Below: o == bob || o == carol}}
			if err := tx.PutLowBalance(&p); err != nil {
				return err
			}
		}
		return nil
	})
	for _, c := range []struct {
		within billing.OwnerID
		below  bool
		want   []billing.OwnerID
	}{
		{0, false, []billing.OwnerID{acme, alice, bob, carol}},
		{0, true, []billing.OwnerID{bob, carol}},
		{acme, false, []billing.OwnerID{acme, alice, bob}},
		{acme, true, []billing.OwnerID{bob}},
		{acmeE, false, []billing.OwnerID{bob}},
		{zeta, true, []billing.OwnerID{carol}},
		{billing.Customer(1000), true, nil},
	} {
		var got []billing.OwnerID
		f := billing.PolicyFilter{Within: c.within, Below: c.below, Limit: 2}
		for {
			page := read(w, func(r billing.Reader) ([]billing.Judged, error) { return r.Policies(f) })
			for _, j := range page {
				got = append(got, j.Owner.ID)
			}
			if len(page) == 0 {
				break
			}
			f.After = page[len(page)-1].Owner.ID
		}
		same(w, got, c.want)
	}
}

func chargePages(w *world) {
	ids := map[string]billing.ChargeID{}
	w.update(func(tx billing.Tx) error {
		for i := range 9 {
			o := []billing.OwnerID{alice, bob, carol}[i%3]
			c := w.charge(o, fmt.Sprint(i))
			if i < 6 {
				c.State, c.SettledAt = billing.ChargeFailed, noon
			}
			if err := tx.CreateCharge(c); err != nil {
				return err
			}
			ids[c.Cause] = c.ID
		}
		return nil
	})
	for _, c := range []struct {
		f    billing.ChargeFilter
		want string // causes, newest first
	}{
		{billing.ChargeFilter{}, "876543210"},
		{billing.ChargeFilter{Within: billing.Root}, "876543210"},
		{billing.ChargeFilter{Owner: bob}, "741"},
		{billing.ChargeFilter{Within: acme}, "764310"},
		{billing.ChargeFilter{Within: acmeE}, "741"},
		{billing.ChargeFilter{Within: acmeE, Owner: bob, State: billing.ChargeFailed}, "41"},
		{billing.ChargeFilter{Within: acme, Owner: carol}, ""},
		{billing.ChargeFilter{State: billing.ChargeCreated}, "876"},
		{billing.ChargeFilter{Within: billing.Customer(1000), Owner: alice}, ""},
		{billing.ChargeFilter{Before: ids["3"]}, "210"},
		{billing.ChargeFilter{Run: 5}, ""},
	} {
		for limit := range 4 {
			got, f := "", c.f
			f.Limit = limit
			for {
				page := read(w, func(r billing.Reader) ([]billing.Charge, error) { return r.Charges(f) })
				for _, c := range page {
					got += c.Cause
				}
				if len(page) == 0 || limit == 0 {
					break
				}
				f.Before = page[len(page)-1].ID
			}
			if got != c.want {
				w.Errorf("%+v lists %q, not %q", c.f, got, c.want)
			}
		}
	}
}

func dueAccountPages(w *world) {
	w.update(func(tx billing.Tx) error {
		for o, at := range map[billing.OwnerID]time.Time{
			alice: noon, bob: noon, carol: noon.Add(-time.Hour),
			billing.Account(103): noon.Add(time.Microsecond), billing.Account(104): {},
		} {
			if _, err := tx.Owner(o); err != nil {
				n := owner(o, acme, acme, "/1/10/")
				if err := tx.PutOwner(&n); err != nil {
					return err
				}
			}
			if err := tx.PutAccountPlan(&billing.AccountPlan{Owner: o, Top: acme, Plan: w.plan, NextAt: at}); err != nil {
				return err
			}
		}
		return nil
	})
	for limit := 1; limit < 5; limit++ {
		var got []billing.OwnerID
		var at time.Time
		var after billing.OwnerID
		for {
			page := read(w, func(r billing.Reader) ([]billing.AccountPlan, error) {
				return r.DueAccounts(noon, at, after, limit)
			})
			if len(page) == 0 {
				break
			}
			for _, a := range page {
				got = append(got, a.Owner)
			}
			at, after = page[len(page)-1].NextAt, page[len(page)-1].Owner
		}
		same(w, got, []billing.OwnerID{carol, alice, bob})
	}
}
