package sippy

import (
	"slices"
	"strings"
	"testing"

	"topupd/methods/xmlrpc"
)

// mandatory is what each method asks for, written from the client reference, section 2,
// in the order of the pages. "a|b" is one of the two; what follows "+" is one member of
// those of which a call that changes needs any, where the engine is not the one to ask
// (TestChangesNeedAMember).
var mandatory = map[string]string{
	// 2.1, 2.3
	"getLowBalance":          "i_account|i_customer",
	"setLowBalance":          "i_account|i_customer",
	"addDebitCreditCard":     "i_account|i_customer alias i_card_type number holder exp_mm exp_yy street_addr1 state postal_code city country phone",
	"updateDebitCreditCard":  "i_account|i_customer i_debit_credit_card",
	"deleteDebitCreditCard":  "i_account|i_customer i_debit_credit_card",
	"getDebitCreditCardInfo": "i_account|i_customer i_debit_credit_card",
	"listDebitCreditCards":   "i_account|i_customer",
	// 2.4
	"makePayment":       "i_account|i_customer amount currency payer_ip_address",
	"makePaymentByCard": "i_account|i_customer amount currency payer_ip_address i_card_type number holder exp_mm exp_yy street_addr1 state postal_code city country phone",
	"getPaymentInfo":    "i_account|i_customer i_payment",
	"getPaymentsList":   "",
	"rechargeVoucher":   "i_account|username voucher_id",
	// 2.5
	"accountAddFunds":  "i_account amount currency",
	"accountCredit":    "i_account amount currency",
	"accountDebit":     "i_account amount currency",
	"customerAddFunds": "i_customer amount currency",
	"customerCredit":   "i_customer amount currency",
	"customerDebit":    "i_customer amount currency",
	// 2.6; of createAccount what both copies of its page ask for and billing needs (S-404)
	"createAccount":  "username i_billing_plan",
	"getAccountInfo": "i_account|username",
	"updateAccount":  "i_account +username",
	"listAccounts":   "",
	"deleteAccount":  "i_account",
	"blockAccount":   "i_account",
	"unblockAccount": "i_account",
	// 2.7, and 1.9 for the order
	"createCustomer":  "i_tariff name web_password",
	"getCustomerInfo": "i_customer|name",
	"updateCustomer":  "i_customer +name",
	"listCustomers":   "",
	"deleteCustomer":  "i_customer",
	"blockCustomer":   "i_customer",
	"unblockCustomer": "i_customer",
	// 2.2 and 2.8
	"billingRun":            "i_account",
	"getServicePlanInfo":    "i_billing_plan",
	"getAccountMinutePlans": "i_account",
	"getAuditLogs":          "",
	"writeAuditLog":         "action resource",
}

// goodValues are right for every mandatory member of every method.
var goodValues = map[string]xmlrpc.Value{
	"i_account": xmlrpc.Int(100), "i_customer": xmlrpc.Int(11), "username": xmlrpc.String("u"), "name": xmlrpc.String("West"),
	"threshold": xmlrpc.Double("5.0"), "amount": xmlrpc.Double("2.5"), "currency": xmlrpc.String("USD"), "payer_ip_address": xmlrpc.String("192.0.2.7"),
	"alias": xmlrpc.String("home"), "i_card_type": xmlrpc.Int(1), "number": xmlrpc.String("tok_ok"), "holder": xmlrpc.String("Alice Rose"),
	"exp_mm": xmlrpc.Int(12), "exp_yy": xmlrpc.Int(2030), "street_addr1": xmlrpc.String("1 Elm St"), "state": xmlrpc.String("MA"),
	"postal_code": xmlrpc.String("02134"), "city": xmlrpc.String("Boston"), "country": xmlrpc.String("US"), "phone": xmlrpc.String("+15551230100"),
	"i_debit_credit_card": xmlrpc.Int(1000), "i_payment": xmlrpc.Int(7), "voucher_id": xmlrpc.String("PLAIN-CODE"), "i_billing_plan": xmlrpc.Int(1),
	"i_tariff": xmlrpc.Nil(), "web_password": xmlrpc.String("hunter3"), "action": xmlrpc.String("U"), "resource": xmlrpc.String("x"),
}

// Each method asks for what its page says, names the first that is missing, and asks
// for nothing more.
func TestMandatoryMembers(t *testing.T) {
	for _, method := range table() {
		row, known := mandatory[method.name]
		if !known {
			t.Errorf("%s is not in the list", method.name)
			continue
		}
		code := 400
		if method.name == "createCustomer" {
			code = 410
		}
		full := leastCall(method.name)
		if f := accepts(t, method.name, full); f.calls != 1 {
			t.Errorf("%s asks for more than %s", method.name, row)
		}
		for i, member := range full {
			refuses(t, method.name, without(full, member.Name), code, "Parameter "+member.Name+" is required")
			refuses(t, method.name, full[:i], code, "Parameter "+member.Name+" is required")
		}
		// What the help calls required is that, but for one of two and one of many.
		var said []string
		for _, p := range method.params {
			if p.need {
				said = append(said, p.name)
			}
		}
		want := slices.DeleteFunc(strings.Fields(row), func(word string) bool { return strings.ContainsAny(word, "|+") })
		if !slices.Equal(said, want) {
			t.Errorf("%s: the help requires %v, the page %v", method.name, said, want)
		}
		for _, word := range strings.Fields(row) {
			if one, other, either := strings.Cut(word, "|"); either {
				accepts(t, method.name, with(without(full, one), m(other, goodValues[other])))
			}
		}
	}
	if len(mandatory) != len(table()) {
		t.Errorf("%d methods, %d rows", len(table()), len(mandatory))
	}
}

// leastCall is a call with what its method asks for and nothing more.
func leastCall(method string) members {
	var in members
	for _, word := range strings.Fields(mandatory[method]) {
		name, _, _ := strings.Cut(strings.TrimPrefix(word, "+"), "|")
		in = append(in, m(name, goodValues[name]))
	}
	return in
}
