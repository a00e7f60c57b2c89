package tmf654

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"topupd/billing"
)

// The words of events: a resource's name with the kind after it.
var (
	eventResources = map[billing.EventResource]string{
		billing.ResourceTopup: "topupBalance", billing.ResourceAdjustment: "adjustBalance", billing.ResourceTransfer: "transferBalance",
		billing.ResourceReservation: "reserveBalance", billing.ResourceBucket: "bucket",
	}
	eventKinds = map[billing.EventKind]string{
		billing.EventCreate: "CreateEvent", billing.EventCancel: "CancelEvent", billing.EventFailure: "FailureEvent",
		billing.EventChange: "AttributeValueChangeEvent", billing.EventStatus: "StatusChangeEvent", billing.EventDelete: "DeleteEvent",
	}
	eventTitles = map[billing.EventKind]string{
		billing.EventCreate: "was created", billing.EventCancel: "was cancelled", billing.EventFailure: "failed",
		billing.EventChange: "was changed", billing.EventStatus: "has another status", billing.EventDelete: "was deleted",
	}
)

// eventWord is TopupBalanceCreateEvent and the like.
func eventWord(t billing.EventType) string {
	name := eventResources[t.Resource]
	return strings.ToUpper(name[:1]) + name[1:] + eventKinds[t.Kind]
}

// eventTypes are the types by their words.
var eventTypes = func() map[string]billing.EventType {
	all := map[string]billing.EventType{}
	for _, t := range billing.EventTypes() {
		all[eventWord(t)] = t
	}
	return all
}()

// eventType finds a type; listeners' paths begin with a small letter, so both are read.
func eventType(word string) (billing.EventType, bool) {
	if word == "" {
		return billing.EventType{}, false
	}
	t, ok := eventTypes[strings.ToUpper(word[:1])+word[1:]]
	return t, ok
}

// eventOut is what a callback receives. timeOcurred is the standard's spelling.
type eventOut struct {
	Event         map[string]any `json:"event"`
	EventID       string         `json:"eventId"`
	EventTime     string         `json:"eventTime"`
	EventType     string         `json:"eventType"`
	CorrelationID string         `json:"correlationId"`
	Domain        string         `json:"domain"`
	Title         string         `json:"title"`
	Description   string         `json:"description"`
	Priority      string         `json:"priority"`
	TimeOcurred   string         `json:"timeOcurred"`
	// FieldPath is an AttributeValueChangeEvent's only.
	FieldPath *string `json:"fieldPath,omitempty"`
}

// eventShapes make the resource of an event as GET shows it, from the engine's record as it
// was then, and its id.
var eventShapes = map[billing.EventResource]func(*api, context.Context, *billing.Event, links) (body any, id string, err error){
	billing.ResourceTopup: (*api).topupOfEvent, billing.ResourceAdjustment: ofEvent((*api).adjusts),
	billing.ResourceTransfer: ofEvent((*api).transfers), billing.ResourceReservation: ofEvent((*api).reservations),
	billing.ResourceBucket: (*api).bucketOfEvent,
}

// Events writes events as this interface's resources. Addresses in them have no host: no
// request tells by which name we are called.
func Events(e *billing.Engine) billing.EventRenderer { return &api{e: e, loc: e.Location()} }

// RenderEvent is the body of a message.
func (a *api) RenderEvent(ctx context.Context, ev *billing.Event) ([]byte, error) {
	shape := eventShapes[ev.Resource]
	if shape == nil {
		return nil, errors.New("no interface shows " + string(ev.Resource))
	}
	body, id, err := shape(a, ctx, ev, links{oracleRoot})
	if err != nil {
		return nil, err
	}
	name := eventResources[ev.Resource]
	at := ev.At.In(a.loc).Format(time.RFC3339Nano)
	out := eventOut{
		Event: map[string]any{name: body}, EventID: ev.UID, EventTime: at, EventType: eventWord(ev.EventType), CorrelationID: id,
		Domain: "prepayBalanceManagement", Title: name + " " + eventTitles[ev.Kind], Priority: "normal", TimeOcurred: at,
	}
	out.Description = out.Title + ": " + id
	if ev.Kind == billing.EventChange {
		path, err := changedField(ev)
		if err != nil {
			return nil, err
		}
		out.FieldPath = &path
	}
	return marshal(&out)
}

// changedField is what an AttributeValueChangeEvent is about; empty where the record does
// not say.
func changedField(ev *billing.Event) (string, error) {
	if ev.Resource != billing.ResourceBucket {
		return "", nil
	}
	var b billing.ChangedBucket
	if err := json.Unmarshal([]byte(ev.Record), &b); err != nil {
		return "", err
	}
	if b.Held {
		return "reservedValue", nil
	}
	return "remainingValue", nil
}

func (a *api) topupOfEvent(ctx context.Context, ev *billing.Event, l links) (any, string, error) {
	v, err := a.e.TopupAsItWas(ctx, ev)
	if err != nil {
		return nil, "", err
	}
	body := a.topup(l, &v)
	return body, body.ID, nil
}
