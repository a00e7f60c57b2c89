package sippy

import (
	"context"
	"slices"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// voucherEngine is what rechargeVoucher needs.
type voucherEngine interface {
	Recharge(ctx context.Context, p billing.RechargeParams) (billing.Recharged, error)
}

func voucherMethods() []method {
	return []method{{
		name: "rechargeVoucher", use: billing.UsePays, about: "Credits an account with a voucher, which works once.", run: (*api).rechargeVoucher,
		params: slices.Concat(anAccount.eitherParams(), []param{
			{name: "voucher_id", kind: "string", need: true, note: "the code of the voucher"},
			{name: "secret_pin", kind: "string", note: "where the voucher has one"},
		}),
		returns: []param{
			{name: "value", kind: "double", note: "what the voucher was worth"},
			{name: "voucher_currency", kind: "string", note: "ISO 4217"},
			{name: "payer_amount", kind: "double", note: "what was credited"},
		},
	}}
}

func (a *api) rechargeVoucher(ctx context.Context, c call) (xmlrpc.Value, error) {
	p, err := rechargeParams(c.Params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	done, err := a.engine.Recharge(ctx, p)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	return xmlrpc.Struct(
		resultOK,
		xmlrpc.Member{Name: "value", Value: double(done.Value.Micros)},
		xmlrpc.Member{Name: "voucher_currency", Value: xmlrpc.String(string(done.Value.Unit))},
		xmlrpc.Member{Name: "payer_amount", Value: double(done.Value.Micros)}, // an account has the voucher's currency
	), nil
}

func rechargeParams(p xmlrpc.Params) (r billing.RechargeParams, err error) {
	if r.Account, r.Username, err = anAccount.readEither(p); err != nil {
		return r, err
	}
	code, err := neededText(p, "voucher_id")
	if err != nil {
		return r, err
	}
	pin, state, err := p.String("secret_pin") // null is no PIN
	if err != nil || state == xmlrpc.Null {
		pin = ""
	}
	r.Code, r.PIN = billing.Secret(code), billing.Secret(pin)
	return r, err
}
