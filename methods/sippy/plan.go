package sippy

import (
	"context"

	"topupd/billing"
)

// planEngine is what the plan methods need.
type planEngine interface {
	ServicePlan(ctx context.Context, id billing.PlanID) (billing.Plan, error)
	MinutePlans(ctx context.Context, account billing.OwnerID) ([]billing.AccountMinutes, error)
	BillAccount(ctx context.Context, account billing.OwnerID) error
}

func planMethods() []method {
	return []method{getServicePlanInfoMethod(), getAccountMinutePlansMethod(), billingRunMethod()}
}
