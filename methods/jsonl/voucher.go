package jsonl

import (
	"errors"
	"time"

	"topupd/billing"
)

type voucherLine struct {
	billing.VoucherLine
	id *int64
}

func (l *voucherLine) put(im *billing.Importer) error { return im.Voucher(l.VoucherLine) }

var voucherSetters = map[string]func(*voucherLine, []byte) error{
	"i_voucher":  id(func(l *voucherLine, n int64) { l.id = &n }),
	"code":       needed(readSecret, func(l *voucherLine) *billing.Change[billing.Secret] { return &l.Code }),
	"secret_pin": into(readSecret, func(l *voucherLine) *billing.Change[billing.Secret] { return &l.PIN }),
	"code_hash":  needed(readSecret, func(l *voucherLine) *billing.Change[billing.Secret] { return &l.CodeHash }),
	"pin_hash":   into(readSecret, func(l *voucherLine) *billing.Change[billing.Secret] { return &l.PINHash }),
	"hint":       needed(readText, func(l *voucherLine) *billing.Change[string] { return &l.Hint }),
	"amount":     needed(readMicros, func(l *voucherLine) *billing.Change[int64] { return &l.Amount }),
	"currency":   needed(readText, func(l *voucherLine) *billing.Change[string] { return &l.Currency }),
	"created":    needed(readTime, func(l *voucherLine) *billing.Change[time.Time] { return &l.Created }),
	"expires":    into(readTime, func(l *voucherLine) *billing.Change[time.Time] { return &l.Expires }),
}

func decodeVoucher(members []member) (line, error) {
	var l voucherLine
	if err := fill(&l, members, voucherSetters); err != nil {
		return nil, err
	}
	if l.id == nil {
		return nil, errors.New("i_voucher is missing")
	}
	l.ID = billing.VoucherID(*l.id)
	return &l, nil
}
