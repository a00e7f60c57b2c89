package jsonl

import "topupd/billing"

type lowBalanceLine struct {
	billing.SetLowBalanceParams
	account, customer *int64
}

func (l *lowBalanceLine) put(im *billing.Importer) error {
	return im.LowBalance(l.SetLowBalanceParams)
}

var lowBalanceSetters = map[string]func(*lowBalanceLine, []byte) error{
	"i_account":                   id(func(l *lowBalanceLine, n int64) { l.account = &n }),
	"i_customer":                  id(func(l *lowBalanceLine, n int64) { l.customer = &n }),
	"threshold":                   into(readMicros, func(l *lowBalanceLine) *billing.Change[int64] { return &l.Threshold }),
	"notify_by_email":             needed(readBool, func(l *lowBalanceLine) *billing.Change[bool] { return &l.NotifyByEmail }),
	"charge_card":                 needed(readBool, func(l *lowBalanceLine) *billing.Change[bool] { return &l.ChargeCard }),
	"charge_amount":               needed(readMicros, func(l *lowBalanceLine) *billing.Change[int64] { return &l.ChargeAmount }),
	"i_debit_credit_card":         into(readCardID, func(l *lowBalanceLine) *billing.Change[billing.CardID] { return &l.Card }),
	"br_charge_card":              needed(readBool, func(l *lowBalanceLine) *billing.Change[bool] { return &l.BRChargeCard }),
	"br_charge_amount":            into(readMicros, func(l *lowBalanceLine) *billing.Change[int64] { return &l.BRChargeAmount }),
	"br_i_debit_credit_card":      into(readCardID, func(l *lowBalanceLine) *billing.Change[billing.CardID] { return &l.BRCard }),
	"notification_retry_count":    needed(readInt, func(l *lowBalanceLine) *billing.Change[int64] { return &l.RetryCount }),
	"notification_retry_interval": into(readInt, func(l *lowBalanceLine) *billing.Change[int64] { return &l.RetryInterval }),
}

func decodeLowBalance(members []member) (line, error) {
	var l lowBalanceLine
	if err := fill(&l, members, lowBalanceSetters); err != nil {
		return nil, err
	}
	var err error
	l.Owner, err = ownerOf(l.account, l.customer)
	return &l, err
}
