package db

import "topupd/billing"

const sqlAccountNamed = `SELECT ` + ownerColumns + ` FROM owners o WHERE o.username = $1 AND o.username <> ''`

func (r *reader) AccountNamed(username string) (billing.Owner, error) {
	return one(r, "username", scanOwner, sqlAccountNamed, username)
}

const sqlCustomersNamed = `SELECT ` + ownerColumns + ` FROM owners o
WHERE o.name = $1 AND o.kind = 0 AND o.deleted_at IS NULL ORDER BY o.id`

func (r *reader) CustomersNamed(name string) ([]billing.Owner, error) {
	return list(r, scanOwner, sqlCustomersNamed, name)
}

// ownerRowColumns: the login's sub-select is one look into an index, and never
// finds one for an account.
const ownerRowColumns = ownerColumns + `, COALESCE(b.balance, 0),
    COALESCE((SELECT MIN(l.name) FROM logins l WHERE l.owner_id = o.id), '')
FROM owners o LEFT JOIN buckets b ON b.owner_id = o.id AND b.unit = o.currency`

const (
	sqlOwnerRows = `SELECT ` + ownerRowColumns + `
WHERE o.kind = $1 AND o.id > 2 AND o.deleted_at IS NULL ORDER BY o.id LIMIT $2 OFFSET $3`
	sqlOwnerRowsBelow = `SELECT ` + ownerRowColumns + `
WHERE o.kind = $1 AND o.parent_id = $4 AND o.deleted_at IS NULL ORDER BY o.id LIMIT $2 OFFSET $3`
)

func scanOwnerRow(r *row, o *billing.OwnerRow) {
	scanOwner(r, &o.Owner)
	o.Balance = r.int64()
	o.Login = r.text()
}

func (r *reader) OwnerRows(f billing.OwnerRowFilter) ([]billing.OwnerRow, error) {
	args := []any{int64(f.Kind), limitOf(int(f.Limit)), f.Offset}
	if f.Parent == 0 {
		return list(r, scanOwnerRow, sqlOwnerRows, args...)
	}
	return list(r, scanOwnerRow, sqlOwnerRowsBelow, append(args, int64(f.Parent))...)
}
