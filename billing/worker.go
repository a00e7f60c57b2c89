package billing

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// poll is the safety net of the workers: rows that another process wrote are
// found without its wake-up.
const poll = time.Second

// The topics of Store.Tell: what became due on one server wakes the others, and a payment
// that one settled the call that waits on another.
const (
	topicWork   = "work"   // charges, refunds, notices, pool top-ups
	topicEvents = "events" // deliveries of events
	topicPaid   = "paid:"  // with a charge by hand that has its outcome
)

// helpAfter is how long the server that told is left alone with what became due there:
// its own workers were woken first, and what they took up need not be fought for.
const helpAfter = 100 * time.Millisecond

// hear wakes this process for what other servers tell.
func (e *Engine) hear(ctx context.Context) {
	var work, events soon
	e.store.Hear(ctx, func(topic string) {
		switch id, paid := strings.CutPrefix(topic, topicPaid); {
		case paid:
			if n, err := strconv.ParseInt(id, 10, 64); err == nil {
				e.waiting.tell([]ChargeID{ChargeID(n)})
			}
		case topic == topicWork:
			work.call(e.kick)
		case topic == topicEvents:
			events.call(e.kickEvents)
		default: // something may have been lost; calls that wait look by themselves
			work.call(e.kick)
			events.call(e.kickEvents)
		}
	})
}

// soon calls a function once for all that ask within helpAfter.
type soon struct{ asked atomic.Bool }

func (s *soon) call(fn func()) {
	if s.asked.CompareAndSwap(false, true) {
		time.AfterFunc(helpAfter, func() {
			s.asked.Store(false)
			fn()
		})
	}
}

// Work sends due charges, refunds, notices and events, applies pool top-ups, and deletes what is kept for a time, until
// ctx is done, then waits for what is in flight. The rows are the queue; any number of processes may work.
func (e *Engine) Work(ctx context.Context) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	inFlight := newFlight(e.set.ChargeConcurrency)
	defer inFlight.wait()
	var tidying sync.WaitGroup
	if e.set.AuditDays > 0 || e.set.AnswerDays > 0 || e.set.EventDays > 0 {
		tidying.Go(func() { e.tidyUp(ctx) })
	}
	defer tidying.Wait()
	var events sync.WaitGroup
	events.Go(func() { e.workEvents(ctx) })
	events.Go(func() { e.hear(ctx) })
	defer events.Wait()
	for {
		if _, err := e.launch(ctx, inFlight); err != nil && ctx.Err() == nil {
			e.observer.Failed("due charges and notices could not be listed", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-e.wake:
		case <-inFlight.freed:
		case <-tick.C:
		}
	}
}

// Drain works until nothing is due by the context's clock: what `run` does
// after it decided.
func (e *Engine) Drain(ctx context.Context) error {
	return e.drain(ctx, newFlight(e.set.ChargeConcurrency))
}

func (e *Engine) drain(ctx context.Context, inFlight *flight) error {
	defer inFlight.wait()
	for {
		// Read before the rows are: what was under way may have left new ones.
		idle := inFlight.idle()
		started, err := e.launch(ctx, inFlight)
		if err != nil {
			return err
		}
		if started == 0 && idle {
			if !e.awaitPace(ctx) {
				return ctx.Err()
			}
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-inFlight.freed:
		case <-time.After(poll):
		}
	}
}

// awaitPace waits until a gateway that is held by its pace may be called again;
// false when none is.
func (e *Engine) awaitPace(ctx context.Context) bool {
	_, paced := e.due(DueFilter{Real: realNow()})
	if paced.IsZero() || ctx.Err() != nil {
		return false
	}
	awaitTurn(ctx, paced)
	return ctx.Err() == nil
}

