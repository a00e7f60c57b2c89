package sippy

// lowBalanceMembers are the settings that both methods share; the last three apply to
// accounts only (S-2).
var lowBalanceMembers = []param{
	{name: "threshold", kind: "double or nil", note: "nil is disabled"},
	{name: "notify_by_email", kind: "boolean"},
	{name: "charge_card", kind: "boolean"},
	{name: "charge_amount", kind: "double"},
	{name: "i_debit_credit_card", kind: "int or nil", note: "nil is the primary card"},
	{name: "notification_retry_count", kind: "int", note: "returned once it was set"},
	{name: "notification_retry_interval", kind: "int or nil", note: "hours; nil is the default; returned once the count was set"},
	{name: "br_charge_card", kind: "boolean", note: "accounts only"},
	{name: "br_charge_amount", kind: "double or nil", note: "accounts only; nil is the plan's price"},
	{name: "br_i_debit_credit_card", kind: "int or nil", note: "accounts only; nil is the primary card"},
}

// billingRunMembers is how many of them apply to accounts only.
const billingRunMembers = 3

func lowBalanceMethods() []method { return []method{getLowBalanceMethod(), setLowBalanceMethod()} }
