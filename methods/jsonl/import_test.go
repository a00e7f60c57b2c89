package jsonl_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topupd/billing"
	"topupd/methods/jsonl"
)

// reference are the lines of the import format's own page.
const reference = `{"type":"plan","i_billing_plan":1,"name":"Monthly 20","price":"20.00","currency":"USD","billing_cycle":"monthly","prepaid":true,"on_failure":"block"}
{"type":"customer","i_customer":10,"name":"Acme","i_parent":1,"currency":"USD","balance":"250.00","credit_limit":"0","email":"ops@acme.example","web_login":"acme","api_password":"secret","payment_type":"card","autoTopupProfileID":null,"autoTopupAmount":null,"outstanding":"0","overdue":"0","unbilledCalls":"0","limits":{"Credit Limit":"0"}}
{"type":"customer","i_customer":11,"name":"Acme EU","i_parent":10,"currency":"EUR"}
{"type":"account","i_account":100,"i_customer":10,"username":"15551230100","name":"Alice Rose","currency":"USD","balance":"4.00","credit_limit":"0","email":"alice@acme.example","i_billing_plan":1,"next_billing_time":"2026-12-01T00:00:00Z","billing_anchor_day":1,"billing_time_zone":"UTC","blocked":false,"balance_group":6336883}
{"type":"card","i_debit_credit_card":1000,"i_account":100,"gateway":"stripe","gateway_customer":"cus_1","token":"pm_card_visa","brand":"Visa","last4":"4242","exp_mm":12,"exp_yy":2030,"holder":"Alice Rose","primary":true}
{"type":"low_balance","i_account":100,"threshold":"5.00","notify_by_email":true,"charge_card":true,"charge_amount":"10.00","i_debit_credit_card":null,"br_charge_card":true,"br_charge_amount":null,"br_i_debit_credit_card":null}
{"type":"service","id":6337523,"i_account":100,"class":"/service/telco/gsm/sms"}
{"type":"subscription","id":1,"i_account":100,"phoneNumber":"15551230100","categoryId":1,"wholeSalesPartnerId":9,"salesCode":null}
{"type":"payment","id":1,"i_account":100,"amount":"2.00","currency":"USD","i_debit_credit_card":1000,"status":"paid"}
{"type":"pool_plan","offer":500,"i_customer":11,"name":"Pool EU","currency":"EUR","expirationType":"FIXED","expires":"2027-04-25","subscribers":["310150123456789"],"balances":{"SMS":"0"}}
{"type":"auto_topup_profile","id":"1","name":"Standard","enabled":"Yes","triggerBasis":"Outstanding","triggerType":"Absolute Amount","triggerValue":"50","referenceLimit":"Credit Limit","topupMode":"Fixed Amount","topupValue":"100","autoCollect":"Yes"}
{"type":"recurring_topup","id":6528179,"i_account":100,"amount":"2.00","currency":"USD","period":"daily","periods":2,"done":1,"anchor":"2026-11-01T10:00:00Z","status":"active"}
`

func TestReferenceLines(t *testing.T) {
	e := newEngine(t)
	sum, err := load(t, e, reference)
	must(t, err)
	want := jsonl.Summary{"plan": 1, "customer": 2, "account": 1, "card": 1, "low_balance": 1, "service": 1, "subscription": 1,
		"payment": 1, "pool_plan": 1, "auto_topup_profile": 1, "recurring_topup": 1}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Error(diff)
	}
	for _, secrets := range []bool{false, true} {
		first := dump(t, e, secrets)
		second := newEngine(t)
		_, err := load(t, second, first)
		must(t, err)
		if diff := cmp.Diff(first, dump(t, second, secrets)); diff != "" {
			t.Errorf("secrets %t: the second export differs (-first +second):\n%s", secrets, diff)
		}
		if secrets != strings.Contains(first, "pm_card_visa") || secrets != strings.Contains(first, `"api_ha1"`) || strings.Contains(first, `"secret"`) {
			t.Errorf("secrets %t:\n%s", secrets, first)
		}
		// The lines of other interfaces come back as they were.
		for _, line := range strings.Split(strings.TrimSpace(reference), "\n")[6:] {
			if !strings.Contains(line, `"auto_topup_profile"`) && !strings.Contains(first, line+"\n") {
				t.Errorf("the export lacks %s", line)
			}
		}
	}
}

