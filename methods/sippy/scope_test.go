package sippy

import (
	"math"
	"slices"
	"strings"
	"testing"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// callers is who names the customer that calls, written from the client reference: 1.3
// for the groups, section 2 for each method's T. A method whose page names nobody takes
// neither.
var callers = map[caller]string{
	// 2.1, 2.4, 2.5, 2.7: "customer-level, payment and low-balance calls".
	"i_wholesaler": "getLowBalance setLowBalance makePayment makePaymentByCard getPaymentInfo getPaymentsList " +
		"customerAddFunds customerCredit customerDebit createCustomer updateCustomer getCustomerInfo listCustomers " +
		"deleteCustomer blockCustomer unblockCustomer",
	// 2.6, 2.8: "account-level calls", the service plan.
	"i_customer": "createAccount updateAccount listAccounts deleteAccount blockAccount unblockAccount getAccountInfo getServicePlanInfo",
	// 2.3 and 2.5 ("no trusted mode mentioned"), 2.4 (i_voucher), 2.2, 2.8.
	"": "addDebitCreditCard updateDebitCreditCard deleteDebitCreditCard getDebitCreditCardInfo listDebitCreditCards " +
		"accountAddFunds accountCredit accountDebit rechargeVoucher billingRun getAccountMinutePlans getAuditLogs writeAuditLog",
}

func TestCallersAreThePages(t *testing.T) {
	listed := map[string]caller{}
	for by, names := range callers {
		for name := range strings.FieldsSeq(names) {
			listed[name] = by
		}
	}
	for _, m := range table() {
		if by, ok := listed[m.name]; !ok || by != m.caller {
			t.Errorf("%s: the table says %q, the page %q", m.name, m.caller, by)
		}
	}
	if len(listed) != len(table()) {
		t.Errorf("%d methods, %d in the list", len(table()), len(listed))
	}
}

// Where a page names nobody, root and who is trusted name nobody either: what they say
// would be taken for nothing, and the call be root's. Without it they call as root.
func TestNobodyIsNamed(t *testing.T) {
	root := billing.Actor{Login: "root", Customer: billing.Root}
	for name := range strings.FieldsSeq(callers[byNobody]) {
		in := leastCall(name)
		for _, actor := range []billing.Actor{root, {Trusted: true, Customer: billing.Root}} {
			var f fake
			if _, fault := f.call(t, actor, name, in); fault != nil || f.actor != actor {
				t.Errorf("%s: %v %+v", name, fault, f.actor)
			}
			f = fake{}
			_, fault := f.call(t, actor, name, with(in, m("i_wholesaler", xmlrpc.Int(10))))
			if fault == nil || fault.Code != 400 || fault.String != "Wrong i_wholesaler" || f.calls != 0 {
				t.Errorf("%s with i_wholesaler: %v, %d calls", name, fault, f.calls)
			}
		}
		// To a login it is an unknown member, and gives nothing.
		if f := accepts(t, name, with(in, m("i_wholesaler", xmlrpc.Int(11)))); f.actor.Customer != acme.Customer || !f.actor.Direct {
			t.Errorf("%s: %+v", name, f.actor)
		}
	}
}

// Every method reads its owner and i_wholesaler in the same way.
func TestOwners(t *testing.T) {
	for _, method := range allMethods(t) {
		in := sample(method)
		field := "i_account"
		if method[:8] == "customer" {
			field = "i_customer"
		}
		fields := []string{field}
		if takesWholesaler(method) {
			in = with(in, m("i_wholesaler", xmlrpc.Int(10)))
			fields = append(fields, "i_wholesaler")
			refuses(t, method, with(in, m("i_wholesaler", xmlrpc.Int(11))), 401, "Wrong i_wholesaler")
		}
		accepts(t, method, in)
		refuses(t, method, without(in, field), 400, "Parameter "+field+" is required")
		for _, name := range fields {
			for _, v := range []xmlrpc.Value{
				xmlrpc.Nil(), xmlrpc.String(""), xmlrpc.String("7"), xmlrpc.Double("7.0"), xmlrpc.Bool(true),
				xmlrpc.Int(0), xmlrpc.Int(-1), xmlrpc.Struct(), xmlrpc.Array(xmlrpc.Int(7)), xmlrpc.DateTime("20260101T00:00:00"),
			} {
				refuses(t, method, with(in, m(name, v)), 400, "Wrong "+name)
			}
			refuses(t, method, with(in, m(name, xmlrpc.Int(billing.MaxOwnerNumber+1))), 401, "Wrong "+name)
			refuses(t, method, with(in, m(name, xmlrpc.Int(math.MaxInt64))), 401, "Wrong "+name)
		}
	}
}

func takesWholesaler(method string) bool {
	return slices.Contains(strings.Fields(callers[byWholesaler]), method)
}

func TestOneOwner(t *testing.T) {
	for _, method := range []string{"getLowBalance", "setLowBalance"} {
		in := without(sample(method), "i_account")
		both := with(in, m("i_account", xmlrpc.Int(7)), m("i_customer", xmlrpc.Int(8)))
		refuses(t, method, both, 400, bothOwners.String)
		refuses(t, method, with(both, m("i_customer", xmlrpc.Nil())), 400, "Wrong i_customer")
		if f := accepts(t, method, with(in, m("i_customer", xmlrpc.Int(8)))); f.owner != billing.Customer(8) {
			t.Errorf("%s: %s", method, f.owner)
		}
		if f := accepts(t, method, with(in, m("i_account", xmlrpc.Int(billing.MaxOwnerNumber)))); f.owner != billing.Account(billing.MaxOwnerNumber) {
			t.Errorf("%s: %s", method, f.owner)
		}
	}
}

func TestScope(t *testing.T) {
	root := billing.Actor{Login: "ops", Customer: billing.Root}
	trusted := billing.Actor{Trusted: true, Customer: billing.Root}
	for _, c := range []struct {
		name       string
		actor      billing.Actor
		wholesaler int64 // 0: not sent
		customer   billing.OwnerID
		direct     bool
		fault      string
	}{
		{"a login", acme, 0, acme.Customer, true, ""},
		{"a login that names itself", acme, 10, acme.Customer, true, ""},
		{"a login that names another", acme, 11, 0, false, "Wrong i_wholesaler"},
		{"a login that names root", acme, 1, 0, false, "Wrong i_wholesaler"},
		{"a root login", root, 0, billing.Root, false, ""},
		{"a root login that names a customer", root, 10, billing.Customer(10), true, ""},
		{"trusted", trusted, 0, billing.Root, false, ""},
		{"trusted that names root", trusted, 1, billing.Root, false, ""},
		{"trusted that names a customer", trusted, 10, billing.Customer(10), true, ""},
		{"trusted that names nobody", trusted, 404, 0, false, "Wrong i_wholesaler"},
		{"nobody", billing.Actor{}, 0, 0, true, ""},
		{"nobody that names a customer", billing.Actor{}, 10, 0, false, "Wrong i_wholesaler"},
	} {
		for _, method := range allMethods(t) {
			var f fake
			in := sample(method)
			if c.wholesaler != 0 {
				if !takesWholesaler(method) {
					continue
				}
				in = with(in, m("i_wholesaler", xmlrpc.Int(c.wholesaler)))
			}
			_, fault := f.call(t, c.actor, method, in)
			if c.fault != "" {
				if fault == nil || fault.Code != 401 || fault.String != c.fault || f.calls != 0 {
					t.Errorf("%s, %s: %v", c.name, method, fault)
				}
				continue
			}
			want := c.actor
			want.Customer, want.Direct = c.customer, c.direct
			if fault != nil || f.actor != want {
				t.Errorf("%s, %s: %v %+v", c.name, method, fault, f.actor)
			}
		}
	}
}

// Root, and who is trusted, say for whom they call in the member that the method reads:
// the other one would be taken for nothing, and the call be root's.
func TestTheOtherCallerIsRefused(t *testing.T) {
	for method, other := range map[string]string{
		"deleteAccount": "i_wholesaler", "updateAccount": "i_wholesaler", "blockAccount": "i_wholesaler",
		"accountCredit": "i_customer", "billingRun": "i_customer", "rechargeVoucher": "i_customer", "getAuditLogs": "i_customer",
	} {
		var f fake
		_, fault := f.call(t, billing.Actor{Login: "root", Customer: billing.Root}, method, with(leastCall(method), m(other, xmlrpc.Int(11))))
		if fault == nil || fault.Code != 400 || fault.String != "Wrong "+other || f.calls != 0 {
			t.Errorf("%s with %s: %v, %d calls", method, other, fault, f.calls)
		}
	}
}
