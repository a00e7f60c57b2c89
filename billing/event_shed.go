package billing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// waitingMost is how many events may wait for one subscription: a callback that is gone
// does not fill the disk. What is above that is given up, the oldest first, and can be
// sent again like everything that was.
var waitingMost int64 = 10_000

// How often the subscriptions' events are counted, and how many one transaction gives up.
const (
	shedEvery = 30 * time.Second
	shedBatch = 100
)

// Backlog is how many deliveries to a subscription are pending.
type Backlog struct {
	Hub     HubID
	Pending int64
}

// workShedding gives up what is too much until ctx is done.
func (e *Engine) workShedding(ctx context.Context) {
	for sleep(ctx, shedEvery) {
		if _, err := e.shedEvents(asJob(ctx, JobEvents)); err != nil && ctx.Err() == nil {
			e.observer.Failed("events that wait could not be counted", err)
		}
	}
}

// shedEvents gives up the oldest deliveries of each subscription that too many wait for,
// and says how many. What is on its way stays.
func (e *Engine) shedEvents(ctx context.Context) (all int64, err error) {
	surplus := map[HubID][]DeliveryID{}
	var backlogs []Backlog
	err = e.view(ctx, func(r Reader) (err error) {
		clear(surplus)
		if backlogs, err = r.Backlogs(); err != nil {
			return err
		}
		for _, b := range backlogs {
			if b.Pending <= waitingMost {
				continue
			}
			if surplus[b.Hub], err = r.OldestPending(b.Hub, realNow(), int(b.Pending-waitingMost)); err != nil {
				return err
			}
		}
		return nil
	})
	for _, b := range backlogs {
		shed := int64(0)
		for batch := range slices.Chunk(surplus[b.Hub], shedBatch) {
			if err != nil || ctx.Err() != nil {
				break
			}
			var n int64
			err = e.update(ctx, func(u *unitOfWork) (err error) {
				n, err = u.shed(batch)
				return err
			})
			if err == nil {
				shed += n
			}
		}
		if all += shed; shed > 0 {
			e.observer.EventsShed(b.Hub, shed)
		}
	}
	return all, err
}

// shed gives up those that are still pending and not on their way, and says how many. What
// waited behind them is due then: the order of what is left stays.
func (u *unitOfWork) shed(ids []DeliveryID) (n int64, err error) {
	var heads []Delivery
	for _, id := range ids {
		d, err := u.tx.Delivery(id)
		if errors.Is(err, NotFound) {
			continue // its subscription was deleted, and it with its event
		}
		if err != nil {
			return 0, err
		}
		if d.State != DeliveryPending || d.LeaseUntil.After(u.real) {
			continue
		}
		if !d.DueAt.IsZero() {
			heads = append(heads, d)
		}
		d.State, d.DueAt, d.LeaseUntil, d.FinishedAt = DeliveryDead, zeroTime, zeroTime, u.real
		d.Error = fmt.Sprintf("more than %d events waited for this subscription", waitingMost)
		if err := u.tx.SetDelivery(&d); err != nil {
			return 0, err
		}
		n++
	}
	for i := range heads {
		if err := u.nextDelivery(&heads[i]); err != nil {
			return 0, err
		}
	}
	return n, nil
}
