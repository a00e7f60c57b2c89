package db

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"iter"
	"math/big"
	"slices"
	"strings"

	"topupd/billing"
)

// A copy is a whole database in another one, of whichever engine: every row of every
// table but the target's own name and the record of its migrations. It is read in one
// snapshot and written in one transaction, and both sides are compared afterwards.

// copiedTables are all tables in an order in which rows may be added; what they
// refer to otherwise is checked at the end. A test holds that none is missing.
var copiedTables = []string{
	"owners", "cards", "mandates", "runs", "plans", "minute_plans", "account_plans", "minutes_used", "buckets", "charges",
	"postings", "entries", "attempts", "low_balance", "periods", "notices", "decisions", "logins", "tokens", "objects", "refunds",
	"disputes", "gateway_events", "pace", "sending", "audit", "vouchers", "voucher_guesses", "idempotency_keys",
	"correspondence_types", "expected_payment_types", "auto_topup_profiles", "owner_topup", "owner_limits", "expected_payments",
	"correspondence", "subscriptions", "gateway_payments", "orders", "pool_plans", "pool_balances", "pool_subscribers",
	"pool_topups", "balance_actions", "services", "topup_rules", "topups", "opened_buckets", "adjustments", "transfers",
	"reservations", "hub_subscriptions", "events", "deliveries",
}

// seededTables have rows in a new database; the copy brings their own.
var seededTables = []string{"owners", "sending", "correspondence_types", "expected_payment_types"}

// Copied tells of one table.
type Copied struct {
	Table string
	Rows  int64
}

// CopyResult is what a copy brought.
type CopyResult struct {
	Tables []Copied
	// Balances are the sums of all balances, in millionths by unit.
	Balances map[billing.Unit]*big.Int
}

// Copy brings everything of one database into another, which must be new: ledger,
// charges and histories with their ids, what is sealed as it is. It compares both
// sides row by row at the end; it does not look at the ledger (Verify). Whoever still
// writes to the source is left behind: its servers must be stopped; of SQLite it is noticed. progress is called
// with the rows that were read, of both passes; it may be nil. Errors: Conflict when the target is
// not empty, its schema is another's, the source changed, or a text cannot be held; Internal when the two differ.
func Copy(ctx context.Context, from, to *Store, progress func(int64)) (CopyResult, error) {
	if progress == nil {
		progress = func(int64) {}
	}
	c := &copying{ctx: ctx, progress: progress, seed: maphash.MakeSeed()}
	if err := to.view(ctx, func(r *reader) error { return empty(r) }); err != nil {
		return CopyResult{}, err
	}
	changed, end, err := from.watch(ctx)
	if err != nil {
		return CopyResult{}, err
	}
	defer end()
	unchanged := func() error {
		wrote, err := changed()
		if err == nil && wrote {
			err = billing.Errorf(billing.Conflict, "from", "somebody wrote to the database to copy from meanwhile, which the copy may lack: stop what writes to it, crons too, and copy into a new database")
		}
		return err
	}
	var source []digest
	var next map[string]int64
	err = from.view(ctx, func(r *reader) (err error) {
		if next, err = from.lastIDs(r); err != nil {
			return err
		}
		return to.load(ctx, func(l loader) error {
			source = nil
			for _, table := range seededTables {
				if err := l.clear(table); err != nil {
					return err
				}
			}
			for _, table := range copiedTables {
				d, err := c.table(r, l, table)
				if err != nil {
					return fmt.Errorf("%s: %w", table, err)
				}
				source = append(source, d)
			}
			if err := l.continueAt(next); err != nil {
				return err
			}
			return unchanged() // nothing stays of the copy
		})
	})
	if err != nil {
		return CopyResult{}, err
	}
	res, err := c.compare(to, source)
	if err == nil {
		err = unchanged()
	}
	return res, err
}

// loader writes a copy inside one transaction.
type loader interface {
	// columns are a table's, in its own order.
	columns(table string) ([]string, error)
	clear(table string) error
	// add adds rows; a row is valid until the next.
	add(table string, columns []string, rows iter.Seq2[[]cell, error]) error
	// continueAt has the ids that the database makes up begin above those.
	continueAt(last map[string]int64) error
}

