package tmf654

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"topupd/billing"
)

func (a *api) hubRoutes() []route {
	return []route{
		{method: "POST", path: "/hub", handle: a.createHub, body: "HubCreate"},
		{method: "GET", path: "/hub", handle: a.listHubs},
		{method: "GET", path: "/hub/{id}", handle: a.getHub},
		{method: "DELETE", path: "/hub/{id}", handle: a.deleteHub},
	}
}

// hubIn is what a request says of a subscription.
type hubIn struct {
	Callback string  `json:"callback"`
	Query    *string `json:"query"`
	Secret   *string `json:"secret"`
}

// hubOut is a subscription. Its secret is told once, in the answer to the request that
// made it, and only if it was made here.
type hubOut struct {
	ID       string  `json:"id"`
	Href     string  `json:"href"`
	Callback string  `json:"callback"`
	Query    *string `json:"query"`
	Secret   *string `json:"secret,omitempty"`
	Type     string  `json:"@type"`
}

// hub shows a subscription; of another customer's callback only where it leads.
func hub(r *http.Request, h *billing.HubSubscription) *hubOut {
	l, callback := linksOf(r), h.Callback
	if h.Customer != billing.ActorFrom(r.Context()).Customer {
		callback = billing.CallbackHost(callback)
	}
	id := strconv.FormatInt(int64(h.ID), 10)
	return &hubOut{ID: id, Href: l.to("hub", id), Callback: callback, Query: textOrNull(h.Query), Type: "EventSubscription"}
}

func (a *api) createHub(r *http.Request) (answer, error) {
	var in hubIn
	if err := read(r, &in); err != nil {
		return answer{}, err
	}
	p := billing.SubscribeParams{Callback: in.Callback}
	if in.Query != nil {
		p.Query = strings.TrimSpace(*in.Query)
	}
	var err error
	if p.Wanted, err = wantedEvents(p.Query); err != nil {
		return answer{}, err
	}
	if in.Secret != nil {
		p.Secret = billing.To(billing.Secret(*in.Secret))
	}
	h, secret, err := a.e.Subscribe(r.Context(), p)
	if err != nil {
		return answer{}, err
	}
	out := hub(r, &h)
	if secret != "" {
		text := secret.Reveal()
		out.Secret = &text
	}
	return created(out.Href, out), nil
}

// wantedEvents reads a subscription's query: eventType with one type or several, behind
// commas or repeated; nothing is everything. Other conditions are refused: one that was
// left out of account would send more than was asked for.
func wantedEvents(query string) ([]billing.EventType, error) {
	given, err := url.ParseQuery(strings.TrimPrefix(query, "?"))
	if err != nil {
		return nil, wrongMember("query", "the query cannot be read")
	}
	var wanted []billing.EventType
	seen := map[billing.EventType]bool{}
	for name, values := range given {
		if name != "eventType" {
			return nil, wrongMember("query", "the query chooses by eventType only")
		}
		for word := range strings.SplitSeq(strings.Join(values, ","), ",") {
			t, ok := eventType(strings.TrimSpace(word))
			if !ok {
				return nil, wrongMember("query", "eventType is a list of events such as TopupBalanceCreateEvent")
			}
			if !seen[t] {
				seen[t] = true
				wanted = append(wanted, t)
			}
		}
	}
	return wanted, nil
}

func (a *api) listHubs(r *http.Request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	list, err := a.e.Hubs(r.Context())
	if err != nil {
		return answer{}, err
	}
	return q.page(func(yield func(any, error) bool) {
		for i := range list {
			if !yield(hub(r, &list[i]), nil) {
				return
			}
		}
	})
}

// hubID is the id in an address; false for what is none.
func hubID(r *http.Request) (billing.HubID, bool) {
	text := r.PathValue("id")
	n, err := strconv.ParseInt(text, 10, 64)
	return billing.HubID(n), err == nil && n > 0 && strconv.FormatInt(n, 10) == text
}

func (a *api) getHub(r *http.Request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	h, err := a.hubOf(r)
	if err != nil {
		return answer{}, err
	}
	return q.one(hub(r, &h))
}

func (a *api) hubOf(r *http.Request) (h billing.HubSubscription, err error) {
	id, ok := hubID(r)
	if ok {
		h, err = a.e.Hub(r.Context(), id)
	}
	if !ok || err != nil && billing.ErrorCode(err) == billing.NotFound {
		return h, noSuch("subscription")
	}
	return h, err
}

func (a *api) deleteHub(r *http.Request) (answer, error) {
	h, err := a.hubOf(r)
	if err != nil {
		return answer{}, err
	}
	if err := a.e.Unsubscribe(r.Context(), h.ID); err != nil {
		if billing.ErrorCode(err) == billing.NotFound {
			err = noSuch("subscription")
		}
		return answer{}, err
	}
	return gone, nil
}
