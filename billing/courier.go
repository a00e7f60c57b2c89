package billing

import (
	"context"
	"time"
)

// Courier posts events to callbacks. It owns the connection, the signature, and which
// addresses may be called; it knows no rules of ours.
type Courier interface {
	// Check refuses a callback that may not be called: its form, or an address inside a
	// network that is not the receiver's to name. With lookup its name is resolved; one
	// that cannot be resolved now is not refused. Errors: Invalid, field "callback".
	Check(ctx context.Context, callback string, lookup bool) error
	// NewSecret makes a signing secret; CheckSecret refuses a text that is none. Errors:
	// Invalid, field "secret".
	NewSecret() Secret
	CheckSecret(Secret) error
	// Post sends one message. status is the answer's, 0 if none came. The error says why
	// it does not count as delivered, without the callback's address and without secrets.
	Post(ctx context.Context, m EventMessage) (status int, err error)
}

// EventMessage is one event, rendered for one subscription.
type EventMessage struct {
	// ID is the event's, so that a receiver recognises a repeat.
	ID       string
	Callback string
	Secret   Secret
	At       time.Time // when it is sent
	Body     []byte    // JSON
}

// EventRenderer writes events in an interface's shape. It is called outside of any
// transaction; its context sees everything.
type EventRenderer interface {
	RenderEvent(ctx context.Context, ev *Event) ([]byte, error)
}

// RenderEvents says who writes events. It is called before Work.
func (e *Engine) RenderEvents(r EventRenderer) { e.renderer = r }
