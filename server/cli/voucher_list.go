package cli

import (
	"time"

	"topupd/billing"
)

type voucherListCmd struct {
	format `embed:""`
}

var voucherColumns = []string{"i_voucher", "hint", "pin", "amount", "currency", "state", "created", "expires", "used_at", "i_account"}

// voucherPage is how many vouchers are read at once.
const voucherPage = 1000

// Run prints one row for each voucher.
func (c *voucherListCmd) Run(a *app) error {
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	rows := c.rows(a.out, voucherColumns, "currency", "pin")
	var after billing.VoucherID
	for {
		list, err := o.engine.Vouchers(as(a.ctx, "cli"), after, voucherPage)
		if err != nil {
			return err
		}
		for i := range list {
			if err := rows.row(voucherRow(&list[i], time.Now())); err != nil {
				return err
			}
			after = list[i].ID
		}
		if len(list) < voucherPage {
			return rows.end()
		}
	}
}

func voucherRow(v *billing.Voucher, now time.Time) row {
	pin := "no"
	if v.PINHash != nil {
		pin = "yes"
	}
	return row{
		intCell("i_voucher", int64(v.ID)), textCell("hint", v.Hint), textCell("pin", pin), moneyCell("amount", &v.Amount, v.Currency, "-"),
		textCell("currency", string(v.Currency)), textCell("state", v.State(now)), timeCell("created", v.CreatedAt),
		timeCell("expires", v.ExpiresAt), timeCell("used_at", v.UsedAt), idCell("i_account", v.UsedBy.Number()),
	}
}
