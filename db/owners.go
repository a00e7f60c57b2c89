package db

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"topupd/billing"
)

// The columns of an owner, in the order of scanOwner.
const ownerColumns = `o.id, o.parent_id, o.top_id, o.path, o.name, o.username, o.email, o.currency, o.balance_group,
    o.credit_limit, o.time_zone, o.blocked, o.held, o.extra, o.created_at, o.updated_at,
    o.lifetime, o.first_used_at, o.expires_at, o.on_payment, o.min_payment, o.deleted_at`

func scanOwner(r *row, o *billing.Owner) {
	o.ID = billing.OwnerID(r.int64())
	o.Parent = billing.OwnerID(r.int64())
	o.Top = billing.OwnerID(r.int64())
	o.Path = r.text()
	o.Name = r.text()
	o.Username = r.text()
	o.Email = r.text()
	o.Currency = billing.Unit(r.text())
	o.BalanceGroup = r.int64()
	o.CreditLimit = r.opt()
	o.TimeZone = r.text()
	o.Blocked = billing.Block(r.int64())
	o.Held = r.bool()
	o.Extra = r.text()
	o.CreatedAt = r.time()
	o.UpdatedAt = r.time()
	o.Lifetime = r.opt()
	o.FirstUsedAt = r.time()
	o.ExpiresAt = r.time()
	o.OnPayment = billing.OnPayment(r.text())
	o.MinPayment = r.int64()
	o.DeletedAt = r.time()
}

const sqlOwner = `SELECT ` + ownerColumns + ` FROM owners o WHERE o.id = $1`

func (r *reader) Owner(id billing.OwnerID) (billing.Owner, error) {
	return one(r, id.Field(), scanOwner, sqlOwner, int64(id))
}

const sqlAccountByUsername = `SELECT ` + ownerColumns + ` FROM owners o WHERE o.username = $1 AND o.username <> ''`

func (r *reader) AccountByUsername(username string) (billing.Owner, error) {
	return one(r, "username", scanOwner, sqlAccountByUsername, username)
}

// aboveAtOnce is how many customers one statement asks about.
const aboveAtOnce = 4

const sqlAbove = `SELECT blocked, held FROM owners WHERE id IN ($1, $2, $3, $4) AND (blocked <> 0 OR held)`

func (r *reader) Above(o billing.Owner) (blocks billing.Block, held bool, err error) {
	ids := customersAbove(o)
	for len(ids) > 0 {
		var args [aboveAtOnce]any
		for i := range args {
			args[i] = int64(0)
			if i < len(ids) {
				args[i] = ids[i]
			}
		}
		ids = ids[min(len(ids), aboveAtOnce):]
		err := r.each(func(row *row) error {
			blocks |= billing.Block(row.int64())
			held = row.bool() || held
			return nil
		}, sqlAbove, args[:]...)
		if err != nil {
			return 0, false, err
		}
	}
	return blocks, held, nil
}

// customersAbove reads the ids in an owner's path but its own.
func customersAbove(o billing.Owner) []int64 {
	return slices.DeleteFunc(customersOver(o), func(id int64) bool { return id == int64(o.ID) })
}

// customersOver reads the ids in an owner's path.
func customersOver(o billing.Owner) []int64 {
	var ids []int64
	for part := range strings.SplitSeq(strings.Trim(o.Path, "/"), "/") {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			continue
		}
		ids = append(ids, int64(billing.Customer(n)))
	}
	return ids
}

// scope is what lies at and below a customer, as a condition on a table of
// owners: the top-level customer narrows it by index, the path decides. For
// root and for zero it is everything.
type scope struct {
	all       bool
	top       int64
	from, end string
}

// scopeOf finds the scope of a customer; an unknown one has nothing in it.
func (r *reader) scopeOf(within billing.OwnerID) (scope, error) {
	if within == 0 || within == billing.Root {
		return scope{all: true}, nil
	}
	var s scope
	_, err := r.first(func(row *row) {
		s.top = row.int64()
		s.from = row.text()
	}, sqlScope, int64(within))
	if s.from != "" {
		// '0' follows '/', so this is every path that begins with it.
		s.end = strings.TrimSuffix(s.from, "/") + "0"
	}
	return s, err
}

const sqlScope = `SELECT top_id, path FROM owners WHERE id = $1 AND kind = 0`

const (
	sqlOwners       = `SELECT ` + ownerColumns + ` FROM owners o WHERE o.id > $1 AND o.deleted_at IS NULL ORDER BY o.id LIMIT $2`
	sqlOwnersOfKind = `SELECT ` + ownerColumns + ` FROM owners o WHERE o.kind = $3 AND o.id > $1 AND o.deleted_at IS NULL ORDER BY o.id LIMIT $2`
	sqlOwnersWithin = `SELECT ` + ownerColumns + ` FROM owners o WHERE o.top_id = $3 AND o.id > $1
    AND o.path >= $4 AND o.path < $5 AND o.deleted_at IS NULL ORDER BY o.id LIMIT $2`
	sqlOwnersWithinOfKind = `SELECT ` + ownerColumns + ` FROM owners o WHERE o.top_id = $3 AND o.id > $1
    AND o.path >= $4 AND o.path < $5 AND o.kind = $6 AND o.deleted_at IS NULL ORDER BY o.id LIMIT $2`
)

