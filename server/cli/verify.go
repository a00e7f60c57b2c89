package cli

import "fmt"

// verifyCmd checks the ledger.
type verifyCmd struct {
	Limit int `placeholder:"N" default:"100" help:"Print at most so many differences."`
}

// Run prints what differs; then the exit code is 1.
func (c *verifyCmd) Run(a *app) error {
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	found, err := o.engine.Verify(as(a.ctx, "cli"), max(c.Limit, 1))
	if err != nil {
		return err
	}
	for _, d := range found {
		fmt.Fprintf(a.out, "%s: %s\n", d.Invariant, printable(d.What))
	}
	if len(found) > 0 {
		return failed{}
	}
	fmt.Fprintln(a.out, "verified: balances, postings and charges agree")
	return nil
}
