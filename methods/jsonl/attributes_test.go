package jsonl_test

import (
	"strings"
	"testing"

	"topupd/billing"
)

// What the switch's interface keeps, and an account's validity, survive an export
// into an empty database.
func TestExportKeepsAttributesAndValidity(t *testing.T) {
	e := newEngine(t)
	const lines = `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD","min_payment_amount":"2.50","sippy":{"i_tariff":7,"mail_from":"a<b>&c √","accounts_mgmt":3}}
{"type":"account","i_account":100,"i_customer":10,"username":"u","currency":"USD","lifetime":30,"first_used_at":"2026-11-01T00:00:00.000001Z","expires_at":"2026-12-24T00:00:00Z","on_payment_action":"extend_lifetime","min_payment_amount":"5","sippy":{"reg_allowed":true,"max_sessions":-1,"max_calls_per_second":1.5,"city":"Pärnu"}}
{"type":"account","i_account":101,"i_customer":10,"username":"v","currency":"USD","lifetime":5}`
	_, err := load(t, e, lines)
	must(t, err)
	first := dump(t, e, true)
	for _, want := range []string{
		`"sippy":{"accounts_mgmt":3,"i_tariff":7,"mail_from":"a<b>&c √"}`, `"min_payment_amount":"2.50"`,
		`"lifetime":30,"first_used_at":"2026-11-01T00:00:00.000001Z","expires_at":"2026-12-24T00:00:00Z","on_payment_action":"extend_lifetime"`,
		`"sippy":{"city":"Pärnu","max_calls_per_second":1.5,"max_sessions":-1,"reg_allowed":true}`,
		`"lifetime":5,"first_used_at":null,"expires_at":null`,
	} {
		if !strings.Contains(first, want) {
			t.Errorf("%s is missing in\n%s", want, first)
		}
	}
	other := newEngine(t)
	_, err = load(t, other, first)
	must(t, err)
	if got := dump(t, other, true); got != first {
		t.Errorf("the second export differs:\n%s\n%s", first, got)
	}
}

func TestAttributesAreRefused(t *testing.T) {
	for _, member := range []string{
		`"sippy":[]`, `"sippy":null`, `"sippy":{"a":{}}`, `"sippy":{"a":null}`, `"sippy":{"A":1}`, `"sippy":{"":1}`,
		`"sippy":{"voip_password":"x"}`, `"sippy":{"a":"` + strings.Repeat("x", 1001) + `"}`,
		`"lifetime":0`, `"lifetime":40000`, `"lifetime":"5"`, `"first_used_at":"2026-11-01T00:00:00Z"`,
		`"lifetime":5,"expires_at":"2026-11-01T00:00:00Z"`, `"on_payment_action":"0"`, `"min_payment_amount":"-1"`, `"min_payment_amount":null`,
	} {
		e := newEngine(t)
		_, err := load(t, e, `{"type":"customer","i_customer":10,"name":"A","currency":"USD"}
{"type":"account","i_account":100,"i_customer":10,"currency":"USD",`+member+`}`)
		if err == nil {
			t.Errorf("%s was accepted", member)
		}
	}
}

// A deleted owner is in no export, and its number does not come back.
func TestDeletedOwnersAreNotExported(t *testing.T) {
	e := newEngine(t)
	const lines = `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD","web_login":"w","api_password":"p"}
{"type":"account","i_account":100,"i_customer":10,"username":"u","currency":"USD"}
{"type":"card","i_debit_credit_card":1,"i_account":100,"token":"tok_ok","primary":true}
{"type":"low_balance","i_account":100,"threshold":"5","i_debit_credit_card":1}`
	_, err := load(t, e, lines)
	must(t, err)
	must(t, e.DeleteOwner(root(t), billing.Account(100)))
	must(t, e.DeleteOwner(root(t), billing.Customer(10)))
	if got := dump(t, e, true); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"i_customer":1,`) {
		t.Errorf("the export is\n%s", got)
	}
	for _, line := range strings.Split(lines, "\n") {
		if _, err := load(t, e, line); err == nil {
			t.Errorf("%s was accepted", line)
		}
	}
	found, err := e.Verify(root(t), 10)
	if err != nil || len(found) > 0 {
		t.Errorf("verify: %v %v", found, err)
	}
}
