package sippy

import (
	"context"
	"testing"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// fakeVoucher is the voucher part of the fake engine.
type fakeVoucher struct {
	recharge  billing.RechargeParams
	recharged billing.Recharged
}

func (f *fake) Recharge(ctx context.Context, p billing.RechargeParams) (billing.Recharged, error) {
	f.calls, f.actor, f.owner, f.recharge = f.calls+1, billing.ActorFrom(ctx), p.Account, p
	return f.recharged, f.err
}

func TestRechargeVoucherMembers(t *testing.T) {
	in := members{m("i_account", xmlrpc.Int(100)), m("voucher_id", xmlrpc.String("AB-CD"))}
	if f := accepts(t, "rechargeVoucher", in); f.recharge != (billing.RechargeParams{Account: billing.Account(100), Code: "AB-CD"}) {
		t.Errorf("got %+v", f.recharge.Account)
	}
	// Perl turns digits into numbers; the first zero stays.
	byName := with(without(in, "i_account"), m("username", xmlrpc.Int(15551230100)), m("secret_pin", xmlrpc.String("0042")), m("voucher_id", xmlrpc.Int(12345678)))
	if f := accepts(t, "rechargeVoucher", byName); f.recharge != (billing.RechargeParams{Username: "15551230100", Code: "12345678", PIN: "0042"}) {
		t.Errorf("got %+v", f.recharge.Username)
	}
	accepts(t, "rechargeVoucher", with(in, m("secret_pin", xmlrpc.Nil())))
	refuses(t, "rechargeVoucher", without(in, "i_account"), 400, "Parameter i_account is required")
	refuses(t, "rechargeVoucher", without(in, "voucher_id"), 400, "Parameter voucher_id is required")
	refuses(t, "rechargeVoucher", with(in, m("username", xmlrpc.String("x"))), 400, either("i_account", "username").String)
	refuses(t, "rechargeVoucher", with(byName, m("username", xmlrpc.String(""))), 400, "Wrong username")
	refuses(t, "rechargeVoucher", with(in, m("i_account", xmlrpc.Int(billing.MaxOwnerNumber+1))), 401, "Wrong i_account")
	for _, name := range []string{"i_account", "username", "voucher_id", "secret_pin"} {
		from := in
		if name == "username" {
			from = byName
		}
		for _, v := range []xmlrpc.Value{xmlrpc.Bool(true), xmlrpc.Struct(), xmlrpc.Array()} {
			refuses(t, "rechargeVoucher", with(from, m(name, v)), 400, "Wrong "+name)
		}
		if name != "secret_pin" {
			refuses(t, "rechargeVoucher", with(from, m(name, xmlrpc.Nil())), 400, "Wrong "+name)
		}
	}
	f := fake{fakeVoucher: fakeVoucher{recharged: billing.Recharged{Value: billing.Money(12_500_000, "USD")}}}
	v, fault := f.call(t, acme, "rechargeVoucher", in)
	want := xmlrpc.Struct(m("result", xmlrpc.String("OK")), m("value", xmlrpc.Double("12.5")), m("voucher_currency", xmlrpc.String("USD")), m("payer_amount", xmlrpc.Double("12.5")))
	if fault != nil || !v.Equal(want) {
		t.Errorf("%v %v", fault, v.Members())
	}
}
