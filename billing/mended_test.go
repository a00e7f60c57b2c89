package billing_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"topupd/billing"
)

// An owner that paid with a card of one payment can be deleted, and nothing of that
// card is left but what the history shows.
func TestDeleteAfterAPaymentByCard(t *testing.T) {
	k := newKit(t, noWait)
	k.seed("tok_ok")
	k.payByCard(byCard("4242424242424242"))
	if err := k.engine.DeleteOwner(root(t0), billing.Account(100)); !errors.Is(err, billing.Conflict) {
		t.Fatalf("with an open payment: %v", err)
	}
	k.drain(t0)
	k.wantStates(billing.ChargeSucceeded)
	k.set(t0, billing.SetLowBalanceParams{ChargeCard: billing.To(false)})
	k.debit(t0, k.balance(billing.Account(100)))
	k.ok(k.engine.DeleteOwner(root(t0), billing.Account(100)))
	for _, c := range k.stored() {
		if c.State != billing.CardDeleted || len(c.Token) != 0 || c.Holder != "" || c.Alias != "" {
			t.Errorf("left: %+v", c)
		}
	}
	if card := k.oneTime(); len(card) != 1 || card[0].Last4 != "4242" {
		t.Errorf("what its payment shows: %+v", card)
	}
	k.verify()
}

// What a key has paid is told again, whatever the least payment became since; another
// payment is asked for it.
func TestRepeatBelowTheLeastPayment(t *testing.T) {
	for name, pay := range map[string]func(*kit, string) (billing.MadePayment, error){
		"a stored card": func(k *kit, id string) (billing.MadePayment, error) {
			return k.engine.MakePayment(root(t0), ten(key(id)))
		},
		"without a key": func(k *kit, id string) (billing.MadePayment, error) {
			at := t0
			if id == "b" {
				at = t0.Add(time.Hour)
			}
			return k.engine.MakePayment(root(at), ten())
		},
		"a card with the call": func(k *kit, id string) (billing.MadePayment, error) {
			return k.engine.MakePaymentByCard(root(t0), byCard("4242424242424242", key(id)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, noWait)
			k.seed("tok_ok")
			made, err := pay(k, "a")
			k.ok(err)
			k.drain(t0)
			k.ok(k.update(t0, billing.OwnerLine{MinPayment: billing.To(int64(11 * usd))}))
			again, err := pay(k, "a")
			if err != nil || again.ID != made.ID || !again.Repeated || again.Result != billing.PaymentOK {
				t.Errorf("%+v again: %+v, %v", made, again, err)
			}
			if _, err := pay(k, "b"); billing.ErrorCode(err) != billing.Invalid || billing.ErrorField(err) != "amount" {
				t.Errorf("another one: %v", err)
			}
			k.wantStates(billing.ChargeSucceeded)
		})
	}
}

// A voucher is a payment, so it is asked for the least one; it stays good.
func TestVoucherBelowTheLeastPayment(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	v := k.vouchers(billing.CreateVouchersParams{})[0]
	k.ok(k.update(t0, billing.OwnerLine{MinPayment: billing.To(v.Amount + 1)}))
	if err := k.recharge(t0, v.Code, ""); billing.ErrorCode(err) != billing.Invalid || billing.ErrorField(err) != "amount" {
		t.Errorf("below: %v", err)
	}
	k.wantBalance(20 * usd)
	k.ok(k.update(t0, billing.OwnerLine{MinPayment: billing.To(v.Amount)}))
	k.ok(k.recharge(t0, v.Code, ""))
}

// A form that lifts the operator's block wakes an owner that billing blocked as well:
// its card is charged, and that lifts the rest.
func TestLiftedOperatorsBlockWakes(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	both := billing.BlockOperator | billing.BlockBilling
	k.ok(k.store.Update(t.Context(), func(tx billing.Tx) error { return tx.SetBlocked(billing.Account(100), both, t0) }))
	k.debit(t0, 18*usd)
	k.sweep(t0.Add(time.Hour))
	k.wantStates()
	at := t0.Add(2 * time.Hour)
	k.ok(k.update(at, billing.OwnerLine{Blocked: billing.To(true)}))
	k.sweep(at)
	k.wantStates()
	k.ok(k.update(at, billing.OwnerLine{Blocked: billing.To(false)}))
	if got := k.owner().Blocked; got != billing.BlockBilling {
		t.Errorf("blocked for %s", got)
	}
	k.sweep(at)
	k.wantStates(billing.ChargeSucceeded)
	if got := k.owner().Blocked; got != 0 {
		t.Errorf("blocked for %s", got)
	}
}

