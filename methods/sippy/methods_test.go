package sippy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// basic are the methods that answer result alone, or a policy.
func basic() []method { return slices.Concat(lowBalanceMethods(), fundsMethods()) }

func allMethods(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, m := range basic() {
		names = append(names, m.name)
	}
	if len(names) != 8 {
		t.Fatalf("%d methods", len(names))
	}
	return names
}

// sample is a call of the method that is right.
func sample(method string) members {
	money := members{m("amount", xmlrpc.Double("2.5")), m("currency", xmlrpc.String("USD"))}
	switch {
	case method == "makePayment":
		return payCall
	case method == "makePaymentByCard":
		return byCardCall()
	case method == "getPaymentInfo":
		return infoCall
	case method == "getPaymentsList":
		return nil
	case method == "getLowBalance":
		return members{m("i_account", xmlrpc.Int(100))}
	case strings.HasPrefix(method, "list"):
		return nil
	case strings.HasPrefix(method, "getCustomer"), strings.HasSuffix(method, "Customer") && method != "createCustomer" && method != "updateCustomer":
		return members{m("i_customer", xmlrpc.Int(11))}
	case method == "createCustomer":
		return members{m("i_tariff", xmlrpc.Nil()), m("name", xmlrpc.String("West")), m("web_password", xmlrpc.String("hunter3"))}
	case method == "updateCustomer":
		return members{m("i_customer", xmlrpc.Int(11)), m("name", xmlrpc.String("West"))}
	case method == "createAccount":
		return members{m("username", xmlrpc.String("15551230900")), m("i_billing_plan", xmlrpc.Int(1))}
	case method == "updateAccount":
		return members{m("i_account", xmlrpc.Int(100)), m("blocked", xmlrpc.Bool(true))}
	case strings.HasSuffix(method, "Account"), method == "getAccountInfo":
		return members{m("i_account", xmlrpc.Int(100))}
	case method == "setLowBalance":
		return members{m("i_account", xmlrpc.Int(100)), m("threshold", xmlrpc.Double("5.0"))}
	case strings.Contains(method, "DebitCreditCard"):
		return cardSample(method)
	case strings.HasPrefix(method, "account"):
		return with(money, m("i_account", xmlrpc.Int(100)))
	}
	return with(money, m("i_customer", xmlrpc.Int(11)))
}

func TestMethodsDescribeThemselves(t *testing.T) {
	for _, method := range Methods(&fake{}, Options{}) {
		if len(method.Signature) != 1 || !slices.Equal(method.Signature[0], []string{"struct", "struct"}) {
			t.Errorf("%s: %v", method.Name, method.Signature)
		}
		if !strings.HasSuffix(method.Help, ".") || strings.ContainsAny(method.Help, "<&>") {
			t.Errorf("%s: %s", method.Name, method.Help)
		}
		// What the help names, the method must know, and the other way round.
		for _, name := range knownTo(t, method) {
			if !strings.Contains(method.Help, name) {
				t.Errorf("%s does not tell of %s", method.Name, name)
			}
		}
	}
}

