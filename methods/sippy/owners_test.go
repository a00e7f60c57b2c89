package sippy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func ownerMethodNames() (names []string) {
	for _, method := range slices.Concat(accountMethods(), customerMethods()) {
		names = append(names, method.name)
	}
	return names
}

func TestOwnerErrorsPassThrough(t *testing.T) {
	for _, method := range ownerMethodNames() {
		for _, code := range billing.Codes() {
			f := fake{err: billing.Errorf(code, "i_account", "x")}
			_, fault := f.call(t, acme, method, sample(method))
			if fault == nil || *fault != Fault(f.err) || f.calls != 1 {
				t.Errorf("%s, %s: %v", method, code, fault)
			}
		}
	}
}

// Each kind of field refuses what is no value of it, keeps what is, and null only
// where it has a meaning (S-402).
func TestFields(t *testing.T) {
	wrongOf := map[string]xmlrpc.Value{
		"int": xmlrpc.String("7a"), "double": xmlrpc.String("x"), "boolean": xmlrpc.Int(2), "string": xmlrpc.Bool(true),
	}
	right := map[string]xmlrpc.Value{
		"int": xmlrpc.Int(7), "double": xmlrpc.Double("1.5"), "boolean": xmlrpc.Int(1), "string": xmlrpc.String("é <&> \" 00123"),
	}
	want := map[string]string{"int": "7", "double": "1.5", "boolean": "true", "string": `"é <&> \" 00123"`}
	for method, fields := range map[string][]field{"createAccount": accountFields, "updateAccount": accountFields, "createCustomer": customerFields, "updateCustomer": customerFields} {
		for _, f := range fields {
			refuses(t, method, with(sample(method), m(f.name, wrongOf[f.kind])), 400, "Wrong "+f.name)
			if null := with(sample(method), m(f.name, xmlrpc.Nil())); f.null || f.kind == "string" {
				accepts(t, method, null)
			} else {
				refuses(t, method, null, 400, "Wrong "+f.name)
			}
			got := accepts(t, method, with(sample(method), m(f.name, right[f.kind])))
			stored := merged(t, got, `{"limits":{"a":"1"},"sippy":{"other":1}}`)
			if !strings.Contains(stored, `"`+f.name+`":`+want[f.kind]) || !strings.Contains(stored, `"other":1`) || !strings.HasPrefix(stored, `{"limits":{"a":"1"},"sippy":{`) {
				t.Errorf("%s %s is kept as %s", method, f.name, stored)
			}
			back := attributesOf(stored).value(&f)
			if same := right[f.kind]; !back.Equal(same) && !(f.kind == "boolean" && back.Equal(xmlrpc.Bool(true))) {
				t.Errorf("%s %s comes back as %v", method, f.name, back.Text())
			}
		}
	}
	refuses(t, "createAccount", with(sample("createAccount"), m("city", xmlrpc.String(strings.Repeat("x", maxField+1)))), 400, "Wrong city")
}

