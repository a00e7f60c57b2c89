package billing

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// GlobalBreaker stops all sending when more than this leaves in a minute; zero
// is off. Money counts in each currency by itself, in millionths.
type GlobalBreaker struct {
	Charges int64
	Money   int64
}

// gate remembers, in this process, what need not be tried for a moment, so that
// a worker does not ask the database for it all the time. The database decides.
type gate struct {
	mu    sync.Mutex
	until map[string]time.Time // by gateway
	// stopped: nothing new is sent before this.
	stopped time.Time
}

// hold keeps a gateway's charges from being taken up before a moment.
func (g *gate) hold(gateway string, until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.until == nil {
		g.until = map[string]time.Time{}
	}
	g.until[gateway] = until
}

// stop keeps everything that is not sent yet from being taken up.
func (g *gate) stop(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped = until
}

// due narrows what a worker takes up to what may be sent now. paced is when the
// first gateway that is held by its pace may be called again, zero if none is.
func (e *Engine) due(f DueFilter) (_ DueFilter, paced time.Time) {
	e.gate.mu.Lock()
	defer e.gate.mu.Unlock()
	f.AskOnly = e.gate.stopped.After(f.Real)
	for name, g := range e.gateways {
		until := e.gate.until[name]
		if until.After(f.Real) && (paced.IsZero() || until.Before(paced)) {
			paced = until
		}
		if p, ok := g.(Paused); ok && p.PausedUntil().After(until) {
			until = p.PausedUntil()
		}
		if until.After(f.Real) && len(f.Except) < MaxSpared {
			f.Except = append(f.Except, name)
		}
	}
	return f, paced
}

// paused reports whether a gateway is spared because it is down.
func paused(g Gateway, real time.Time) bool {
	p, ok := g.(Paused)
	return ok && p.PausedUntil().After(real)
}

const (
	// paceAhead is how long before its turn a call may be claimed: it waits for
	// the turn with everything else done.
	paceAhead = 2 * time.Second
	// paceFarthest is more than any turn lies ahead: what is further was written by
	// a clock that was wrong.
	paceFarthest = 3 * time.Minute
	// paceSlowest bounds how far a gateway that asks for fewer calls slows us;
	// each paceRecovery without another such answer halves it.
	paceSlowest  = 64
	paceRecovery = 30 * time.Second
	// paceGuess is the rate, in calls a second, from which a gateway without a
	// rate of its own is slowed.
	paceGuess = 50
)

// slowAt is how many times slower than its rate a gateway is called now.
func (p *Pace) slowAt(real time.Time) int64 {
	slow := max(p.Slow, 1)
	for since := real.Sub(p.LimitedAt); slow > 1 && since >= paceRecovery; since -= paceRecovery {
		slow /= 2
	}
	return slow
}

// turn takes the next free place in the row of calls to a gateway, over all
// servers. With ok false there is none soon enough: at says when to look again.
func (u *unitOfWork) turn(g Gateway, calls int) (at time.Time, ok bool, err error) {
	rate := int64(u.e.set.ChargeRate)
	if rate == 0 {
		rate = int64(g.Traits().Rate)
	}
	p, err := u.tx.Pace(g.Name())
	if err != nil {
		return u.real, false, err
	}
	if rate == 0 {
		if p.slowAt(u.real) == 1 && !p.NextAt.After(u.real) {
			return u.real, true, nil
		}
		rate = paceGuess
	}
	if p, err = u.tx.LockPace(g.Name()); err != nil {
		return u.real, false, err
	}
	slow := p.slowAt(u.real)
	at = u.real
	if p.NextAt.After(at) && p.NextAt.Before(at.Add(paceFarthest)) {
		at = p.NextAt
	}
	if at.Sub(u.real) > paceAhead {
		return at.Add(-paceAhead / 2), false, nil
	}
	p.NextAt = at.Add(time.Duration(calls) * time.Second * time.Duration(slow) / time.Duration(rate))
	return at, true, u.tx.SetPace(&p)
}

// limited slows a gateway that asked for fewer calls. Answers that come together
// are one request.
func (u *unitOfWork) limited(gateway string, after time.Duration) error {
	p, err := u.tx.LockPace(gateway)
	if err != nil {
		return err
	}
	if u.real.Sub(p.LimitedAt) >= time.Second {
		p.Slow = min(p.slowAt(u.real)*2, paceSlowest)
		p.LimitedAt = u.real
	}
	if next := u.real.Add(min(max(after, time.Second), time.Minute)); next.After(p.NextAt) {
		p.NextAt = next
	}
	return u.tx.SetPace(&p)
}