func (r *reader) Owners(f billing.OwnerFilter) ([]billing.Owner, error) {
	s, err := r.scopeOf(f.Within)
	if err != nil {
		return nil, err
	}
	args := []any{int64(f.After), limitOf(f.Limit)}
	query := sqlOwners
	switch {
	case s.all && f.Kind != nil:
		query, args = sqlOwnersOfKind, append(args, int64(*f.Kind))
	case !s.all && f.Kind == nil:
		query, args = sqlOwnersWithin, append(args, s.top, s.from, s.end)
	case !s.all:
		query, args = sqlOwnersWithinOfKind, append(args, s.top, s.from, s.end, int64(*f.Kind))
	}
	return list(r, scanOwner, query, args...)
}

// limitOf is a limit as SQL takes it: none is all.
func limitOf(n int) int64 {
	if n <= 0 {
		return 1<<63 - 1
	}
	return int64(n)
}

const sqlMaxOwner = `SELECT COALESCE(MAX(id), 0) FROM owners WHERE kind = $1`

func (r *reader) MaxOwnerNumber(kind billing.OwnerKind) (int64, error) {
	id, err := one(r, "owner", scanInt, sqlMaxOwner, int64(kind))
	return billing.OwnerID(id).Number(), err
}

func scanInt(r *row, n *int64) { *n = r.int64() }

const (
	sqlAddOwner = `INSERT INTO owners (id, kind, parent_id, top_id, path, name, username, email, currency,
    balance_group, credit_limit, time_zone, blocked, held, extra, created_at, updated_at,
    lifetime, first_used_at, expires_at, on_payment, min_payment)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
ON CONFLICT (id) DO NOTHING`
	sqlReplaceOwner = `UPDATE owners SET kind = $2, parent_id = $3, top_id = $4, path = $5, name = $6, username = $7,
    email = $8, currency = $9, balance_group = $10, credit_limit = $11, time_zone = $12, blocked = $13, held = $14,
    extra = $15, created_at = $16, updated_at = $17, lifetime = $18, first_used_at = $19, expires_at = $20,
    on_payment = $21, min_payment = $22
WHERE id = $1`
)

func (t *tx) PutOwner(o *billing.Owner) error {
	if err := t.ownsAccount(o.ID); err != nil {
		return err
	}
	return t.put(sqlAddOwner, sqlReplaceOwner, int64(o.ID), int64(o.ID.Kind()), ref(o.Parent), int64(o.Top), o.Path,
		o.Name, o.Username, o.Email, string(o.Currency), o.BalanceGroup, o.CreditLimit, o.TimeZone, int64(o.Blocked),
		o.Held, o.Extra, o.CreatedAt, o.UpdatedAt,
		o.Lifetime, o.FirstUsedAt, o.ExpiresAt, string(o.OnPayment), o.MinPayment)
}

const sqlSetBlocked = `UPDATE owners SET blocked = $2, updated_at = $3 WHERE id = $1`

func (t *tx) SetBlocked(o billing.OwnerID, b billing.Block, at time.Time) error {
	if err := t.ownsAccount(o); err != nil {
		return err
	}
	return t.change(o.Field(), sqlSetBlocked, int64(o), int64(b), at)
}

const (
	sqlSetHeld       = `UPDATE owners SET held = $2, updated_at = $3 WHERE id = $1 AND held <> $2`
	sqlSetHeldAll    = `UPDATE owners SET held = $1, updated_at = $2 WHERE held <> $1 AND deleted_at IS NULL`
	sqlSetHeldWithin = `UPDATE owners SET held = $1, updated_at = $2
    WHERE top_id = $3 AND path >= $4 AND path < $5 AND held <> $1 AND deleted_at IS NULL`
)

func (t *tx) SetHeld(o billing.OwnerID, held bool, at time.Time) (int64, error) {
	if err := t.ownsAccount(o); err != nil {
		return 0, err
	}
	if _, err := t.Owner(o); err != nil {
		return 0, err
	}
	if o.IsAccount() {
		return t.exec(sqlSetHeld, int64(o), held, at)
	}
	s, err := t.scopeOf(o)
	if err != nil {
		return 0, err
	}
	if s.all {
		return t.exec(sqlSetHeldAll, held, at)
	}
	return t.exec(sqlSetHeldWithin, held, at, s.top, s.from, s.end)
}
