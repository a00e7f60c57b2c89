package billing_test

import (
	"context"

	"topupd/billing"
)

// updater is one of a store's two ways to change something; what wraps a store wraps both.
type updater func(fn func(billing.Tx) error) error

func alone(ctx context.Context, s billing.Store) updater {
	return func(fn func(billing.Tx) error) error { return s.Update(ctx, fn) }
}

// deaf is a store for a simulated clock, which a wait for another server's word would
// hold up.
type deaf struct{ billing.Store }

func (deaf) Hear(ctx context.Context, _ func(topic string)) { <-ctx.Done() }

func ofOwners(ctx context.Context, s billing.Store, owners []billing.OwnerID) updater {
	return func(fn func(billing.Tx) error) error { return s.UpdateOwners(ctx, owners, fn) }
}
