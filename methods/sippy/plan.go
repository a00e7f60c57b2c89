package sippy

import (
	"context"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// planEngine is what the plan methods need.
type planEngine interface {
	ServicePlan(ctx context.Context, id billing.PlanID) (billing.Plan, error)
	MinutePlans(ctx context.Context, account billing.OwnerID) ([]billing.MinutePlan, error)
	BillAccount(ctx context.Context, account billing.OwnerID) error
}

func planMethods() []method {
	return []method{getServicePlanInfoMethod(), getAccountMinutePlansMethod(), billingRunMethod()}
}

var accountParam = param{name: "i_account", kind: "int", need: true}

// accountOf reads an i_account that is needed.
func accountOf(p xmlrpc.Params) (billing.OwnerID, error) {
	n, given, err := idOf(p, "i_account")
	if err == nil && !given {
		err = missing("i_account")
	}
	return billing.Account(n), err
}
