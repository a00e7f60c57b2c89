package sippy

import (
	"context"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func getServicePlanInfoMethod() method {
	return method{
		name: "getServicePlanInfo", use: billing.UseReads, about: "Returns a billing plan; what it costs is not told.", caller: byCustomer, run: (*api).getServicePlanInfo,
		params: []param{{name: "i_billing_plan", kind: "int", need: true}},
		returns: []param{
			{name: "i_billing_plan", kind: "int"},
			{name: "i_tariff", kind: "int or nil"},
			{name: "i_customer", kind: "int", note: "whose plan it is"},
			{name: "name", kind: "string"},
			{name: "description", kind: "string"},
			{name: "suspend_all_calls", kind: "boolean"},
			{name: "billing_cycle", kind: "int", note: "1 weekly, 2 bi-weekly, 3 monthly"},
			{name: "iso_4217", kind: "string"},
			{name: "prepaid", kind: "boolean"},
		},
	}
}

func (a *api) getServicePlanInfo(ctx context.Context, c call) (xmlrpc.Value, error) {
	id, state, err := c.Int("i_billing_plan")
	switch {
	case err != nil:
		return xmlrpc.Value{}, err
	case state == xmlrpc.Absent:
		return xmlrpc.Value{}, missing("i_billing_plan")
	case id < 1: // null too
		return xmlrpc.Value{}, wrong("i_billing_plan")
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	plan, err := a.engine.ServicePlan(ctx, billing.PlanID(id))
	if err != nil {
		return xmlrpc.Value{}, err
	}
	return planReply(&plan), nil
}

// planReply is flat, as the one known client reads it (S-521).
func planReply(p *billing.Plan) xmlrpc.Value {
	customer := billing.Root
	if p.Customer != 0 {
		customer = p.Customer
	}
	var tariff *int64
	if p.Tariff != 0 {
		tariff = &p.Tariff
	}
	return xmlrpc.Struct(
		resultOK,
		xmlrpc.Member{Name: "i_billing_plan", Value: xmlrpc.Int(int64(p.ID))},
		xmlrpc.Member{Name: "i_tariff", Value: intOrNil(tariff)},
		xmlrpc.Member{Name: "i_customer", Value: xmlrpc.Int(customer.Number())},
		xmlrpc.Member{Name: "name", Value: xmlrpc.String(p.Name)},
		xmlrpc.Member{Name: "description", Value: xmlrpc.String(p.Description)},
		xmlrpc.Member{Name: "suspend_all_calls", Value: xmlrpc.Bool(p.SuspendAllCalls)},
		xmlrpc.Member{Name: "billing_cycle", Value: xmlrpc.Int(billingCycle[p.Cycle])},
		xmlrpc.Member{Name: "iso_4217", Value: xmlrpc.String(string(p.Currency))},
		xmlrpc.Member{Name: "prepaid", Value: xmlrpc.Bool(p.Prepaid)},
	)
}

// billingCycle is the switch's number of a cycle.
var billingCycle = map[billing.Cycle]int64{billing.CycleWeekly: 1, billing.CycleBiweekly: 2, billing.CycleMonthly: 3}
