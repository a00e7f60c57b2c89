package sippy

import (
	"context"
	"slices"
	"time"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func getAccountInfoMethod() method {
	return method{
		name: "getAccountInfo", use: billing.UseReads, about: "Returns an account; its balance is what it owes, so a credit is negative.",
		caller: byCustomer,
		params: anAccount.eitherParams(),
		returns: slices.Concat([]param{
			{name: "i_account", kind: "int"},
			{name: "i_customer", kind: "int"},
			{name: "username", kind: "string"},
			{name: "i_billing_plan", kind: "int or nil"},
			{name: "next_billing_time", kind: "string or nil"},
			{name: "billing_plan_suspended", kind: "boolean"},
			{name: "balance", kind: "double"},
			{name: "base_currency", kind: "string"},
			{name: "blocked", kind: "boolean"},
			{name: "expired", kind: "boolean"},
			{name: "first_use", kind: "string or nil"},
			{name: "expiration_date", kind: "string or nil"},
		}, accountTerms, fieldParams(accountFields)),
		run: (*api).getAccountInfo,
	}
}

func (a *api) getAccountInfo(ctx context.Context, c call) (xmlrpc.Value, error) {
	info, err := a.ownerInfo(ctx, c, anAccount)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	return xmlrpc.Struct(accountInfo(&info)...), nil
}

// ownerInfo reads the owner that a call names.
func (a *api) ownerInfo(ctx context.Context, c call, k *ownerKind) (info billing.OwnerInfo, err error) {
	q := billing.OwnerQuery{Kind: k.kind}
	if q.Owner, q.Name, err = k.readEither(c.Params); err != nil {
		return info, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return info, err
	}
	return a.engine.GetOwner(ctx, q)
}

// accountInfo is flat; passwords are withheld.
func accountInfo(info *billing.OwnerInfo) []xmlrpc.Member {
	o := &info.Owner
	plan := xmlrpc.Nil()
	if info.Plan.Plan != 0 {
		plan = xmlrpc.Int(int64(info.Plan.Plan))
	}
	lifetime := int64(-1)
	if o.Lifetime != nil {
		lifetime = *o.Lifetime
	}
	members := []xmlrpc.Member{
		resultOK,
		{Name: "i_account", Value: xmlrpc.Int(o.ID.Number())},
		{Name: "i_customer", Value: xmlrpc.Int(o.Parent.Number())},
		{Name: "username", Value: xmlrpc.String(o.Username)},
		{Name: "i_billing_plan", Value: plan},
		{Name: "next_billing_time", Value: dateOrNil(info.Plan.NextAt)},
		{Name: "billing_plan_suspended", Value: xmlrpc.Bool(info.Plan.Suspended)},
		{Name: "balance", Value: inverted(info.Balance)},
		{Name: "base_currency", Value: xmlrpc.String(string(o.Currency))},
		{Name: "blocked", Value: xmlrpc.Bool(o.Blocked != 0)},
		{Name: "expired", Value: xmlrpc.Bool(info.Expired)},
		{Name: "first_use", Value: dateOrNil(o.FirstUsedAt)},
		{Name: "expiration_date", Value: dateOrNil(o.ExpiresAt)},
		{Name: "description", Value: xmlrpc.String(o.Name)},
		{Name: "lifetime", Value: xmlrpc.Int(lifetime)},
		{Name: "on_payment_action", Value: onPaymentValue(o.OnPayment)},
	}
	members = append(members, termValues(o)...)
	return append(members, attributesOf(o.Extra).members(accountFields)...)
}

// termValues are the members that accounts and customers share.
func termValues(o *billing.Owner) []xmlrpc.Member {
	return []xmlrpc.Member{
		{Name: "credit_limit", Value: doubleOrNil(o.CreditLimit)},
		{Name: "payment_currency", Value: xmlrpc.String(string(o.Currency))},
		{Name: "email", Value: xmlrpc.String(o.Email)},
		{Name: "min_payment_amount", Value: double(o.MinPayment)},
		{Name: "time_zone", Value: xmlrpc.String(o.TimeZone)},
	}
}

func dateOrNil(t time.Time) xmlrpc.Value {
	if t.IsZero() {
		return xmlrpc.Nil()
	}
	return xmlrpc.String(formatDate(t))
}
