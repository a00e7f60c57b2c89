package billing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"
)

// sendTimeout bounds one delivery, from looking up the name to the end of the answer.
const sendTimeout = 10 * time.Second

// At most so many events are on their way to one callback, and to all of them: a slow one
// takes its own places only. Once half of all are taken each callback has one: many that
// never answer leave places to the others.
const (
	sendsOfHub = 4
	sendsOfAll = 256
)

// sendAgain is the wait after each failed delivery, give or take a fifth; together more
// than a day. Then it is given up.
var sendAgain = []time.Duration{
	5 * time.Second, 20 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour,
	4 * time.Hour, 6 * time.Hour, 12 * time.Hour,
}

// sendPatience is for how long an event may have waited behind one that was given up and
// still have all its tries: about what those take. Behind a callback that is gone, what
// piled up for a day would otherwise wait a day more for each event of its record.
const sendPatience = 24 * time.Hour

// jittered is the wait, give or take a fifth: callbacks that failed together are not
// called together.
func jittered(d time.Duration) time.Duration {
	return d - d/5 + rand.N(2*d/5+1)
}

// dispatch is what one process has on its way to callbacks.
type dispatch struct {
	e     *Engine
	freed chan struct{}

	mu   sync.Mutex
	busy map[HubID]map[DeliveryID]bool
	all  int
	// failed keeps a row that an error of ours stopped from being taken up again at once.
	failed map[DeliveryID]time.Time
	wg     sync.WaitGroup
}

func newDispatch(e *Engine) *dispatch {
	return &dispatch{e: e, freed: make(chan struct{}, 1), busy: map[HubID]map[DeliveryID]bool{}, failed: map[DeliveryID]time.Time{}}
}

