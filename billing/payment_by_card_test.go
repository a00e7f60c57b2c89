package billing_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"topupd/billing"
	"topupd/db/dbtest"
)

func byCard(num string, change ...func(*billing.MakePaymentParams)) billing.MakePaymentByCardParams {
	return billing.MakePaymentByCardParams{MakePaymentParams: ten(change...), Terms: terms(number(num))}
}

func (k *kit) payByCard(p billing.MakePaymentByCardParams) billing.MadePayment {
	k.t.Helper()
	made, err := k.engine.MakePaymentByCard(root(t0), p)
	k.ok(err)
	return made
}

// oneTime are the cards of account 100 that were given with a payment.
func (k *kit) oneTime() (list []billing.Card) {
	k.t.Helper()
	k.ok(k.engine.Snapshot(root(t0), func(r billing.Reader) error {
		all, err := r.CardsOf(alice)
		list = nil
		for _, c := range all {
			if c.Aside == "one_time" {
				list = append(list, c)
			}
		}
		return err
	}))
	return list
}

func TestPaymentByCard(t *testing.T) {
	for num, want := range map[string]struct {
		result billing.PaymentResult
		state  billing.ChargeState
		last4  string
	}{
		"4242424242424242": {billing.PaymentOK, billing.ChargeSucceeded, "4242"},
		"4000000000000002": {billing.PaymentFailed, billing.ChargeFailed, "0002"},
		"tok_ok":           {billing.PaymentOK, billing.ChargeSucceeded, ""},
	} {
		t.Run(num, func(t *testing.T) {
			k := newKit(t, noWait)
			k.seed("tok_ok")
			made := k.payByCard(byCard(num, key("a")))
			// It is there for this payment only, and nobody sees it.
			card := k.oneTime()[0]
			if card.State != billing.CardDeleted || card.Primary || len(card.Token) == 0 || card.Holder != "" || card.Last4 != want.last4 {
				t.Errorf("while it is charged: %+v", card)
			}
			listed, err := k.engine.Cards(root(t0), billing.CardsParams{Owner: alice})
			k.ok(err)
			if len(listed) != 1 || listed[0].ID != 1000 {
				t.Errorf("listed: %+v", listed)
			}
			if _, err := k.engine.MakePayment(root(t0), ten(func(p *billing.MakePaymentParams) { p.Card = &card.ID })); !errors.Is(err, billing.NotFound) {
				t.Errorf("charged by its number: %v", err)
			}
			k.restart()
			k.drain(t0)
			k.wantStates(want.state)
			if card := k.oneTime()[0]; len(card.Token) != 0 {
				t.Errorf("when it was charged: %+v", card)
			}
			if p := k.payment(made.ID); p.Result() != want.result {
				t.Errorf("%+v", p)
			}
			if again := k.payByCard(byCard(num, key("a"))); again.ID != made.ID || again.Result != want.result {
				t.Errorf("%+v again: %+v", made, again)
			}
			k.verify()
			k.ok(k.store.Close())
			if len(num) == 16 && bytes.Contains(dbtest.Contents(t, k.address), []byte(num)) {
				t.Error("the database holds the number")
			}
			k.open()
		})
	}
}

func TestSamePaymentByCardAgain(t *testing.T) {
	k := newKit(t, noWait)
	k.seed("tok_ok")
	first := k.payByCard(byCard("4242424242424242"))
	if again := k.payByCard(byCard("4242 4242 4242 4242")); !again.Repeated || again.ID != first.ID || len(k.oneTime()) != 1 {
		t.Errorf("%+v again: %+v, cards %+v", first, again, k.oneTime())
	}
	for _, other := range []billing.MakePaymentByCardParams{
		byCard("4111111111111111"),
		byCard("tok_ok"),
		byCard("4242424242424242", func(p *billing.MakePaymentParams) { p.Amount = 11 * usd }),
		byCard("4242424242424242", key("b")),
	} {
		if made := k.payByCard(other); made.Repeated || made.ID == first.ID {
			t.Errorf("%+v, then %+v", first, made)
		}
	}
	for name, call := range map[string]func() error{
		"another card": func() error {
			return second(k.engine.MakePaymentByCard(root(t0), byCard("4111111111111111", key("b"))))
		},
		"a stored card": func() error { return second(k.engine.MakePayment(root(t0), ten(key("b")))) },
	} {
		if err := call(); !errors.Is(err, billing.KeyReused) {
			t.Errorf("%s with the key: %v", name, err)
		}
	}
	if n := len(k.charges()); n != 5 {
		t.Errorf("%d charges", n)
	}
}

func TestParallelPaymentsByCard(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.working(k.engine)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			made, err := k.engine.MakePaymentByCard(root(t0), byCard("4242424242424242"))
			if err != nil || made.Result != billing.PaymentOK {
				t.Errorf("%+v %v", made, err)
			}
		})
	}
	wg.Wait()
	k.wantStates(billing.ChargeSucceeded)
	k.wantBalance(30 * usd)
	if n := len(k.oneTime()); n != 1 {
		t.Errorf("%d cards", n)
	}
}

func TestPaymentByCardIsRefusedAndNothingChanges(t *testing.T) {
	k := newKit(t, noWait)
	k.seed("tok_ok")
	for _, tt := range []struct {
		name  string
		p     billing.MakePaymentByCardParams
		code  billing.Code
		field string
	}{
		{"a real number", byCard("4485275742308327"), billing.Forbidden, "number"},
		{"no number", byCard("4242424242424241"), billing.Invalid, "number"},
		{"a null", billing.MakePaymentByCardParams{MakePaymentParams: ten(), Terms: terms(func(p *billing.CardTerms) { p.Number = billing.ToNull[billing.Secret]() })}, billing.Invalid, "number"},
		{"no holder", billing.MakePaymentByCardParams{MakePaymentParams: ten(), Terms: terms(func(p *billing.CardTerms) { p.Holder = billing.Change[string]{} })}, billing.Missing, "holder"},
		{"a past card", billing.MakePaymentByCardParams{MakePaymentParams: ten(), Terms: terms(func(p *billing.CardTerms) { p.ExpYear = billing.To(int64(2020)) })}, billing.Invalid, "exp_yy"},
		{"another currency", byCard("tok_ok", func(p *billing.MakePaymentParams) { p.Currency = "EUR" }), billing.WrongCurrency, "currency"},
		{"half a cent", byCard("tok_ok", func(p *billing.MakePaymentParams) { p.Amount = usd / 200 }), billing.Invalid, "amount"},
		{"an unknown owner", byCard("tok_ok", func(p *billing.MakePaymentParams) { p.Owner = billing.Account(999) }), billing.NotFound, "i_account"},
	} {
		_, err := k.engine.MakePaymentByCard(root(t0), tt.p)
		if err == nil || billing.ErrorCode(err) != tt.code || billing.ErrorField(err) != tt.field {
			t.Errorf("%s: %v (%s %s)", tt.name, err, billing.ErrorCode(err), billing.ErrorField(err))
		}
	}
	if k.wantStates(); len(k.oneTime()) != 0 {
		t.Errorf("%+v", k.oneTime())
	}
}
