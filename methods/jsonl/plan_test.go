package jsonl_test

import (
	"strings"
	"testing"
)

// What a plan tells beside its price comes back, also of a plan whose customer's line
// comes after it.
func TestPlansSurvive(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, `{"type":"plan","i_billing_plan":1,"name":"Basic","price":"5.00","currency":"USD"}
{"type":"plan","i_billing_plan":2,"name":"Own","price":"0","currency":"USD","description":"d","suspend_all_calls":true,"i_tariff":77,"i_customer":10}
{"type":"customer","i_customer":10,"name":"Acme","currency":"USD"}`)
	must(t, err)
	first := dump(t, e, false)
	other := newEngine(t)
	_, err = load(t, other, first)
	must(t, err)
	if got := dump(t, other, false); got != first {
		t.Errorf("the second export differs:\n%s\n%s", first, got)
	}
	want := `{"type":"plan","i_billing_plan":2,"name":"Own","price":"0.00","currency":"USD","billing_cycle":"monthly","prepaid":true,"on_failure":"block","description":"d","suspend_all_calls":true,"i_tariff":77,"i_customer":10}`
	if !strings.Contains(first, want) {
		t.Errorf("the export:\n%s", first)
	}
	_, err = load(t, e, `{"type":"plan","i_billing_plan":2,"i_tariff":null,"i_customer":null}`)
	must(t, err)
	if got := dump(t, e, false); !strings.Contains(got, `"suspend_all_calls":true,"i_tariff":null}`) {
		t.Errorf("the export:\n%s", got)
	}
}
