package jsonl

import (
	"errors"
	"fmt"
	"time"

	"topupd/billing"
)

// ownerFields are the members that name a line's owner.
type ownerFields struct{ account, customer *int64 }

type subscriptionLine struct {
	billing.SubscriptionLine
	ownerFields
	id *int64
}

func (l *subscriptionLine) put(im *billing.Importer) error {
	return im.Subscription(l.SubscriptionLine)
}

var subscriptionSetters = map[string]func(*subscriptionLine, []byte) error{
	"id":          id(func(l *subscriptionLine, n int64) { l.id = &n }),
	"i_account":   id(func(l *subscriptionLine, n int64) { l.account = &n }),
	"i_customer":  id(func(l *subscriptionLine, n int64) { l.customer = &n }),
	"phoneNumber": needed(readText, func(l *subscriptionLine) *billing.Change[string] { return &l.PhoneNumber }),
	"categoryId":  into(readInt, func(l *subscriptionLine) *billing.Change[int64] { return &l.Category }),
	"wholeSalesPartnerId": into(readInt, func(l *subscriptionLine) *billing.Change[int64] {
		return &l.WholesalePartner
	}),
	"salesCode": into(readText, func(l *subscriptionLine) *billing.Change[string] { return &l.SalesCode }),
	"state":     needed(readText, func(l *subscriptionLine) *billing.Change[string] { return &l.State }),
}

func decodeSubscription(members []member) (line, error) {
	var l subscriptionLine
	if err := fill(&l, members, subscriptionSetters); err != nil {
		return nil, err
	}
	if l.id == nil {
		return nil, errors.New("id is missing")
	}
	l.ID = billing.SubscriptionID(*l.id)
	var err error
	l.Owner, err = ownerOf(l.account, l.customer)
	return &l, err
}

type paymentLine struct {
	billing.GatewayPaymentLine
	ownerFields
	id *int64
}

func (l *paymentLine) put(im *billing.Importer) error { return im.GatewayPayment(l.GatewayPaymentLine) }

var paymentSetters = map[string]func(*paymentLine, []byte) error{
	"id":         id(func(l *paymentLine, n int64) { l.id = &n }),
	"i_account":  id(func(l *paymentLine, n int64) { l.account = &n }),
	"i_customer": id(func(l *paymentLine, n int64) { l.customer = &n }),
	"amount":     needed(readMicros, func(l *paymentLine) *billing.Change[int64] { return &l.Amount }),
	"currency":   needed(readText, func(l *paymentLine) *billing.Change[string] { return &l.Currency }),
	"i_debit_credit_card": into(readCardID, func(l *paymentLine) *billing.Change[billing.CardID] {
		return &l.Card
	}),
	"status": needed(readText, func(l *paymentLine) *billing.Change[string] { return &l.Status }),
}

func decodePayment(members []member) (line, error) {
	var l paymentLine
	if err := fill(&l, members, paymentSetters); err != nil {
		return nil, err
	}
	if l.id == nil {
		return nil, errors.New("id is missing")
	}
	l.ID = billing.GatewayPaymentID(*l.id)
	var err error
	l.Owner, err = ownerOf(l.account, l.customer)
	return &l, err
}

// orderLine is an order as an export wrote it: all of it, or nothing.
type orderLine struct {
	billing.OrderLine
	given map[string]bool
}

func (l *orderLine) put(im *billing.Importer) error { return im.Order(l.OrderLine) }

func orderID(name string, put func(*orderLine, int64)) func(*orderLine, []byte) error {
	return id(func(l *orderLine, n int64) {
		l.given[name] = true
		put(l, n)
	})
}

func orderTime(name string, put func(*orderLine, time.Time)) func(*orderLine, []byte) error {
	return func(l *orderLine, raw []byte) error {
		c, err := readTime(raw)
		if err == nil && c.Value == nil {
			err = errors.New("it cannot be null")
		}
		if err != nil {
			return err
		}
		l.given[name] = true
		put(l, *c.Value)
		return nil
	}
}

