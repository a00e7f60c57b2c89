package sippy

import (
	"context"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// Engine is what the methods need of billing.Engine.
type Engine interface {
	// ActAs narrows a root actor to a customer.
	ActAs(ctx context.Context, customer billing.OwnerID, field string) (context.Context, error)
	// GetLowBalance reads a policy.
	GetLowBalance(ctx context.Context, o billing.OwnerID) (billing.LowBalance, error)
	// SetLowBalance changes one.
	SetLowBalance(ctx context.Context, p billing.SetLowBalanceParams) error
	// MoveFunds books a movement of a balance.
	MoveFunds(ctx context.Context, p billing.MoveFundsParams) (billing.MoveFundsResult, error)
}

// Options are the settings of the interface; the zero value works.
type Options struct {
	// Log is told which members of a call were ignored: unknown ones, and
	// those that do not apply to the owner. The names come from the client,
	// cut to a sane number and length; values are never passed.
	Log func(ctx context.Context, method string, ignored []string)
}

// api is the receiver of all methods.
type api struct {
	engine Engine
	log    func(ctx context.Context, method string, ignored []string)
}

// Methods returns the table of the interface, for xmlrpc.NewHandler.
func Methods(e Engine, o Options) []xmlrpc.Method {
	a := &api{engine: e, log: o.Log}
	methods := []xmlrpc.Method{
		{Name: getLowBalanceName, Help: getLowBalanceHelp, Call: a.getLowBalance},
		{Name: setLowBalanceName, Help: setLowBalanceHelp, Call: a.setLowBalance},
	}
	for i := range movements {
		m := &movements[i]
		methods = append(methods, xmlrpc.Method{Name: m.name, Help: m.help + movementHelp(m), Call: a.move(m)})
	}
	for i := range methods {
		methods[i].Signature = structToStruct
	}
	return methods
}

// structToStruct is the signature of every method of the switch (1.5).
var structToStruct = [][]string{{"struct", "struct"}}

// succeeded is the reply of a call that has nothing to tell. Values are
// read-only, so all replies share it.
var succeeded = xmlrpc.Struct(resultOK)

var resultOK = xmlrpc.Member{Name: "result", Value: xmlrpc.String("OK")}
