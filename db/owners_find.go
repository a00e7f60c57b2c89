package db

import "topupd/billing"

const sqlAccountNamed = `SELECT ` + ownerColumns + ` FROM owners o WHERE o.username = $1 AND o.username <> ''`

func (r *reader) AccountNamed(username string) (billing.Owner, error) {
	return one(r, "username", scanOwner, sqlAccountNamed, username)
}

const sqlAccountByGroup = `SELECT ` + ownerColumns + ` FROM owners o WHERE o.balance_group = $1 AND o.balance_group <> 0`

func (r *reader) AccountByGroup(group int64) (billing.Owner, error) {
	return one(r, "balance_group", scanOwner, sqlAccountByGroup, group)
}

const sqlCustomersNamed = `SELECT ` + ownerColumns + ` FROM owners o
WHERE o.name = $1 AND o.kind = 0 AND o.deleted_at IS NULL ORDER BY o.id`

func (r *reader) CustomersNamed(name string) ([]billing.Owner, error) {
	return list(r, scanOwner, sqlCustomersNamed, name)
}

// The columns of a row of a list; the login's sub-select is one look into an index.
const (
	rowColumns = `o.id, o.name, o.username, o.currency, o.credit_limit, o.blocked, o.expires_at, COALESCE(b.balance, 0)`
	rowTables  = `FROM owners o LEFT JOIN buckets b ON b.owner_id = o.id AND b.unit = o.currency`

	customerRowColumns = rowColumns + `,
    COALESCE((SELECT MIN(l.name) FROM logins l WHERE l.owner_id = o.id), ''), o.extra`
)

const (
	sqlAccountRows = `SELECT ` + rowColumns + ` ` + rowTables + `
WHERE o.kind = 1 AND o.deleted_at IS NULL ORDER BY o.id LIMIT $1 OFFSET $2`
	sqlAccountRowsBelow = `SELECT ` + rowColumns + ` ` + rowTables + `
WHERE o.kind = 1 AND o.parent_id = $3 AND o.deleted_at IS NULL ORDER BY o.id LIMIT $1 OFFSET $2`
	sqlCustomerRows = `SELECT ` + customerRowColumns + ` ` + rowTables + `
WHERE o.kind = 0 AND o.id > 2 AND o.deleted_at IS NULL ORDER BY o.id LIMIT $1 OFFSET $2`
	sqlCustomerRowsBelow = `SELECT ` + customerRowColumns + ` ` + rowTables + `
WHERE o.kind = 0 AND o.parent_id = $3 AND o.deleted_at IS NULL ORDER BY o.id LIMIT $1 OFFSET $2`
)

func scanAccountRow(r *row, o *billing.OwnerRow) {
	o.ID = billing.OwnerID(r.int64())
	o.Name = r.text()
	o.Username = r.text()
	o.Currency = billing.Unit(r.text())
	o.CreditLimit = r.opt()
	o.Blocked = billing.Block(r.int64())
	o.ExpiresAt = r.time()
	o.Balance = r.int64()
}

func scanCustomerRow(r *row, o *billing.OwnerRow) {
	scanAccountRow(r, o)
	o.Login = r.text()
	o.Extra = r.text()
}

func (r *reader) OwnerRows(f billing.OwnerRowFilter) ([]billing.OwnerRow, error) {
	all, below, scan := sqlCustomerRows, sqlCustomerRowsBelow, scanCustomerRow
	if f.Kind == billing.KindAccount {
		all, below, scan = sqlAccountRows, sqlAccountRowsBelow, scanAccountRow
	}
	if f.Parent == 0 {
		return list(r, scan, all, limitOf(int(f.Limit)), f.Offset)
	}
	return list(r, scan, below, limitOf(int(f.Limit)), f.Offset, int64(f.Parent))
}
