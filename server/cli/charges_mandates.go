package cli

import "topupd/billing"

// chargesMandatesCmd prints who consented to automatic charges.
type chargesMandatesCmd struct {
	Account  int64 `placeholder:"N" xor:"owner" required:"" help:"Of this account."`
	Customer int64 `placeholder:"N" xor:"owner" required:"" help:"Of this customer's own policy."`
	format   `embed:""`
}

var mandateColumns = []string{
	"mandate", "purpose", "i_debit_credit_card", "wording", "amount", "given", "revoked", "actor", "address",
}

// Run prints one row for each consent, newest first.
func (c *chargesMandatesCmd) Run(a *app) error {
	owner, err := ownerFlag("--account", c.Account, billing.Account)
	if err == nil && owner == 0 {
		owner, err = ownerFlag("--customer", c.Customer, billing.Customer)
	}
	if err != nil {
		return err
	}
	if owner == 0 {
		return wrong("--account", "0", "a number above 0")
	}
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	ctx := as(a.ctx, "cli")
	list, err := o.engine.Mandates(ctx, owner)
	if err != nil {
		return err
	}
	unit, err := o.engine.CurrencyOf(ctx, owner)
	if err != nil {
		return err
	}
	rows := c.rows(a.out, mandateColumns)
	for i := range list {
		if err := rows.row(mandateRow(&list[i], unit)); err != nil {
			return err
		}
	}
	return rows.end()
}

// mandateRow shows a consent without an amount as one to the plan's price, and
// one without a card as one to the primary card.
func mandateRow(m *billing.Mandate, unit billing.Unit) row {
	var amount *int64
	if m.Amount != 0 {
		amount = &m.Amount
	}
	return row{
		intCell("mandate", int64(m.ID)), textCell("purpose", string(m.Purpose)), idCell("i_debit_credit_card", int64(m.Card)),
		textCell("wording", m.Text), moneyCell("amount", amount, unit, "price"), timeCell("given", m.At), timeCell("revoked", m.RevokedAt),
		textCell("actor", m.Actor), textCell("address", m.Address),
	}
}
