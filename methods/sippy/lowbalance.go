package sippy

import (
	"slices"
	"strconv"

	"topupd/billing"
)

// chargeRange is what a card may be charged, in whole minor units of the currency.
var chargeRange = "0 to " + billing.FormatMicros(billing.MaxCharge) + ", whole minor units"

// lowBalanceMembers are the settings as setLowBalance takes them; the last three apply
// to accounts only (S-2).
var lowBalanceMembers = []param{
	{name: "threshold", kind: "double or nil", note: "six decimals, below 0 too; nil is disabled"},
	{name: "notify_by_email", kind: "boolean"},
	{name: "charge_card", kind: "boolean"},
	{name: "charge_amount", kind: "double", note: chargeRange + "; 0 is none"},
	{name: "i_debit_credit_card", kind: "int or nil", note: "a card of the owner's own; nil is the primary card"},
	{name: "notification_retry_count", kind: "int", note: "reminders, 0 to " + strconv.Itoa(billing.MaxReminders)},
	{name: "notification_retry_interval", kind: "int or nil", note: "hours, 1 to " + strconv.Itoa(billing.MaxReminderHours) + "; nil is the default"},
	{name: "br_charge_card", kind: "boolean", note: "accounts only"},
	{name: "br_charge_amount", kind: "double or nil", note: "accounts only; " + chargeRange + "; nil is the plan's price"},
	{name: "br_i_debit_credit_card", kind: "int or nil", note: "accounts only; nil is the primary card"},
}

// lowBalanceReturns are the same as getLowBalance returns them.
func lowBalanceReturns() []param {
	notes := map[string]string{
		"threshold": "nil is disabled", "charge_amount": "0 is none", "i_debit_credit_card": "nil is the primary card",
		"notification_retry_count":    "left out until it was set once",
		"notification_retry_interval": "hours; nil is the default; left out until the count was set once",
		"br_charge_amount":            "accounts only; nil is the plan's price",
	}
	reply := slices.Clone(lowBalanceMembers)
	for i := range reply {
		if note, other := notes[reply[i].name]; other {
			reply[i].note = note
		}
	}
	return reply
}

// billingRunMembers is how many of them apply to accounts only.
const billingRunMembers = 3

func lowBalanceMethods() []method { return []method{getLowBalanceMethod(), setLowBalanceMethod()} }
