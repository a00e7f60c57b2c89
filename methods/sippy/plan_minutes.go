package sippy

import (
	"context"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func getAccountMinutePlansMethod() method {
	return method{
		name: "getAccountMinutePlans", use: billing.UseReads, about: "Returns the minute plans of an account's plan and what is left of them in its present period; none while the plan is suspended.", run: (*api).getAccountMinutePlans,
		params:  []param{anAccount.param()},
		returns: []param{{name: "minute_plans", kind: "array", note: "structs of i_service_plan, description, price, seconds_total, seconds_left, chargeable_seconds"}},
	}
}

func (a *api) getAccountMinutePlans(ctx context.Context, c call) (xmlrpc.Value, error) {
	account, err := anAccount.read(c.Params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	plans, err := a.engine.MinutePlans(ctx, account)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	rows := make([]xmlrpc.Value, len(plans))
	for i := range plans {
		p := &plans[i]
		rows[i] = xmlrpc.Struct(
			xmlrpc.Member{Name: "i_service_plan", Value: xmlrpc.Int(int64(p.ID))},
			xmlrpc.Member{Name: "description", Value: xmlrpc.String(p.Description)},
			xmlrpc.Member{Name: "price", Value: double(p.Price)},
			xmlrpc.Member{Name: "seconds_total", Value: intOrNil(p.Seconds)},
			xmlrpc.Member{Name: "seconds_left", Value: intOrNil(p.Left)},
			xmlrpc.Member{Name: "chargeable_seconds", Value: xmlrpc.Int(p.Chargeable)},
		)
	}
	return xmlrpc.Struct(resultOK, xmlrpc.Member{Name: "minute_plans", Value: xmlrpc.Array(rows...)}), nil
}