// Members and lines in any order give the same base.
func TestAnyOrder(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, reference)
	must(t, err)
	lines := strings.Split(strings.TrimSpace(reference), "\n")
	for i, j := 0, len(lines)-1; i < j; i, j = i+1, j-1 {
		lines[i], lines[j] = lines[j], lines[i]
	}
	other := newEngine(t)
	_, err = load(t, other, strings.Join(lines, "\r\n\n"))
	must(t, err)
	if diff := cmp.Diff(dump(t, e, true), dump(t, other, true)); diff != "" {
		t.Error(diff)
	}
}

// A chain of customers, each before its parent or after it.
func TestLongChainsWait(t *testing.T) {
	const n = 300
	for _, up := range []bool{true, false} {
		var b strings.Builder
		for i := range n {
			id := 1000 + i
			if up {
				id = 1000 + n - 1 - i
			}
			parent := id + 1 // up: each parent comes before its child, but has a higher id
			if id == 1000+n-1 {
				parent = 1
			}
			fmt.Fprintf(&b, `{"type":"customer","i_customer":%d,"i_parent":%d,"name":"C","currency":"USD"}`+"\n", id, parent)
		}
		e := newEngine(t)
		_, err := load(t, e, b.String())
		must(t, err)
		first := dump(t, e, false)
		if at, child := strings.Index(first, `"i_customer":1299,`), strings.Index(first, `"i_customer":1000,`); at < 0 || at > child {
			t.Errorf("up %t: a parent does not come first", up)
		}
		other := newEngine(t)
		_, err = load(t, other, first)
		must(t, err)
		if dump(t, other, false) != first {
			t.Errorf("up %t: the second export differs", up)
		}
	}
}

// A child goes after its parent also when the parent itself had to wait.
func TestParentsComeFirst(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, `{"type":"customer","i_customer":50,"currency":"USD"}
{"type":"customer","i_customer":20,"i_parent":50,"currency":"USD"}
{"type":"customer","i_customer":30,"i_parent":20,"currency":"USD"}
{"type":"customer","i_customer":10,"i_parent":30,"currency":"USD"}`)
	must(t, err)
	text := dump(t, e, false)
	last := -1
	for _, id := range []string{"50", "20", "30", "10"} {
		at := strings.Index(text, `"i_customer":`+id+`,`)
		if at < last {
			t.Errorf("customer %s comes before its parent:\n%s", id, text)
		}
		last = at
	}
}