// launch starts a goroutine for each due row, as many as there is room for,
// and says how many.
func (e *Engine) launch(ctx context.Context, f *flight) (started int, err error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	ctx = asJob(ctx, JobCharges)
	var asks, charges []DueCharge
	var refunds []RefundID
	var notices []DueNotice
	var pools []PoolTopUpID
	e.keepPools(ctx, f)
	e.keepReservations(ctx, f)
	filter, _ := e.due(DueFilter{Now: now(ctx), Real: realNow(), Limit: 2 * f.size})
	err = e.view(ctx, func(r Reader) (err error) {
		// What may have been captured is asked about before anything new is sent.
		first := filter
		first.AskOnly = true
		if asks, err = r.DueCharges(first); err != nil {
			return err
		}
		if !filter.AskOnly {
			if charges, err = r.DueCharges(filter); err != nil {
				return err
			}
		}
		if refunds, err = r.DueRefunds(now(ctx), realNow(), 2*f.size); err != nil {
			return err
		}
		if pools, err = r.DuePoolTopUps(now(ctx), 2*f.size); err != nil {
			return err
		}
		notices, err = r.DueNotices(now(ctx), realNow(), 2*f.size)
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, due := range asks {
		started += f.start(flightKey{charge: due.ID}, func(p *seat) error {
			if !p.take(ctx, time.Hour) {
				return nil // it is still due
			}
			return e.chargeOne(ctx, due, p)
		}, e.observer)
	}
	for _, due := range charges {
		started += f.start(flightKey{charge: due.ID}, func(p *seat) error { return e.chargeOne(ctx, due, p) }, e.observer)
	}
	for _, id := range refunds {
		started += f.start(flightKey{refund: id}, func(*seat) error { return e.refundOne(ctx, id) }, e.observer)
	}
	for _, id := range pools {
		started += f.start(flightKey{pool: id}, func(*seat) error { return e.topUpPool(ctx, id) }, e.observer)
	}
	for _, due := range notices {
		started += f.start(flightKey{notice: due.ID}, func(*seat) error { return e.mailOne(ctx, due) }, e.observer)
	}
	return started, nil
}

// flight is what one worker loop has under way: bounded, each row once.
type flight struct {
	size  int
	seats chan struct{} // one for each call about a charge to a gateway
	freed chan struct{}
	pools time.Time // when pool plans were last seen to
	// reservations is when it was looked for those whose time is over.
	reservations time.Time
	// alone works on one row at a time, in the order of the rows: a simulation that is
	// to repeat itself counts the calls.
	alone bool

	mu      sync.Mutex
	busy    map[flightKey]bool // true until its gateway has had its say
	early   int                // charges of which it has not
	charges int                // charges that are busy, those that only settle too
	// failed keeps a row that an error of ours stopped from being taken up
	// again at once.
	failed map[flightKey]time.Time
	wg     sync.WaitGroup
}

type flightKey struct {
	charge ChargeID
	refund RefundID
	notice NoticeID
	pool   PoolTopUpID
}

// failedPause is how long a row rests after an error of ours.
const failedPause = 10 * time.Second

func newFlight(size int) *flight {
	return &flight{size: size, seats: make(chan struct{}, size), freed: make(chan struct{}, 1), busy: map[flightKey]bool{}, failed: map[flightKey]time.Time{}}
}

// start runs work unless the row is under way or rests, or there is no room.
func (f *flight) start(k flightKey, work func(*seat) error, o Observer) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, busy := f.busy[k]; busy || !f.room(k) {
		return 0
	}
	if at, ok := f.failed[k]; ok {
		if time.Since(at) < failedPause {
			return 0
		}
		delete(f.failed, k)
	}
	f.busy[k] = k.charge != 0
	if k.charge != 0 {
		f.early++
		f.charges++
	}
	run := func() {
		p := &seat{f: f, key: k}
		err := work(p)
		p.leave()
		if err != nil && !errors.Is(err, context.Canceled) {
			o.Failed("a charge, notice or pool top-up could not be worked on", err)
		}
		f.done(k, err)
	}
	if f.alone {
		f.mu.Unlock()
		run()
		f.mu.Lock()
		return 1
	}
	f.wg.Go(run)
	return 1
}

// seat is a charge's place among the calls to gateways.
type seat struct {
	f     *flight
	key   flightKey
	taken bool
}

// take waits for the place; false when none came free or the worker stops.
func (p *seat) take(ctx context.Context, most time.Duration) bool {
	if p == nil || p.taken {
		return true
	}
	select {
	case p.f.seats <- struct{}{}:
		p.taken = true
		return true
	default:
	}
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case p.f.seats <- struct{}{}:
		p.taken = true
	case <-ctx.Done():
	case <-t.C:
	}
	return p.taken
}

// leave gives the place to the next one: what is left to do is the database's.
func (p *seat) leave() {
	if p == nil {
		return
	}
	if p.taken {
		<-p.f.seats
		p.taken = false
	}
	p.f.mu.Lock()
	if p.f.busy[p.key] {
		p.f.busy[p.key] = false
		p.f.early--
	}
	p.f.mu.Unlock()
	p.f.signal()
}

func (f *flight) signal() {
	select {
	case f.freed <- struct{}{}:
	default:
	}
}

// room: half as many charges again as there are places are taken up, so that the next
// ones are ready when a place comes free. Mails and refunds have places of their own,
// so that a night of charges does not keep an alarm waiting.
func (f *flight) room(k flightKey) bool {
	if k.charge != 0 {
		return f.early < f.size+f.size/2 && f.charges < 2*f.size+f.size/2
	}
	return len(f.busy)-f.charges < max(2, f.size/4)
}

func (f *flight) done(k flightKey, err error) {
	f.mu.Lock()
	delete(f.busy, k)
	if k.charge != 0 {
		f.charges--
	}
	if err != nil {
		f.failed[k] = time.Now()
	}
	f.mu.Unlock()
	f.signal()
}

func (f *flight) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.busy) == 0
}

func (f *flight) wait() { f.wg.Wait() }