type copying struct {
	ctx      context.Context
	progress func(int64)
	rows     int64
	seed     maphash.Seed
}

// digest is what a table holds: how many rows, and the sum of their hashes, which does
// not depend on their order.
type digest struct {
	table    string
	columns  []string
	rows     int64
	sum      uint64
	balances map[billing.Unit]*big.Int // of buckets
}

// table copies one table.
func (c *copying) table(r *reader, l loader, table string) (digest, error) {
	columns, err := l.columns(table)
	if err != nil {
		return digest{}, err
	}
	d := digest{table: table, columns: columns}
	return d, l.add(table, columns, func(yield func([]cell, error) bool) {
		err := c.read(r, &d, func(cells []cell) bool { return yield(cells, nil) })
		if err != nil {
			yield(nil, err)
		}
	})
}

// read passes the rows of a table and adds them to its digest.
func (c *copying) read(r *reader, d *digest, use func([]cell) bool) error {
	return r.each(func(row *row) error {
		if c.rows++; c.rows%10000 == 0 {
			c.progress(c.rows)
			if err := c.ctx.Err(); err != nil {
				return cancelled(err)
			}
		}
		d.rows++
		d.sum += c.hash(row.cells)
		d.balance(row.cells)
		if !use(row.cells) {
			return errEnough
		}
		return nil
	}, `SELECT `+strings.Join(d.columns, ", ")+` FROM `+d.table)
}

// hash is one row's.
func (c *copying) hash(cells []cell) uint64 {
	var h maphash.Hash
	h.SetSeed(c.seed)
	var n [9]byte
	for i := range cells {
		n[0] = byte(cells[i].kind)
		binary.LittleEndian.PutUint64(n[1:], uint64(cells[i].n))
		_, _ = h.Write(n[:]) // it never fails
		binary.LittleEndian.PutUint64(n[1:], uint64(len(cells[i].s)))
		_, _ = h.Write(n[:])
		_, _ = h.WriteString(cells[i].s)
	}
	return h.Sum64()
}

// balance adds up what a row of buckets has.
func (d *digest) balance(cells []cell) {
	if d.table != "buckets" {
		return
	}
	unit := billing.Unit(cells[slices.Index(d.columns, "unit")].s)
	if d.balances == nil {
		d.balances = map[billing.Unit]*big.Int{}
	}
	if d.balances[unit] == nil {
		d.balances[unit] = new(big.Int)
	}
	d.balances[unit].Add(d.balances[unit], big.NewInt(cells[slices.Index(d.columns, "balance")].n))
}

// compare reads the target and holds it against what was read of the source.
func (c *copying) compare(to *Store, source []digest) (res CopyResult, err error) {
	err = to.view(c.ctx, func(r *reader) error {
		for _, s := range source {
			d := digest{table: s.table, columns: s.columns}
			if err := c.read(r, &d, func([]cell) bool { return true }); err != nil {
				return err
			}
			if d.rows != s.rows || d.sum != s.sum {
				return internal(fmt.Errorf("the copy of %s differs: %d rows of %d", s.table, d.rows, s.rows))
			}
			res.Tables = append(res.Tables, Copied{d.table, d.rows})
			if d.balances != nil {
				res.Balances = d.balances
			}
		}
		return nil
	})
	return res, err
}

// empty refuses a target that somebody has used.
func empty(r *reader) error {
	for _, table := range copiedTables {
		if slices.Contains(seededTables, table) {
			continue
		}
		var rows int64
		if _, err := r.first(func(row *row) { rows = row.int64() }, `SELECT COUNT(*) FROM `+table); err != nil {
			return err
		}
		if rows > 0 {
			return billing.Errorf(billing.Conflict, "to", "the database to copy to is not new: %s has %d rows", table, rows)
		}
	}
	var owners int64
	if _, err := r.first(func(row *row) { owners = row.int64() }, `SELECT COUNT(*) FROM owners`); err != nil {
		return err
	}
	if owners > 1 {
		return billing.Errorf(billing.Conflict, "to", "the database to copy to is not new: it has %d owners", owners)
	}
	return nil
}
