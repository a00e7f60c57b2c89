package billing

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// EventKind is what happened to a record.
type EventKind string

// The kinds of event.
const (
	EventCreate  EventKind = "create"
	EventCancel  EventKind = "cancel"
	EventFailure EventKind = "failure"
	EventChange  EventKind = "change" // members other than the state
	EventStatus  EventKind = "status" // another state
	EventDelete  EventKind = "delete"
)

// EventResource is the kind of record that an event is about.
type EventResource string

// The resources.
const (
	ResourceTopup       EventResource = "topup"
	ResourceAdjustment  EventResource = "adjustment"
	ResourceTransfer    EventResource = "transfer"
	ResourceReservation EventResource = "reservation"
	ResourceBucket      EventResource = "bucket"
)

// EventType is what a subscription chooses by.
type EventType struct {
	Resource EventResource
	Kind     EventKind
}

// String is "topup:create", as subscriptions keep it.
func (t EventType) String() string { return string(t.Resource) + ":" + string(t.Kind) }

var (
	eventResources = []EventResource{ResourceTopup, ResourceAdjustment, ResourceTransfer, ResourceReservation, ResourceBucket}
	eventKinds     = []EventKind{EventCreate, EventCancel, EventFailure, EventChange, EventStatus, EventDelete}
)

// Known reports whether there are events of the type: a bucket is neither cancelled nor
// fails, and has no state that changes.
func (t EventType) Known() bool {
	switch {
	case !slices.Contains(eventResources, t.Resource):
		return false
	case t.Resource == ResourceBucket:
		return t.Kind == EventCreate || t.Kind == EventChange || t.Kind == EventDelete
	default:
		return slices.Contains(eventKinds, t.Kind)
	}
}

// EventTypes are all types, by resource.
func EventTypes() []EventType {
	var all []EventType
	for _, r := range eventResources {
		for _, k := range eventKinds {
			if t := (EventType{r, k}); t.Known() {
				all = append(all, t)
			}
		}
	}
	return all
}

// eventTypesText is how subscriptions keep what they want; empty is everything.
func eventTypesText(types []EventType) string {
	texts := make([]string, len(types))
	for i, t := range types {
		texts[i] = t.String()
	}
	return strings.Join(texts, ",")
}

// parseEventTypes reads what eventTypesText wrote. Errors: Invalid.
func parseEventTypes(text string) (types []EventType, err error) {
	for part := range strings.SplitSeq(text, ",") {
		if text == "" {
			break
		}
		resource, kind, _ := strings.Cut(part, ":")
		t := EventType{EventResource(resource), EventKind(kind)}
		if !t.Known() || slices.Contains(types, t) {
			return nil, Errorf(Invalid, "events", "event types are resource:kind, each once, such as topup:create")
		}
		types = append(types, t)
	}
	return types, nil
}

// Event is something that happened to a record of an owner. It never changes, and goes
// when its time is over (Settings.EventDays).
type Event struct {
	ID    EventID
	Top   OwnerID
	Owner OwnerID
	EventType
	// RecordID is the record's id; of a bucket its owner's.
	RecordID int64
	// Record is the engine's record at that moment, as JSON of its type.
	Record string
	At     time.Time // the real clock
	// UID names the event for receivers: no other database has the same. It is not stored.
	UID string
}

// ChangedBucket is the record of a changed bucket.
type ChangedBucket struct {
	Bucket
	// Held: what is reserved changed, by a hold or its end; else the balance.
	Held bool `json:",omitempty"`
}

// subject is what deliveries to one subscription keep their order by.
func (ev *Event) subject() string {
	return string(ev.Resource) + ":" + strconv.FormatInt(ev.RecordID, 10)
}

// HubSubscription says where a customer wants to be told of events: its own, and those
// of everything below it; Root's are everybody's. It is never changed, only deleted.
type HubSubscription struct {
	ID       HubID
	Top      OwnerID
	Customer OwnerID
	// Callback is the http or https address that events are posted to.
	Callback string
	// Query is the choice in the words of the interface that it came by.
	Query string
	// Wanted is the choice: types with commas between; empty is everything.
	Wanted string
	// Secret signs what is sent; sealed. Nothing is sent without one.
	Secret    []byte
	CreatedAt time.Time
	DeletedAt time.Time
}

// Wants reports whether the subscription chose the type.
func (h *HubSubscription) Wants(t EventType) bool {
	if h.Wanted == "" {
		return true
	}
	for part := range strings.SplitSeq(h.Wanted, ",") {
		if part == t.String() {
			return true
		}
	}
	return false
}

// WantsBalances reports whether it is told of each change of a balance. Not that of one
// that cannot be sent anything.
func (h *HubSubscription) WantsBalances() bool {
	return h.Wants(EventType{ResourceBucket, EventChange})
}

// sees reports whether an owner's events are the subscription's business. A deleted
// owner's still are: its deletion is one.
func (h *HubSubscription) sees(o *Owner) bool {
	return h.Customer == Root || o.Within(h.Customer)
}

// live reports whether events are kept for it.
func (h *HubSubscription) live() bool { return h.DeletedAt.IsZero() && len(h.Secret) > 0 }

// DeliveryState is where an event is on its way to a subscription.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryPending   DeliveryState = "pending"
	DeliveryDelivered DeliveryState = "delivered"
	DeliveryDead      DeliveryState = "dead" // given up, Error says why
	// DeliveryDropped is what a pending one is called whose subscription was deleted.
	// It is not stored.
	DeliveryDropped DeliveryState = "dropped"
)

// Delivery is one event on its way to one subscription.
type Delivery struct {
	ID    DeliveryID
	Top   OwnerID
	Event EventID
	Hub   HubID
	// Subject names the record: of one record's events the next waits for the one before.
	Subject string
	State   DeliveryState
	Tries   int
	// DueAt is when it is sent (again), by the real clock; zero while it waits for an
	// earlier one, and when it is over.
	DueAt      time.Time
	LeaseUntil time.Time
	// Status is the last answer's, 0 for none; Error says what went wrong, without secrets.
	Status     int
	Error      string
	CreatedAt  time.Time
	FinishedAt time.Time
}