// knownTo is which of all members a method does not report as ignored.
func knownTo(t *testing.T, method xmlrpc.Method) []string {
	var all []string
	for _, m := range table() {
		all = append(all, m.known()...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	var known []string
	for _, name := range all {
		var ignored []string
		for _, described := range Methods(&fake{}, Options{Log: func(_ context.Context, _ string, names []string) { ignored = names }}) {
			if described.Name == method.Name {
				in := with(sample(method.Name), m(name, xmlrpc.Int(1)))
				_, _ = described.Call(billing.WithActor(t.Context(), acme), []xmlrpc.Value{xmlrpc.Struct(in...)})
			}
		}
		if !slices.Contains(ignored, name) {
			known = append(known, name)
		}
	}
	if len(known) < 1 {
		t.Fatalf("%s knows %v", method.Name, known)
	}
	return known
}

func TestOneStructParam(t *testing.T) {
	for _, method := range Methods(&fake{}, Options{}) {
		in := xmlrpc.Struct(sample(method.Name)...)
		for _, params := range [][]xmlrpc.Value{{in, in}, {xmlrpc.Int(1)}, {xmlrpc.Nil()}, {xmlrpc.Array(in)}} {
			_, err := method.Call(t.Context(), params)
			if f, ok := errors.AsType[*xmlrpc.Fault](err); !ok || f.Code != xmlrpc.CodeParams {
				t.Errorf("%s: %v", method.Name, err)
			}
		}
		if strings.HasPrefix(method.Name, "list") || method.Name == "getPaymentsList" {
			continue // it needs none
		}
		_, err := method.Call(t.Context(), nil)
		if f, ok := errors.AsType[xmlrpc.Fault](err); method.Name == "createCustomer" && ok && f.Code == 410 { // S-404
			continue
		}
		if method.Name != "getAuditLogs" && !errors.Is(err, billing.Missing) { // which needs nothing
			t.Errorf("%s without a param: %v", method.Name, err)
		}
	}
}

// What the engine refuses goes to the client by the table, whatever the method.
func TestEngineErrorsPassThrough(t *testing.T) {
	for _, method := range allMethods(t) {
		for _, code := range billing.Codes() {
			f := fake{err: billing.Errorf(code, "i_account", "x")}
			_, fault := f.call(t, acme, method, sample(method))
			if fault == nil || *fault != Fault(f.err) {
				t.Errorf("%s, %s: %v", method, code, fault)
			}
		}
	}
}

func TestRepliesOK(t *testing.T) {
	for _, method := range allMethods(t) {
		if method == "getLowBalance" {
			continue
		}
		f := fake{}
		v, fault := f.call(t, acme, method, sample(method))
		if want := xmlrpc.Struct(m("result", xmlrpc.String("OK"))); fault != nil || !v.Equal(want) {
			t.Errorf("%s: %v %v", method, v.Members(), fault)
		}
	}
}

func TestIgnoredMembersAreTold(t *testing.T) {
	long := strings.Repeat("é", 100)
	var many members
	for range 50 {
		many = append(many, m("x", xmlrpc.String("tok_secret")))
	}
	for _, c := range []struct {
		method string
		in     members
		want   []string
	}{
		{"getLowBalance", nil, nil},
		{"getLowBalance", members{m("threshold", xmlrpc.Nil()), m("i_wholesaler", xmlrpc.Int(10))}, []string{"threshold"}},
		{"setLowBalance", members{m("br_charge_card", xmlrpc.Bool(true))}, nil},
		{"setLowBalance", members{m("colour", xmlrpc.Int(1)), m("a b", xmlrpc.Nil())}, []string{"colour", "a b"}},
		{"accountDebit", members{m("i_customer", xmlrpc.Int(10))}, []string{"i_customer"}},
		{"customerDebit", members{m("i_account", xmlrpc.Int(10)), m("payment_notes", xmlrpc.String(""))}, []string{"i_account"}},
		{"accountCredit", members{m(long, xmlrpc.Int(1))}, []string{long[:64]}},
		{"accountCredit", members{m("a"+long, xmlrpc.Int(1))}, []string{"a" + long[:62]}},
		{"accountCredit", many, slices.Repeat([]string{"x"}, maxIgnored)},
	} {
		var told []string
		times := 0
		for _, method := range Methods(&fake{}, Options{Log: func(_ context.Context, name string, ignored []string) {
			if told = ignored; name != c.method {
				t.Errorf("told of %s", name)
			}
			times++
		}}) {
			if method.Name == c.method {
				_, err := method.Call(billing.WithActor(t.Context(), acme), []xmlrpc.Value{xmlrpc.Struct(append(sample(c.method), c.in...)...)})
				if err != nil {
					t.Errorf("%s: %v", c.method, err)
				}
			}
		}
		if !slices.Equal(told, c.want) || times != min(len(c.want), 1) {
			t.Errorf("%s %d members: told %q, want %q", c.method, len(c.in), told, c.want)
		}
	}
}

// The billing run's members do not apply to customers, and the log says so (S-2).
func TestIgnoredForCustomers(t *testing.T) {
	var told []string
	in := members{m("i_customer", xmlrpc.Int(10)), m("br_charge_amount", xmlrpc.String("plenty")), m("br_charge_card", xmlrpc.Nil())}
	f := fake{}
	methods := Methods(&f, Options{Log: func(_ context.Context, _ string, ignored []string) { told = ignored }})
	if _, err := methods[1].Call(billing.WithActor(t.Context(), acme), []xmlrpc.Value{xmlrpc.Struct(in...)}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(told, []string{"br_charge_amount", "br_charge_card"}) {
		t.Errorf("told %q", told)
	}
	want := billing.SetLowBalanceParams{Owner: billing.Customer(10), BRChargeCard: billing.Change[bool]{Given: true}}
	if f.set != want {
		t.Errorf("got %+v", f.set)
	}
}

// A method that a blocked customer may call is one that reads or pays; one that is
// forgotten is refused (S-544).
func TestUses(t *testing.T) {
	pays := []string{"makePayment", "makePaymentByCard", "rechargeVoucher"}
	for _, m := range table() {
		want := billing.UseChanges
		switch {
		case strings.HasPrefix(m.name, "get"), strings.HasPrefix(m.name, "list"):
			want = billing.UseReads
		case slices.Contains(pays, m.name):
			want = billing.UsePays
		}
		if m.use != want {
			t.Errorf("%s is of use %d, want %d", m.name, m.use, want)
		}
		for _, blocked := range []billing.Block{0, billing.BlockBilling, billing.BlockDispute, billing.BlockOperator, billing.BlockFraud | billing.BlockBilling} {
			actor := acme
			actor.Blocked = blocked
			f := fake{}
			_, fault := f.call(t, actor, m.name, sample(m.name))
			refused := fault != nil && fault.Code == 403 && fault.String == "the customer is blocked"
			if want := actor.May(m.use) != nil; refused != want {
				t.Errorf("%s, blocked for %q: %v", m.name, blocked, fault)
			}
		}
	}
}
