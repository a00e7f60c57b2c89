package sippy

import (
	"context"
	"testing"
	"time"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// fakePayments is the part of fake that payments ask.
type fakePayments struct {
	made   billing.MadePayment
	make   billing.MakePaymentParams
	id     billing.PaymentID
	filter billing.PaymentFilter
	list   []billing.Payment
}

func (f *fake) MakePayment(ctx context.Context, p billing.MakePaymentParams) (billing.MadePayment, error) {
	f.calls, f.actor, f.owner, f.make = f.calls+1, billing.ActorFrom(ctx), p.Owner, p
	return f.made, f.err
}

func (f *fake) MakePaymentByCard(ctx context.Context, p billing.MakePaymentByCardParams) (billing.MadePayment, error) {
	f.terms = p.Terms
	return f.MakePayment(ctx, p.MakePaymentParams)
}

func (f *fake) PaymentInfo(ctx context.Context, o billing.OwnerID, id billing.PaymentID) (billing.Payment, error) {
	f.calls, f.actor, f.owner, f.id = f.calls+1, billing.ActorFrom(ctx), o, id
	if len(f.list) == 0 {
		return billing.Payment{}, f.err
	}
	return f.list[0], f.err
}

func (f *fake) Payments(ctx context.Context, filter billing.PaymentFilter) ([]billing.Payment, error) {
	f.calls, f.actor, f.owner, f.filter = f.calls+1, billing.ActorFrom(ctx), filter.Owner, filter
	return f.list, f.err
}

var (
	payCall  = members{m("i_account", xmlrpc.Int(100)), m("amount", xmlrpc.Double("2.5")), m("currency", xmlrpc.String("USD")), m("payer_ip_address", xmlrpc.String("192.0.2.7"))}
	infoCall = members{m("i_account", xmlrpc.Int(100)), m("i_payment", xmlrpc.Int(7))}
)

func TestMakePaymentMembers(t *testing.T) {
	want := billing.MakePaymentParams{Owner: billing.Account(100), Amount: 2_500_000, Currency: "USD", Payer: "192.0.2.7"}
	if f := accepts(t, "makePayment", payCall); f.make != want {
		t.Errorf("%+v", f.make)
	}
	for _, null := range []xmlrpc.Value{xmlrpc.Nil(), xmlrpc.String("")} {
		if f := accepts(t, "makePayment", with(payCall, m("i_debit_credit_card", null))); f.make.Card != nil {
			t.Errorf("%+v", f.make)
		}
	}
	f := accepts(t, "makePayment", with(payCall, m("i_debit_credit_card", xmlrpc.Int(1000)), m("idempotency_key", xmlrpc.Int(5))))
	if f.make.Card == nil || *f.make.Card != 1000 || f.make.IdempotencyKey != "5" {
		t.Errorf("%+v", f.make)
	}
	f = accepts(t, "makePayment", with(without(payCall, "i_account"), m("i_customer", xmlrpc.Int(11))))
	if f.owner != billing.Customer(11) {
		t.Error(f.owner)
	}
	for _, name := range []string{"i_account", "amount", "currency", "payer_ip_address"} {
		refuses(t, "makePayment", without(payCall, name), 400, "Parameter "+name+" is required")
	}
	refuses(t, "makePayment", with(payCall, m("i_customer", xmlrpc.Int(11))), 400, bothOwners.String)
	for name, values := range map[string][]xmlrpc.Value{
		"amount":              {xmlrpc.Double("0.0"), xmlrpc.Int(-1), xmlrpc.Nil(), xmlrpc.String("2.5"), xmlrpc.Double("nan"), xmlrpc.Double("0.0000001")},
		"currency":            {xmlrpc.String("XXX"), xmlrpc.Nil(), xmlrpc.Int(840)},
		"payer_ip_address":    {xmlrpc.String(""), xmlrpc.Nil(), xmlrpc.Bool(true)},
		"i_debit_credit_card": {xmlrpc.Int(0), xmlrpc.Int(-1), xmlrpc.String("1000"), xmlrpc.Double("1.0")},
		"idempotency_key":     {xmlrpc.String(""), xmlrpc.Nil()},
	} {
		for _, v := range values {
			refuses(t, "makePayment", with(payCall, m(name, v)), 400, "Wrong "+name)
		}
	}
}

// byCardCall is a payment by the card that the samples of cards keep.
func byCardCall() members {
	in := append(members{}, payCall...)
	for _, card := range cardSample("addDebitCreditCard") {
		if card.Name != "i_account" && card.Name != "alias" && card.Name != "primary" {
			in = append(in, card)
		}
	}
	return in
}

func TestMakePaymentByCardMembers(t *testing.T) {
	in := byCardCall()
	f := accepts(t, "makePaymentByCard", in)
	if f.make.Owner != billing.Account(100) || f.make.Amount != 2_500_000 || f.make.Card != nil || f.terms.Number.Value == nil || f.terms.Phone.Value == nil {
		t.Errorf("%+v %+v", f.make, f.terms)
	}
	needed := 0
	for _, p := range makePaymentByCardMethod().params {
		if p.need {
			needed++
			refuses(t, "makePaymentByCard", without(in, p.name), 400, "Parameter "+p.name+" is required")
		}
	}
	if needed != 14 {
		t.Errorf("%d members are needed", needed)
	}
	refuses(t, "makePaymentByCard", with(in, m("payer_ip_address", xmlrpc.String(""))), 400, "Wrong payer_ip_address")
	refuses(t, "makePaymentByCard", with(in, m("exp_mm", xmlrpc.String("May"))), 400, "Wrong exp_mm")
}

func TestMakePaymentReplies(t *testing.T) {
	for result, word := range map[billing.PaymentResult]string{
		billing.PaymentOK: "OK", billing.PaymentFailed: "FAILED", billing.PaymentPending: "PENDING",
	} {
		f := fake{fakePayments: fakePayments{made: billing.MadePayment{ID: 15, Result: result}}}
		v, fault := f.call(t, acme, "makePayment", payCall)
		if want := xmlrpc.Struct(m("result", xmlrpc.String(word)), m("i_payment", xmlrpc.Int(15))); fault != nil || !v.Equal(want) {
			t.Errorf("%s: %v %v", word, v.Members(), fault)
		}
	}
}

func TestPaymentInfoMembers(t *testing.T) {
	if f := accepts(t, "getPaymentInfo", infoCall); f.id != 7 || f.owner != billing.Account(100) {
		t.Errorf("%d %s", f.id, f.owner)
	}
	refuses(t, "getPaymentInfo", without(infoCall, "i_payment"), 400, "Parameter i_payment is required")
	refuses(t, "getPaymentInfo", without(infoCall, "i_account"), 400, "Parameter i_account is required")
	for _, v := range []xmlrpc.Value{xmlrpc.Int(0), xmlrpc.Int(-1), xmlrpc.Nil(), xmlrpc.String("7"), xmlrpc.String("")} {
		refuses(t, "getPaymentInfo", with(infoCall, m("i_payment", v)), 400, "Wrong i_payment")
	}
}

func TestPaymentsListMembers(t *testing.T) {
	april := time.Date(2026, 4, 7, 9, 57, 29, 0, time.UTC)
	for _, c := range []struct {
		in   members
		want billing.PaymentFilter
	}{
		{nil, billing.PaymentFilter{}},
		{members{m("i_account", xmlrpc.Int(100))}, billing.PaymentFilter{Owner: billing.Account(100)}},
		{members{m("i_customer", xmlrpc.Int(10))}, billing.PaymentFilter{Owner: billing.Customer(10)}},
		{members{m("start_date", xmlrpc.String("09:57:29.000 GMT Tue Apr 07 2026"))}, billing.PaymentFilter{From: april}},
		{members{m("end_date", xmlrpc.String("09:57:29.000 GMT Tue Apr 07 2026"))}, billing.PaymentFilter{Until: april.Add(time.Second)}},
		{members{m("end_date", xmlrpc.DateTime("20260407T09:57:29.5"))}, billing.PaymentFilter{Until: april.Add(time.Second)}},
		{members{m("start_date", xmlrpc.String("00:00:00.000 GMT Thu Jan 01 1970"))}, billing.PaymentFilter{From: time.Unix(0, 0).UTC()}},
		{members{m("type", xmlrpc.String("credit"))}, billing.PaymentFilter{Direction: billing.MoneyIn}},
		{members{m("type", xmlrpc.String("debit"))}, billing.PaymentFilter{Direction: billing.MoneyOut}},
	} {
		c.want.Limit = billing.MaxPayments
		if f := accepts(t, "getPaymentsList", c.in); f.filter != c.want {
			t.Errorf("%s: %+v", named(c.in), f.filter)
		}
	}
	refuses(t, "getPaymentsList", members{m("i_account", xmlrpc.Int(1)), m("i_customer", xmlrpc.Int(1))}, 400, bothOwners.String)
	for name, values := range map[string][]xmlrpc.Value{
		"i_account":  {xmlrpc.Nil(), xmlrpc.Int(0)},
		"i_customer": {xmlrpc.Nil(), xmlrpc.String("10")},
		"start_date": {xmlrpc.String("yesterday"), xmlrpc.Nil(), xmlrpc.Int(20260101), xmlrpc.String("")},
		"end_date":   {xmlrpc.String("2026-01-01"), xmlrpc.Nil()},
		"type":       {xmlrpc.String("Credit"), xmlrpc.String(""), xmlrpc.Int(1), xmlrpc.Nil()},
	} {
		for _, v := range values {
			refuses(t, "getPaymentsList", members{m(name, v)}, 400, "Wrong "+name)
		}
	}
}

func TestPaymentReplies(t *testing.T) {
	at := time.Date(2026, 4, 7, 9, 57, 29, 999_000_000, time.UTC)
	charge := func(s billing.ChargeState) billing.Payment {
		return billing.Payment{
			ID: 15, Owner: billing.Account(100), At: at, Unit: "USD", Micros: 10_000_000, Kind: billing.PostCharge,
			State: s, Purpose: billing.PurposeManual, Card: "Visa 4242", Ref: "pi_1", Code: "card<declined>", Message: "R&D\nsays no",
		}
	}
	tried := func(last billing.AttemptState) billing.Payment {
		p := charge(billing.ChargeCreated)
		p.Attempt = last
		return p
	}
	automatic := charge(billing.ChargeSucceeded)
	automatic.Purpose = billing.PurposeLowBalance
	billed := charge(billing.ChargeSucceeded)
	billed.Purpose = billing.PurposeBillingRun
	cancelled := charge(billing.ChargeCancelled)
	cancelled.Reason = "card_gone"
	posting := func(kind billing.PostingKind, micros int64) billing.Payment {
		return billing.Payment{ID: 14, Owner: billing.Customer(10), At: at, Unit: "USD", Micros: micros, Kind: kind, Notes: "a & b"}
	}
	for _, c := range []struct {
		name            string
		p               billing.Payment
		amount, tx, err string
		result          int64
		card, voucher   bool
		notes           string
	}{
		{"paid", charge(billing.ChargeSucceeded), "10.0", "pi_1", "", 1, true, false, "payment: Visa 4242"},
		{"declined", charge(billing.ChargeFailed), "10.0", "pi_1", "carddeclined: RD says no", 2, true, false, "payment: Visa 4242"},
		{"never sent", cancelled, "10.0", "pi_1", "cancelled: card_gone", 2, true, false, "payment: Visa 4242"},
		{"open", charge(billing.ChargeCreated), "10.0", "pi_1", "pending: not sent", 0, true, false, "payment: Visa 4242"},
		{"to be tried again", tried(billing.AttemptDeclined), "10.0", "pi_1", "pending: declined, tried again later: carddeclined", 0, true, false, "payment: Visa 4242"},
		{"not attempted", tried(billing.AttemptNotSent), "10.0", "pi_1", "pending: not attempted: carddeclined", 0, true, false, "payment: Visa 4242"},
		{"sent", charge(billing.ChargeSubmitted), "10.0", "pi_1", "pending: sent", 0, true, false, "payment: Visa 4242"},
		{"unknown", charge(billing.ChargeUnknown), "10.0", "pi_1", "pending: the outcome is unknown", 0, true, false, "payment: Visa 4242"},
		{"for a person", charge(billing.ChargeUnresolved), "10.0", "pi_1", "pending: the outcome is unknown", 0, true, false, "payment: Visa 4242"},
		{"by a crossing", automatic, "10.0", "pi_1", "", 1, true, false, "low balance: Visa 4242"},
		{"by the billing run", billed, "10.0", "pi_1", "", 1, true, false, "billing run: Visa 4242"},
		{"funds", posting(billing.PostAddFunds, 5_250_000), "5.25", "", "", 1, false, false, "a & b"},
		{"usage", posting(billing.PostDebit, -1), "0.000001", "", "", 1, false, false, "a & b"},
		{"a refund", posting(billing.PostRefund, -1_000_000), "1.0", "", "", 1, true, false, "a & b"},
		{"a voucher", posting("voucher", 1_000_000), "1.0", "", "", 1, false, true, "a & b"},
	} {
		f := fake{fakePayments: fakePayments{list: []billing.Payment{c.p}}}
		info := members{
			m("payment_time", xmlrpc.String("09:57:29.000 GMT Tue Apr 07 2026")),
			m("amount", xmlrpc.Double(c.amount)), m("currency", xmlrpc.String("USD")),
			m("tx_id", xmlrpc.String(c.tx)), m("tx_error", xmlrpc.String(c.err)), m("tx_result", xmlrpc.Int(c.result)),
			m("by_credit_debit_card", xmlrpc.Bool(c.card)), m("by_voucher", xmlrpc.Bool(c.voucher)), m("notes", xmlrpc.String(c.notes)),
		}
		v, fault := f.call(t, acme, "getPaymentInfo", infoCall)
		if want := xmlrpc.Struct(append(members{m("result", xmlrpc.String("OK"))}, info...)...); fault != nil || !v.Equal(want) {
			t.Errorf("%s: %v %v", c.name, v.Members(), fault)
		}
		account, customer := xmlrpc.Int(100), xmlrpc.Nil()
		if c.p.ID == 14 {
			account, customer = xmlrpc.Nil(), xmlrpc.Int(10)
		}
		row := append(members{m("i_payment", xmlrpc.Int(int64(c.p.ID))), m("i_account", account), m("i_customer", customer)}, info...)
		v, fault = f.call(t, acme, "getPaymentsList", nil)
		want := xmlrpc.Struct(m("result", xmlrpc.String("OK")), m("payments", xmlrpc.Array(xmlrpc.Struct(row...))))
		if fault != nil || !v.Equal(want) {
			t.Errorf("%s: %v %v", c.name, v.Members(), fault)
		}
	}
}

// Payment methods read i_wholesaler and pass the engine's errors as all others do.
func TestPaymentFaults(t *testing.T) {
	for name, in := range map[string]members{"makePayment": payCall, "makePaymentByCard": byCardCall(), "getPaymentInfo": infoCall, "getPaymentsList": nil} {
		refuses(t, name, with(in, m("i_wholesaler", xmlrpc.Int(11))), 401, "Wrong i_wholesaler")
		refuses(t, name, with(in, m("i_wholesaler", xmlrpc.Nil())), 400, "Wrong i_wholesaler")
		if f := accepts(t, name, with(in, m("i_wholesaler", xmlrpc.Int(10)))); !f.actor.Direct {
			t.Errorf("%s: %+v", name, f.actor)
		}
		for _, code := range billing.Codes() {
			f := fake{err: billing.Errorf(code, "i_account", "x")}
			if _, fault := f.call(t, acme, name, in); fault == nil || *fault != Fault(f.err) {
				t.Errorf("%s, %s: %v", name, code, fault)
			}
		}
	}
}
