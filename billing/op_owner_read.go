package billing

import (
	"context"
	"errors"
	"time"
)

// OwnerQuery names one owner: by its id, or, when that is zero, by the username
// of an account or the name of a customer.
type OwnerQuery struct {
	Owner OwnerID
	Kind  OwnerKind
	Name  string
}

// OwnerInfo is an owner with what is kept beside its row.
type OwnerInfo struct {
	Owner   Owner
	Balance int64 // of its own currency
	// Plan is zero when an account has none.
	Plan AccountPlan
	// Login is a customer's first, zero when it has none.
	Login   Login
	Expired bool
}

// GetOwner reads one owner in the actor's scope. Errors: NotFound; Exists when a
// name stands for several.
func (e *Engine) GetOwner(ctx context.Context, q OwnerQuery) (info OwnerInfo, err error) {
	err = e.view(ctx, func(r Reader) error {
		o, err := findOwner(r, q, ActorFrom(ctx))
		if err != nil {
			return err
		}
		info = OwnerInfo{Owner: o, Expired: o.Expired(now(ctx))}
		bucket, err := r.Bucket(o.ID, o.Currency)
		if err != nil {
			return err
		}
		info.Balance = bucket.Balance
		if o.ID.IsAccount() {
			info.Plan, err = r.AccountPlan(o.ID)
			if errors.Is(err, NotFound) {
				err = nil
			}
			return err
		}
		logins, err := r.LoginsOf(o.ID)
		if len(logins) > 0 {
			info.Login = logins[0]
			info.Login.HA1 = nil
		}
		return err
	})
	return info, err
}

func findOwner(r Reader, q OwnerQuery, a Actor) (Owner, error) {
	var found []Owner
	var err error
	field := "name"
	switch {
	case q.Owner != 0:
		field = q.Owner.Field()
		found = make([]Owner, 1)
		found[0], err = r.Owner(q.Owner)
	case q.Kind == KindAccount:
		field = "username"
		found = make([]Owner, 1)
		found[0], err = r.AccountNamed(q.Name)
	default:
		found, err = r.CustomersNamed(q.Name)
	}
	if err != nil && !errors.Is(err, NotFound) {
		return Owner{}, err
	}
	var seen []Owner
	for _, o := range found {
		if err == nil && a.Sees(&o) {
			seen = append(seen, o)
		}
	}
	switch len(seen) {
	case 0:
		return Owner{}, Errorf(NotFound, field, "there is none in your scope")
	case 1:
		return seen[0], nil
	}
	return Owner{}, Errorf(Exists, field, "there are several of that name")
}

// ListOwnersParams selects owners of one kind: those directly below the acting
// customer, for root those below Parent, or all when that is zero.
type ListOwnersParams struct {
	Kind   OwnerKind
	Parent OwnerID
	Offset int64
	Limit  int64 // 0: MaxOwnerRows
}

// MaxOwnerRows bounds one list.
const MaxOwnerRows = 100_000

// OwnerList is one page of owners and the moment that it shows.
type OwnerList struct {
	Rows []OwnerRow
	At   time.Time
}

// ListOwners lists owners by id, in one query. Errors: Invalid, NotFound.
func (e *Engine) ListOwners(ctx context.Context, p ListOwnersParams) (list OwnerList, err error) {
	if p.Offset < 0 {
		return list, Errorf(Invalid, "offset", "offset is 0 or more")
	}
	if p.Limit < 0 || p.Limit > MaxOwnerRows {
		return list, Errorf(Invalid, "limit", "limit is 1 to %d", MaxOwnerRows)
	}
	if p.Limit == 0 {
		p.Limit = MaxOwnerRows
	}
	a := ActorFrom(ctx)
	if p.Parent == 0 && !a.IsRoot() {
		p.Parent = a.Customer
	}
	list.At = now(ctx)
	err = e.view(ctx, func(r Reader) error {
		if p.Parent != 0 {
			o, err := r.Owner(p.Parent)
			if err == nil && !a.Sees(&o) {
				err = NotFound
			}
			if err != nil {
				return wrongOwner(p.Parent, err)
			}
		}
		list.Rows, err = r.OwnerRows(OwnerRowFilter(p))
		return err
	})
	return list, err
}
