package cli

import (
	"fmt"

	"topupd/billing"
)

// goliveCmd ends the hold of an import.
type goliveCmd struct {
	Customer int64 `required:"" placeholder:"N" help:"This customer and all below it."`
}

// Run releases a customer and all below it.
func (c *goliveCmd) Run(a *app) error {
	customer, err := ownerFlag("--customer", c.Customer, billing.Customer)
	if err != nil {
		return err
	}
	if customer == 0 {
		return wrong("--customer", "0", "a number above 0")
	}
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	n, err := o.engine.Golive(as(a.ctx, "cli"), customer)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "golive: %d owners were held and are live\n", n)
	return nil
}
