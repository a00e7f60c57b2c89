package jsonl_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topupd/billing"
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

// What profiles expected, what a person expects, and the letters, of a profile that was
// deleted since, by a card that was deleted since.
const expectedLines = `{"type":"expected_payment_type","id":2,"name":"Invoice","displayName":"An invoice","description":"d"}
{"type":"auto_topup_profile","id":"7","name":"P","deleted":true}
{"type":"customer","i_customer":10,"name":"Acme","currency":"USD"}
{"type":"card","i_debit_credit_card":1000,"i_customer":10,"gateway":"sandbox","last4":"4242","deleted":true}
{"type":"expected_payment","id":3,"i_customer":10,"expectedPaymentType":1,"autoTopupProfileID":"7","date":"2026-11-20","amount":"100.00","method":"card","reason":null,"i_debit_credit_card":1000,"ourReference":"o","customerReference":null,"revision":2,"created":"2026-11-20T00:15:00.5Z","updated":"2026-11-20T00:15:02Z","fulfilled":"2026-11-20T00:15:02Z","withdrawn":null}
{"type":"expected_payment","id":4,"i_customer":10,"expectedPaymentType":1,"autoTopupProfileID":"7","date":"2026-11-21","amount":"75.50","method":"none","reason":"no_card","i_debit_credit_card":null,"ourReference":null,"customerReference":null,"revision":1,"created":"2026-11-21T00:15:00Z","updated":"2026-11-21T00:16:00Z","fulfilled":null,"withdrawn":"2026-11-21T00:16:00Z"}
{"type":"expected_payment","id":9,"i_customer":10,"expectedPaymentType":2,"autoTopupProfileID":null,"date":"2030-01-01","amount":"5.00","method":"none","reason":null,"i_debit_credit_card":null,"ourReference":null,"customerReference":"PO 7","revision":1,"created":"2026-11-21T00:15:00Z","updated":"2026-11-21T00:15:00Z","fulfilled":null,"withdrawn":null}
{"type":"correspondence","id":5,"expectedPayment":3,"correspondenceType":"Auto Top-up Card","recipient":"ops@acme.example","subject":"s","body":"b\n","created":"2026-11-20T00:15:00Z","delivered":"2026-11-20T00:15:03Z"}
{"type":"correspondence","id":6,"expectedPayment":4,"correspondenceType":"Auto Top-up Expected","recipient":"ops@acme.example","subject":"s","body":"b","created":"2026-11-21T00:15:00Z","delivered":null}
`

func TestExpectedLines(t *testing.T) {
	e := newEngine(t)
	lines := strings.SplitAfter(strings.TrimSuffix(expectedLines, "\n"), "\n")
	slices.Reverse(lines) // a letter before what it is about
	_, err := load(t, e, strings.Join(lines, "\n"))
	must(t, err)
	first := dump(t, e, false)
	for _, want := range strings.Split(strings.TrimSpace(expectedLines), "\n") {
		if strings.Contains(want, `"type":"expected_payment`) || strings.Contains(want, `"type":"corr`) {
			if !strings.Contains(first, want+"\n") {
				t.Errorf("the export lacks %s", want)
			}
		}
	}
	for _, want := range []string{`"type":"auto_topup_profile","id":"7","name":"P"`, `"customerID":null,"deleted":true}`, `"i_debit_credit_card":1000,"i_customer":10`} {
		if !strings.Contains(first, want) {
			t.Errorf("the export lacks %s:\n%s", want, first)
		}
	}
	second := newEngine(t)
	for range 2 {
		_, err = load(t, second, first)
		must(t, err)
		if diff := cmp.Diff(first, dump(t, second, false)); diff != "" {
			t.Errorf("the second export differs (-first +second):\n%s", diff)
		}
	}
	// Nothing is sent again, and the profile is not there.
	ctx := billing.WithActor(t.Context(), billing.Actor{Customer: billing.Root, Login: "root"})
	must(t, second.Drain(ctx))
	if _, err := second.Profile(ctx, 7); billing.ErrorCode(err) != billing.NotFound {
		t.Errorf("the deleted profile: %v", err)
	}
	letters, err := second.Letters(ctx, billing.LettersParams{Undelivered: true})
	must(t, err)
	if len(letters) != 1 || letters[0].Letter.ID != 6 || letters[0].Notice.State != billing.NoticeFailed {
		t.Errorf("undelivered: %+v", letters)
	}
}

