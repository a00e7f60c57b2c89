package billing_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"topupd/billing"
)

var (
	// errKilled is what every port answers a process that is dead.
	errKilled = errors.New("the process was killed")
	// errGlitch is a database that fails once and lives on.
	errGlitch = errors.New("the database failed once")
)

// injected reports whether an error is one that the test made, or follows from it.
func injected(err error) bool {
	return errors.Is(err, errKilled) || errors.Is(err, errGlitch) || errors.Is(err, context.Canceled)
}

// process is an engine that can die. Every call of a port passes points, and
// from the one where it dies on nothing that it does has an effect.
type process struct {
	engine *billing.Engine
	ctx    context.Context // acts as the operator; ends when the process dies

	end  context.CancelFunc
	mail func(billing.Mail) error

	mu     sync.Mutex
	passed int
	dieAt  int    // the point at which it dies; 0: it lives
	diesOf string // the kind of point at which it dies; empty: none
	dead   bool
	where  string // the point it died at
	// glitch says, for one Update, whether it fails and how; nil: never.
	glitch func() glitch
	// stall is how long a gateway call waits before it is made: a machine that
	// was paused; nil: never.
	stall func() time.Duration
	// failed is what its observer was told and no test had made.
	failed []error
}

// glitch is how one transaction fails while the process lives on.
type glitch uint8

const (
	noGlitch glitch = iota
	// glitchBusy: the database was busy; nothing was changed.
	glitchBusy
	// glitchLost: the commit failed; nothing was changed.
	glitchLost
	// glitchUnheard: it was committed, and the answer got lost.
	glitchUnheard
)

// ports is what a process stands on.
type ports struct {
	store    billing.Store
	gateways []billing.Gateway
	mail     func(billing.Mail) error
	settings billing.Settings
	levies   bool
}

// tenth is a tax of a tenth and a fee of a hundredth, in whole units.
type tenth struct{}

func (tenth) Levy(_ billing.OwnerID, credit billing.Amount) (tax, fee int64) {
	unit := scaleOf(credit.Unit) / 100
	return credit.Micros / 10 / unit * unit, credit.Micros / 100 / unit * unit
}

func newProcess(on ports) *process {
	p := &process{mail: on.mail}
	ctx := billing.WithActor(context.Background(), billing.Actor{Login: "root", Customer: billing.Root, API: "test"})
	p.ctx, p.end = context.WithCancel(ctx)
	c := billing.Config{
		Store: mortalStore{on.store, p}, Mailer: mortalMailer{p}, Sealer: plainSealer{}, Observer: mortalObserver{p: p},
		Settings: on.settings,
	}
	if on.levies {
		c.Levies = tenth{}
	}
	for _, g := range on.gateways {
		m := mortalGateway{g, p}
		if two, ok := g.(billing.Preparer); ok {
			c.Gateways = append(c.Gateways, mortalPreparer{m, two})
			continue
		}
		c.Gateways = append(c.Gateways, m)
	}
	p.engine = billing.New(c)
	return p
}

// point is passed by every call; a dead process gets no further.
func (p *process) point(where string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return errKilled
	}
	p.passed++
	if p.passed == p.dieAt || where == p.diesOf {
		p.die(where)
		return errKilled
	}
	return nil
}

func (p *process) die(where string) {
	p.dead, p.where = true, where
	p.end()
}

// kill ends the process from outside, as kill -9 does.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.dead {
		p.die("between two calls")
	}
}

// dieOf lets the process die at the next point of a kind; an empty one calls it off.
func (p *process) dieOf(where string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.diesOf = where
}

// deaths are the kinds of points where something may be lost or done twice.
var deaths = []string{
	"before a view", "before a transaction", "before its commit", "after its commit", "before a gateway call",
	"after the gateway's effect", "after the gateway's answer", "before a mail", "after a mail",
}

func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// place is the point where it died.
func (p *process) place() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.where
}

func (p *process) shake() glitch {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.glitch == nil {
		return noGlitch
	}
	return p.glitch()
}

// mortalStore is the database as a process that can die sees it.
type mortalStore struct {
	billing.Store
	p *process
}

func (s mortalStore) Hear(ctx context.Context, heard func(string)) { deaf{s.Store}.Hear(ctx, heard) }

