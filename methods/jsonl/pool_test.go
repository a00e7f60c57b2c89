package jsonl_test

import (
	"strings"
	"testing"

	"topupd/billing"
)

const poolOwner = `{"type":"customer","i_customer":10,"name":"Acme","currency":"EUR"}` + "\n"

// What an import brings comes back the same, and comes into an empty database as it was.
func TestPoolPlanRoundTrip(t *testing.T) {
	e := newEngine(t)
	// The plan stands before its customer: lines come in any order.
	_, err := load(t, e, `{"type":"pool_plan","offer":500,"i_customer":10,"name":"A <b>","currency":"EUR","expirationType":"FIXED","expires":"2027-04-25","subscribers":["z","é","a"],"balances":{"MB":"1.5","SMS":"12"},"low_allowance":{"KB":"20.5%","SMS":"5"}}
{"type":"pool_plan","offer":501,"i_customer":10,"name":"B","currency":"EUR"}
`+poolOwner)
	must(t, err)
	want := `{"type":"pool_plan","offer":500,"i_customer":10,"name":"A <b>","currency":"EUR","expirationType":"FIXED","expires":"2027-04-25","subscribers":["z","é","a"],"balances":{"SMS":"12","KB":"1536"},"low_allowance":{"SMS":"5","KB":"20.5%"}}
{"type":"pool_plan","offer":501,"i_customer":10,"name":"B","currency":"EUR","expirationType":"","expires":null,"subscribers":[],"balances":{}}
`
	first := dump(t, e, true)
	if !strings.Contains(first, want) {
		t.Fatalf("the export is\n%s", first)
	}
	other := newEngine(t)
	_, err = load(t, other, first)
	must(t, err)
	if got := dump(t, other, true); got != first {
		t.Errorf("the second export differs:\n%s\n%s", first, got)
	}
	_, err = load(t, e, first)
	must(t, err)
	if got := dump(t, e, true); got != first {
		t.Errorf("an import over itself changed something:\n%s", got)
	}
	// A difference is a posting; what is not given stays.
	_, err = load(t, e, `{"type":"pool_plan","offer":500,"balances":{"SMS":"-3"},"expires":null,"low_allowance":null,"subscribers":["b"]}`)
	must(t, err)
	want = `{"type":"pool_plan","offer":500,"i_customer":10,"name":"A <b>","currency":"EUR","expirationType":"FIXED","expires":null,"subscribers":["b"],"balances":{"SMS":"-3","KB":"1536"}}`
	if got := dump(t, e, true); !strings.Contains(got, want) {
		t.Errorf("the export is\n%s", got)
	}
	wrong, err := e.Verify(root(t), 10)
	must(t, err)
	if len(wrong) > 0 {
		t.Errorf("verify: %v", wrong)
	}
	n := 0
	must(t, e.Snapshot(root(t), func(r billing.Reader) error {
		list, err := r.Postings(billing.Customer(10), 0, 100)
		n = len(list)
		return err
	}))
	if n != 3 {
		t.Errorf("%d postings", n)
	}
}

func TestBadPoolPlans(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, poolOwner+`{"type":"customer","i_customer":11,"name":"Eve","currency":"EUR"}
{"type":"pool_plan","offer":500,"i_customer":10,"name":"A","currency":"EUR","balances":{"SMS":"1"}}`)
	must(t, err)
	before := dump(t, e, true)
	for member, want := range map[string]string{
		`"offer":0,"i_customer":10,"name":"x","currency":"EUR"`: "offer",
		`"i_customer":10,"name":"x","currency":"EUR"`:           "offer is missing",
		`"offer":1,"name":"x","currency":"EUR"`:                 "i_customer",
		`"offer":1,"i_customer":10,"name":"x","currency":"USD"`: "customer 10 is kept in EUR",
		`"offer":1,"i_customer":10,"name":"x","currency":"XXY"`: "currency",
		`"offer":1,"i_customer":99,"name":"x","currency":"EUR"`: "customer 99",
		`"offer":1,"i_customer":0,"name":"x","currency":"EUR"`:  "i_customer",
		`"offer":500,"i_customer":11`:                           "cannot be moved",
		`"offer":500,"name":null`:                               "name",
		`"offer":500,"expires":"2027-02-29"`:                    "a date is needed",
		`"offer":500,"expires":5`:                               "a date is needed",
		`"offer":500,"subscribers":["a","a"]`:                   "twice",
		`"offer":500,"subscribers":[""]`:                        "a subscriber has a name",
		`"offer":500,"subscribers":null`:                        "subscribers",
		`"offer":500,"balances":{"TB":"1"}`:                     "balances",
		`"offer":500,"balances":{"SMS":"0.5"}`:                  "whole numbers",
		`"offer":500,"balances":{"SMS":1}`:                      "decimal string",
		`"offer":500,"balances":{"SMS":null}`:                   "null",
		`"offer":500,"balances":{"KB":"1","MB":"1"}`:            "data is given once",
		`"offer":500,"balances":{"GB":"9000000000"}`:            "beyond what can be kept",
		`"offer":500,"balances":[]`:                             "an object",
		`"offer":500,"low_allowance":{"SMS":"101%"}`:            "0 to 100",
		`"offer":500,"low_allowance":{"SMS":"-1"}`:              "0 or more",
		`"offer":500,"low_allowance":{"SMS":"%"}`:               "decimal",
		`"offer":500,"low_allowance":{"KB":"1"}`:                "no balance in KB",
		`"offer":500,"low_allowance":{"SMS":5}`:                 "decimal string",
		`"offer":500,"low":1`:                                   "not a member",
	} {
		_, err := load(t, e, `{"type":"pool_plan",`+member+`}`)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, which does not say %q", member, err, want)
		}
		if got := dump(t, e, true); got != before {
			t.Fatalf("%s changed something:\n%s", member, got)
		}
	}
}
