package stripe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/stripe/stripe-go/v85/webhook"

	"topupd/billing"
)

// longestWebhook bounds what is read before the signature is checked.
const longestWebhook = 1 << 20

// Webhook receives what Stripe tells on its own. secrets is the endpoint's signing
// secret, or several with commas between them while one replaces the other;
// without any the handler answers 404. Each event that means something to the
// engine goes to sink; what it returns decides whether Stripe sends it again:
//
//	nil, NotFound (a payment that is not ours)   200
//	Busy                                         503, again
//	any other error                              500, again
//
// report is told of errors, with the event's id and nothing secret; it may be nil.
// The event's API version may be any.
func (*Gateway) Webhook(secrets billing.Secret, sink func(context.Context, billing.GatewayEvent) error, report func(context.Context, error)) http.Handler {
	h := &hook{sink: sink, report: report}
	for s := range strings.SplitSeq(secrets.Reveal(), ",") {
		if s = strings.TrimSpace(s); s != "" {
			h.secrets = append(h.secrets, billing.Secret(s))
		}
	}
	if len(h.secrets) == 0 {
		return http.NotFoundHandler()
	}
	return h
}

type hook struct {
	secrets []billing.Secret
	sink    func(context.Context, billing.GatewayEvent) error
	report  func(context.Context, error)
}

// String shows no secret.
func (h *hook) String() string { return "stripe webhook" }

// GoString is String.
func (h *hook) GoString() string { return h.String() }

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestWebhook))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		http.Error(w, "too long", http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		http.Error(w, "cannot be read", http.StatusBadRequest)
		return
	}
	if !h.signed(body, r.Header.Get("Stripe-Signature")) {
		http.Error(w, "the signature is missing, wrong or too old", http.StatusBadRequest)
		return
	}
	status, text := h.take(r.Context(), body)
	if status != http.StatusOK {
		http.Error(w, text, status)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// signed compares in constant time and refuses signatures older than 5 minutes.
func (h *hook) signed(body []byte, header string) bool {
	for _, s := range h.secrets {
		if webhook.ValidatePayload(body, header, s.Reveal()) == nil {
			return true
		}
	}
	return false
}

// take hands on what a signed body holds. An event that was partly taken is sent
// again as a whole; each part has an id, by which it is acted on once.
func (h *hook) take(ctx context.Context, body []byte) (int, string) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil || e.ID == "" {
		h.tell(ctx, errors.New("stripe: a signed webhook is not an event"))
		return http.StatusBadRequest, "not an event"
	}
	events, err := e.translate()
	if err != nil {
		h.tell(ctx, fmt.Errorf("stripe: event %s (%s): %w", e.ID, e.Type, err))
		return http.StatusInternalServerError, "cannot be understood"
	}
	for _, ev := range events {
		err := h.sink(ctx, ev)
		switch {
		case err == nil || errors.Is(err, billing.NotFound):
			continue
		case errors.Is(err, billing.Busy):
			return http.StatusServiceUnavailable, "busy, send it again"
		}
		h.tell(ctx, fmt.Errorf("stripe: event %s (%s): %w", e.ID, e.Type, err))
		return http.StatusInternalServerError, "failed, send it again"
	}
	return http.StatusOK, ""
}

func (h *hook) tell(ctx context.Context, err error) {
	if h.report != nil {
		h.report(ctx, err)
	}
}
