package sippy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// newCard is a card that is right, in the page's order.
var newCard = members{
	m("i_account", xmlrpc.Int(100)), m("alias", xmlrpc.String("work")), m("i_card_type", xmlrpc.Int(1)),
	m("number", xmlrpc.String("tok_ok")), m("holder", xmlrpc.String("Alice Rose")), m("exp_mm", xmlrpc.Int(12)),
	m("exp_yy", xmlrpc.Int(2030)), m("street_addr1", xmlrpc.String("1 Main St")), m("state", xmlrpc.String("NY")),
	m("postal_code", xmlrpc.String("10001")), m("city", xmlrpc.String("New York")), m("country", xmlrpc.String("US")),
	m("phone", xmlrpc.String("+12125550100")),
}

// cardSample is a call of a card method that is right.
func cardSample(method string) members {
	owner := members{m("i_account", xmlrpc.Int(100))}
	switch method {
	case "addDebitCreditCard":
		return newCard
	case "listDebitCreditCards":
		return owner
	case "updateDebitCreditCard":
		owner = append(owner, m("alias", xmlrpc.String("home")))
	}
	return append(owner, m("i_debit_credit_card", xmlrpc.Int(1000)))
}

// The first member that is missing is the one named, in the page's order (1.9).
func TestAddCardNeeds(t *testing.T) {
	for i, member := range newCard {
		refuses(t, "addDebitCreditCard", newCard[:i], 400, "Parameter "+member.Name+" is required")
		refuses(t, "addDebitCreditCard", without(newCard, member.Name), 400, "Parameter "+member.Name+" is required")
	}
	refuses(t, "addDebitCreditCard", with(newCard, m("i_customer", xmlrpc.Int(10))), 400, bothOwners.String)
}

// Every member with every kind that it cannot have, on both methods that take it.
func TestCardMembers(t *testing.T) {
	wrongKinds := map[string][]xmlrpc.Value{
		"string":  {xmlrpc.Bool(true), xmlrpc.Struct(), xmlrpc.Array()},
		"int":     {xmlrpc.Bool(true), xmlrpc.String("x"), xmlrpc.Double("1.5"), xmlrpc.Struct()},
		"boolean": {xmlrpc.Int(2), xmlrpc.String("1"), xmlrpc.Double("1.0")},
	}
	for _, p := range cardMembers {
		if len(wrongKinds[p.kind]) == 0 {
			t.Fatalf("%s has no wrong kind", p.name)
		}
		for _, v := range wrongKinds[p.kind] {
			for _, method := range []string{"addDebitCreditCard", "updateDebitCreditCard"} {
				refuses(t, method, with(cardSample(method), m(p.name, v)), 400, "Wrong "+p.name)
			}
		}
	}
	refuses(t, "addDebitCreditCard", with(newCard, m("i_card_type", xmlrpc.Int(1<<32+1))), 400, "Wrong i_card_type")
}

func TestAddCardTerms(t *testing.T) {
	in := with(newCard, m("number", xmlrpc.Int(4111111111111111)), m("cvv", xmlrpc.Int(123)), m("postal_code", xmlrpc.Int(2134)),
		m("street_addr2", xmlrpc.String("floor 2")), m("primary", xmlrpc.Int(0)))
	f := accepts(t, "addDebitCreditCard", in)
	want := billing.CardTerms{
		Number: billing.To(billing.Secret("4111111111111111")), CVV: billing.To(billing.Secret("123")), Holder: billing.To("Alice Rose"),
		ExpMonth: billing.To(int64(12)), ExpYear: billing.To(int64(2030)), Primary: billing.To(false),
		CardDetails: billing.CardDetails{
			Alias: billing.To("work"), Type: billing.To(billing.CardVisa), Street1: billing.To("1 Main St"), Street2: billing.To("floor 2"),
			State: billing.To("NY"), PostalCode: billing.To("2134"), City: billing.To("New York"), Country: billing.To("US"), Phone: billing.To("+12125550100"),
		},
	}
	if diff := cmp.Diff(want, f.terms); diff != "" || *f.terms.Number.Value != "4111111111111111" || *f.terms.CVV.Value != "123" {
		t.Errorf("the engine was given (-want +got):\n%s", diff)
	}
	if f.owner != billing.Account(100) || !f.actor.Direct {
		t.Errorf("for %s by %+v", f.owner, f.actor)
	}
	v, fault := f.call(t, acme, "addDebitCreditCard", in)
	if id, ok := v.Get("i_debit_credit_card"); fault != nil || !ok || !id.Equal(xmlrpc.Int(1002)) {
		t.Errorf("answered %v, %v", v.Members(), fault)
	}
	// An update leaves what is not given.
	f = accepts(t, "updateDebitCreditCard", cardSample("updateDebitCreditCard"))
	if diff := cmp.Diff(billing.CardTerms{CardDetails: billing.CardDetails{Alias: billing.To("home")}}, f.terms); diff != "" || f.card != 1000 {
		t.Errorf("card %d was changed by (-want +got):\n%s", f.card, diff)
	}
}

