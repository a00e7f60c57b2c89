package subscription

import (
	"context"
	_ "embed"
	"time"

	"topupd/billing"
	"topupd/methods"
)

// Name is the interface's in /openapi/NAME.json.
const Name = "subscription"

//go:embed openapi.json
var openAPI []byte

// Engine is what the interface needs of billing.Engine.
type Engine interface {
	EnableAutoTopup(ctx context.Context, p billing.EnableAutoTopupParams) (billing.Order, error)
	AutoTopup(ctx context.Context, id billing.SubscriptionID) (billing.AutoTopup, error)
	DisableAutoTopup(ctx context.Context, id billing.SubscriptionID) error
	// Location is the zone in which dates are told.
	Location() *time.Location
}

var _ Engine = (*billing.Engine)(nil)

// Options are what main sets.
type Options struct {
	// Failed is told errors of our own, which callers do not see; may be nil.
	Failed func(ctx context.Context, err error)
}

type api struct {
	engine Engine
	o      Options
}

// path is the one address of the interface.
const path = "/api/subscriptions/{subscriptionId}/autotopup"

// New makes the interface.
func New(e Engine, o Options) methods.Interface {
	if o.Failed == nil {
		o.Failed = func(context.Context, error) {}
	}
	a := &api{engine: e, o: o}
	return methods.Interface{
		Name:    Name,
		OpenAPI: openAPI,
		Routes: []methods.Route{
			{Pattern: "POST " + path, Handler: a.enable, Use: billing.UsePays},
			{Pattern: "GET " + path, Handler: a.get, Use: billing.UseReads},
			{Pattern: "DELETE " + path, Handler: a.disable},
		},
		Refuse: refuse,
	}
}