func TestBadLines(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, reference)
	must(t, err)
	before := dump(t, e, true)
	for _, c := range []struct{ line, want string }{
		{`[]`, "column 1: a JSON object is needed"},
		{`{"type":"plan"`, `the line ends where "," or "}" is needed`},
		{`{"type":"plan"} {}`, "there is more after the object"},
		{`{"name":"x"}`, "type is missing"},
		{`{"type":7}`, "type: a string is needed"},
		{`{"type":"plans"}`, `type: "plans" is not known; allowed: account, adjustment, auto_topup_profile, bucket, card`},
		{`{"type":"plan","i_billing_plan":1,"prize":"1"}`, "prize is not a member of this type"},
		{`{"type":"plan","i_billing_plan":1,"name":"a","name":"b"}`, "name is there twice"},
		{`{"type":"plan","i_billing_plan":1,"type":"plan"}`, "type is there twice"},
		{`{"type":"plan","i_billing_plan":1,"n\u0061me":"a","name":"b"}`, "name is there twice"},
		{`{"type":"plan","name":"a"}`, "i_billing_plan is missing"},
		{`{"type":"plan","i_billing_plan":2,"name":"a"}`, "needs name, price and currency"},
		{`{"type":"plan","i_billing_plan":"1"}`, "i_billing_plan: an integer is needed"},
		{`{"type":"plan","i_billing_plan":1.0}`, "i_billing_plan: an integer is needed"},
		{`{"type":"plan","i_billing_plan":1,"price":20}`, "price: money is a decimal string"},
		{`{"type":"plan","i_billing_plan":1,"price":"20,5"}`, "price: money is a decimal string"},
		{`{"type":"plan","i_billing_plan":1,"price":"0.0000001"}`, "more than six fractional digits"},
		{`{"type":"plan","i_billing_plan":1,"price":"1e30"}`, "beyond what can be kept"},
		{`{"type":"plan","i_billing_plan":1,"price":null}`, "price: it cannot be null"},
		{`{"type":"plan","i_billing_plan":1,"price":"-1"}`, "price is 0 or more"},
		{`{"type":"plan","i_billing_plan":1,"prepaid":1}`, "prepaid: true or false is needed"},
		{`{"type":"plan","i_billing_plan":1,"billing_cycle":"daily"}`, "billing_cycle"},
		{`{"type":"plan","i_billing_plan":1,"on_failure":"panic"}`, "on_failure"},
		{`{"type":"customer","name":"x"}`, "i_customer is missing"},
		{`{"type":"customer","i_customer":0}`, "i_customer: ids are above 0"},
		{`{"type":"customer","i_customer":4611686018427387904}`, "i_customer: ids are above 0"},
		{`{"type":"customer","i_customer":12,"currency":"USD","i_parent":-3}`, "ids are above 0"},
		{`{"type":"customer","i_customer":12,"i_parent":99,"currency":"USD"}`, "i_parent: there is no customer 99"},
		{`{"type":"customer","i_customer":12}`, "needs a currency"},
		{`{"type":"customer","i_customer":12,"currency":"XXX"}`, "currency"},
		{`{"type":"customer","i_customer":10,"currency":"EUR"}`, "is kept in USD"},
		{`{"type":"customer","i_customer":10,"email":"nobody"}`, "email"},
		{`{"type":"customer","i_customer":10,"time_zone":"Moon"}`, "time_zone"},
		{`{"type":"customer","i_customer":10,"payment_type":"cheque"}`, "payment_type: allowed: card, direct_debit, other"},
		{`{"type":"customer","i_customer":10,"limits":{"a":1}}`, "limits: a: money is a decimal string"},
		{`{"type":"customer","i_customer":10,"limits":{"a":"1","a":"2"}}`, "a is there twice"},
		{`{"type":"customer","i_customer":10,"outstanding":null}`, "outstanding: it cannot be null"},
		{`{"type":"customer","i_customer":10,"api_password":"x"}`, "needs web_login"},
		{`{"type":"customer","i_customer":11,"web_login":"acme","api_password":"x"}`, "belongs to customer 10"},
		{`{"type":"account","i_account":101,"currency":"USD"}`, "needs i_customer"},
		{`{"type":"account","i_account":101,"i_customer":11,"currency":"USD","i_billing_plan":9}`, "i_billing_plan: there is no plan 9"},
		{`{"type":"account","i_account":101,"i_customer":11,"currency":"EUR","i_billing_plan":1}`, "plan 1 is in USD"},
		{`{"type":"account","i_account":101,"i_customer":10,"currency":"USD","username":"15551230100"}`, "username"},
		{`{"type":"account","i_account":101,"i_customer":10,"currency":"USD","balance_group":6336883}`, "balance_group"},
		{`{"type":"account","i_account":100,"i_customer":11}`, "cannot be moved"},
		{`{"type":"account","i_account":100,"next_billing_time":"tomorrow"}`, "next_billing_time: a time is needed"},
		{`{"type":"account","i_account":100,"billing_anchor_day":32}`, "billing_anchor_day"},
		{`{"type":"card","i_debit_credit_card":1001}`, "i_account or i_customer is missing"},
		{`{"type":"card","i_debit_credit_card":1001,"i_account":100,"i_customer":10}`, "give one of the two"},
		{`{"type":"card","i_debit_credit_card":1001,"i_account":999}`, "i_account: there is no account 999"},
		{`{"type":"card","i_debit_credit_card":1001,"i_account":100,"token":"4242424242424242"}`, "never a card number"},
		{`{"type":"card","i_debit_credit_card":1001,"i_account":100,"last4":"12345"}`, "last4"},
		{`{"type":"card","i_debit_credit_card":1001,"i_account":100,"exp_mm":13}`, "exp_mm"},
		{`{"type":"card","i_debit_credit_card":1001,"i_account":100,"primary":true}`, "primary"},
		{`{"type":"low_balance","i_account":100,"threshold":5}`, "threshold: money is a decimal string"},
		{`{"type":"low_balance","i_account":100,"charge_amount":"1.005"}`, "at most 2 decimals"},
		{`{"type":"low_balance","i_account":100,"i_debit_credit_card":77}`, "i_debit_credit_card"},
		{`{"type":"low_balance","i_account":100,"notify_by_email":null}`, "notify_by_email: it cannot be null"},
		{`{"type":"service","id":1,"i_account":100}`, "class is missing"},
		{`{"type":"service","id":1,"class":"x"}`, "i_account or i_customer is missing"},
		{`{"type":"service","id":1,"i_account":100,"i_customer":1,"class":"x"}`, "give one of the two"},
		{`{"type":"service","id":1,"i_account":100,"class":"x","klass":"y"}`, "klass is not a member of this type"},
		{`{"type":"pool_plan","offer":1,"i_customer":11,"name":"x","currency":"EUR","subscribers":["1",2]}`, "subscribers: a list of strings is needed"},
		{`{"type":"pool_plan","offer":1,"i_customer":11,"name":"x","currency":"EUR","expires":"soon"}`, "expires: a date is needed"},
		{"{\"type\":\"plan\",\"i_billing_plan\":1,\"name\":\"\xff\"}", "not UTF-8"},
		{`{"type":"plan","i_billing_plan":1,"name":"\ud800"}`, "surrogate"},
		{`{"type":"plan","i_billing_plan":1,"name":"` + strings.Repeat("x", 17<<20) + `"}`, "longer than"},
		{`{"type":"pool_plan","offer":1,"i_customer":11,"name":"x","currency":"EUR","balances":` + strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40) + `}`, "nested more than"},
	} {
		// A good line before and after: neither may be there afterwards.
		text := `{"type":"customer","i_customer":70,"currency":"USD"}` + "\n\n" + c.line + "\n" + `{"type":"customer","i_customer":71,"currency":"USD"}` + "\n"
		_, err := load(t, e, text)
		shown := c.line[:min(len(c.line), 120)]
		if err == nil {
			t.Errorf("%s is taken", shown)
			continue
		}
		var at *jsonl.LineError
		if !errors.As(err, &at) || at.Line != 3 || at.File != "x.jsonl" || !strings.HasPrefix(err.Error(), "x.jsonl:3: ") {
			t.Errorf("%s: %v is not about x.jsonl:3", shown, err)
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n%v\nwant %q", shown, err, c.want)
		}
		if strings.Contains(err.Error(), "4242424242424242") {
			t.Errorf("a card number is shown: %v", err)
		}
	}
	if diff := cmp.Diff(before, dump(t, e, true)); diff != "" {
		t.Errorf("a refused import changed something:\n%s", diff)
	}
}

