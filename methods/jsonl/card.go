package jsonl

import (
	"errors"

	"topupd/billing"
)

type cardLine struct {
	billing.CardLine
	id, account, customer *int64
	extra                 []member
}

func (l *cardLine) put(im *billing.Importer) error { return im.Card(l.CardLine) }

var cardSetters = map[string]func(*cardLine, []byte) error{
	"i_debit_credit_card": id(func(l *cardLine, n int64) { l.id = &n }),
	"i_account":           id(func(l *cardLine, n int64) { l.account = &n }),
	"i_customer":          id(func(l *cardLine, n int64) { l.customer = &n }),
	"gateway":             needed(readText, func(l *cardLine) *billing.Change[string] { return &l.Gateway }),
	"gateway_customer":    into(readText, func(l *cardLine) *billing.Change[string] { return &l.GatewayCustomer }),
	"token":               needed(readSecret, func(l *cardLine) *billing.Change[billing.Secret] { return &l.Token }),
	"brand":               into(readText, func(l *cardLine) *billing.Change[string] { return &l.Brand }),
	"last4":               into(readText, func(l *cardLine) *billing.Change[string] { return &l.Last4 }),
	"exp_mm":              into(readInt, func(l *cardLine) *billing.Change[int64] { return &l.ExpMonth }),
	"exp_yy":              into(readInt, func(l *cardLine) *billing.Change[int64] { return &l.ExpYear }),
	"holder":              into(readText, func(l *cardLine) *billing.Change[string] { return &l.Holder }),
	"deleted":             needed(readBool, func(l *cardLine) *billing.Change[bool] { return &l.Deleted }),
	"alias":               into(readText, func(l *cardLine) *billing.Change[string] { return &l.Alias }),
	"i_card_type":         into(readCardType, func(l *cardLine) *billing.Change[billing.CardType] { return &l.Type }),
	"street_addr1":        into(readText, func(l *cardLine) *billing.Change[string] { return &l.Street1 }),
	"street_addr2":        into(readText, func(l *cardLine) *billing.Change[string] { return &l.Street2 }),
	"state":               into(readText, func(l *cardLine) *billing.Change[string] { return &l.State }),
	"postal_code":         into(readText, func(l *cardLine) *billing.Change[string] { return &l.PostalCode }),
	"city":                into(readText, func(l *cardLine) *billing.Change[string] { return &l.City }),
	"country":             into(readText, func(l *cardLine) *billing.Change[string] { return &l.Country }),
	"phone":               into(readText, func(l *cardLine) *billing.Change[string] { return &l.Phone }),
	"primary":             needed(readBool, func(l *cardLine) *billing.Change[bool] { return &l.Primary }),
	"payment_type": func(l *cardLine, raw []byte) error {
		l.extra = append(l.extra, member{[]byte("payment_type"), raw})
		return oneOf("card", "direct_debit", "other")(raw)
	},
}

func decodeCard(members []member) (line, error) {
	var l cardLine
	if err := fill(&l, members, cardSetters); err != nil {
		return nil, err
	}
	if l.id == nil {
		return nil, errors.New("i_debit_credit_card is missing")
	}
	l.ID = billing.CardID(*l.id)
	var err error
	if l.Owner, err = ownerOf(l.account, l.customer); err != nil {
		return nil, err
	}
	if l.Extra, err = keptExtra(l.extra); err != nil {
		return nil, err
	}
	l.extra = nil // it points into the reader's memory
	return &l, nil
}
