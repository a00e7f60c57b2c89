package billing

import (
	"context"
	"time"
)

// Engine holds the rules and works over the ports. Its operations are the
// only way that anything changes; each takes the actor from the context.
type Engine struct {
	store    Store
	gateways map[string]Gateway
	order    []string // gateway names as set, the first for new cards
	mailer   Mailer
	sealer   Sealer
	observer Observer
	levies   Levies
	set      Settings
	courier  Courier
	renderer EventRenderer
	wake     chan struct{}
	// wakeEvents wakes what delivers events.
	wakeEvents chan struct{}
	gate       gate
	waiting    waiting
}

// Config is what an engine is made of.
type Config struct {
	Store    Store
	Gateways []Gateway // the first is for new cards
	Mailer   Mailer
	Sealer   Sealer
	// Courier posts events; nil: they wait.
	Courier  Courier
	Observer Observer // nil: nobody watches
	Levies   Levies   // nil: no tax, no fee
	Settings Settings
}

// Settings are the operator's choices that rules depend on.
type Settings struct {
	Limits        Limits
	MissedPeriods MissedPeriods
	// FailedTopupsAgain: an execution of a rule that was not paid counts for nothing, so that another period
	// makes up for it; else it is one of the rule's number of periods.
	FailedTopupsAgain bool
	// StackExpected lets profiles expect another payment of a customer while one is open.
	StackExpected bool
	// Location is the zone of business dates and of owners that have none.
	Location *time.Location
	// GatewayTimeout is how long one gateway call may take.
	GatewayTimeout time.Duration
	// ChargeConcurrency is how many charges may be in flight in this process.
	ChargeConcurrency int
	// ChargeRate is the most gateway calls a second over all servers; 0 is each
	// gateway's own.
	ChargeRate int
	// Breaker stops all sending when it is exceeded.
	Breaker GlobalBreaker
	// DuplicateWindow is how long the same payment by hand again is a repeat; 0 is off.
	DuplicateWindow time.Duration
	// PaymentWait is how long a payment by hand waits for its outcome.
	PaymentWait time.Duration
	// AnswerDays is how many days answers of Idempotency-Keys are kept; 0 is for ever.
	AnswerDays int
	// AuditDays is how many days audit rows are kept; 0 is for ever.
	AuditDays int
	// EventDays is how many days events and their deliveries are kept; 0 is for ever.
	EventDays int
	// Realm is the Digest realm that passwords are kept for.
	Realm string
	// AcceptCardNumbers lets calls that came over TLS, with a login, bring card
	// numbers; they are exchanged for a token and forgotten.
	AcceptCardNumbers bool
}

// MissedPeriods says which of several due periods are billed.
type MissedPeriods string

// The choices of the setting missed-periods.
const (
	MissedCurrent MissedPeriods = "current" // the newest; older ones are recorded as skipped
	MissedAll     MissedPeriods = "all"     // all; the card is taken once, for the newest
	MissedNone    MissedPeriods = "none"    // none that is more than a day old
)

// Sealer seals secrets for the database and opens them again; aad binds a
// sealed value to its row.
type Sealer interface {
	Seal(plain Secret, aad string) ([]byte, error)
	Open(sealed []byte, aad string) (Secret, error)
}

// Levies adds tax and fee to a credit that a card is charged for. It is asked
// inside transactions, so it is pure and quick.
type Levies interface {
	Levy(owner OwnerID, credit Amount) (tax, fee int64)
}

type noLevies struct{}

func (noLevies) Levy(OwnerID, Amount) (tax, fee int64) { return 0, 0 }

// Observer is told of what happened, after it was committed: logs and metrics.
// Its methods return quickly and may be called from several goroutines.
type Observer interface {
	// Decided: a decision that changed something or that is kept.
	Decided(Decision)
	// ChargeMoved: a charge entered a state; cause is for the log, may be empty.
	ChargeMoved(c Charge, outcome string)
	// Posted: a posting was booked.
	Posted(kind PostingKind)
	// Mailed: a notice was delivered or given up.
	Mailed(Notice)
	// EventSent: a delivery of an event was tried: it was delivered, will be tried again, or was given up.
	EventSent(d Delivery, t EventType)
	// EventsShed: so many deliveries of a subscription were given up, since too many waited.
	EventsShed(h HubID, n int64)
	// RunEnded: a run finished or stopped with an error.
	RunEnded(Run)
	// Alarmed: something that a person has to look at. subject names it.
	Alarmed(kind AlarmKind, subject, text string)
	// Failed: something of ours went wrong in the background.
	Failed(what string, err error)
}

