package jsonl_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A profile restricted to the customer that is linked to it, with all its members, and
// an account's members that no profile acts on.
const profileLines = `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD","payment_type":"direct_debit","autoTopupProfileID":"7","autoTopupAmount":"75.5","outstanding":"430.000001","overdue":"-1","unbilledCalls":"3","limits":{"Credit Limit":"500","branch limit":"1"}}
{"type":"account","i_account":100,"i_customer":10,"currency":"USD","payment_type":"card","autoTopupProfileID":"x","outstanding":"5"}
{"type":"auto_topup_profile","id":"7","name":"Percent","description":"d","enabled":"No","triggerBasis":"unbilled_calls","triggerType":"PercentOfLimit","triggerValue":"80.5","referenceLimit":"outstanding limit","topupMode":"to percent of limit","topupValue":"0","topupReferenceLimit":"Credit Limit","autoCollect":"Yes","correspondenceTypeExpected":"Our letter","correspondenceTypeCard":"auto top-up card","correspondenceTypeDirectDebit":null,"minDaysBetweenTopups":7,"customerID":"10"}
{"type":"correspondence_type","id":4,"name":"Our letter"}
{"type":"auto_topup_profile","id":"8","name":"Bare"}
`

func TestProfileLines(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, profileLines)
	must(t, err)
	first := dump(t, e, false)
	for _, want := range []string{
		`{"type":"correspondence_type","id":4,"name":"Our letter"}
{"type":"auto_topup_profile","id":"7","name":"Percent","description":"d","enabled":"No","triggerBasis":"Unbilled Calls","triggerType":"Percent of Limit","triggerValue":"80.50","referenceLimit":"Outstanding Limit","topupMode":"To Percent Of Limit","topupValue":"0.00","topupReferenceLimit":"Credit Limit","autoCollect":"Yes","correspondenceTypeExpected":"Our letter","correspondenceTypeCard":"Auto Top-up Card","correspondenceTypeDirectDebit":null,"minDaysBetweenTopups":7,"customerID":"10"}
{"type":"auto_topup_profile","id":"8","name":"Bare","description":"","enabled":"Yes","triggerBasis":"Outstanding","triggerType":"Absolute Amount","triggerValue":"0.00","referenceLimit":"Credit Limit","topupMode":"Fixed Amount","topupReferenceLimit":null,"autoCollect":"No",`,
		`"payment_type":"direct_debit","autoTopupProfileID":"7","autoTopupAmount":"75.50","outstanding":"430.000001","overdue":"-1.00","unbilledCalls":"3.00","limits":{"Credit Limit":"500.00","branch limit":"1.00"}}`,
		`"autoTopupProfileID":"x","outstanding":"5","payment_type":"card"}`,
	} {
		if !strings.Contains(first, want) {
			t.Errorf("the export lacks %s:\n%s", want, first)
		}
	}
	second := newEngine(t)
	_, err = load(t, second, first)
	must(t, err)
	if diff := cmp.Diff(first, dump(t, second, false)); diff != "" {
		t.Errorf("the second export differs (-first +second):\n%s", diff)
	}
	_, err = load(t, second, `{"type":"auto_topup_profile","id":"7","enabled":"Yes"}`)
	must(t, err)
	if got, want := dump(t, second, false), strings.Replace(first, `"enabled":"No"`, `"enabled":"Yes"`, 1); got != want {
		t.Errorf("one member was given:\n%s", cmp.Diff(want, got))
	}
}

func TestProfileLinesRefused(t *testing.T) {
	const profile = `{"type":"auto_topup_profile","id":"7","name":"P"`
	for _, c := range []struct{ line, want string }{
		{`{"type":"auto_topup_profile","name":"P"}`, "id is missing"},
		{`{"type":"auto_topup_profile","id":"x","name":"P"}`, "id: an id is a number above 0"},
		{`{"type":"auto_topup_profile","id":null,"name":"P"}`, "id: it cannot be null"},
		{`{"type":"auto_topup_profile","id":"7"}`, "name is missing"},
		{profile + `,"enabled":true}`, "enabled: allowed: Yes, No"},
		{profile + `,"triggerBasis":"Debt"}`, "triggerBasis: unknown value; allowed: Outstanding, Overdue, Unbilled Calls"},
		{profile + `,"triggerType":"Percent of Limit","triggerValue":"0"}`, "triggerValue: a percentage above 0"},
		{profile + `,"triggerValue":"-1"}`, "triggerValue: out of range"},
		{profile + `,"referenceLimit":"Sky"}`, "referenceLimit: unknown value"},
		{profile + `,"correspondenceTypeCard":"nobody's"}`, "correspondenceTypeCard: there is no correspondence type"},
		{profile + `,"customerID":"99"}`, "customerID: there is no such customer"},
		{profile + `,"colour":"red"}`, "colour is not a member"},
		{`{"type":"customer","i_customer":10,"name":"Acme","currency":"USD","autoTopupProfileID":"99"}`, "autoTopupProfileID: there is no profile 99"},
		{`{"type":"customer","i_customer":10,"name":"Acme","currency":"USD","autoTopupAmount":"-1"}`, "autoTopupAmount"},
		{`{"type":"customer","i_customer":10,"name":"Acme","currency":"USD","limits":{"a":null}}`, "limits: a: it cannot be null"},
		{`{"type":"correspondence_type","id":9,"name":"AUTO TOP-UP CARD"}`, "there is a correspondence type of this name"},
	} {
		e := newEngine(t)
		before := dump(t, e, false)
		if _, err := load(t, e, c.line); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.line, err, c.want)
		}
		if dump(t, e, false) != before {
			t.Errorf("%s: something changed", c.line)
		}
	}
}
