package sippy

import (
	"context"
	"slices"
	"strings"

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
	// CreateOwner makes an account or a customer, UpdateOwner changes one.
	CreateOwner(ctx context.Context, p billing.CreateOwnerParams) (billing.OwnerID, error)
	UpdateOwner(ctx context.Context, p billing.UpdateOwnerParams) error
	// GetOwner reads one, ListOwners many.
	GetOwner(ctx context.Context, q billing.OwnerQuery) (billing.OwnerInfo, error)
	ListOwners(ctx context.Context, p billing.ListOwnersParams) (billing.OwnerList, error)
	// BlockOwner blocks and unblocks one, DeleteOwner ends it.
	BlockOwner(ctx context.Context, o billing.OwnerID, blocked bool) error
	DeleteOwner(ctx context.Context, o billing.OwnerID) error
	auditEngine
	voucherEngine
	planEngine
	cardEngine
	payments
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

// method is one entry of the interface's table. Help, the members that are not
// reported as ignored, and docs/XMLRPC.md come from it.
type method struct {
	name  string
	about string // what it does, in sentences
	// use decides whether a blocked customer's login may call it (S-544).
	use billing.Use
	// caller is the member that names the customer who calls in trusted mode (1.3).
	caller  caller
	params  []param // in the order of the page, the caller left out
	returns []param // beside result
	run     func(*api, context.Context, call) (xmlrpc.Value, error)
}

// caller is how trusted mode says who calls.
type caller string

const (
	byWholesaler caller = "i_wholesaler" // customer-level, payment and low-balance methods
	byCustomer   caller = "i_customer"   // account-level methods
	// byNobody: the method's page names no member, so who is trusted calls as root.
	byNobody caller = ""
)

// param is a member of the struct that a method takes or returns.
type param struct {
	name string
	kind string // int, double, boolean, string, struct, array; "or nil" where null means something
	need bool   // of a parameter: it must be given
	note string
}

// call is one call of a method.
type call struct {
	xmlrpc.Params
	method *method
}

// ownerParams are the two of which a call gives exactly one (S-1).
var ownerParams = []param{
	{name: "i_account", kind: "int", note: "the account; this or i_customer"},
	{name: "i_customer", kind: "int", note: "the customer; this or i_account"},
}

// table is every method of the interface.
func table() []method {
	return slices.Concat(lowBalanceMethods(), fundsMethods(), cardMethods(), paymentMethods(), accountMethods(), customerMethods(),
		planMethods(), voucherMethods(), auditMethods())
}

// Methods returns the table of the interface, for xmlrpc.NewHandler.
func Methods(e Engine, o Options) []xmlrpc.Method {
	a := &api{engine: e, log: o.Log}
	var methods []xmlrpc.Method
	for _, m := range table() {
		methods = append(methods, xmlrpc.Method{Name: m.name, Signature: structToStruct, Help: m.help(), Call: a.bind(&m)})
	}
	return methods
}

// bind makes the dispatcher's function of a method.
func (a *api) bind(m *method) func(context.Context, []xmlrpc.Value) (xmlrpc.Value, error) {
	known := m.known()
	return func(ctx context.Context, params []xmlrpc.Value) (xmlrpc.Value, error) {
		if err := billing.ActorFrom(ctx).May(m.use); err != nil {
			return xmlrpc.Value{}, err
		}
		p, err := xmlrpc.OneStruct(params)
		if err != nil {
			return xmlrpc.Value{}, err
		}
		a.report(ctx, m.name, p, known)
		return m.run(a, ctx, call{Params: p, method: m})
	}
}

// known are the names of what a method reads.
func (m *method) known() []string {
	var names []string
	for _, p := range m.params {
		names = append(names, p.name)
	}
	if m.caller != "" && !slices.Contains(names, string(m.caller)) {
		names = append(names, string(m.caller))
	}
	return names
}

// help is the text of system.methodHelp.
func (m *method) help() string {
	takes := make([]string, 0, len(m.params)+1)
	for _, p := range m.params {
		takes = append(takes, p.line(true))
	}
	if m.caller != "" {
		takes = append(takes, string(m.caller)+" (int, trusted mode: the customer who calls)")
	}
	returns := []string{"result (string)"}
	for _, p := range m.returns {
		returns = append(returns, p.line(false))
	}
	return m.about + " Parameters: " + strings.Join(takes, "; ") + ". Returns: " + strings.Join(returns, "; ") + "."
}

func (p *param) line(taken bool) string {
	line := p.name + " (" + p.kind
	if taken && p.need {
		line += ", required"
	}
	if p.note != "" {
		line += ": " + p.note
	}
	return line + ")"
}

// structToStruct is the signature of every method of the switch (1.5).
var structToStruct = [][]string{{"struct", "struct"}}

// succeeded is the reply of a call that has nothing to tell. Values are
// read-only, so all replies share it.
var succeeded = xmlrpc.Struct(resultOK)

var resultOK = xmlrpc.Member{Name: "result", Value: xmlrpc.String("OK")}
