package sippy

import (
	"context"
	"slices"
	"time"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func getPaymentsListMethod() method {
	return method{
		name: "getPaymentsList", use: billing.UseReads, about: "Lists payments of an account, of a customer, or of the customer who calls, newest first.",
		caller: byWholesaler, run: (*api).getPaymentsList,
		params: slices.Concat([]param{
			{name: "i_account", kind: "int", note: "the account"},
			{name: "i_customer", kind: "int", note: "the customer; without both the caller's own payments"},
		}, pageParams(billing.MaxPayments), []param{
			{name: "start_date", kind: "string", note: "as payment_time, from then on"},
			{name: "end_date", kind: "string", note: "as payment_time, that second too"},
			{name: "type", kind: "string", note: "credit is money in, debit is money out"},
		}),
		returns: []param{{name: "payments", kind: "array", note: "of structs as getPaymentInfo returns, with i_payment, i_account and i_customer"}},
	}
}

func (a *api) getPaymentsList(ctx context.Context, c call) (xmlrpc.Value, error) {
	filter, err := paymentFilter(c.Params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	list, err := a.engine.Payments(ctx, filter)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	rows := make([]xmlrpc.Value, len(list))
	for i := range list {
		rows[i] = paymentRow(&list[i])
	}
	return xmlrpc.Struct(resultOK, xmlrpc.Member{Name: "payments", Value: xmlrpc.Array(rows...)}), nil
}

// paymentRow names the owner on its side; the other side is null (S-306).
func paymentRow(p *billing.Payment) xmlrpc.Value {
	account, customer := xmlrpc.Nil(), xmlrpc.Nil()
	if p.Owner.IsAccount() {
		account = xmlrpc.Int(p.Owner.Number())
	} else {
		customer = xmlrpc.Int(p.Owner.Number())
	}
	row := make([]xmlrpc.Member, 0, 12)
	return xmlrpc.Struct(paymentReply(append(row,
		xmlrpc.Member{Name: "i_payment", Value: xmlrpc.Int(int64(p.ID))},
		xmlrpc.Member{Name: "i_account", Value: account},
		xmlrpc.Member{Name: "i_customer", Value: customer},
	), p)...)
}

func paymentFilter(p xmlrpc.Params) (f billing.PaymentFilter, err error) {
	if f.Owner, err = ownerOrNone(p); err != nil {
		return f, err
	}
	rows, err := pageOf(p, billing.MaxPayments)
	if err != nil {
		return f, err
	}
	f.Offset, f.Limit = rows.offset, int(rows.limit)
	if f.From, err = momentOf(p, "start_date"); err != nil {
		return f, err
	}
	if f.Until, err = momentOf(p, "end_date"); err != nil {
		return f, err
	}
	if !f.Until.IsZero() { // the dates that we write have no less than a second
		f.Until = f.Until.Truncate(time.Second).Add(time.Second)
	}
	kind, given, err := textOf(p, "type")
	switch {
	case err != nil || !given:
	case kind == "credit":
		f.Direction = billing.MoneyIn
	case kind == "debit":
		f.Direction = billing.MoneyOut
	default:
		err = wrong("type")
	}
	return f, err
}

// ownerOrNone is ownerOf where a call without an owner is about the caller.
func ownerOrNone(p xmlrpc.Params) (billing.OwnerID, error) {
	_, account := p.Value("i_account")
	_, customer := p.Value("i_customer")
	if !account && !customer {
		return 0, nil
	}
	return ownerOf(p)
}
