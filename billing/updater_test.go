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

func ofOwners(ctx context.Context, s billing.Store, owners []billing.OwnerID) updater {
	return func(fn func(billing.Tx) error) error { return s.UpdateOwners(ctx, owners, fn) }
}
