package billing_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"topupd/billing"
)

func login(customer int64) context.Context {
	return billing.WithActor(context.Background(), billing.Actor{Login: "x", Customer: billing.Customer(customer), Direct: true})
}

// Root's plans are everybody's; a customer's are seen from above it.
func TestServicePlanScope(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		for id, parent := range map[int64]int64{20: 1} {
			if err := im.Owner(billing.OwnerLine{Owner: billing.Customer(id), Parent: billing.To(parent), Currency: billing.To("USD")}); err != nil {
				return err
			}
		}
		return im.Plan(billing.PlanLine{ID: 2, Name: billing.To("Own"), Price: billing.To(int64(0)), Currency: billing.To("USD"),
			Description: billing.To("d"), SuspendAllCalls: billing.To(true), Tariff: billing.To(int64(5)), Customer: billing.To(int64(10))})
	}))
	for _, c := range []struct {
		as   context.Context
		plan billing.PlanID
		ok   bool
	}{
		{root(t0), 1, true}, {root(t0), 2, true}, {root(t0), 3, false}, {login(10), 1, true}, {login(10), 2, true}, {login(10), 3, false},
		{login(20), 1, true}, {login(20), 2, false}, {context.Background(), 1, false}, {context.Background(), 2, false},
	} {
		p, err := k.engine.ServicePlan(c.as, c.plan)
		switch {
		case c.ok && (err != nil || p.ID != c.plan):
			t.Errorf("plan %d: %v", c.plan, err)
		case !c.ok && (billing.ErrorCode(err) != billing.NotFound || billing.ErrorField(err) != "i_billing_plan" || p != billing.Plan{}):
			t.Errorf("plan %d as %d: %+v %v", c.plan, billing.ActorFrom(c.as).Customer, p, err)
		}
	}
	p, err := k.engine.ServicePlan(root(t0), 2)
	if err != nil || p.Description != "d" || !p.SuspendAllCalls || p.Tariff != 5 || p.Customer != billing.Customer(10) {
		t.Errorf("%+v %v", p, err)
	}
	for field, l := range map[string]billing.PlanLine{
		"i_tariff":   {ID: 2, Tariff: billing.To(int64(0))},
		"i_customer": {ID: 2, Customer: billing.To(int64(99))},
	} {
		if err := k.engine.Import(root(t0), false, func(im *billing.Importer) error { return im.Plan(l) }); billing.ErrorField(err) != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestMinutePlansScope(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	if plans, err := k.engine.MinutePlans(login(10), billing.Account(100)); err != nil || len(plans) != 0 {
		t.Errorf("%v %v", plans, err)
	}
	for _, c := range []struct {
		as      context.Context
		account int64
	}{{login(10), 999}, {login(20), 100}} {
		if _, err := k.engine.MinutePlans(c.as, billing.Account(c.account)); billing.ErrorField(err) != "i_account" || billing.ErrorCode(err) != billing.NotFound {
			t.Errorf("account %d: %v", c.account, err)
		}
	}
}

// One account's period is billed now and once, whatever comes again, beside it or after it.
func TestBillAccount(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	bill := func() error { return k.engine.BillAccount(root(t0), billing.Account(100)) }
	if err := bill(); billing.ErrorCode(err) != billing.Conflict {
		t.Errorf("without a plan: %v", err)
	}
	for _, as := range []context.Context{login(20), context.Background()} {
		if err := k.engine.BillAccount(as, billing.Account(100)); billing.ErrorCode(err) != billing.NotFound {
			t.Errorf("out of scope: %v", err)
		}
	}
	k.importOwner(func(l *billing.OwnerLine) { l.Plan, l.Balance = billing.To(int64(1)), billing.To(int64(100*usd)) })
	k.audits()
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if err := bill(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	k.wantBalance(80 * usd)
	k.bill(t0)
	k.wantBalance(80 * usd)
	got := k.audits()
	if len(got) != 1 || got[0] != `BILLING_RUN accounts:i_account=100 {"next_billing_time":"`+auditDay(0)+` to `+auditDay(1)+`","outcome":"posted"}` {
		t.Errorf("%q", got)
	}
	// The next period, and only when it has come.
	later := t0.AddDate(0, 1, 1)
	k.ok(k.engine.BillAccount(root(later), billing.Account(100)))
	k.wantBalance(60 * usd)
	k.verify()

	// Held until golive: refused, nothing is billed.
	k.ok(k.engine.Import(root(later), true, func(im *billing.Importer) error {
		return im.Owner(billing.OwnerLine{Owner: billing.Account(100)})
	}))
	if err := k.engine.BillAccount(root(later.AddDate(0, 1, 0)), billing.Account(100)); billing.ErrorCode(err) != billing.Conflict {
		t.Errorf("held: %v", err)
	}
	k.verify()
}

// auditDay is midnight of the seed's day, months later.
func auditDay(months int) string {
	y, m, d := t0.Date()
	return time.Date(y, m+time.Month(months), d, 0, 0, 0, 0, time.UTC).Format(time.RFC3339)
}