func TestOneCard(t *testing.T) {
	for _, method := range []string{"updateDebitCreditCard", "deleteDebitCreditCard", "getDebitCreditCardInfo"} {
		in := cardSample(method)
		refuses(t, method, nil, 400, "Parameter i_account is required")
		refuses(t, method, with(in, m("i_customer", xmlrpc.Int(10))), 400, bothOwners.String)
		refuses(t, method, without(in, "i_debit_credit_card"), 400, "Parameter i_debit_credit_card is required")
		for _, v := range []xmlrpc.Value{xmlrpc.Nil(), xmlrpc.Int(0), xmlrpc.Int(-1), xmlrpc.String("1000"), xmlrpc.Double("1000.0")} {
			refuses(t, method, with(in, m("i_debit_credit_card", v)), 400, "Wrong i_debit_credit_card")
		}
		if f := accepts(t, method, in); f.owner != billing.Account(100) || f.card != 1000 {
			t.Errorf("%s: card %d of %s", method, f.card, f.owner)
		}
	}
	f := accepts(t, "getDebitCreditCardInfo", members{m("i_customer", xmlrpc.Int(10)), m("i_debit_credit_card", xmlrpc.Int(1010))})
	if f.owner != billing.Customer(10) {
		t.Errorf("asked for %s", f.owner)
	}
}

// What is told of a card: its last four digits, never its token; what is not known
// is nil.
func TestCardReply(t *testing.T) {
	full := billing.Card{
		ID: 1000, Owner: billing.Account(100), Gateway: "sandbox", GatewayCustomer: "cus_1", Token: []byte("sealed"), Fingerprint: "print",
		Brand: "Mastercard", Last4: "4444", Type: billing.CardMasterCard, ExpMonth: 3, ExpYear: 2031, Holder: "Alice Rose", Primary: true,
		Alias: "work", CardAddress: billing.CardAddress{Street1: "s1", Street2: "s2", Region: "NY", PostalCode: "02134", City: "c", Country: "US", Phone: "+1"},
	}
	imported := billing.Card{ID: 1001, Brand: "UnionPay"}
	f := &fake{stored: []billing.Card{full, imported}}
	row := members{
		m("i_debit_credit_card", xmlrpc.Int(1000)), m("alias", xmlrpc.String("work")), m("i_card_type", xmlrpc.Int(3)),
		m("number", xmlrpc.String("4444")), m("holder", xmlrpc.String("Alice Rose")), m("exp_mm", xmlrpc.Int(3)), m("exp_yy", xmlrpc.Int(2031)),
		m("street_addr1", xmlrpc.String("s1")), m("street_addr2", xmlrpc.String("s2")), m("state", xmlrpc.String("NY")),
		m("postal_code", xmlrpc.String("02134")), m("city", xmlrpc.String("c")), m("country", xmlrpc.String("US")),
		m("phone", xmlrpc.String("+1")), m("primary", xmlrpc.Bool(true)),
	}
	v, fault := f.call(t, acme, "getDebitCreditCardInfo", cardSample("getDebitCreditCardInfo"))
	if want := xmlrpc.Struct(append(members{resultOK}, row...)...); fault != nil || !v.Equal(want) {
		t.Errorf("%v %v", v.Members(), fault)
	}
	v, fault = f.call(t, acme, "listDebitCreditCards", cardSample("listDebitCreditCards"))
	none := members{
		m("i_debit_credit_card", xmlrpc.Int(1001)), m("alias", xmlrpc.String("")), m("i_card_type", xmlrpc.Nil()),
		m("number", xmlrpc.String("")), m("holder", xmlrpc.String("")), m("exp_mm", xmlrpc.Nil()), m("exp_yy", xmlrpc.Nil()),
	}
	for _, name := range []string{"street_addr1", "street_addr2", "state", "postal_code", "city", "country", "phone"} {
		none = append(none, m(name, xmlrpc.String("")))
	}
	none = append(none, m("primary", xmlrpc.Bool(false)), m("card_name", xmlrpc.String("UnionPay")))
	want := xmlrpc.Struct(resultOK, m("debit_credit_cards", xmlrpc.Array(
		xmlrpc.Struct(append(row, m("card_name", xmlrpc.String("MasterCard")))...), xmlrpc.Struct(none...))))
	if fault != nil || !v.Equal(want) {
		t.Errorf("%v %v", v.Members(), fault)
	}
}

// What the engine refuses goes to the client by the table.
func TestCardErrorsPassThrough(t *testing.T) {
	for _, method := range cardMethods() {
		for _, code := range billing.Codes() {
			f := fake{err: billing.Errorf(code, "number", "x")}
			if _, fault := f.call(t, acme, method.name, cardSample(method.name)); fault == nil || *fault != Fault(f.err) {
				t.Errorf("%s, %s: %v", method.name, code, fault)
			}
		}
	}
}
