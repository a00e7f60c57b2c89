package cli

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"os"
	"slices"

	"topupd/billing"
)

// copyCmd brings everything of one database into another.
type copyCmd struct {
	From string `required:"" placeholder:"URL" help:"Database to copy: a path or postgres://..."`
	To   string `required:"" placeholder:"URL" help:"New database: a path that is not there yet, or an empty database of PostgreSQL."`
}

// CopyResult is what a copy brought.
type CopyResult struct {
	Tables   []CopiedTable
	Balances map[billing.Unit]*big.Int // sums, in millionths
}

// CopiedTable counts one table's rows.
type CopiedTable struct {
	Name string
	Rows int64
}

// Run copies, compares both row by row, and checks the ledger of the copy.
func (c *copyCmd) Run(a *app) (err error) {
	for _, side := range []struct{ name, address string }{{"--from", c.From}, {"--to", c.To}} {
		if isPostgreSQL(side.address) {
			if err := postgresSetting(side.name, side.address); err != nil {
				return err
			}
		}
	}
	if c.From == c.To {
		return wrong("--to", shownAddress(c.To), "another database than --from")
	}
	if !isPostgreSQL(c.From) {
		if _, err := os.Stat(c.From); err != nil {
			return wrong("--from", c.From, "a database that is there")
		}
	}
	if !isPostgreSQL(c.To) {
		if _, err := os.Lstat(c.To); err == nil {
			return wrong("--to", c.To, "a file that is not there yet")
		}
	}
	if !isPostgreSQL(c.From) {
		// What a server writes meanwhile would be left behind.
		release, err := a.parts.LockServe(c.From)
		if err != nil {
			return err
		}
		defer func() { _ = release() }()
	}
	show, end := a.progress("rows")
	res, err := a.parts.Copy(a.ctx, c.From, c.To, show)
	end()
	if err != nil {
		return err
	}
	for _, t := range res.Tables {
		if t.Rows > 0 {
			fmt.Fprintf(a.out, "%-24s %12d\n", t.Name, t.Rows)
		}
	}
	for _, unit := range slices.Sorted(maps.Keys(res.Balances)) {
		fmt.Fprintf(a.out, "balances in %-12s %12s\n", unit, formatSum(res.Balances[unit]))
	}
	found, err := verifyAt(a.ctx, a.parts, c.To)
	if err != nil {
		return err
	}
	for _, d := range found {
		fmt.Fprintf(a.out, "%s: %s\n", d.Invariant, printable(d.What))
	}
	if len(found) > 0 {
		return failed{}
	}
	fmt.Fprintln(a.out, "copied: every row is the same on both sides, and the ledger of the copy is verified")
	if isPostgreSQL(c.To) && !isPostgreSQL(c.From) {
		fmt.Fprintf(a.out, "Set TOPUPD_KEY for it to the contents of %s.key, or to the key that is set now.\n", c.From)
	}
	return nil
}

func verifyAt(ctx context.Context, p Parts, address string) ([]billing.Discrepancy, error) {
	store, err := p.OpenStore(ctx, address, false, false)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	return store.Verify(ctx, 100)
}

// formatSum writes millionths, of which a sum may have more than an amount.
func formatSum(micros *big.Int) string {
	sign := ""
	if micros.Sign() < 0 {
		sign = "-"
	}
	whole, rest := new(big.Int).QuoRem(new(big.Int).Abs(micros), big.NewInt(billing.Micro), new(big.Int))
	return fmt.Sprintf("%s%s.%06d", sign, whole, rest.Int64())
}
