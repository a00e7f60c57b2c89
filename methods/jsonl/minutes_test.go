package jsonl_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const withMinutes = `{"type":"account","i_account":100,"i_customer":1,"currency":"USD","i_billing_plan":1,"next_billing_time":"2026-12-01T00:00:00Z","minutes_used":{"6":7,"5":120}}
{"type":"plan","i_billing_plan":1,"name":"Basic","price":"5.00","currency":"USD","minute_plans":[{"i_service_plan":6,"description":"EU","seconds_total":null},{"i_service_plan":5,"description":"Down \"U\" & you","price":"2.5","seconds_total":6000}]}
{"type":"plan","i_billing_plan":2,"name":"Other","price":"5.00","currency":"USD","minute_plans":[{"seconds_total":0,"i_service_plan":7,"description":""}]}`

const (
	planMinutes    = `"minute_plans":[{"i_service_plan":5,"description":"Down \"U\" & you","price":"2.50","seconds_total":6000},{"i_service_plan":6,"description":"EU","price":"0.00","seconds_total":null}]`
	accountMinutes = `"minutes_used":{"5":120,"6":7}`
)

// Minute plans and what was used of them survive, also of an account that comes before
// its plan; a list replaces the plan's, and what was used of what is gone goes with it.
func TestMinutesSurvive(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, withMinutes)
	must(t, err)
	first := dump(t, e, false)
	for _, want := range []string{planMinutes, accountMinutes, `"minute_plans":[{"i_service_plan":7,"description":"","price":"0.00","seconds_total":0}]`} {
		if !strings.Contains(first, want) {
			t.Errorf("%s is not in\n%s", want, first)
		}
	}
	other := newEngine(t)
	_, err = load(t, other, first)
	must(t, err)
	if diff := cmp.Diff(first, dump(t, other, false)); diff != "" {
		t.Errorf("the second export differs:\n%s", diff)
	}
	for _, c := range []struct{ line, want, gone string }{
		{`{"type":"account","i_account":100,"minutes_used":{"5":0}}`, `"minutes_used":{"6":7}`, `"5":`},
		{`{"type":"account","i_account":100,"name":"A"}`, `"minutes_used":{"6":7}`, `"5":`},
		{`{"type":"plan","i_billing_plan":1,"minute_plans":[{"i_service_plan":5,"description":"x","seconds_total":1}]}`,
			`[{"i_service_plan":5,"description":"x","price":"0.00","seconds_total":1}]`, "minutes_used"},
		{`{"type":"account","i_account":100,"minutes_used":{"5":3}}`, `"minutes_used":{"5":3}`, `"6":`},
		{`{"type":"account","i_account":100,"next_billing_time":"2027-01-01T00:00:00Z"}`, `"2027-01-01T00:00:00Z"`, "minutes_used"},
		{`{"type":"account","i_account":100,"minutes_used":{"5":4}}`, `"minutes_used":{"5":4}`, `"6":`},
		{`{"type":"account","i_account":100,"i_billing_plan":2}`, `"i_billing_plan":2`, "minutes_used"},
		{`{"type":"plan","i_billing_plan":1,"minute_plans":null}`, `"name":"Basic"`, `"i_service_plan":5`},
		{`{"type":"plan","i_billing_plan":2,"minute_plans":[]}`, `"name":"Other"`, "minute_plans"},
	} {
		_, err := load(t, e, c.line)
		must(t, err)
		if got := dump(t, e, false); !strings.Contains(got, c.want) || strings.Contains(got, c.gone) {
			t.Errorf("after %s:\n%s", c.line, got)
		}
	}
}

func TestBadMinutes(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, withMinutes+`
{"type":"account","i_account":101,"i_customer":1,"currency":"USD"}`)
	must(t, err)
	before := dump(t, e, true)
	plan := func(list string) string {
		return `{"type":"plan","i_billing_plan":1,"name":"changed","minute_plans":` + list + `}`
	}
	used := func(object string) string {
		return `{"type":"account","i_account":100,"name":"changed","minutes_used":` + object + `}`
	}
	for _, c := range []struct{ line, want string }{
		{plan(`{}`), "a list of objects is needed"},
		{plan(`"x"`), "a list of objects is needed"},
		{plan(`[5]`), "a list of objects is needed"},
		{plan(`[{"i_service_plan":5}]`), "i_service_plan and description are needed"},
		{plan(`[{"description":"x"}]`), "i_service_plan and description are needed"},
		{plan(`[{"i_service_plan":5,"description":null}]`), "description: it cannot be null"},
		{plan(`[{"i_service_plan":"5","description":"x"}]`), "i_service_plan: an integer is needed"},
		{plan(`[{"i_service_plan":0,"description":"x"}]`), "i_service_plan is 1 to"},
		{plan(`[{"i_service_plan":2147483648,"description":"x"}]`), "i_service_plan is 1 to"},
		{plan(`[{"i_service_plan":5,"description":"x","price":2}]`), "price: money is a decimal string"},
		{plan(`[{"i_service_plan":5,"description":"x","price":"-1"}]`), "price is 0 or more"},
		{plan(`[{"i_service_plan":5,"description":"x","seconds_total":-1}]`), "seconds_total is 0 to"},
		{plan(`[{"i_service_plan":5,"description":"x","seconds_total":2147483648}]`), "seconds_total is 0 to"},
		{plan(`[{"i_service_plan":5,"description":"x","minutes":1}]`), "minutes is not a member of this type"},
		{plan(`[{"i_service_plan":5,"description":"x"},{"i_service_plan":5,"description":"y"}]`), "i_service_plan 5 is there twice"},
		{plan(`[{"i_service_plan":7,"description":"x"}]`), "i_service_plan 7 belongs to another plan"},
		{used(`null`), "an object of i_service_plan and seconds is needed"},
		{used(`[5]`), "an object of i_service_plan and seconds is needed"},
		{used(`{"five":1}`), "an object of i_service_plan and seconds is needed"},
		{used(`{"5":null}`), "5: seconds are an integer"},
		{used(`{"5":"1"}`), "5: seconds are an integer"},
		{used(`{"5":-1}`), "seconds are 0 to"},
		{used(`{"5":2147483648}`), "seconds are 0 to"},
		{used(`{"7":1}`), "plan 1 has no minute plan 7"},
		{`{"type":"account","i_account":101,"minutes_used":{"5":1}}`, "has no plan"},
		{`{"type":"customer","i_customer":1,"minutes_used":{"5":1}}`, "minutes_used is not a member of this type"},
	} {
		if _, err := load(t, e, c.line); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.line, err)
		}
	}
	if diff := cmp.Diff(before, dump(t, e, true)); diff != "" {
		t.Errorf("a refused import changed something:\n%s", diff)
	}
}
