package billing

import (
	"context"
	"errors"
	"time"
)

// HubLine is a subscription to events to import. Without its secret a new one is kept and
// nothing is sent to it, until a line with one comes.
type HubLine struct {
	ID       HubID
	Customer OwnerID
	Callback Change[string]
	Query    Change[string]
	Wanted   Change[string] // resource:kind, with commas between; empty is everything
	Secret   Change[Secret]
	Created  Change[time.Time]
}

// Hub puts one subscription. A line for one that is there may bring its secret, and changes
// nothing else; one that was deleted stays so. No name is looked up: each delivery does.
func (im *Importer) Hub(l HubLine) (err error) {
	defer counted(&im.done.hubs, &err)
	if l.ID < 1 {
		return Errorf(Invalid, "id", "ids are above 0")
	}
	owner, err := im.u.owner(l.Customer)
	if err != nil {
		return wrongOwner(l.Customer, err)
	}
	h, err := im.u.tx.Hub(l.ID)
	switch {
	case errors.Is(err, NotFound):
		h, err = HubSubscription{ID: l.ID, Top: owner.Top, Customer: l.Customer, CreatedAt: im.u.now}, nil
		set(&h.Callback, l.Callback)
		set(&h.Query, l.Query)
		set(&h.Wanted, l.Wanted)
		set(&h.CreatedAt, l.Created)
		if err := im.newHub(&h); err != nil {
			return err
		}
	case err != nil:
		return err
	case h.Customer != l.Customer:
		return Errorf(Conflict, "id", "subscription %d belongs to %s", l.ID, h.Customer)
	case differs(h.Callback, l.Callback) || differs(h.Query, l.Query) || differs(h.Wanted, l.Wanted):
		return Errorf(Conflict, "callback", "subscription %d is another one: they are never changed", l.ID)
	case !h.DeletedAt.IsZero():
		return nil
	}
	if l.Secret.Given {
		return im.hubSecret(&h, l.Secret)
	}
	return nil
}

func differs(is string, c Change[string]) bool { return c.Given && (c.Value == nil || *c.Value != is) }

func (im *Importer) newHub(h *HubSubscription) error {
	switch {
	case h.Callback == "":
		return Errorf(Missing, "callback", "a new subscription needs a callback")
	case len(h.Callback) > maxCallback || len(h.Query) > maxCallback:
		return Errorf(Invalid, "callback", "callback and query have at most %d characters", maxCallback)
	}
	if _, err := parseEventTypes(h.Wanted); err != nil {
		return err
	}
	if c := im.u.e.courier; c != nil {
		if err := c.Check(context.Background(), h.Callback, false); err != nil {
			return err
		}
	}
	return hubClash(im.u.tx.PutHub(h))
}

func (im *Importer) hubSecret(h *HubSubscription, c Change[Secret]) error {
	secret, err := c.required("secret")
	if err != nil {
		return err
	}
	if courier := im.u.e.courier; courier != nil {
		if err := courier.CheckSecret(secret); err != nil {
			return err
		}
	}
	if h.Secret, err = im.u.e.sealer.Seal(secret, hubAAD(h.ID)); err != nil {
		return sealFault("secret", err)
	}
	return im.u.tx.PutHub(h)
}
