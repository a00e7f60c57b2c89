package cli

import (
	"time"

	"topupd/billing"
)

type voucherCreateCmd struct {
	Amount   string `required:"" placeholder:"N" help:"What each is worth."`
	Currency string `required:"" placeholder:"CODE" help:"ISO 4217; an account of another currency cannot use it."`
	Count    int    `placeholder:"N" default:"1" help:"How many, at most 10000."`
	Expires  string `placeholder:"TIME" help:"When they stop to work: RFC 3339, or a date, which is their last day."`
	Pin      bool   `help:"Give each a PIN."`
	format   `embed:""`
}

var newVoucherColumns = []string{"i_voucher", "code", "secret_pin", "amount", "currency", "expires"}

// Run makes the vouchers and prints one row for each.
func (c *voucherCreateCmd) Run(a *app) error {
	amount, err := billing.ParseMicros(c.Amount)
	if err != nil || amount <= 0 {
		return wrong("--amount", c.Amount, "an amount above 0, such as 5.00")
	}
	cfg, err := a.config()
	if err != nil {
		return err
	}
	p := billing.CreateVouchersParams{Amount: amount, Currency: c.Currency, Count: c.Count, PIN: c.Pin}
	if c.Expires != "" {
		if p.ExpiresAt, err = expiry(c.Expires, cfg.Engine.Location); err != nil {
			return err
		}
	}
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	made, err := o.engine.CreateVouchers(as(a.ctx, "cli"), p)
	if err != nil {
		return err
	}
	rows := c.rows(a.out, newVoucherColumns, "currency")
	for i := range made {
		v := &made[i]
		err := rows.row(row{
			intCell("i_voucher", int64(v.ID)), textCell("code", v.Code.Reveal()), textCell("secret_pin", v.PIN.Reveal()),
			moneyCell("amount", &v.Amount, v.Currency, "-"), textCell("currency", string(v.Currency)), timeCell("expires", v.ExpiresAt),
		})
		if err != nil {
			return err
		}
	}
	return rows.end()
}

// expiry reads a moment, or a date as the end of that day.
func expiry(text string, loc *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC().Truncate(time.Microsecond), nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, wrong("--expires", text, "a date such as 2027-06-30, or a time such as 2027-06-30T12:00:00Z")
	}
	if loc == nil {
		loc = time.UTC
	}
	return time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, loc).UTC(), nil
}
