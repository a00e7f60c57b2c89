package billing

import "context"

// ChargeOne lets tests stop a process in the middle of a charge.
func ChargeOne(e *Engine, ctx context.Context, id ChargeID) error {
	return e.chargeOne(ctx, id, nil)
}

// NetworkFree is networkFree.
var NetworkFree = networkFree
