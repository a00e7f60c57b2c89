package billing

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"time"
)

// ActAs narrows a root actor to a customer (i_wholesaler of trusted mode).
// Errors: NotFound with the given field.
func (e *Engine) ActAs(ctx context.Context, customer OwnerID, field string) (context.Context, error) {
	a := ActorFrom(ctx)
	err := e.view(ctx, func(r Reader) error {
		o, err := r.Owner(customer)
		if err == nil && (!a.Sees(&o) || o.ID.IsAccount()) {
			err = NotFound
		}
		return err
	})
	if errors.Is(err, NotFound) {
		return ctx, Errorf(NotFound, field, "there is no such customer in your scope")
	}
	if err != nil {
		return ctx, err
	}
	a.Customer = customer
	return WithActor(ctx, a), nil
}

// newCause is a cause of its own for a call that brought no key. It begins with
// the time, so that the index of causes grows at its end and not all over.
func newCause() string {
	return strconv.FormatInt(time.Now().UnixMicro(), 32) + "-" + rand.Text()[:12]
}
