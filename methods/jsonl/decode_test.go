package jsonl

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"

	"topupd/billing"
)

var seeds = []string{
	`{"type":"plan","i_billing_plan":1,"name":"Monthly 20","price":"20.00","currency":"USD","prepaid":true}`,
	`{"type":"customer","i_customer":10,"limits":{"Credit Limit":"0","b":"1e3"},"api_password":"x","web_login":"y"}`,
	`{"type":"account","i_account":100,"next_billing_time":"2026-12-01T00:00:00+01:00","credit_limit":null}`,
	`{"type":"plan","i_billing_plan":2,"minute_plans":[{"i_service_plan":5,"description":"d","price":"2.5","seconds_total":null},{}]}`,
	`{"type":"account","i_account":100,"minutes_used":{"5":120,"x":-1}}`,
	`{"type":"card","i_debit_credit_card":1,"i_account":100,"token":"tok_ok"}`,
	`{"type":"low_balance","i_customer":10,"threshold":"-0.000001"}`,
	`{"type":"pool_plan","offer":500,"i_customer":11,"name":"P","currency":"EUR","subscribers":["\u00e9",""],"balances":{"SMS":"0"}}`,
	`{"a":[{},[],1,-0.5e+10,true,false,null,"\\\"\/\b\f\n\r\t\ud834\udd1e"]}`,
}

// FuzzDecode: a line never panics the decoder, and what the splitter takes is
// what the standard library takes, less duplicates and deep nests.
func FuzzDecode(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var d decoder
		_, _, _ = d.decode(text)
		members, err := splitObject(text, nil)
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("%q is taken, the library says %v", text, err)
		}
		if len(want) != len(members) && !bytes.Contains(text, []byte(`\u`)) {
			t.Fatalf("%d members, the library has %d", len(members), len(want))
		}
		checkCanonical(t, text)
	})
}

// checkCanonical: the canonical text means the same and is its own canonical text.
func checkCanonical(t *testing.T, text []byte) {
	t.Helper()
	once, err := appendCanonical(nil, bytes.TrimSpace(text))
	if err != nil {
		return // half of a surrogate pair
	}
	twice, err := appendCanonical(nil, once)
	if err != nil || !bytes.Equal(once, twice) {
		t.Fatalf("%q becomes %q, then %q, %v", text, once, twice, err)
	}
	decode := func(b []byte) (v any) {
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if !reflect.DeepEqual(decode(text), decode(once)) {
		t.Fatalf("%q means something else than %q", text, once)
	}
}

func TestSplitterIsStrict(t *testing.T) {
	for _, text := range []string{
		`{,}`, `{"a":1,}`, `{"a" 1}`, `{"a":}`, `{a:1}`, `{'a':1}`, `{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":-}`, `{"a":1e}`,
		`{"a":+1}`, `{"a":NaN}`, `{"a":tru}`, `{"a":"\x"}`, `{"a":"\u12g4"}`, `{"a":"\u12`, "{\"a\":\"\t\"}", `{"a":[1,]}`, `{"a":[1 2]}`,
		`{"a":"b`, `{"a":1}}`, `{"a":1,"a":1}`, `{"a":{"b":1,"b":2}}`, `{"a":[{"b":1,"b":2}]}`, ``, `null`, `"a"`,
	} {
		if m, err := splitObject([]byte(text), nil); err == nil {
			t.Errorf("%s is taken as %q", text, m)
		}
	}
	var many strings.Builder
	for i := range 2 * manyMembers {
		many.WriteString(`,"m` + strings.Repeat("x", i) + `":1`)
	}
	if _, err := splitObject([]byte("{"+many.String()[1:]+"}"), nil); err != nil {
		t.Error(err)
	}
	if _, err := splitObject([]byte("{"+many.String()[1:]+`,"mx":2}`), nil); err == nil {
		t.Error("a duplicate among many is taken")
	}
}

// chained is a line that can be put only after another one.
type chained struct {
	after *chained
	there bool
	tries *int
}

func (c *chained) put(*billing.Importer) error {
	*c.tries++
	if c.after != nil && !c.after.there {
		return billing.NotFound
	}
	c.there = true
	return nil
}

// A long chain takes two rounds, whichever end comes first in the file.
func TestWaitingLinesAreReadToAndFro(t *testing.T) {
	const n = 1000
	for _, forward := range []bool{true, false} {
		var tries int
		lines := make([]decoded, n)
		var previous *chained
		for i := range n {
			at := i
			if !forward {
				at = n - 1 - i
			}
			previous = &chained{after: previous, tries: &tries}
			lines[at] = decoded{number: int64(at + 1), kind: "customer", line: previous}
		}
		p := &pass{sum: Summary{}}
		if err := p.put(lines); err != nil {
			t.Fatal(err)
		}
		if err := p.putWaiting(t.Context()); err != nil || p.done != n {
			t.Fatalf("%d done, %v", p.done, err)
		}
		if tries > 2*n {
			t.Errorf("forward %t: %d tries for %d lines", forward, tries, n)
		}
	}
}

func TestLineReader(t *testing.T) {
	long := strings.Repeat("y", 600<<10)
	r := newLineReader(strings.NewReader("\uFEFFa\r\n\n  \n b \n" + long + "\nend"))
	for i, want := range []struct {
		number int64
		text   string
	}{{1, "a"}, {4, "b"}, {5, long}, {6, "end"}} {
		text, err := r.next()
		if err != nil || string(text) != want.text || r.number != want.number {
			t.Fatalf("%d: line %d, %d bytes, %v", i, r.number, len(text), err)
		}
	}
	if _, err := r.next(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func BenchmarkDecode(b *testing.B) {
	text := []byte(`{"type":"account","i_account":100,"i_customer":10,"username":"15551230100","name":"Alice Rose","currency":"USD","balance":"4.00","credit_limit":"0","email":"alice@acme.example","blocked":false}`)
	var d decoder
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := d.decode(text); err != nil {
			b.Fatal(err)
		}
	}
}