var orderSetters = map[string]func(*orderLine, []byte) error{
	"id":           orderID("id", func(l *orderLine, n int64) { l.ID = billing.OrderID(n) }),
	"subscription": orderID("subscription", func(l *orderLine, n int64) { l.Subscription = billing.SubscriptionID(n) }),
	"payment":      orderID("payment", func(l *orderLine, n int64) { l.Payment = billing.GatewayPaymentID(n) }),
	"orderTypeId":  orderID("orderTypeId", func(l *orderLine, n int64) { l.Type = billing.OrderType(n) }),
	"statusId":     orderID("statusId", func(l *orderLine, n int64) { l.Status = billing.OrderStatus(n) }),
	"createdDate":  orderTime("createdDate", func(l *orderLine, t time.Time) { l.Created = t }),
	"date":         orderTime("date", func(l *orderLine, t time.Time) { l.Effective = t }),
	"phoneNumber": func(l *orderLine, raw []byte) error {
		c, err := readText(raw)
		if err == nil && c.Value == nil {
			err = errors.New("it cannot be null")
		}
		if err != nil {
			return err
		}
		l.given["phoneNumber"] = true
		l.PhoneNumber = *c.Value
		return nil
	},
	"categoryId":          orderOptional(readInt, func(l *orderLine) **int64 { return &l.Category }),
	"wholeSalesPartnerId": orderOptional(readInt, func(l *orderLine) **int64 { return &l.WholesalePartner }),
	"salesCode":           orderOptional(readText, func(l *orderLine) **string { return &l.SalesCode }),
}

func orderOptional[T any](read func([]byte) (billing.Change[T], error), place func(*orderLine) **T) func(*orderLine, []byte) error {
	return func(l *orderLine, raw []byte) error {
		c, err := read(raw)
		*place(l) = c.Value
		return err
	}
}

func decodeOrder(members []member) (line, error) {
	l := orderLine{given: map[string]bool{}}
	if err := fill(&l, members, orderSetters); err != nil {
		return nil, err
	}
	for _, name := range []string{"id", "subscription", "payment", "orderTypeId", "statusId", "createdDate", "date", "phoneNumber"} {
		if !l.given[name] {
			return nil, fmt.Errorf("%s is missing", name)
		}
	}
	return &l, nil
}

// pages calls read with the id after which it goes on, until a page is not full.
func pages[ID ~int64](x *export, read func(after ID) (n int, last ID, err error)) error {
	for after := ID(0); ; {
		n, last, err := read(after)
		if err == nil {
			err = x.ctx.Err()
		}
		if err != nil || n < page {
			return err
		}
		after = last
	}
}

func (x *export) subscriptions() error {
	return pages(x, func(after billing.SubscriptionID) (int, billing.SubscriptionID, error) {
		list, err := x.r.Subscriptions(after, page)
		for i := range list {
			s := &list[i]
			w := x.w.begin("subscription").int("id", int64(s.ID)).owner(s.Owner).text("phoneNumber", s.PhoneNumber)
			ordered(w, s.Category, s.WholesalePartner, s.SalesCode)
			if s.State != billing.SubscriptionActive {
				w.text("state", string(s.State))
			}
			if err := w.end(); err != nil {
				return 0, 0, err
			}
			after = s.ID
		}
		return len(list), after, err
	})
}

// ordered writes what a subscription and its orders share.
func ordered(w *lineWriter, category, partner *int64, salesCode *string) {
	for _, f := range []struct {
		name  string
		value *int64
	}{{"categoryId", category}, {"wholeSalesPartnerId", partner}} {
		if f.value == nil {
			w.null(f.name)
		} else {
			w.int(f.name, *f.value)
		}
	}
	if salesCode == nil {
		w.null("salesCode")
	} else {
		w.text("salesCode", *salesCode)
	}
}

func (x *export) payments() error {
	return pages(x, func(after billing.GatewayPaymentID) (int, billing.GatewayPaymentID, error) {
		list, err := x.r.GatewayPayments(after, page)
		for i := range list {
			p := &list[i]
			w := x.w.begin("payment").int("id", int64(p.ID)).owner(p.Owner).money("amount", p.Amount, p.Currency).
				text("currency", string(p.Currency)).cardOrNull("i_debit_credit_card", p.Card).text("status", p.Status)
			if err := w.end(); err != nil {
				return 0, 0, err
			}
			after = p.ID
		}
		return len(list), after, err
	})
}

// orders keep a payment from being used again where the export is imported.
func (x *export) orders() error {
	return pages(x, func(after billing.OrderID) (int, billing.OrderID, error) {
		list, err := x.r.Orders(after, page)
		for i := range list {
			d := &list[i]
			w := x.w.begin("order").int("id", int64(d.ID)).int("subscription", int64(d.Subscription)).int("payment", int64(d.Payment)).
				int("orderTypeId", int64(d.Type)).int("statusId", int64(d.Status)).time("createdDate", d.CreatedAt).time("date", d.EffectiveAt).
				text("phoneNumber", d.PhoneNumber)
			ordered(w, d.Category, d.WholesalePartner, d.SalesCode)
			if err := w.end(); err != nil {
				return 0, 0, err
			}
			after = d.ID
		}
		return len(list), after, err
	})
}
