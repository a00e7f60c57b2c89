package sippy

import (
	"context"

	"topupd/billing"
)

// fakeOwners is what the fake engine was asked about accounts and customers.
type fakeOwners struct {
	create billing.CreateOwnerParams
	update billing.UpdateOwnerParams
	query  billing.OwnerQuery
	listed billing.ListOwnersParams
	info   billing.OwnerInfo
	owners billing.OwnerList
	did    string
}

func (f *fake) asked(ctx context.Context) { f.calls, f.actor = f.calls+1, billing.ActorFrom(ctx) }

func (f *fake) CreateOwner(ctx context.Context, p billing.CreateOwnerParams) (billing.OwnerID, error) {
	f.asked(ctx)
	f.create = p
	if p.Kind == billing.KindAccount {
		return billing.Account(900), f.err
	}
	return billing.Customer(90), f.err
}

func (f *fake) UpdateOwner(ctx context.Context, p billing.UpdateOwnerParams) error {
	f.asked(ctx)
	f.update, f.owner = p, p.Terms.Owner
	return f.err
}

func (f *fake) GetOwner(ctx context.Context, q billing.OwnerQuery) (billing.OwnerInfo, error) {
	f.asked(ctx)
	f.query, f.owner = q, q.Owner
	return f.info, f.err
}

func (f *fake) ListOwners(ctx context.Context, p billing.ListOwnersParams) (billing.OwnerList, error) {
	f.asked(ctx)
	f.listed = p
	return f.owners, f.err
}

func (f *fake) BlockOwner(ctx context.Context, o billing.OwnerID, blocked bool) error {
	f.asked(ctx)
	f.owner, f.did = o, "unblock"
	if blocked {
		f.did = "block"
	}
	return f.err
}

func (f *fake) DeleteOwner(ctx context.Context, o billing.OwnerID) error {
	f.asked(ctx)
	f.owner, f.did = o, "delete"
	return f.err
}
