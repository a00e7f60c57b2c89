package sippy

import (
	"testing"
	"time"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func TestMovements(t *testing.T) {
	for method, want := range map[string]billing.MoveFundsParams{
		"accountAddFunds":  {Owner: billing.Account(100), Kind: billing.PostAddFunds},
		"accountCredit":    {Owner: billing.Account(100), Kind: billing.PostCredit},
		"accountDebit":     {Owner: billing.Account(100), Kind: billing.PostDebit},
		"customerAddFunds": {Owner: billing.Customer(11), Kind: billing.PostAddFunds, FromParent: true},
		"customerCredit":   {Owner: billing.Customer(11), Kind: billing.PostCredit, FromParent: true},
		"customerDebit":    {Owner: billing.Customer(11), Kind: billing.PostDebit, FromParent: true},
	} {
		want.Amount, want.Currency = 2_500_000, "USD"
		if f := accepts(t, method, sample(method)); f.funds != want {
			t.Errorf("%s: %+v", method, f.funds)
		}
		in := with(sample(method),
			m("payment_notes", xmlrpc.String("by cash")), m("idempotency_key", xmlrpc.String("k-1")),
			m("payment_time", xmlrpc.String("09:57:29.000 GMT Tue Apr 07 2026")))
		want.Notes, want.IdempotencyKey = "by cash", "k-1"
		want.EffectiveAt = time.Date(2026, 4, 7, 9, 57, 29, 0, time.UTC)
		if f := accepts(t, method, in); f.funds != want {
			t.Errorf("%s: %+v", method, f.funds)
		}
	}
}

func TestMovementMembers(t *testing.T) {
	other := []xmlrpc.Value{xmlrpc.Nil(), xmlrpc.Bool(true), xmlrpc.Struct(), xmlrpc.Array(), xmlrpc.Base64([]byte("1"))}
	bad := map[string][]xmlrpc.Value{
		"amount": {
			xmlrpc.Int(0), xmlrpc.Int(-1), xmlrpc.Double("0.0"), xmlrpc.Double("-0.0"), xmlrpc.Double("-2.5"), xmlrpc.Double("0.0000001"), xmlrpc.Double("1e-12"),
			xmlrpc.Double("nan"), xmlrpc.Double("inf"), xmlrpc.Double("1e300"), xmlrpc.String("2.5"), xmlrpc.String(""), xmlrpc.DateTime("20260101T00:00:00"),
		},
		"currency": {
			xmlrpc.String(""), xmlrpc.String("US"), xmlrpc.String("USDT"), xmlrpc.String(" USD"), xmlrpc.String("XXX"), xmlrpc.String("US$"), xmlrpc.Int(840),
		},
		"payment_notes": {xmlrpc.DateTime("20260101T00:00:00")},
		"payment_time": {
			xmlrpc.String(""), xmlrpc.String("now"), xmlrpc.Int(20260407), xmlrpc.Double("1.0"), xmlrpc.DateTime("yesterday"), xmlrpc.Base64([]byte("20260407T09:57:29")),
			xmlrpc.String("09:57:29.000 GMT Fri Dec 31 1999"), xmlrpc.DateTime("19991231T23:59:59"), xmlrpc.String("09:57:29.000 GMT Tue Apr 07 2126"),
		},
		"idempotency_key": {xmlrpc.String("")},
	}
	for _, movement := range movements {
		in := sample(movement.name)
		for name, values := range bad {
			for _, v := range append(values, other...) {
				refuses(t, movement.name, with(in, m(name, v)), 400, "Wrong "+name)
			}
		}
		for _, name := range []string{"amount", "currency"} {
			refuses(t, movement.name, without(in, name), 400, "Parameter "+name+" is required")
		}
	}
}

func TestMovementLeniencies(t *testing.T) {
	in := sample("accountDebit")
	for _, c := range []struct {
		member xmlrpc.Member
		get    func(billing.MoveFundsParams) any
		want   any
	}{
		{m("amount", xmlrpc.Int(3)), amountIn, int64(3_000_000)},
		{m("amount", xmlrpc.Double("0.30000000000000004")), amountIn, int64(300_000)},
		{m("amount", xmlrpc.Double("1e-06")), amountIn, int64(1)},
		{m("currency", xmlrpc.String("usd")), currencyIn, billing.Unit("USD")},
		{m("currency", xmlrpc.String("Eur")), currencyIn, billing.Unit("EUR")},
		// Perl turns digits into numbers.
		{m("payment_notes", xmlrpc.Int(42)), notesIn, "42"},
		{m("payment_notes", xmlrpc.String("")), notesIn, ""},
		{m("payment_notes", xmlrpc.String("a & <b>\n")), notesIn, "a & <b>\n"},
		{m("idempotency_key", xmlrpc.Int(17)), keyIn, "17"},
		{m("payment_time", xmlrpc.String("20260407T09:57:29")), timeIn, time.Date(2026, 4, 7, 9, 57, 29, 0, time.UTC)},
		{m("payment_time", xmlrpc.DateTime("20260407T09:57:29.5")), timeIn, time.Date(2026, 4, 7, 9, 57, 29, 500_000_000, time.UTC)},
	} {
		if f := accepts(t, "accountDebit", with(in, c.member)); c.get(f.funds) != c.want {
			t.Errorf("%s: got %v, want %v", named(members{c.member}), c.get(f.funds), c.want)
		}
	}
}

func amountIn(p billing.MoveFundsParams) any   { return p.Amount }
func currencyIn(p billing.MoveFundsParams) any { return p.Currency }
func notesIn(p billing.MoveFundsParams) any    { return p.Notes }
func keyIn(p billing.MoveFundsParams) any      { return p.IdempotencyKey }
func timeIn(p billing.MoveFundsParams) any     { return p.EffectiveAt }
