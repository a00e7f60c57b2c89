package billing

import "time"

// EventReader reads subscriptions, events and deliveries.
type EventReader interface {
	// Hub is a subscription, a deleted one too.
	Hub(HubID) (HubSubscription, error)
	// Hubs lists those that are not deleted.
	Hubs() ([]HubSubscription, error)
	// HubsOver lists those of them that may see an owner: of the customers in its Path and of Root.
	HubsOver(Owner) ([]HubSubscription, error)
	// BalancesWatched reports whether a subscription wants to know of changed balances, of
	// whomever. It is asked beside every posting: one look at an index that is mostly empty.
	BalancesWatched() (bool, error)
	Event(EventID) (Event, error)
	// Events lists newest first.
	Events(EventFilter) ([]Event, error)
	Delivery(DeliveryID) (Delivery, error)
	DeliveriesOf(EventID) ([]Delivery, error)
	// Deliveries lists newest first.
	Deliveries(DeliveryFilter) ([]Delivery, error)
	// DueHubs lists subscriptions that are not deleted and have a delivery that is due and not leased.
	DueHubs(real time.Time) ([]HubID, error)
	// DueDeliveries lists a subscription's, oldest due first.
	DueDeliveries(h HubID, real time.Time, limit int) ([]DueDelivery, error)
	// Backlogs counts the pending deliveries of each subscription that is not deleted.
	Backlogs() ([]Backlog, error)
	// OldestPending lists a subscription's pending deliveries that are not leased, by id.
	OldestPending(h HubID, real time.Time, limit int) ([]DeliveryID, error)
	// HeadDelivery reports whether one of a subject is due, now or later.
	HeadDelivery(h HubID, subject string) (bool, error)
	// WaitingDelivery is the oldest of a subject that waits for its turn.
	WaitingDelivery(h HubID, subject string) (Delivery, error)
}

// DueDelivery is a delivery that is to be made, and whose event it is.
type DueDelivery struct {
	ID    DeliveryID
	Owner OwnerID
}

// EventFilter selects events; zero values let everything through.
type EventFilter struct {
	Owner  OwnerID
	Before EventID // 0: from the newest
	Limit  int
}

// DeliveryFilter selects deliveries; zero values let everything through. State and Hub
// are not given together.
type DeliveryFilter struct {
	State  DeliveryState
	Hub    HubID
	Before DeliveryID // 0: from the newest
	Limit  int
}

// EventWriter writes them.
type EventWriter interface {
	// PutHub inserts, or replaces the secret. Errors: Exists (field "callback") for the
	// same customer, callback and query; Conflict for a deleted one.
	PutHub(*HubSubscription) error
	// DeleteHub marks it as deleted and forgets its secret.
	DeleteHub(h HubID, at time.Time) error
	// ResealHub replaces a sealed secret; false if it is not what it was.
	ResealHub(h HubID, was, now []byte) (bool, error)
	// AddEvent and AddDelivery insert and set the ID. A delivery is Exists with field
	// "delivery" (this event to this subscription) or "subject" (another one is due).
	AddEvent(*Event) error
	AddDelivery(*Delivery) error
	// SetDelivery replaces what changes: state, tries, due, lease, status, error, finish.
	SetDelivery(*Delivery) error
	// DropEvents deletes events from before a time with their deliveries, at most limit,
	// and says how many. One that a subscription still waits for stays.
	DropEvents(before time.Time, limit int) (int64, error)
}
