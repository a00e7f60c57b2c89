package billing

import (
	"context"
	"errors"
	"sync"
	"time"
)

// poll is the safety net of the workers: rows that another process wrote are
// found without its wake-up.
const poll = time.Second

// Work sends due charges, refunds and notices until ctx is done, then waits for what is
// in flight. The rows are the queue; any number of processes may work.
func (e *Engine) Work(ctx context.Context) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	inFlight := newFlight(e.set.ChargeConcurrency)
	defer inFlight.wait()
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
	inFlight := newFlight(e.set.ChargeConcurrency)
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
	var charges []ChargeID
	var refunds []RefundID
	var notices []NoticeID
	filter, _ := e.due(DueFilter{Now: now(ctx), Real: realNow(), Limit: 2 * f.size})
	err = e.store.View(ctx, func(r Reader) (err error) {
		// What may have been captured is asked about before anything new is sent.
		asks := filter
		asks.AskOnly = true
		if charges, err = r.DueCharges(asks); err != nil {
			return err
		}
		if !filter.AskOnly {
			all, err := r.DueCharges(filter)
			if err != nil {
				return err
			}
			charges = append(charges, all...)
		}
		if refunds, err = r.DueRefunds(now(ctx), realNow(), 2*f.size); err != nil {
			return err
		}
		notices, err = r.DueNotices(now(ctx), realNow(), 2*f.size)
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, id := range charges {
		started += f.start(flightKey{charge: id}, func(answered func()) error { return e.chargeOne(ctx, id, answered) }, e.observer)
	}
	for _, id := range refunds {
		started += f.start(flightKey{refund: id}, func(func()) error { return e.refundOne(ctx, id) }, e.observer)
	}
	for _, id := range notices {
		started += f.start(flightKey{notice: id}, func(func()) error { return e.mailOne(ctx, id) }, e.observer)
	}
	return started, nil
}

// flight is what one worker loop has under way: bounded, each row once.
type flight struct {
	size  int
	freed chan struct{}

	mu      sync.Mutex
	busy    map[flightKey]bool // true while it holds a place among the calls to gateways
	calls   int                // how many do
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
}

// failedPause is how long a row rests after an error of ours.
const failedPause = 10 * time.Second

func newFlight(size int) *flight {
	return &flight{size: size, freed: make(chan struct{}, 1), busy: map[flightKey]bool{}, failed: map[flightKey]time.Time{}}
}

// start runs work unless the row is under way or rests, or there is no room.
func (f *flight) start(k flightKey, work func(answered func()) error, o Observer) int {
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
		f.calls++
		f.charges++
	}
	f.wg.Go(func() {
		err := work(func() { f.answered(k) })
		if err != nil && !errors.Is(err, context.Canceled) {
			o.Failed("a charge or notice could not be worked on", err)
		}
		f.done(k, err)
	})
	return 1
}

// answered gives the place of a charge to the next one: what is left to do for it
// is the database's.
func (f *flight) answered(k flightKey) {
	f.mu.Lock()
	if f.busy[k] {
		f.busy[k] = false
		f.calls--
	}
	f.mu.Unlock()
	f.signal()
}

func (f *flight) signal() {
	select {
	case f.freed <- struct{}{}:
	default:
	}
}

// room: mails and refunds have places of their own, so that a night of charges
// does not keep an alarm waiting.
func (f *flight) room(k flightKey) bool {
	if k.charge != 0 {
		return f.calls < f.size && f.charges < 2*f.size
	}
	return len(f.busy)-f.charges < max(2, f.size/4)
}

func (f *flight) done(k flightKey, err error) {
	f.mu.Lock()
	if f.busy[k] {
		f.calls--
	}
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
