package hook

import (
	"context"
	"errors"
	"io"
	"net/http"

	"topupd/billing"
)

const maxEvent = 1 << 20

// Webhook receives what the bridge tells on its own, for POST /webhooks/hook.
// Each genuine event of a known kind goes to sink, perhaps several times; report
// (which may be nil) is told what a person should look at. The answers:
//
//	200  taken; or nothing of ours (NotFound); or a kind that is not known
//	400  not signed, badly signed, too old, or no event of this protocol
//	405  not a POST
//	413  larger than 1 MiB
//	500  the sink failed; the bridge should send it again later
//	503  the sink is Busy; the bridge should send it again soon
func (g *Gateway) Webhook(sink func(context.Context, billing.GatewayEvent) error, report func(context.Context, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "POST only", http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEvent))
		if err != nil {
			tellReadError(w, err)
			return
		}
		id, at, err := g.keys.verify(r.Header, body, g.now())
		if err != nil {
			// Anybody may send this: it is told to the sender, not to the log.
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		event, known, err := decodeEvent(id, at, body, g.words)
		if err == nil && known {
			err = sink(r.Context(), event)
		}
		g.tell(w, r, err, report)
	})
}

func tellReadError(w http.ResponseWriter, err error) {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		http.Error(w, "larger than 1 MiB", http.StatusRequestEntityTooLarge)
		return
	}
	http.Error(w, "the body cannot be read", http.StatusBadRequest)
}

// malformedEvent is a genuine message that says nothing we understand: the
// bridge is wrong, and somebody has to know.
type malformedEvent struct{ why string }

func (e *malformedEvent) Error() string { return "the bridge sent an event that " + e.why }

// tell answers the bridge. An error's text stays here: it may be about the database.
func (g *Gateway) tell(w http.ResponseWriter, r *http.Request, err error, report func(context.Context, error)) {
	var malformed *malformedEvent
	status, text := http.StatusInternalServerError, "failed; send it again later"
	switch {
	case err == nil, errors.Is(err, billing.NotFound):
		w.WriteHeader(http.StatusOK)
		return
	case errors.Is(err, billing.Busy):
		w.Header().Set("Retry-After", "5")
		http.Error(w, "busy; send it again", http.StatusServiceUnavailable)
		return
	case errors.As(err, &malformed):
		status, text = http.StatusBadRequest, malformed.Error()
	}
	if report != nil {
		report(r.Context(), err)
	}
	http.Error(w, text, status)
}
