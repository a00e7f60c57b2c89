package jsonl

import (
	"errors"
	"time"

	"topupd/billing"
)

// hubLine is a subscription to events.
type hubLine struct {
	billing.HubLine
	id, customer *int64
}

func (l *hubLine) put(im *billing.Importer) error { return im.Hub(l.HubLine) }

var hubSetters = map[string]func(*hubLine, []byte) error{
	"id":         id(func(l *hubLine, n int64) { l.id = &n }),
	"i_customer": id(func(l *hubLine, n int64) { l.customer = &n }),
	"callback":   needed(readText, func(l *hubLine) *billing.Change[string] { return &l.Callback }),
	"query":      needed(readText, func(l *hubLine) *billing.Change[string] { return &l.Query }),
	"events":     needed(readText, func(l *hubLine) *billing.Change[string] { return &l.Wanted }),
	"secret":     needed(readSecret, func(l *hubLine) *billing.Change[billing.Secret] { return &l.Secret }),
	"created":    needed(readTime, func(l *hubLine) *billing.Change[time.Time] { return &l.Created }),
}

func decodeHub(members []member) (line, error) {
	var l hubLine
	if err := fill(&l, members, hubSetters); err != nil {
		return nil, err
	}
	switch {
	case l.id == nil:
		return nil, errors.New("id is missing")
	case l.customer == nil:
		return nil, errors.New("i_customer is missing")
	}
	l.ID = billing.HubID(*l.id)
	var err error
	l.Customer, err = ownerID("i_customer", *l.customer, billing.Customer)
	return &l, err
}

// hubs writes subscriptions; without secrets an import leaves them unable to be sent to.
func (x *export) hubs() error {
	list, err := x.r.Hubs()
	if err != nil {
		return err
	}
	for i := range list {
		h := &list[i]
		w := x.w.begin("hub_subscription").int("id", int64(h.ID)).int("i_customer", h.Customer.Number()).
			text("callback", h.Callback).text("query", h.Query).text("events", h.Wanted)
		if x.o.Secrets && len(h.Secret) > 0 {
			secret, err := x.e.HubSecret(h)
			if err != nil {
				return err
			}
			w.text("secret", secret.Reveal())
		}
		if err := w.time("created", h.CreatedAt).end(); err != nil {
			return err
		}
	}
	return nil
}
