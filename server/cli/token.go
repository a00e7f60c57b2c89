package cli

import (
	"fmt"

	"topupd/billing"
)

// tokenCmd manages bearer tokens.
type tokenCmd struct {
	Add    tokenAddCmd    `cmd:"" help:"Make a token, which is printed once."`
	List   tokenListCmd   `cmd:"" help:"List tokens, revoked ones too."`
	Revoke tokenRevokeCmd `cmd:"" help:"Stop a token for good."`
}

type tokenAddCmd struct {
	Name     string `arg:"" help:"What it is for."`
	Customer int64  `placeholder:"N" default:"1" help:"The customer that it belongs to; without it root, which sees and may do everything."`
}

// Run makes a token.
func (c *tokenAddCmd) Run(a *app) error {
	customer, err := ownerFlag("--customer", c.Customer, billing.Customer)
	if err != nil {
		return err
	}
	if customer == 0 {
		return wrong("--customer", "0", "a number above 0")
	}
	o, err := a.open(opening{create: true})
	if err != nil {
		return err
	}
	defer o.close()
	t, secret, err := o.engine.AddToken(as(a.ctx, "cli"), customer, c.Name)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "token %d %s: added for %s\ntoken: %s\n", t.ID, t.Name, customer, secret.Reveal())
	return nil
}

type tokenListCmd struct {
	format `embed:""`
}

var tokenColumns = []string{"id", "name", "i_customer", "hint", "state", "created", "revoked"}

// Run prints one row for each token.
func (c *tokenListCmd) Run(a *app) error {
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	tokens, err := o.engine.Tokens(as(a.ctx, "cli"))
	if err != nil {
		return err
	}
	rows := c.rows(a.out, tokenColumns)
	for i := range tokens {
		t := &tokens[i]
		state := "enabled"
		if !t.RevokedAt.IsZero() {
			state = "revoked"
		}
		err := rows.row(row{
			intCell("id", int64(t.ID)), textCell("name", t.Name), intCell("i_customer", t.Customer.Number()), textCell("hint", "..."+t.Hint),
			textCell("state", state), timeCell("created", t.CreatedAt), timeCell("revoked", t.RevokedAt),
		})
		if err != nil {
			return err
		}
	}
	return rows.end()
}

type tokenRevokeCmd struct {
	ID int64 `arg:"" help:"The token's id, as token list shows it."`
}

// Run stops a token.
func (c *tokenRevokeCmd) Run(a *app) error {
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	t, err := o.engine.RevokeToken(as(a.ctx, "cli"), billing.TokenID(c.ID))
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "token %d %s: revoked\n", t.ID, t.Name)
	return nil
}
