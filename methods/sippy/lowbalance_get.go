package sippy

import (
	"context"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

const (
	getLowBalanceName = "getLowBalance"
	getLowBalanceHelp = "Returns the low-balance settings of an account or customer." +
		" Parameters: i_account or i_customer (int, exactly one); i_wholesaler (int, trusted mode)." +
		" Returns: result (string); threshold (double or nil: disabled); notify_by_email, charge_card (boolean);" +
		" charge_amount (double); i_debit_credit_card (int or nil: primary);" +
		" for accounts br_charge_card (boolean), br_charge_amount (double or nil: plan price), br_i_debit_credit_card (int or nil: primary);" +
		" once set, notification_retry_count (int) and notification_retry_interval (int hours or nil: default)."
)

var getLowBalanceKnown = []string{"i_account", "i_customer", "i_wholesaler"}

func (a *api) getLowBalance(ctx context.Context, params []xmlrpc.Value) (xmlrpc.Value, error) {
	p, err := xmlrpc.OneStruct(params)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	a.report(ctx, getLowBalanceName, p, getLowBalanceKnown)
	owner, err := ownerOf(p)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, p); err != nil {
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