func (s mortalStore) View(ctx context.Context, fn func(billing.Reader) error) error {
	if err := s.p.point("before a view"); err != nil {
		return err
	}
	if err := s.Store.View(ctx, fn); err != nil {
		return err
	}
	return s.p.point("after a view")
}

func (s mortalStore) Update(ctx context.Context, fn func(billing.Tx) error) error {
	return s.through(ctx, alone(ctx, s.Store), fn)
}

func (s mortalStore) UpdateOwners(ctx context.Context, owners []billing.OwnerID, fn func(billing.Tx) error) error {
	return s.through(ctx, ofOwners(ctx, s.Store, owners), fn)
}

func (s mortalStore) through(ctx context.Context, run updater, fn func(billing.Tx) error) error {
	if err := s.p.point("before a transaction"); err != nil {
		return err
	}
	g := s.p.shake()
	if g == glitchBusy {
		return &billing.Error{Code: billing.Busy, Err: errGlitch}
	}
	err := run(func(tx billing.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		if g == glitchLost {
			return &billing.Error{Code: billing.Internal, Err: errGlitch}
		}
		return s.p.point("before its commit")
	})
	if err != nil {
		return err
	}
	if g == glitchUnheard {
		return &billing.Error{Code: billing.Internal, Err: errGlitch}
	}
	return s.p.point("after its commit")
}

// mortalGateway is the gateway as a process that can die sees it. What the
// gateway did stays done.
type mortalGateway struct {
	billing.Gateway
	p *process
}

// call makes one call; late is the answer when its time was over before it left.
func (g mortalGateway) call(ctx context.Context, late billing.GatewayResult, fn func(context.Context) billing.GatewayResult) billing.GatewayResult {
	if g.p.point("before a gateway call") != nil {
		return billing.GatewayResult{}
	}
	if g.p.stall != nil {
		time.Sleep(g.p.stall())
	}
	if ctx.Err() != nil {
		return late
	}
	r := fn(context.WithValue(ctx, effectKey{}, func() { _ = g.p.point("after the gateway's effect") }))
	if g.p.point("after the gateway's answer") != nil {
		return billing.GatewayResult{}
	}
	return r
}

func (g mortalGateway) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	return g.call(ctx, unsent(bankSilent), func(ctx context.Context) billing.GatewayResult { return g.Gateway.Charge(ctx, c) })
}

func (g mortalGateway) Lookup(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	return g.call(ctx, bankSilent, func(ctx context.Context) billing.GatewayResult { return g.Gateway.Lookup(ctx, c) })
}

func (g mortalGateway) Refund(ctx context.Context, r billing.GatewayRefund) billing.GatewayResult {
	return g.call(ctx, unsent(bankSilent), func(ctx context.Context) billing.GatewayResult { return g.Gateway.Refund(ctx, r) })
}

// mortalPreparer is one whose payments are made first and captured later.
type mortalPreparer struct {
	mortalGateway
	two billing.Preparer
}

func (g mortalPreparer) Prepare(ctx context.Context, c billing.GatewayCharge) (ref string, r billing.GatewayResult) {
	r = g.call(ctx, unsent(bankSilent), func(ctx context.Context) (r billing.GatewayResult) {
		ref, r = g.two.Prepare(ctx, c)
		return r
	})
	if g.p.isDead() {
		return "", billing.GatewayResult{Outcome: billing.OutcomeNotAttempted}
	}
	return ref, r
}

// effectKey is a context's word for the gateway: call this once the money moved.
type effectKey struct{}

func effect(ctx context.Context) {
	if f, ok := ctx.Value(effectKey{}).(func()); ok {
		f()
	}
}

type mortalMailer struct{ p *process }

func (m mortalMailer) Send(_ context.Context, mail billing.Mail) error {
	if err := m.p.point("before a mail"); err != nil {
		return err
	}
	if err := m.p.mail(mail); err != nil {
		return err
	}
	return m.p.point("after a mail")
}

// mortalObserver keeps what went wrong in the background and was not made by
// the test.
type mortalObserver struct {
	strict
	p *process
}

func (o mortalObserver) Failed(what string, err error) {
	if injected(err) || o.p.isDead() {
		return
	}
	o.p.mu.Lock()
	defer o.p.mu.Unlock()
	o.p.failed = append(o.p.failed, errors.New(what+": "+err.Error()))
}
