package sippy_test

import (
	"time"

	"topupd/billing"
)

func vouchers(im *billing.Importer) error {
	for i, v := range []struct {
		code, pin billing.Secret
		currency  string
		whole     int64
	}{
		{"PLAIN-CODE", "", "USD", 7_500_000}, {"PINNED-CODE", "0042", "USD", 5 * billing.Micro}, {"EURO-CODE", "", "EUR", 5 * billing.Micro},
		{"OLD-CODE-1", "", "USD", 5 * billing.Micro},
	} {
		line := billing.VoucherLine{
			ID: billing.VoucherID(i + 1), Code: billing.To(v.code), PIN: billing.To(v.pin), Amount: billing.To(v.whole), Currency: billing.To(v.currency),
		}
		if v.code == "OLD-CODE-1" {
			line.Expires = billing.To(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
		}
		if err := im.Voucher(line); err != nil {
			return err
		}
	}
	return nil
}
