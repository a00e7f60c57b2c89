package billing

import (
	"encoding/json"
	"errors"
	"slices"
)

// emit keeps an event for the subscriptions that may see its owner and want its type,
// with a delivery to each, in the transaction of the change itself: what is rolled back
// was never told, and what is committed is. Nothing is kept that nobody subscribed to.
// record is the engine's record as it is now; id is the record's, of a bucket its owner's.
// A record that names others too is told only to who sees them as well.
func (u *unitOfWork) emit(kind EventKind, owner *Owner, resource EventResource, id int64, record any, others ...*Owner) error {
	hubs, err := u.listeners(EventType{resource, kind}, owner, others...)
	if err != nil || len(hubs) == 0 {
		return err
	}
	return u.announce(EventType{resource, kind}, owner, id, record, hubs)
}

// listeners are the subscriptions that are told of an event.
func (u *unitOfWork) listeners(t EventType, owner *Owner, others ...*Owner) ([]HubSubscription, error) {
	if u.quiet {
		return nil, nil
	}
	if !t.Known() {
		return nil, Errorf(Internal, "event", "there is no event %s", t)
	}
	hubs, err := u.tx.HubsOver(*owner)
	return slices.DeleteFunc(hubs, func(h HubSubscription) bool {
		return !h.live() || !h.sees(owner) || !h.Wants(t) || slices.ContainsFunc(others, func(o *Owner) bool { return !h.sees(o) })
	}), err
}

func (u *unitOfWork) announce(t EventType, owner *Owner, id int64, record any, hubs []HubSubscription) error {
	text, err := json.Marshal(record)
	if err != nil {
		return &Error{Code: Internal, Field: "event", Err: err}
	}
	ev := &Event{Top: owner.Top, Owner: owner.ID, EventType: t, RecordID: id, Record: string(text), At: u.real}
	if err := u.tx.AddEvent(ev); err != nil {
		return err
	}
	for i := range hubs {
		if err := u.deliver(ev, &hubs[i]); err != nil {
			return err
		}
	}
	return nil
}

// deliver queues an event for a subscription, behind the earlier ones of its record.
func (u *unitOfWork) deliver(ev *Event, h *HubSubscription) error {
	d := Delivery{
		Top: ev.Top, Event: ev.ID, Hub: h.ID, Subject: ev.subject(), State: DeliveryPending, CreatedAt: u.real,
	}
	waits, err := u.tx.HeadDelivery(h.ID, d.Subject)
	if err != nil {
		return err
	}
	if !waits {
		d.DueAt, u.events = u.real, true
	}
	return u.tx.AddDelivery(&d)
}

// emitBalances tells of accounts' buckets that a posting moved, of each once, to who subscribed to that; no
// interface shows a customer's. It asks once in a transaction: half a microsecond, where most often nobody did.
// held is for what a hold or its end changed: what is reserved, not what is there.
func (u *unitOfWork) emitBalances(entries []Entry, held bool) error {
	if u.quiet || u.watched == watchNone {
		return nil
	}
	if u.watched == watchUnknown {
		is, err := u.tx.BalancesWatched()
		if err != nil {
			return err
		}
		if !is {
			u.watched = watchNone
			return nil
		}
		u.watched = watchSome
	}
	for i, e := range entries {
		twice := func(o Entry) bool { return o.Owner == e.Owner && o.Unit == e.Unit }
		if !e.Owner.IsAccount() || slices.ContainsFunc(entries[:i], twice) {
			continue // no interface shows the buckets of customers; a cost is a second entry
		}
		owner, err := u.tx.Owner(e.Owner)
		if err != nil {
			return err
		}
		changed := EventType{ResourceBucket, EventChange}
		hubs, err := u.listeners(changed, &owner)
		if err != nil {
			return err
		}
		if len(hubs) == 0 {
			continue // others than its customers watch
		}
		b, err := u.tx.Bucket(e.Owner, e.Unit)
		if err != nil && !errors.Is(err, NotFound) {
			return err
		}
		if err := u.announce(changed, &owner, int64(e.Owner), &ChangedBucket{b, held}, hubs); err != nil {
			return err
		}
	}
	return nil
}

// watching is whether somebody subscribed to changed balances, as far as this
// transaction knows.
type watching uint8

const (
	watchUnknown watching = iota
	watchNone
	watchSome
)
