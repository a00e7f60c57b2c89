package billing

import (
	"context"
	"errors"
	"time"
)

// DeliveryRow is a delivery with its event and where it goes, without the callback's path.
type DeliveryRow struct {
	Delivery Delivery
	Event    Event
	Customer OwnerID // the subscription's
	Host     string
}

// EventLog lists deliveries newest first, those of a state, of a subscription, or all.
// DeliveryDropped cannot be asked for. Errors: Forbidden (root only).
func (e *Engine) EventLog(ctx context.Context, f DeliveryFilter) (rows []DeliveryRow, err error) {
	if !ActorFrom(ctx).IsRoot() {
		return nil, Errorf(Forbidden, "", "deliveries are the operator's to see")
	}
	err = e.view(ctx, func(r Reader) error {
		list, err := r.Deliveries(f)
		rows = make([]DeliveryRow, 0, len(list))
		for _, d := range list {
			row, err := deliveryRow(r, d)
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		return err
	})
	return rows, err
}

func deliveryRow(r Reader, d Delivery) (DeliveryRow, error) {
	h, err := r.Hub(d.Hub)
	if err != nil {
		return DeliveryRow{}, err
	}
	ev, err := r.Event(d.Event)
	if d.State == DeliveryPending && !h.DeletedAt.IsZero() {
		d.State = DeliveryDropped
	}
	return DeliveryRow{Delivery: d, Event: ev, Customer: h.Customer, Host: CallbackHost(h.Callback)}, err
}

// EventShown is an event with what became of it.
type EventShown struct {
	Event      Event
	Deliveries []DeliveryRow
	// Body is what receivers get; empty where nothing writes events.
	Body []byte
}

// ShowEvent is one event. Errors: Forbidden (root only), NotFound.
func (e *Engine) ShowEvent(ctx context.Context, id EventID) (s EventShown, err error) {
	if !ActorFrom(ctx).IsRoot() {
		return s, Errorf(Forbidden, "", "events are the operator's to see")
	}
	err = e.view(ctx, func(r Reader) error {
		s = EventShown{}
		if s.Event, err = r.Event(id); err != nil {
			return noEvent(id, err)
		}
		list, err := r.DeliveriesOf(id)
		for _, d := range list {
			row, err := deliveryRow(r, d)
			if err != nil {
				return err
			}
			s.Deliveries = append(s.Deliveries, row)
		}
		return err
	})
	if err != nil || e.renderer == nil {
		return s, err
	}
	s.Event.UID = e.eventUID(id)
	s.Body, err = e.renderer.RenderEvent(ctx, &s.Event)
	return s, err
}

func noEvent(id EventID, err error) error {
	if errors.Is(err, NotFound) {
		return Errorf(NotFound, "event", "there is no event %d", id)
	}
	return err
}

// ResendParams choose what is sent again.
type ResendParams struct {
	// Event is sent to every subscription that it was for, or to Hub only.
	Event EventID
	// Hub without Event: everything of it that was given up.
	Hub HubID
}

// resendBatch is how many deliveries one transaction takes up again.
const resendBatch = 500

// Resend makes deliveries due that were given up, delivered before, or wait for another
// try, with all their tries ahead of them. Those of one record stay in their order. It
// says how many. Errors: Forbidden (root only), Missing, NotFound.
func (e *Engine) Resend(ctx context.Context, p ResendParams) (n int64, err error) {
	switch {
	case !ActorFrom(ctx).IsRoot():
		return 0, Errorf(Forbidden, "", "events are the operator's to resend")
	case p.Event == 0 && p.Hub == 0:
		return 0, Errorf(Missing, "event", "an event or a subscription is needed")
	case p.Event == 0:
		return e.resendDead(ctx, p.Hub)
	}
	err = e.update(ctx, func(u *unitOfWork) error {
		n = 0
		if _, err := u.tx.Event(p.Event); err != nil {
			return noEvent(p.Event, err)
		}
		list, err := u.tx.DeliveriesOf(p.Event)
		if err != nil {
			return err
		}
		for i := range list {
			if p.Hub != 0 && list[i].Hub != p.Hub {
				continue
			}
			did, err := u.resend(&list[i])
			if err != nil {
				return err
			}
			if did {
				n++
			}
		}
		if n == 0 {
			return Errorf(NotFound, "hub", "event %d has no subscription to send it to", p.Event)
		}
		return nil
	})
	return n, err
}

// resendDead takes up what a subscription's deliveries were given up, oldest first, so
// many at once that who charges and books does not wait for it. n is what was committed.
func (e *Engine) resendDead(ctx context.Context, id HubID) (n int64, err error) {
	dead, err := e.deadOf(ctx, id)
	for end := len(dead); end > 0 && err == nil; end -= resendBatch {
		batch, did := dead[max(0, end-resendBatch):end], int64(0)
		err = e.update(ctx, func(u *unitOfWork) error {
			did = 0
			for i := len(batch) - 1; i >= 0; i-- {
				d, err := u.tx.Delivery(batch[i])
				if errors.Is(err, NotFound) {
					continue // its event's time was over
				}
				if err != nil {
					return err
				}
				if d.State != DeliveryDead {
					continue
				}
				again, err := u.resend(&d)
				if err != nil {
					return err
				}
				if again {
					did++
				}
			}
			return nil
		})
		if err == nil {
			n += did
		}
	}
	return n, err
}

// deadOf are the deliveries of a subscription that were given up, newest first: all that
// it was ever sent is looked through, a part at a time.
func (e *Engine) deadOf(ctx context.Context, id HubID) (dead []DeliveryID, err error) {
	f := DeliveryFilter{Hub: id, Limit: resendBatch}
	for {
		var list []Delivery
		err := e.view(ctx, func(r Reader) (err error) {
			if _, err := hubOf(r, ActorFrom(ctx), id); err != nil {
				return err
			}
			list, err = r.Deliveries(f)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			if f.Before = d.ID; d.State == DeliveryDead {
				dead = append(dead, d.ID)
			}
		}
		if len(list) < resendBatch {
			return dead, nil
		}
	}
}

// resend takes one delivery up again; false for a subscription that was deleted.
func (u *unitOfWork) resend(d *Delivery) (bool, error) {
	h, err := u.tx.Hub(d.Hub)
	if err != nil || !h.DeletedAt.IsZero() {
		return false, err
	}
	i := newAudit().change("state", string(d.State), string(DeliveryPending)).count("event", int64(d.Event)).count("tries", int64(d.Tries))
	due := !d.DueAt.IsZero()
	if !due {
		busy, err := u.tx.HeadDelivery(d.Hub, d.Subject)
		if err != nil {
			return false, err
		}
		due = !busy
	}
	d.State, d.Tries, d.LeaseUntil, d.FinishedAt, d.DueAt = DeliveryPending, 0, zeroTime, zeroTime, zeroTime
	if due {
		d.DueAt, u.events = u.real, true
	}
	if err := u.tx.SetDelivery(d); err != nil {
		return false, err
	}
	return true, u.audit(AuditResend, d.Top, auditKey("deliveries", "id", int64(d.ID)), i)
}

// TidyEvents deletes events that are older than EventDays by the real clock, in small
// transactions, and says how many. What a subscription still waits for stays.
func (e *Engine) TidyEvents(ctx context.Context) (gone int64, err error) {
	if e.set.EventDays == 0 {
		return 0, nil
	}
	before := realNow().Add(-time.Duration(e.set.EventDays) * 24 * time.Hour)
	for {
		var n int64
		err := e.update(ctx, func(u *unitOfWork) (err error) {
			n, err = u.tx.DropEvents(before, tidyBatch)
			return err
		})
		if err != nil {
			return gone, err
		}
		gone += n
		if n < tidyBatch {
			return gone, nil
		}
		if !sleep(ctx, tidyPause) {
			return gone, ctx.Err()
		}
	}
}

// cutText is a text of at most n bytes, cut between characters.
func cutText(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && text[n]&0xc0 == 0x80 {
		n--
	}
	return text[:n]
}
