package sippy

import (
	"context"
	"slices"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func setLowBalanceMethod() method {
	return method{
		name:   "setLowBalance",
		about:  "Changes the low-balance settings of an account or customer; what is not given stays, and at least one is needed.",
		caller: byWholesaler, params: slices.Concat(ownerParams, lowBalanceMembers), run: (*api).setLowBalance,
	}
}

func (a *api) setLowBalance(ctx context.Context, c call) (xmlrpc.Value, error) {
	owner, err := ownerOf(c.Params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if !owner.IsAccount() {
		a.reportGiven(ctx, c, billingRunNames())
	}
	set, err := lowBalanceChanges(c.Params, owner)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	if err := a.engine.SetLowBalance(ctx, set); err != nil {
		return xmlrpc.Value{}, err
	}
	return succeeded, nil
}

// billingRunNames are the members that apply to accounts only.
func billingRunNames() []string {
	var names []string
	for _, p := range lowBalanceMembers[len(lowBalanceMembers)-billingRunMembers:] {
		names = append(names, p.name)
	}
	return names
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
		return slices.Contains(billingRunNames(), m.Name)
	})
}
