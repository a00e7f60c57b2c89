package sippy

import (
	"context"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func getLowBalanceMethod() method {
	return method{
		name: "getLowBalance", use: billing.UseReads, about: "Returns the low-balance settings of an account or customer.",
		caller: byWholesaler, params: ownerParams, returns: lowBalanceReturns(), run: (*api).getLowBalance,
	}
}

func (a *api) getLowBalance(ctx context.Context, c call) (xmlrpc.Value, error) {
	owner, err := ownerOf(c.Params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	policy, err := a.engine.GetLowBalance(ctx, owner)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	return lowBalanceReply(&policy, owner.IsAccount()), nil
}

// lowBalanceReply is flat (1.10.9), its members in the order of the source page.
func lowBalanceReply(lb *billing.LowBalance, account bool) xmlrpc.Value {
	members := make([]xmlrpc.Member, 0, 11)
	members = append(members,
		resultOK,
		xmlrpc.Member{Name: "threshold", Value: doubleOrNil(lb.Threshold)},
		xmlrpc.Member{Name: "notify_by_email", Value: xmlrpc.Bool(lb.NotifyByEmail)},
		xmlrpc.Member{Name: "charge_card", Value: xmlrpc.Bool(lb.ChargeCard)},
		xmlrpc.Member{Name: "charge_amount", Value: double(lb.ChargeAmount)},
		xmlrpc.Member{Name: "i_debit_credit_card", Value: intOrNil(lb.Card)},
	)
	if account { // S-2
		members = append(members,
			xmlrpc.Member{Name: "br_charge_card", Value: xmlrpc.Bool(lb.BRChargeCard)},
			xmlrpc.Member{Name: "br_charge_amount", Value: doubleOrNil(lb.BRChargeAmount)},
			xmlrpc.Member{Name: "br_i_debit_credit_card", Value: intOrNil(lb.BRCard)},
		)
	}
	if r := lb.Retry; r != nil { // S-8
		members = append(members,
			xmlrpc.Member{Name: "notification_retry_count", Value: xmlrpc.Int(r.Count)},
			xmlrpc.Member{Name: "notification_retry_interval", Value: intOrNil(r.Interval)},
		)
	}
	return xmlrpc.Struct(members...)
}
