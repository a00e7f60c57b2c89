package jsonl_test

import (
	"strings"
	"testing"
)

// A line for something that exists changes the members it gives, also of what
// is only kept for other interfaces; needed members may be stored already.
func TestLinesChangeTheMembersTheyGive(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD","outstanding":"5","overdue":"1","limits":{"Credit Limit":"0"}}
{"type":"account","i_account":100,"i_customer":10,"currency":"USD"}
{"type":"service","id":7,"i_account":100,"class":"/service/telco/gsm/sms"}`)
	must(t, err)
	_, err = load(t, e, `{"type":"customer","i_customer":10,"outstanding":"6"}
{"type":"service","id":7,"i_customer":10}`)
	must(t, err)
	got := dump(t, e, false)
	for _, want := range []string{
		`"outstanding":"6.00"`, `"overdue":"1.00"`, `"limits":{"Credit Limit":"0.00"}`,
		`{"type":"service","id":7,"i_customer":10,"class":"/service/telco/gsm/sms"}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the export lacks %s:\n%s", want, got)
		}
	}
	if _, err := load(t, e, `{"type":"service","id":8,"i_account":100}`); err == nil || !strings.Contains(err.Error(), "x.jsonl:1: class is missing") {
		t.Errorf("a new service without its class: %v", err)
	}
	if _, err := load(t, e, `{"type":"plan","i_billing_plan":1,"name":"p","price":"1","currency":"USD"}
{"type":"account","i_account":100,"i_billing_plan":1}
{"type":"account","i_account":100,"i_billing_plan":null}`); err == nil || !strings.Contains(err.Error(), "x.jsonl:3:") {
		t.Errorf("a plan was taken away: %v", err)
	}
}
