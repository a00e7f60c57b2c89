package poolplan

import (
	"context"
	_ "embed"

	"topupd/billing"
	"topupd/methods"
)

// openAPI is the contract.
//
//go:embed openapi.json
var openAPI []byte

// Name is the interface's in /openapi/NAME.json.
const Name = "poolplan"

// Engine is what of the engine is called.
type Engine interface {
	TopUpPoolPlan(context.Context, billing.TopUpPoolPlanParams) (billing.PoolTopUpID, error)
	PoolTopUpStatus(context.Context, billing.PoolTopUpID) (billing.PoolTopUp, error)
}

// Options are the operator's choices.
type Options struct {
	// Statuses answers every refusal with a 4xx or 5xx; without it those that the
	// interface has a code for are 200, as its clients expect (F-3).
	Statuses bool
	// Log is told why a call was refused, beyond what its caller is told; may be nil.
	Log func(ctx context.Context, err error)
}

type api struct {
	engine Engine
	o      Options
}

// New makes the interface.
func New(e Engine, o Options) methods.Interface {
	a := &api{engine: e, o: o}
	return methods.Interface{
		Name: Name, OpenAPI: openAPI,
		Routes: []methods.Route{
			// The source page calls both ids {id}; a pattern's names are distinct.
			{Pattern: "POST /api/v2/customer/{customerId}/offer/{offerId}/topup", Handler: a.topUp},
			{Pattern: "GET /api/v2/global/call/{requestId}", Handler: a.status, Use: billing.UseReads},
			// The same of a bulk request's id; ours are bulks of one (F-17).
			{Pattern: "GET /api/v3/global/call/{requestId}", Handler: a.status, Use: billing.UseReads},
		},
		Refuse: refuse,
	}
}