// merged is what a call would leave of the extra members that are stored.
func merged(t *testing.T, f *fake, stored string) string {
	t.Helper()
	merge := f.create.Terms.Extra
	if merge == nil {
		merge = f.update.Terms.Extra
	}
	if merge == nil {
		return stored
	}
	text, err := merge(stored)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A field that is set back leaves nothing behind.
func TestFieldsAreTakenAway(t *testing.T) {
	in := with(sample("updateAccount"), m("city", xmlrpc.Nil()), m("max_sessions", xmlrpc.Int(0)), m("preferred_codec", xmlrpc.String("")))
	f := accepts(t, "updateAccount", in)
	if got := merged(t, f, `{"sippy":{"city":"x","max_sessions":5,"preferred_codec":3}}`); got != "" {
		t.Errorf("left %s", got)
	}
}

// What an import brought of another type counts as not set.
func TestForeignAttributes(t *testing.T) {
	kept := attributesOf(`{"sippy":{"city":5,"max_sessions":"x","reg_allowed":1,"max_calls_per_second":true,"preferred_codec":1.5}}`)
	for _, f := range accountFields {
		if v := kept.value(&f); !v.Equal(f.unset()) {
			t.Errorf("%s is %s", f.name, v.Text())
		}
	}
}

// Passwords go back to who gave them and nowhere else (S-403).
func TestPasswordsAreNotKept(t *testing.T) {
	for _, method := range []string{"createAccount", "updateAccount", "createCustomer", "updateCustomer"} {
		in := sample(method)
		for _, name := range []string{"web_password", "voip_password", "vm_password", "api_password"} {
			in = with(in, m(name, xmlrpc.String("hunter2")), m("web_login", xmlrpc.String("l")))
		}
		f := accepts(t, method, in)
		if text := fmt.Sprintf("%+v %s", f.fakeOwners, merged(t, f, "{}")); strings.Contains(text, "hunter2") {
			t.Errorf("%s keeps it: %s", method, text)
		}
	}
	f := fake{}
	v, _ := f.call(t, acme, "createAccount", with(sample("createAccount"), m("web_password", xmlrpc.String("")), m("vm_password", xmlrpc.Int(42))))
	for name, check := range map[string]func(string) bool{
		"web_password":  func(s string) bool { return len(s) == 26 },
		"voip_password": func(s string) bool { return len(s) == 26 },
		"vm_password":   func(s string) bool { return s == "42" },
		"authname":      func(s string) bool { return s == "15551230900" },
	} {
		if got, _ := v.Get(name); !check(got.Text()) {
			t.Errorf("%s is %q", name, got.Text())
		}
	}
}

// The members that billing acts on, as the engine gets them (S-401, S-406).
func TestAccountTerms(t *testing.T) {
	f := accepts(t, "createAccount", with(sample("createAccount"),
		m("balance", xmlrpc.Double("-12.5")), m("credit_limit", xmlrpc.Nil()), m("blocked", xmlrpc.Int(1)), m("lifetime", xmlrpc.Int(-1)),
		m("on_payment_action", xmlrpc.Int(2)), m("min_payment_amount", xmlrpc.Int(3)), m("payment_currency", xmlrpc.String("usd")),
		m("description", xmlrpc.String("d")), m("email", xmlrpc.String("e")), m("time_zone", xmlrpc.String("UTC"))))
	l := f.create.Terms
	if *l.Balance.Value != 12_500_000 || !l.CreditLimit.Given || l.CreditLimit.Value != nil || !*l.Blocked.Value || !l.Lifetime.Given ||
		l.Lifetime.Value != nil || *l.OnPayment.Value != string(billing.OnPaymentRestart) || *l.MinPayment.Value != 3_000_000 ||
		*l.Currency.Value != "USD" || *l.Name.Value != "d" || *l.Email.Value != "e" || *l.TimeZone.Value != "UTC" ||
		*l.Plan.Value != 1 || *l.Username.Value != "15551230900" || f.create.Kind != billing.KindAccount {
		t.Errorf("got %+v", l)
	}
	for _, c := range []struct {
		name string
		v    xmlrpc.Value
	}{
		{"lifetime", xmlrpc.Nil()}, {"lifetime", xmlrpc.Double("1.5")}, {"on_payment_action", xmlrpc.Int(3)}, {"on_payment_action", xmlrpc.Int(-1)},
		{"balance", xmlrpc.String("1")}, {"credit_limit", xmlrpc.Double("1.0000005")}, {"blocked", xmlrpc.String("no")}, {"username", xmlrpc.Nil()},
		{"voip_password", xmlrpc.Bool(true)}, {"i_customer", xmlrpc.Int(0)},
	} {
		refuses(t, "createAccount", with(sample("createAccount"), m(c.name, c.v)), 400, "Wrong "+c.name)
	}
	refuses(t, "createCustomer", with(sample("createCustomer"), m("api_access", xmlrpc.String("no"))), 400, "Wrong api_access")
	if f := accepts(t, "updateCustomer", with(sample("updateCustomer"), m("api_access", xmlrpc.Bool(false)))); *f.update.APIAccess.Value {
		t.Error("api_access 0 lets in")
	}
}

// A balance is inverted by get and not by lists; zero is -0.0 by get only (S-401).
func TestBalanceSigns(t *testing.T) {
	for micros, want := range map[int64][2]string{0: {"-0.0", "0.0"}, 12_500_000: {"-12.5", "12.5"}, -3: {"0.000003", "-0.000003"}} {
		f := fake{}
		f.info = billing.OwnerInfo{Owner: billing.Owner{ID: billing.Account(100)}, Balance: micros}
		f.owners = billing.OwnerList{Rows: []billing.OwnerRow{{ID: f.info.Owner.ID, Balance: micros}}}
		account, _ := f.call(t, acme, "getAccountInfo", sample("getAccountInfo"))
		reply, _ := f.call(t, acme, "getCustomerInfo", sample("getCustomerInfo"))
		customer, _ := reply.Get("customer")
		for i, v := range []xmlrpc.Value{account, customer, row(t, &f, "listAccounts"), row(t, &f, "listCustomers")} {
			if got, _ := v.Get("balance"); got.Text() != want[i/2] || got.Kind() != xmlrpc.KindDouble {
				t.Errorf("%d of %d is %s", i, micros, got.Text())
			}
		}
	}
}

func row(t *testing.T, f *fake, method string) xmlrpc.Value {
	t.Helper()
	reply, fault := f.call(t, acme, method, nil)
	list, ok := reply.Get(strings.ToLower(strings.TrimPrefix(method, "list")))
	if fault != nil || !ok || len(list.Items()) != 1 {
		t.Fatalf("%s: %v %v", method, fault, reply.Members())
	}
	return list.Items()[0]
}

// An account shows its end, a list whether it is over at the moment of the list.
func TestExpiredIsShown(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	f := fake{}
	f.owners = billing.OwnerList{At: now, Rows: []billing.OwnerRow{{ID: billing.Account(1), ExpiresAt: now}}}
	if v, _ := row(t, &f, "listAccounts").Get("expired"); v.Text() != "1" {
		t.Error("it is not over at its end")
	}
	f.owners.At = now.Add(-1)
	if v, _ := row(t, &f, "listAccounts").Get("expired"); v.Text() != "0" {
		t.Error("it is over before its end")
	}
}

// Whose the call is: the account methods name it by i_customer, the others by
// i_wholesaler; lists take it as whose to list (S-405).
func TestCallersOfOwnerMethods(t *testing.T) {
	trusted := billing.Actor{Trusted: true, Customer: billing.Root}
	for _, method := range ownerMethodNames() {
		caller := "i_wholesaler"
		if strings.Contains(method, "Account") {
			caller = "i_customer"
		}
		f := fake{}
		_, fault := f.call(t, trusted, method, with(sample(method), m(caller, xmlrpc.Int(10))))
		if fault != nil || f.actor.Customer != billing.Customer(10) || !f.actor.Direct {
			t.Errorf("%s in trusted mode: %v, acts as %+v", method, fault, f.actor)
		}
		if strings.HasPrefix(method, "list") && f.listed.Parent != billing.Customer(10) {
			t.Errorf("%s lists those of %s", method, f.listed.Parent)
		}
		_, fault = f.call(t, trusted, method, with(sample(method), m(caller, xmlrpc.Int(404))))
		if fault == nil || fault.Code != 401 || fault.String != "Wrong "+caller {
			t.Errorf("%s for nobody: %v", method, fault)
		}
		f = fake{}
		_, fault = f.call(t, acme, method, with(sample(method), m(caller, xmlrpc.Int(20))))
		if fault == nil || fault.Code != 401 || f.calls != 0 {
			t.Errorf("%s for another: %v", method, fault)
		}
	}
	f := fake{}
	if _, fault := f.call(t, trusted, "listAccounts", members{m("offset", xmlrpc.Int(5)), m("limit", xmlrpc.Int(7))}); fault != nil ||
		f.listed != (billing.ListOwnersParams{Kind: billing.KindAccount, Offset: 5, Limit: 7}) {
		t.Errorf("root lists %+v: %v", f.listed, fault)
	}
}

// An update without a member to change, and one of a member that is no setting.
func TestUpdateNeedsAMember(t *testing.T) {
	refuses(t, "updateAccount", members{m("i_account", xmlrpc.Int(100))}, 400, "Parameter username is required")
	refuses(t, "updateAccount", members{m("i_account", xmlrpc.Int(100)), m("i_customer", xmlrpc.Int(10)), m("colour", xmlrpc.Int(1))}, 400, "Parameter username is required")
	refuses(t, "updateCustomer", members{m("i_customer", xmlrpc.Int(11)), m("i_wholesaler", xmlrpc.Int(10))}, 400, "Parameter name is required")
	refuses(t, "updateAccount", members{m("blocked", xmlrpc.Int(1))}, 400, "Parameter i_account is required")
	accepts(t, "updateAccount", members{m("i_account", xmlrpc.Int(100)), m("voip_password", xmlrpc.String("x"))})
}

// A customer without a login is read with an empty web_login, and sent back so.
func TestEmptyLoginIsNone(t *testing.T) {
	for _, method := range []string{"createCustomer", "updateCustomer"} {
		accepts(t, method, with(sample(method), m("web_login", xmlrpc.String("")), m("api_password", xmlrpc.String(""))))
	}
}