type noObserver struct{}

func (noObserver) Decided(Decision)                  {}
func (noObserver) ChargeMoved(Charge, string)        {}
func (noObserver) Posted(PostingKind)                {}
func (noObserver) Mailed(Notice)                     {}
func (noObserver) EventSent(Delivery, EventType)     {}
func (noObserver) EventsShed(HubID, int64)           {}
func (noObserver) RunEnded(Run)                      {}
func (noObserver) Alarmed(AlarmKind, string, string) {}
func (noObserver) Failed(string, error)              {}

// DefaultPaymentWait is how long makePayment waits before it answers PENDING.
const DefaultPaymentWait = 20 * time.Second

// DefaultSettings are those of spec/operations.
func DefaultSettings() Settings {
	return Settings{
		Limits:            Limits{Interval: 15 * time.Minute, DailyCount: 5, Location: time.UTC},
		MissedPeriods:     MissedCurrent,
		Location:          time.UTC,
		GatewayTimeout:    30 * time.Second,
		ChargeConcurrency: 32,
		DuplicateWindow:   120 * time.Second,
		PaymentWait:       DefaultPaymentWait,
		AnswerDays:        AnswerDays,
		AuditDays:         400,
		EventDays:         30,
		Realm:             "topupd",
	}
}

// New makes an engine. Nothing runs until an operation or Work is called.
func New(c Config) *Engine {
	e := &Engine{
		store: c.Store, gateways: map[string]Gateway{}, mailer: c.Mailer, sealer: c.Sealer,
		courier: c.Courier, observer: c.Observer, levies: c.Levies, set: c.Settings,
		wake: make(chan struct{}, 1), wakeEvents: make(chan struct{}, 1),
	}
	for _, g := range c.Gateways {
		e.gateways[g.Name()] = g
		e.order = append(e.order, g.Name())
	}
	if e.observer == nil {
		e.observer = noObserver{}
	}
	if e.levies == nil {
		e.levies = noLevies{}
	}
	if e.set.Location == nil {
		e.set.Location = time.UTC
	}
	if e.set.Limits.Location == nil {
		e.set.Limits.Location = e.set.Location
	}
	if e.set.ChargeConcurrency < 1 {
		e.set.ChargeConcurrency = 1
	}
	return e
}

// Sandboxed reports whether new cards go to a gateway where no money moves.
func (e *Engine) Sandboxed() bool {
	return len(e.order) > 0 && e.gateways[e.order[0]].Traits().Sandbox
}

// GatewayNames lists the gateways, the first for new cards.
func (e *Engine) GatewayNames() []string { return e.order }

type clockKey struct{}

// AsOf returns a context whose operations judge and record by that moment:
// what is due, expiry, caps, intervals, retry times and effective dates.
// booked_at, leases and logs keep the real clock.
func AsOf(ctx context.Context, t time.Time) context.Context {
	return context.WithValue(ctx, clockKey{}, t)
}

func asOf(ctx context.Context) time.Time {
	t, _ := ctx.Value(clockKey{}).(time.Time)
	return t
}

// now is the operation's clock: as-of if given, else the real one. Stored
// times have microseconds, so the clock has no more.
func now(ctx context.Context) time.Time {
	if t := asOf(ctx); !t.IsZero() {
		return t.UTC().Truncate(time.Microsecond)
	}
	return realNow()
}

func realNow() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// kick wakes the workers of this process; polling is the safety net.
func (e *Engine) kick() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// kickEvents wakes what delivers events.
func (e *Engine) kickEvents() {
	select {
	case e.wakeEvents <- struct{}{}:
	default:
	}
}
