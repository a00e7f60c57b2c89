package sippy

import (
	"context"
	"testing"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// fakePlan is the plan part of the fake engine.
type fakePlan struct {
	planID  billing.PlanID
	plan    billing.Plan
	minutes []billing.AccountMinutes
}

func (f *fake) ServicePlan(ctx context.Context, id billing.PlanID) (billing.Plan, error) {
	f.calls, f.actor, f.planID = f.calls+1, billing.ActorFrom(ctx), id
	return f.plan, f.err
}

func (f *fake) MinutePlans(ctx context.Context, o billing.OwnerID) ([]billing.AccountMinutes, error) {
	f.calls, f.actor, f.owner = f.calls+1, billing.ActorFrom(ctx), o
	return f.minutes, f.err
}

func (f *fake) BillAccount(ctx context.Context, o billing.OwnerID) error {
	f.calls, f.actor, f.owner = f.calls+1, billing.ActorFrom(ctx), o
	return f.err
}

func TestServicePlanInfo(t *testing.T) {
	in := members{m("i_billing_plan", xmlrpc.Int(7))}
	text := xmlrpc.String
	for _, c := range []struct {
		plan     billing.Plan
		tariff   xmlrpc.Value
		customer int64
		cycle    int64
	}{
		{billing.Plan{ID: 7, Name: "A", Currency: "USD", Cycle: billing.CycleMonthly}, xmlrpc.Nil(), 1, 3},
		{billing.Plan{ID: 7, Name: "B", Currency: "EUR", Cycle: billing.CycleWeekly, Prepaid: true, Tariff: 5, Customer: billing.Customer(10)}, xmlrpc.Int(5), 10, 1},
		{billing.Plan{ID: 7, Description: "d", SuspendAllCalls: true, Cycle: billing.CycleBiweekly}, xmlrpc.Nil(), 1, 2},
	} {
		f := fake{fakePlan: fakePlan{plan: c.plan}}
		v, fault := f.call(t, acme, "getServicePlanInfo", in)
		want := xmlrpc.Struct(m("result", text("OK")), m("i_billing_plan", xmlrpc.Int(7)), m("i_tariff", c.tariff), m("i_customer", xmlrpc.Int(c.customer)),
			m("name", text(c.plan.Name)), m("description", text(c.plan.Description)), m("suspend_all_calls", xmlrpc.Bool(c.plan.SuspendAllCalls)),
			m("billing_cycle", xmlrpc.Int(c.cycle)), m("iso_4217", text(string(c.plan.Currency))), m("prepaid", xmlrpc.Bool(c.plan.Prepaid)))
		if fault != nil || f.planID != 7 || !v.Equal(want) {
			t.Errorf("%v %v", fault, v.Members())
		}
	}
	refuses(t, "getServicePlanInfo", nil, 400, "Parameter i_billing_plan is required")
	for _, v := range []xmlrpc.Value{xmlrpc.Nil(), xmlrpc.Int(0), xmlrpc.Int(-1), xmlrpc.String("7"), xmlrpc.Bool(true), xmlrpc.Double("7.0"), xmlrpc.Struct()} {
		refuses(t, "getServicePlanInfo", members{m("i_billing_plan", v)}, 400, "Wrong i_billing_plan")
	}
	// The customer who calls is i_customer here, and nothing else is.
	refuses(t, "getServicePlanInfo", with(in, m("i_customer", xmlrpc.Int(11))), 401, "Wrong i_customer")
	accepts(t, "getServicePlanInfo", with(in, m("i_customer", xmlrpc.Int(10)), m("i_wholesaler", xmlrpc.Int(11))))
}

func TestAccountPlanMethods(t *testing.T) {
	in := members{m("i_account", xmlrpc.Int(100))}
	for _, method := range []string{"getAccountMinutePlans", "billingRun"} {
		if f := accepts(t, method, in); f.owner != billing.Account(100) {
			t.Errorf("%s: %s", method, f.owner)
		}
		refuses(t, method, nil, 400, "Parameter i_account is required")
		for _, v := range []xmlrpc.Value{xmlrpc.Nil(), xmlrpc.Int(0), xmlrpc.String("7"), xmlrpc.Struct()} {
			refuses(t, method, members{m("i_account", v)}, 400, "Wrong i_account")
		}
	}
	left := int64(60)
	f := fake{fakePlan: fakePlan{minutes: []billing.AccountMinutes{{MinutePlan: billing.MinutePlan{ID: 7, Plan: 2, Description: "d", Price: 2_500_000}, Left: &left, Chargeable: 3}}}}
	v, fault := f.call(t, acme, "getAccountMinutePlans", in)
	want := xmlrpc.Struct(m("result", xmlrpc.String("OK")), m("minute_plans", xmlrpc.Array(xmlrpc.Struct(
		m("i_service_plan", xmlrpc.Int(7)), m("description", xmlrpc.String("d")), m("price", xmlrpc.Double("2.5")), m("seconds_total", xmlrpc.Nil()),
		m("seconds_left", xmlrpc.Int(60)), m("chargeable_seconds", xmlrpc.Int(3))))))
	if fault != nil || !v.Equal(want) {
		t.Errorf("%v %v", fault, v.Members())
	}
}