// Absent leaves, null empties.
func TestNullAndAbsent(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, reference)
	must(t, err)
	_, err = load(t, e, `{"type":"low_balance","i_account":100,"threshold":null}
{"type":"account","i_account":100,"credit_limit":null,"email":null}
{"type":"customer","i_customer":10,"name":"Acme Ltd"}
{"type":"plan","i_billing_plan":1,"price":"21"}
{"type":"card","i_debit_credit_card":1000,"holder":"A. Rose","i_account":100}`)
	must(t, err)
	got := dump(t, e, true)
	for _, want := range []string{
		`"i_account":100,"threshold":null,"notify_by_email":true,"charge_card":true,"charge_amount":"10.00"`,
		`"balance":"4.00","credit_limit":null,"email":"","time_zone":""`,
		`"name":"Acme Ltd","i_parent":1,"currency":"USD","balance":"250.00"`,
		`"name":"Monthly 20","price":"21.00"`,
		`"token":"pm_card_visa","brand":"Visa","last4":"4242","exp_mm":12,"exp_yy":2030,"holder":"A. Rose","primary":true`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, got)
		}
	}
}

// A balance that differs is booked, so that the ledger stays whole.
func TestBalanceIsBooked(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, reference)
	must(t, err)
	for _, balance := range []string{"4.00", "-7.5", "0.000001"} {
		_, err := load(t, e, `{"type":"account","i_account":100,"balance":"`+balance+`"}`)
		must(t, err)
	}
	var n int
	must(t, e.Snapshot(root(t), func(r billing.Reader) error {
		list, err := r.Postings(billing.Account(100), 0, 10)
		n = len(list)
		return err
	}))
	if n != 3 { // the first, and the two that differed
		t.Errorf("%d postings", n)
	}
	found, err := e.Verify(root(t), 10)
	if err != nil || len(found) > 0 {
		t.Errorf("verify: %v, %v", found, err)
	}
}

