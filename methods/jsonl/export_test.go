package jsonl_test

import (
	"strings"
	"testing"

	"topupd/billing"
	"topupd/db/dbtest"
)

// Several logins of one customer, a disabled one, and text that needs escapes.
func TestExportKeepsLoginsAndText(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, `{"type":"customer","i_customer":10,"name":"<Acme> \"√\" \u0001\t\\ 𝄞 \u2028","currency":"KWD","balance":"1.234","web_login":"b","api_password":"p"}`)
	must(t, err)
	must(t, e.AddLogin(root(t), "a", billing.Customer(10), "q"))
	must(t, e.AddLogin(root(t), "c", billing.Customer(10), "r"))
	must(t, e.DisableLogin(root(t), "c"))
	first := dump(t, e, true)
	if n := strings.Count(first, `"web_login"`); n != 3 || strings.Count(first, `"api_ha1"`) != 2 {
		t.Errorf("%d logins:\n%s", n, first)
	}
	other := newEngine(t)
	_, err = load(t, other, first)
	must(t, err)
	if got := dump(t, other, true); got != first {
		t.Errorf("the second export differs:\n%s\n%s", first, got)
	}
	for name, works := range map[string]bool{"a": true, "b": true, "c": false} {
		if _, err := other.Credential(t.Context(), name); (err == nil) != works {
			t.Errorf("login %s: %v", name, err)
		}
	}
	// Without secrets an import leaves the passwords that are stored.
	_, err = load(t, e, dump(t, e, false))
	must(t, err)
	if got := dump(t, e, true); got != first {
		t.Errorf("an import without secrets changed something:\n%s", got)
	}
}

// Many owners: more than a page of each.
func TestExportPages(t *testing.T) {
	e := newEngine(t)
	accounts := 2345
	if dbtest.Fewer() {
		accounts = 1100
	}
	_, err := load(t, e, many(accounts))
	must(t, err)
	first := dump(t, e, true)
	if n := strings.Count(first, "\n"); n != 2+3*accounts {
		t.Errorf("%d lines", n)
	}
	other := newEngine(t)
	_, err = load(t, other, first)
	must(t, err)
	if dump(t, other, true) != first {
		t.Error("the second export differs")
	}
}

// What the switch's card methods keep survives an export; a deleted card that a
// policy names stays deleted, and one that none names is left behind.
func TestExportKeepsCards(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD"}
{"type":"card","i_debit_credit_card":1000,"i_customer":10,"token":"tok_ok","brand":"UnionPay","last4":"4444","primary":true,"i_card_type":3,"alias":"<work>","street_addr1":"1 Main St","street_addr2":"floor 2","state":"NY","postal_code":"02134","city":"New York","country":"us","phone":"+12125550100","payment_type":"card"}
{"type":"card","i_debit_credit_card":1001,"i_customer":10,"token":"tok_ok","brand":"Visa","last4":"4242","alias":"gone"}
{"type":"card","i_debit_credit_card":1002,"i_customer":10,"token":"tok_ok","brand":"Visa"}
{"type":"low_balance","i_customer":10,"threshold":"5","charge_card":true,"charge_amount":"10","i_debit_credit_card":1001}`)
	must(t, err)
	for _, id := range []billing.CardID{1001, 1002} {
		must(t, e.DeleteCard(root(t), billing.Customer(10), id))
	}
	first := dump(t, e, true)
	for _, want := range []string{
		`"brand":"UnionPay","last4":"4444","exp_mm":null,"exp_yy":null,"holder":"","primary":true,"i_card_type":3,"alias":"<work>","street_addr1":"1 Main St","street_addr2":"floor 2","state":"NY","postal_code":"02134","city":"New York","country":"US","phone":"+12125550100","payment_type":"card"}`,
		`"brand":"Visa","last4":"4242","exp_mm":null,"exp_yy":null,"holder":"","primary":false,"deleted":true}`,
	} {
		if !strings.Contains(first, want) {
			t.Errorf("the export lacks %s:\n%s", want, first)
		}
	}
	if strings.Contains(first, "1002") || strings.Count(first, `"token"`) != 1 {
		t.Errorf("the export has too much:\n%s", first)
	}
	other := newEngine(t)
	_, err = load(t, other, first)
	must(t, err)
	if got := dump(t, other, true); got != first {
		t.Errorf("the second export differs:\n%s\n%s", first, got)
	}
	if _, err := other.Card(root(t), billing.Customer(10), 1001); billing.ErrorCode(err) != billing.NotFound {
		t.Errorf("the deleted card came back: %v", err)
	}
	_, err = load(t, e, first) // over itself
	must(t, err)
	if got := dump(t, e, true); got != first {
		t.Errorf("an import over itself changed something:\n%s", got)
	}
	// null takes away; what is no country, type or text is refused.
	_, err = load(t, e, `{"type":"card","i_debit_credit_card":1000,"i_customer":10,"i_card_type":null,"country":null,"alias":null}`)
	must(t, err)
	if got := dump(t, e, true); strings.Contains(got, `"country"`) || strings.Contains(got, `"alias"`) || strings.Contains(got, `"i_card_type"`) {
		t.Errorf("null took nothing away:\n%s", got)
	}
	for _, member := range []string{
		`"country":"XX"`, `"country":""`, `"i_card_type":7`, `"i_card_type":4294967297`, `"i_card_type":"1"`, `"alias":"4242424242424242"`, `"alias":5`, `"deleted":null`, `"deleted":1`,
	} {
		if _, err := load(t, e, `{"type":"card","i_debit_credit_card":1000,"i_customer":10,`+member+`}`); err == nil {
			t.Errorf("%s was taken", member)
		}
	}
}