// callsPerCharge is how many places one charge takes.
func callsPerCharge(g Gateway) int { return max(g.Traits().CallsPerCharge, 1) }

// awaitTurn waits for a place that was taken.
func awaitTurn(ctx context.Context, at time.Time) {
	wait := time.Until(at)
	if wait <= 0 {
		return
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done(): // the place is ours: what is in flight is finished
	case <-t.C:
	}
}

// stopped is the global breaker: it says whether nothing new may be sent, and
// trips when this charge would be one too many.
func (u *unitOfWork) stopped(c *Charge) (bool, error) {
	stop, err := u.tx.SendingStop()
	if err != nil || !stop.At.IsZero() {
		return true, err
	}
	limit := u.e.set.Breaker
	if limit.Charges == 0 && limit.Money == 0 {
		return false, nil
	}
	// Claims take turns from here on: each counts those before it.
	if stop, err = u.tx.LockSendingStop(); err != nil || !stop.At.IsZero() {
		return true, err
	}
	since := u.real.Add(-time.Minute)
	if stop.ResumedAt.After(since) {
		since = stop.ResumedAt
	}
	count, money, err := u.tx.SubmittedSince(since)
	if err != nil {
		return true, err
	}
	switch {
	case limit.Charges > 0 && count+1 > limit.Charges:
		stop.Reason = fmt.Sprintf("more than %d charges in a minute", limit.Charges)
	case limit.Money > 0 && saturate(money[c.Unit], c.Gross) > limit.Money:
		stop.Reason = fmt.Sprintf("more than %s in a minute", Money(limit.Money, c.Unit))
	default:
		return false, nil
	}
	stop.At = u.real
	if err := u.tx.SetSendingStop(stop); err != nil {
		return true, err
	}
	if err := u.sendingHistory(ReasonStopped, stop.Reason); err != nil {
		return true, err
	}
	return true, u.alarm(AlarmStopped, causeOf("at", stop.At.UnixMicro()), Root, "sending of charges is stopped: "+stop.Reason,
		"Nothing is sent to any gateway until a person has looked: `topupd charges` lists what was sent,\n`topupd charges resume --all --reason TEXT` goes on.")
}

// sendingHistory keeps what happened to all sending beside root's decisions.
func (u *unitOfWork) sendingHistory(r Reason, detail string) error {
	return u.keep(&Decision{
		Owner: Root, Top: Root, At: u.now, Trigger: TriggerSettled, Purpose: PurposeManual, Actor: u.actor.Name(),
		Reason: r, Detail: detail,
	})
}

// tooLarge reports whether a charge is above the limit of a whole minute by itself.
func (u *unitOfWork) tooLarge(c *Charge) bool {
	limit := u.e.set.Breaker.Money
	return limit > 0 && c.Gross > limit
}

// holdTooLarge lets such a charge wait: it must not stop all others at each look.
func (u *unitOfWork) holdTooLarge(c *Charge) error {
	u.askLater(c, time.Minute)
	if err := u.tx.SetCharge(c); err != nil {
		return err
	}
	return u.alarm(AlarmTooLarge, causeOf("charge", int64(c.ID)), c.Top,
		fmt.Sprintf("charge %d of %s is above --max-money-per-minute by itself", c.ID, c.Owner),
		fmt.Sprintf("%s is not sent. Lower the owner's amount, or raise the limit.", Money(c.Gross, c.Unit)))
}

// stopLook is how often a worker asks whether sending goes on again.
const stopLook = time.Second

// ResumeSending lifts the global breaker. Errors: Forbidden, Conflict when it is
// not set. reason is kept in the history of root.
func (e *Engine) ResumeSending(ctx context.Context, reason string) error {
	if !ActorFrom(ctx).IsRoot() {
		return Errorf(Forbidden, "", "sending is resumed by a root login")
	}
	err := e.update(ctx, func(u *unitOfWork) error {
		stop, err := u.tx.SendingStop()
		if err != nil {
			return err
		}
		if stop.At.IsZero() {
			return Errorf(Conflict, "", "sending is not stopped")
		}
		if err := u.tx.SetSendingStop(SendingStop{ResumedAt: u.real}); err != nil {
			return err
		}
		return u.sendingHistory(ReasonResumed, reason)
	})
	if err == nil {
		e.gate.stop(zeroTime)
		e.kick()
	}
	return err
}

// SendingStopped is the global breaker as it stands.
func (e *Engine) SendingStopped(ctx context.Context) (stop SendingStop, err error) {
	err = e.view(ctx, func(r Reader) error {
		stop, err = r.SendingStop()
		return err
	})
	return stop, err
}