func TestExpectedLinesRefused(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(expectedLines), "\n")
	paid, asked, letter := lines[4], lines[6], lines[7]
	for _, c := range []struct{ line, old, new, want string }{
		{paid, `"id":3`, `"id":0`, "above 0"},
		{paid, `"revision":2`, `"revision":0`, "above 0"},
		{paid, `"amount":"100.00",`, ``, "amount is missing"},
		{paid, `"i_customer":10`, `"i_customer":11`, "customer 11"},
		{paid, `"i_customer":10`, `"i_customer":null`, "i_customer: it cannot be null"},
		{paid, `"i_customer":10`, `"i_customer":9223372036854775807`, "i_customer: ids are above 0"},
		{paid, `"autoTopupProfileID":"7"`, `"autoTopupProfileID":"8"`, "autoTopupProfileID: there is no profile 8"},
		{paid, `"autoTopupProfileID":"7"`, `"autoTopupProfileID":null`, "autoTopupProfileID: a top-up has a profile"},
		{paid, `"date":"2026-11-20"`, `"date":"2026-13-20"`, "a date is needed"},
		{paid, `"amount":"100.00"`, `"amount":"0"`, "amount: above 0"},
		{paid, `"amount":"100.00"`, `"amount":"1.001"`, "amount: above 0"},
		{paid, `"method":"card"`, `"method":"cash"`, "method: allowed"},
		{paid, `"method":"card"`, `"method":"none"`, "i_debit_credit_card: method card has a card"},
		{paid, `"i_debit_credit_card":1000`, `"i_debit_credit_card":1001`, "customer 10 has no card 1001"},
		{paid, `"created":"2026-11-20T00:15:00.5Z"`, `"created":null`, "created: it cannot be null"},
		{paid, `"ourReference":"o"`, `"ourReference":"` + strings.Repeat("x", 256) + `"`, "ourReference: at most 255"},
		{paid, `"reason":null`, `"colour":null`, "colour is not a member"},
		{asked, `"expectedPaymentType":2`, `"expectedPaymentType":3`, "expectedPaymentType: there is no type 3"},
		{asked, `"expectedPaymentType":2`, `"expectedPaymentType":1`, "autoTopupProfileID: a top-up has a profile"},
		{asked, `"method":"none"`, `"method":"direct_debit"`, "method: only a top-up is collected"},
		{asked, `"id":9`, `"id":3`, "expected payment 3 is another one"},
		{letter, `"recipient":"ops@acme.example"`, `"recipient":7`, "recipient: a string is needed"},
		{letter, `"id":5`, `"id":7`, "letter 5 is about this expected payment"},
		{letter, `"expectedPayment":3`, `"expectedPayment":9`, "letter 5 is another one"},
		{letter, `"expectedPayment":3`, `"expectedPayment":99`, "there is no expected payment 99"},
		{letter, `"Auto Top-up Card"`, `"None"`, "there is no correspondence type of this name"},
		{letter, `"subject":"s",`, ``, "subject is missing"},
		{letter, `"subject":"s"`, `"subject":"` + strings.Repeat("x", 1001) + `"`, "subject: at most 1000"},
		{lines[0], `"id":2`, `"id":1`, "ids are above 1"},
		{lines[0], `"name":"Invoice"`, `"name":"auto top-up"`, "there is a type of this name"},
		{lines[0], `"id":2,"name":"Invoice"`, `"id":3`, "name is missing"},
	} {
		e := newEngine(t)
		// What the line is about is there already, but for the line itself.
		base := expectedLines
		if c.line == paid && !strings.Contains(c.new, `"id":`) {
			base = strings.Join([]string{lines[0], lines[1], lines[2], lines[3]}, "\n")
		}
		if c.line == asked && !strings.Contains(c.new, `"id":3`) {
			base = strings.Join(lines[:6], "\n")
		}
		_, err := load(t, e, base)
		must(t, err)
		before := dump(t, e, false)
		wrong := strings.Replace(c.line, c.old, c.new, 1)
		if wrong == c.line {
			t.Fatalf("%s is not in %s", c.old, c.line)
		}
		if _, err := load(t, e, wrong); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", wrong, err, c.want)
		}
		if dump(t, e, false) != before {
			t.Errorf("%s: something changed", wrong)
		}
	}
}
