package billing

import (
	"context"
	"time"
)

// Actor is who asks: a login, the customer it belongs to, and where the
// request came from. It is what scope, audit and mandates record.
type Actor struct {
	// Login is the name used in authentication; empty for jobs and for
	// requests from a trusted network.
	Login string
	// Customer is the customer that the login belongs to; Root for operators,
	// commands and jobs.
	Customer OwnerID
	// Trusted says that the request came from a trusted network, without login.
	Trusted bool
	// Address is the remote address, empty for commands and jobs.
	Address string
	// Direct narrows the scope to the customer itself, its own accounts and its
	// direct sub-customers: the switch's rule, on top of ours.
	Direct bool
	// TLS says that the request came to us encrypted: what ends TLS before us is
	// not known to be near.
	TLS bool
	// At is when the request came; zero for commands and jobs. All payments of one
	// request share one wait.
	At time.Time
	// API names the interface: "xmlrpc", "cli", "import", "job".
	API string
	// Blocked is why the login's customer, or one above it, was blocked when it
	// logged in. Root and who is trusted are never.
	Blocked Block
	// Job is what acts by itself, whoever started it: a job, or JobCharges. Audit
	// rows name it.
	Job Job
}

// IsRoot reports whether the actor sees every owner.
func (a Actor) IsRoot() bool { return a.Customer == Root }

// Sees reports whether the owner is in the actor's scope; a deleted one is in nobody's.
func (a Actor) Sees(o *Owner) bool { return o.DeletedAt.IsZero() && a.reaches(o) }

// reaches is Sees for what outlives its owner.
func (a Actor) reaches(o *Owner) bool {
	switch {
	case a.Customer == 0:
		return false
	case a.Customer == Root || o.ID == a.Customer:
		return true
	case a.Direct:
		return o.Parent == a.Customer
	default:
		return o.Within(a.Customer)
	}
}

// Name is the actor in one word, for audit rows and logs.
func (a Actor) Name() string {
	switch {
	case a.Login != "":
		return a.Login
	case a.Trusted:
		return "trusted"
	default:
		return a.API
	}
}

// Use is what a call is for, where that decides whether a blocked customer may make it.
type Use uint8

// The uses. The zero value is what most are held back from.
const (
	UseChanges Use = iota
	UseReads
	UsePays
)

// May reports whether a block lets the actor make a call. A person's block, and one for
// fraud, lets none; one that a run or a bank made lets it read and pay. Errors: Blocked.
func (a Actor) May(u Use) error {
	const byPerson = BlockOperator | BlockFraud
	if a.Blocked == 0 || a.Blocked&byPerson == 0 && u != UseChanges {
		return nil
	}
	return Errorf(Blocked, "", "the customer is blocked (%s)", a.Blocked)
}

// auditName is who an audit row names.
func (a Actor) auditName() string {
	if a.Job != "" {
		return string(a.Job)
	}
	return a.Name()
}

// asJob is a context whose audit rows name a job.
func asJob(ctx context.Context, j Job) context.Context {
	a := ActorFrom(ctx)
	a.Job = j
	return WithActor(ctx, a)
}

type actorKey struct{}

// WithActor returns a context that carries the actor.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorFrom returns the context's actor; the zero Actor sees nothing.
func ActorFrom(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}