// The transaction may run more than once: the source is read from its start.
func TestSourceIsReadAgain(t *testing.T) {
	e := newEngine(t)
	source := strings.NewReader(reference)
	for range 2 {
		sum, err := jsonl.Import(root(t), e, jsonl.ImportOptions{Source: source, Name: "x"})
		if err != nil || sum["customer"] != 2 {
			t.Fatalf("%v, %v", sum, err)
		}
	}
}

func TestImportStops(t *testing.T) {
	e := newEngine(t)
	ctx, cancel := context.WithCancel(root(t))
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, `{"type":"customer","i_customer":%d,"currency":"USD"}`+"\n", i+10)
	}
	_, err := jsonl.Import(ctx, e, jsonl.ImportOptions{Source: strings.NewReader(b.String()), Name: "x", Progress: func(int64) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("stopped import: %v", err)
	}
	if empty, err := e.Empty(root(t)); err != nil || !empty {
		t.Errorf("empty %t, %v", empty, err)
	}
}

func TestImportNeedsRoot(t *testing.T) {
	e := newEngine(t)
	ctx := billing.WithActor(t.Context(), billing.Actor{Customer: billing.Customer(10)})
	if _, err := jsonl.Import(ctx, e, jsonl.ImportOptions{Source: strings.NewReader(reference)}); !errors.Is(err, billing.Forbidden) {
		t.Errorf("import: %v", err)
	}
	if err := jsonl.Export(ctx, e, io.Discard, jsonl.ExportOptions{}); !errors.Is(err, billing.Forbidden) {
		t.Errorf("export: %v", err)
	}
}

func TestSpool(t *testing.T) {
	f, remove, err := jsonl.Spool(strings.NewReader("abc"))
	must(t, err)
	defer remove()
	for range 2 {
		_, err := f.Seek(0, io.SeekStart)
		must(t, err)
		if b, err := io.ReadAll(f); err != nil || string(b) != "abc" {
			t.Errorf("%q, %v", b, err)
		}
	}
}
