package billing

import (
	"context"
	"sync"
	"time"
)

// paymentPoll is how often a waiting call reads its charge: another server may have
// settled it.
const paymentPoll = 250 * time.Millisecond

// waiting are the calls of this process that wait for a charge. What is lost with the
// process is the wait, never the charge.
type waiting struct {
	mu    sync.Mutex
	calls map[ChargeID][]chan struct{}
}

// join subscribes to a charge until leave is called.
func (w *waiting) join(id ChargeID) (told <-chan struct{}, leave func()) {
	ch := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls == nil {
		w.calls = map[ChargeID][]chan struct{}{}
	}
	w.calls[id] = append(w.calls[id], ch)
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		var others []chan struct{}
		for _, c := range w.calls[id] {
			if c != ch {
				others = append(others, c)
			}
		}
		if w.calls[id] = others; others == nil {
			delete(w.calls, id)
		}
	}
}

// tell wakes who waits for these charges; called after the commit.
func (w *waiting) tell(turned []ChargeID) {
	if len(turned) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range turned {
		for _, ch := range w.calls[id] {
			select {
			case ch <- struct{}{}:
			default: // it was told already and reads the newest state
			}
		}
	}
}

// awaitPayment waits until a charge by hand has its outcome. The last thing known
// counts when the time is over or the caller is gone; the time of a request with many
// payments is over for all of them at once, or its answer would outlive the connection.
func (e *Engine) awaitPayment(ctx context.Context, c Charge) PaymentResult {
	if e.joined(ctx) != nil { // it is not sent before the commit
		return c.State.Result()
	}
	told, leave := e.waiting.join(c.ID)
	defer leave()
	wait := e.set.PaymentWait
	if at := ActorFrom(ctx).At; !at.IsZero() {
		wait -= time.Since(at)
	}
	over := time.NewTimer(wait)
	defer over.Stop()
	tick := time.NewTicker(paymentPoll)
	defer tick.Stop()
	for last := false; ; {
		err := e.view(ctx, func(r Reader) error {
			now, err := r.Charge(c.ID)
			if err == nil {
				c = now
			}
			return err
		})
		if err != nil && ctx.Err() == nil {
			e.observer.Failed("a payment could not be read again", err)
			return PaymentPending
		}
		// Nobody will tell more of one that is for a person.
		if c.State.Result() != PaymentPending || c.State == ChargeUnresolved || last || ctx.Err() != nil {
			return c.State.Result()
		}
		select {
		case <-told:
		case <-tick.C:
		case <-over.C:
			last = true
		case <-ctx.Done():
		}
	}
}