// workEvents delivers what is due until ctx is done, then waits for what is on its way.
func (e *Engine) workEvents(ctx context.Context) {
	if e.courier == nil || e.renderer == nil {
		return
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	d := newDispatch(e)
	defer d.wg.Wait()
	d.wg.Go(func() { e.workShedding(ctx) })
	for {
		if _, err := d.launch(ctx); err != nil && ctx.Err() == nil {
			e.observer.Failed("due events could not be listed", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-e.wakeEvents:
		case <-d.freed:
		case <-tick.C:
		}
	}
}

// DeliverEvents delivers until no event is due: what a server does all the time.
func (e *Engine) DeliverEvents(ctx context.Context) error {
	if e.courier == nil || e.renderer == nil {
		return Errorf(Conflict, "events", "nothing here delivers events")
	}
	d := newDispatch(e)
	defer d.wg.Wait()
	for {
		idle := d.idle()
		started, err := d.launch(ctx)
		if err != nil {
			return err
		}
		if started == 0 && idle {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.freed:
		case <-time.After(poll):
		}
	}
}

// launch starts what is due and has a place, and says how many.
func (d *dispatch) launch(ctx context.Context) (started int, err error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	ctx = asJob(ctx, JobEvents)
	due := map[HubID][]DueDelivery{}
	var hubs []HubID
	err = d.e.view(ctx, func(r Reader) (err error) {
		if hubs, err = r.DueHubs(realNow()); err != nil {
			return err
		}
		for _, h := range hubs {
			room := d.room(h)
			if room == 0 {
				continue
			}
			// Those that are busy or rest may still look due.
			if due[h], err = r.DueDeliveries(h, realNow(), 2*sendsOfHub+d.resting()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	// One of each in turn: the first subscription does not take all places.
	for i := 0; len(due) > 0; i++ {
		for _, h := range hubs {
			list, ok := due[h]
			switch {
			case !ok:
			case i == len(list):
				delete(due, h)
			case d.start(ctx, h, list[i]):
				started++
			}
		}
	}
	return started, nil
}

func (d *dispatch) room(h HubID) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.free(h)
}

// free is how many places a callback may take now.
func (d *dispatch) free(h HubID) int {
	own := sendsOfHub
	if d.all >= sendsOfAll/2 {
		own = 1
	}
	return max(0, min(own-len(d.busy[h]), sendsOfAll-d.all))
}

// resting counts what rests after an error of ours. What rested long enough is forgotten:
// another process may have sent it.
func (d *dispatch) resting() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.failed, func(_ DeliveryID, at time.Time) bool { return time.Since(at) >= failedPause })
	return len(d.failed)
}

func (d *dispatch) idle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all == 0
}

func (d *dispatch) start(ctx context.Context, h HubID, due DueDelivery) bool {
	id := due.ID
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy[h][id] || d.free(h) == 0 {
		return false
	}
	if at, rests := d.failed[id]; rests && time.Since(at) < failedPause {
		return false
	}
	if d.busy[h] == nil {
		d.busy[h] = map[DeliveryID]bool{}
	}
	d.busy[h][id] = true
	d.all++
	d.wg.Go(func() {
		err := d.e.sendEvent(ctx, due)
		if err != nil && !errors.Is(err, context.Canceled) {
			d.e.observer.Failed("an event could not be delivered", err)
		}
		d.done(h, id, err)
	})
	return true
}

func (d *dispatch) done(h HubID, id DeliveryID, err error) {
	d.mu.Lock()
	delete(d.busy[h], id)
	if len(d.busy[h]) == 0 {
		delete(d.busy, h)
	}
	d.all--
	if err != nil {
		d.failed[id] = time.Now()
	}
	d.mu.Unlock()
	select {
	case d.freed <- struct{}{}:
	default:
	}
}

// sendEvent makes one try of a delivery that is due: claims it under a lease, posts, and
// records what came of it. A process that dies in between leaves the lease, and the event
// is sent again when that is over, under the same id. Both transactions are the event's
// owner's: so are all deliveries of its record, and who tells of it anew has that row too.
func (e *Engine) sendEvent(ctx context.Context, due DueDelivery) error {
	var d Delivery
	var ev Event
	var hub HubSubscription
	claimed := false
	err := e.updateOwners(ctx, []OwnerID{due.Owner}, func(u *unitOfWork) (err error) {
		claimed = false
		if d, err = u.tx.Delivery(due.ID); err != nil {
			return err
		}
		if d.State != DeliveryPending || d.DueAt.IsZero() || d.DueAt.After(u.real) || d.LeaseUntil.After(u.real) {
			return nil
		}
		if hub, err = u.tx.Hub(d.Hub); err != nil || !hub.DeletedAt.IsZero() {
			return err
		}
		if ev, err = u.tx.Event(d.Event); err != nil {
			return err
		}
		claimed = true
		d.LeaseUntil = u.real.Add(sendTimeout + leaseSlack)
		return u.tx.SetDelivery(&d)
	})
	if err != nil || !claimed {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	status, sent := e.postEvent(ctx, &ev, &hub)
	return e.eventSent(ctx, d, &ev, status, sent)
}

func (e *Engine) postEvent(ctx context.Context, ev *Event, h *HubSubscription) (int, error) {
	if len(h.Secret) == 0 {
		return 0, errors.New("the subscription has no secret")
	}
	secret, err := e.sealer.Open(h.Secret, hubAAD(h.ID))
	if err != nil {
		e.observer.Failed("the secret of a subscription does not open", err)
		return 0, errors.New("the secret does not open")
	}
	ev.UID = e.eventUID(ev.ID)
	body, err := e.renderer.RenderEvent(WithActor(ctx, Actor{Customer: Root, API: "job", Job: JobEvents}), ev)
	if err != nil {
		e.observer.Failed(fmt.Sprintf("event %d cannot be written", ev.ID), err)
		return 0, errors.New("the event cannot be written")
	}
	send, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return e.courier.Post(send, EventMessage{ID: ev.UID, Callback: h.Callback, Secret: secret, At: realNow(), Body: body})
}

// eventUID names an event for receivers: a restored or copied database has another
// instance, and gives ids again.
func (e *Engine) eventUID(id EventID) string {
	return fmt.Sprintf("event-%d-%s", id, e.store.Instance())
}

// maxSendError bounds what is kept of a failure.
const maxSendError = 300

// eventSent records a try. What waited behind it is due once it is over.
func (e *Engine) eventSent(ctx context.Context, was Delivery, ev *Event, status int, sent error) error {
	var wait time.Duration
	if n := was.Tries; n < len(sendAgain) {
		wait = jittered(sendAgain[n])
	}
	return e.updateOwners(ctx, []OwnerID{ev.Owner}, func(u *unitOfWork) error {
		d, err := u.tx.Delivery(was.ID)
		if err != nil {
			return err
		}
		// Somebody else is on it, or resent it: an answer that came late counts if it is one.
		if d.State != DeliveryPending || d.DueAt.IsZero() || !d.LeaseUntil.Equal(was.LeaseUntil) && sent != nil {
			return nil
		}
		d.Tries++
		d.LeaseUntil, d.Status, d.Error = zeroTime, status, ""
		switch {
		case sent == nil:
			d.State, d.DueAt, d.FinishedAt = DeliveryDelivered, zeroTime, u.real
		case wait == 0:
			d.State, d.DueAt, d.FinishedAt = DeliveryDead, zeroTime, u.real
		default:
			d.DueAt = u.real.Add(wait)
		}
		if sent != nil {
			d.Error = cutText(sent.Error(), maxSendError)
		}
		if err := u.tx.SetDelivery(&d); err != nil {
			return err
		}
		u.tell(func(o Observer) { o.EventSent(d, ev.EventType) })
		if d.State == DeliveryPending {
			return nil
		}
		return u.nextDelivery(&d)
	})
}

// nextDelivery makes the oldest that waited for this one due. One that waited long for
// one that was given up is tried once.
func (u *unitOfWork) nextDelivery(over *Delivery) error {
	next, err := u.tx.WaitingDelivery(over.Hub, over.Subject)
	if errors.Is(err, NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	next.DueAt, u.events = u.real, true
	if over.State == DeliveryDead && u.real.Sub(next.CreatedAt) > sendPatience {
		next.Tries = len(sendAgain) // the last one is left
	}
	return u.tx.SetDelivery(&next)
}
