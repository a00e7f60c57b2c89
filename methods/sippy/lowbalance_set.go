package sippy

import (
	"context"
	"slices"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

const (
	setLowBalanceName = "setLowBalance"
	setLowBalanceHelp = "Changes the low-balance settings of an account or customer; what is not given stays." +
		" Parameters: i_account or i_customer (int, exactly one); i_wholesaler (int, trusted mode);" +
		" at least one of threshold (double or nil: disabled), notify_by_email (boolean), charge_card (boolean)," +
		" charge_amount (double), i_debit_credit_card (int or nil: primary)," +
		" notification_retry_count (int), notification_retry_interval (int hours or nil: default)," +
		" and, for accounts, br_charge_card (boolean), br_charge_amount (double or nil: plan price)," +
		" br_i_debit_credit_card (int or nil: primary)." +
		" Returns: result (string)."
)

// setLowBalanceKnown ends with the members that apply to accounts only.
var setLowBalanceKnown = []string{
	"i_account", "i_customer", "i_wholesaler",
	"threshold", "notify_by_email", "charge_card", "charge_amount", "i_debit_credit_card",
	"notification_retry_count", "notification_retry_interval",
	"br_charge_card", "br_charge_amount", "br_i_debit_credit_card",
}

const billingRunMembers = 3

func (a *api) setLowBalance(ctx context.Context, params []xmlrpc.Value) (xmlrpc.Value, error) {
	p, err := xmlrpc.OneStruct(params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	owner, err := ownerOf(p)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	known := setLowBalanceKnown
	if !owner.IsAccount() {
		known = known[:len(known)-billingRunMembers]
	}
	a.report(ctx, setLowBalanceName, p, known)
	set, err := lowBalanceChanges(p, owner)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, p); err != nil {
		return xmlrpc.Value{}, err
	}
	if err := a.engine.SetLowBalance(ctx, set); err != nil {
		return xmlrpc.Value{}, err
	}
	return succeeded, nil
}

// lowBalanceChanges reads the settings. Which of them may be null is the
// engine's rule (S-3).
func lowBalanceChanges(p xmlrpc.Params, owner billing.OwnerID) (billing.SetLowBalanceParams, error) {
	r := changes{p: p}
	set := billing.SetLowBalanceParams{
		Owner:         owner,
		Threshold:     r.money("threshold"),
		NotifyByEmail: r.flag("notify_by_email"),
		ChargeCard:    r.flag("charge_card"),
		ChargeAmount:  r.money("charge_amount"),
		Card:          r.card("i_debit_credit_card"),
		RetryCount:    r.number("notification_retry_count"),
		RetryInterval: r.number("notification_retry_interval"),
	}
	if owner.IsAccount() {
		set.BRChargeCard = r.flag("br_charge_card")
		set.BRChargeAmount = r.money("br_charge_amount")
		set.BRCard = r.card("br_i_debit_credit_card")
	} else {
		// Not read, so that nothing in them can be wrong, but each still
		// counts as a field that was given (S-2).
		set.BRChargeCard.Given = hasBillingRunMember(p)
	}
	return set, r.err
}

func hasBillingRunMember(p xmlrpc.Params) bool {
	return slices.ContainsFunc(p.Members(), func(m xmlrpc.Member) bool {
		return slices.Contains(setLowBalanceKnown[len(setLowBalanceKnown)-billingRunMembers:], m.Name)
	})
}
