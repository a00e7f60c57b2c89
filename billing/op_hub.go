package billing

import (
	"context"
	"errors"
	"net/url"
	"strconv"
)

// MaxHubs is how many subscriptions a customer may have: each costs a look at every event.
const MaxHubs = 50

// SubscribeParams ask for events of the actor's customer and all below it.
type SubscribeParams struct {
	Callback string
	// Query is the choice in the interface's words, kept to be shown; Wanted is what it
	// means, empty for everything.
	Query  string
	Wanted []EventType
	// Secret signs what is sent; not given, one is made and told once.
	Secret Change[Secret]
}

// maxCallback bounds the callback and the query.
const maxCallback = 2000

// Subscribe makes a subscription of the actor's customer. secret is the one that was
// made, empty if the caller brought one. Inside a request that is carried out once the
// caller brings one: what is made would be kept with the answer. Errors: Missing,
// Invalid, Exists (the same callback and query), Conflict (too many), NotFound.
func (e *Engine) Subscribe(ctx context.Context, p SubscribeParams) (h HubSubscription, secret Secret, err error) {
	if e.courier == nil {
		return h, "", Errorf(Conflict, "hub", "nothing here delivers events")
	}
	inside := e.joined(ctx) != nil
	// A name is looked up outside of transactions only; each delivery looks again.
	if err := e.checkSubscription(ctx, &p, !inside); err != nil {
		return h, "", err
	}
	sign := Secret("")
	switch {
	case p.Secret.Value != nil:
		sign = *p.Secret.Value
	case inside:
		return h, "", Errorf(Missing, "secret", "with an Idempotency-Key the caller brings the secret")
	default:
		sign = e.courier.NewSecret()
		secret = sign
	}
	err = e.update(ctx, func(u *unitOfWork) (err error) {
		h, err = u.subscribe(&p, sign)
		return err
	})
	if err != nil {
		return HubSubscription{}, "", err
	}
	return h, secret, nil
}

func (e *Engine) checkSubscription(ctx context.Context, p *SubscribeParams, lookup bool) error {
	switch {
	case p.Callback == "":
		return Errorf(Missing, "callback", "callback is required")
	case len(p.Callback) > maxCallback:
		return Errorf(Invalid, "callback", "at most %d characters", maxCallback)
	case len(p.Query) > maxCallback:
		return Errorf(Invalid, "query", "at most %d characters", maxCallback)
	}
	for _, t := range p.Wanted {
		if !t.Known() {
			return Errorf(Invalid, "query", "there is no event %s", t)
		}
	}
	if p.Secret.Given {
		given, err := p.Secret.required("secret")
		if err != nil {
			return err
		}
		if err := e.courier.CheckSecret(given); err != nil {
			return err
		}
	}
	return e.courier.Check(ctx, p.Callback, lookup)
}

func (u *unitOfWork) subscribe(p *SubscribeParams, secret Secret) (HubSubscription, error) {
	o, err := u.owner(u.actor.Customer)
	if err != nil {
		return HubSubscription{}, wrongOwner(u.actor.Customer, err)
	}
	hubs, err := u.tx.HubsOver(o)
	if err != nil {
		return HubSubscription{}, err
	}
	mine := 0
	for i := range hubs {
		if hubs[i].Customer == o.ID {
			mine++
		}
	}
	if mine >= MaxHubs {
		return HubSubscription{}, Errorf(Conflict, "hub", "at most %d subscriptions", MaxHubs)
	}
	h := HubSubscription{
		Top: o.Top, Customer: o.ID, Callback: p.Callback, Query: p.Query, Wanted: eventTypesText(p.Wanted), CreatedAt: u.now,
	}
	return h, u.addHub(&h, secret)
}

// addHub inserts it; the secret is sealed for its row, so the row comes first.
func (u *unitOfWork) addHub(h *HubSubscription, secret Secret) (err error) {
	if err := u.tx.PutHub(h); err != nil {
		return hubClash(err)
	}
	if h.Secret, err = u.e.sealer.Seal(secret, hubAAD(h.ID)); err != nil {
		return sealFault("secret", err)
	}
	if err := u.tx.PutHub(h); err != nil {
		return err
	}
	i := newAudit().set("i_customer", strconv.FormatInt(h.Customer.Number(), 10)).set("callback", CallbackHost(h.Callback)).change("events", "", h.Wanted)
	return u.audit(AuditAdd, h.Top, auditKey("hub_subscriptions", "id", int64(h.ID)), i)
}

func hubClash(err error) error {
	if errors.Is(err, Exists) && ErrorField(err) == "callback" {
		return Errorf(Exists, "callback", "there is a subscription with this callback and query already")
	}
	return err
}

func hubAAD(id HubID) string { return causeOf("hub", int64(id)) }

// CallbackHost is what of a callback may be shown to others than its owner: people put
// keys into paths and queries.
func CallbackHost(callback string) string {
	u, err := url.Parse(callback)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// Unsubscribe ends a subscription: what it still waits for is dropped. Errors: NotFound.
func (e *Engine) Unsubscribe(ctx context.Context, id HubID) error {
	return e.update(ctx, func(u *unitOfWork) error {
		h, err := hubOf(u.tx, u.actor, id)
		if err != nil {
			return err
		}
		if err := u.tx.DeleteHub(id, u.now); err != nil {
			return err
		}
		return u.audit(AuditDelete, h.Top, auditKey("hub_subscriptions", "id", int64(id)), newAudit().set("callback", CallbackHost(h.Callback)))
	})
}

// hubOf is a subscription that is not deleted, of a customer in the actor's scope.
func hubOf(r Reader, a Actor, id HubID) (HubSubscription, error) {
	h, err := r.Hub(id)
	if err == nil && !h.DeletedAt.IsZero() {
		err = NotFound
	}
	if err == nil {
		var o Owner
		if o, err = r.Owner(h.Customer); err == nil && !a.Sees(&o) {
			err = NotFound
		}
	}
	if errors.Is(err, NotFound) {
		return HubSubscription{}, Errorf(NotFound, "hub", "there is no subscription %d", id)
	}
	return h, err
}

// Hub is one subscription of the actor's scope. Errors: NotFound.
func (e *Engine) Hub(ctx context.Context, id HubID) (h HubSubscription, err error) {
	err = e.view(ctx, func(r Reader) (err error) {
		h, err = hubOf(r, ActorFrom(ctx), id)
		return err
	})
	return h, err
}

// Hubs lists the subscriptions of the actor's scope.
func (e *Engine) Hubs(ctx context.Context) (list []HubSubscription, err error) {
	err = e.view(ctx, func(r Reader) error {
		all, err := r.Hubs()
		list = nil
		for _, h := range all {
			o, err := r.Owner(h.Customer)
			if err != nil {
				return err
			}
			if a := ActorFrom(ctx); a.Sees(&o) {
				list = append(list, h)
			}
		}
		return err
	})
	return list, err
}

// HubSecret opens a subscription's secret, for an export with secrets.
func (e *Engine) HubSecret(h *HubSubscription) (Secret, error) {
	s, err := e.sealer.Open(h.Secret, hubAAD(h.ID))
	if err != nil {
		return "", notOpened("subscription "+strconv.FormatInt(int64(h.ID), 10), err)
	}
	return s, nil
}