// A payment that waits is never sent with a token of another gateway: where its card
// was moved meanwhile it ends.
func TestPaymentOfACardThatMoved(t *testing.T) {
	k := newKit(t, noWait, func(c *billing.Config) { c.Gateways = append(c.Gateways, &elsewhere{Gateway: c.Gateways[0]}) })
	k.seed("tok_ok")
	made := k.pay(t0, ten())
	k.importCard(func(l *billing.CardLine) {
		l.Gateway, l.Token = billing.To("elsewhere"), billing.To(billing.Secret("tok_ok"))
	})
	k.drain(t0)
	k.wantStates(billing.ChargeCancelled)
	if p := k.payment(made.ID); p.Result() != billing.PaymentFailed || p.Error() != "cancelled: card_changed" {
		t.Errorf("%+v %q", p, p.Error())
	}
	k.wantBalance(20 * usd)
	k.pay(t0.Add(time.Hour), ten()) // and by its new gateway it is taken
	k.drain(t0.Add(time.Hour))
	k.wantStates(billing.ChargeCancelled, billing.ChargeSucceeded)
}

// elsewhere is a second gateway.
type elsewhere struct{ billing.Gateway }

func (*elsewhere) Name() string { return "elsewhere" }

// Each change of a customer's login is told: a new one, another password, another
// name, access; and access is that of all its logins.
func TestAuditOfWebLogins(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	id, err := k.engine.CreateOwner(root(t0), billing.CreateOwnerParams{Kind: billing.KindCustomer, Terms: billing.OwnerLine{
		Name: billing.To("Sub"), Login: billing.To("sub"), Password: billing.To(billing.Secret("hunter-1")),
	}})
	k.ok(err)
	logins := func() (rows []string) {
		for _, row := range k.audits() {
			if strings.Contains(row, " logins:") {
				rows = append(rows, row)
			}
			if strings.Contains(row, "hunter") {
				t.Errorf("a password is told: %s", row)
			}
		}
		return rows
	}
	want := func(what string, want ...string) {
		t.Helper()
		if got := logins(); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	change := func(l billing.OwnerLine, access billing.Change[bool]) {
		t.Helper()
		l.Owner = id
		k.ok(k.engine.UpdateOwner(root(t0), billing.UpdateOwnerParams{Terms: l, APIAccess: access}))
	}
	none := billing.Change[bool]{}
	want("made", "A logins:web_login=sub")
	change(billing.OwnerLine{Password: billing.To(billing.Secret("hunter-2"))}, none)
	want("another password", "PSWD_CHNG logins:web_login=sub")
	change(billing.OwnerLine{Login: billing.To("sub")}, none)
	want("the same name")
	change(billing.OwnerLine{Login: billing.To("sub2"), Password: billing.To(billing.Secret("hunter-2"))}, none)
	want("another name", "D logins:web_login=sub", "A logins:web_login=sub2")

	k.ok(k.engine.AddLogin(root(t0), "sub3", id, "hunter-3"))
	k.audits()
	in := func(want bool) {
		t.Helper()
		for _, name := range []string{"sub2", "sub3"} {
			if _, err := k.engine.Credential(t.Context(), name); (err == nil) != want {
				t.Errorf("%s gets in: %v", name, err)
			}
		}
	}
	in(true)
	change(billing.OwnerLine{}, billing.To(false))
	in(false)
	want("closed", `U logins:web_login=sub2 {"disabled":"0 to 1"}`, `U logins:web_login=sub3 {"disabled":"0 to 1"}`)
	change(billing.OwnerLine{}, billing.To(false))
	want("again")
	change(billing.OwnerLine{}, billing.To(true))
	in(true)
	want("opened", `U logins:web_login=sub2 {"disabled":"1 to 0"}`, `U logins:web_login=sub3 {"disabled":"1 to 0"}`)
}
