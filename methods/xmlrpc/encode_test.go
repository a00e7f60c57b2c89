package xmlrpc

import (
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The whole text of a reply, by which a switch's clients live (1.10).
func TestResponseLayout(t *testing.T) {
	got := string(AppendResponse(nil, Struct(
		Member{"result", String("OK")},
		Member{"threshold", Double("10")},
		Member{"charge_card", Bool(true)},
		Member{"i_debit_credit_card", Nil()},
		Member{"rows", Array(Int(1), String("<&>"))},
		Member{"empty", Struct()},
	)))
	want := `<?xml version='1.0'?>
<methodResponse>
<params>
<param>
<value><struct>
<member>
<name>result</name>
<value><string>OK</string></value>
</member>
<member>
<name>threshold</name>
<value><double>10.0</double></value>
</member>
<member>
<name>charge_card</name>
<value><boolean>1</boolean></value>
</member>
<member>
<name>i_debit_credit_card</name>
<value><nil/></value></member>
<member>
<name>rows</name>
<value><array><data><value><int>1</int></value><value><string>&lt;&amp;&gt;</string></value></data></array></value>
</member>
<member>
<name>empty</name>
<value><struct></struct></value>
</member>
</struct></value>
</param>
</params>
</methodResponse>
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// 1.10.7, and the layout Python gives a fault.
func TestFaultLayout(t *testing.T) {
	got := string(AppendFault([]byte("before"), Fault{Code: 400, String: "Wrong a<b"}))
	want := `before<?xml version='1.0'?>
<methodResponse>
<fault>
<value><struct>
<member>
<name>faultCode</name>
<value><int>400</int></value>
</member>
<member>
<name>faultString</name>
<value><string>Wrong a&lt;b</string></value>
</member>
</struct></value>
</fault>
</methodResponse>
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Points 2 to 6 and 14 of 1.10, one value each. Points 1, 10 and 11 are in
// handler_test.go; 9 and the order of 13 belong to the methods.
func TestValueShapes(t *testing.T) {
	for _, c := range []struct {
		point string
		value Value
		want  string
	}{
		{"2", Int(5), "<int>5</int>"},
		{"2", Int(-9876543210), "<int>-9876543210</int>"},
		{"2", Value{kind: KindInt, text: "+007"}, "<int>7</int>"},
		{"3", String("OK"), "<string>OK</string>"},
		{"3", String(""), "<string></string>"},
		{"4", Double("10"), "<double>10.0</double>"},
		{"4", Double("5.250000"), "<double>5.25</double>"},
		{"4", Double("-0.0"), "<double>-0.0</double>"},
		{"4", Double("-0"), "<double>-0.0</double>"},
		{"4", Value{kind: KindDouble, text: "1e-07"}, "<double>0.0000001</double>"},
		{"5", Bool(true), "<boolean>1</boolean>"},
		{"5", Bool(false), "<boolean>0</boolean>"},
		{"5", Value{kind: KindBoolean, text: "true"}, "<boolean>1</boolean>"},
		{"6", Nil(), "<nil/>"},
		{"6", Value{}, "<nil/>"},
		{"14", Struct(), "<struct></struct>"},
		{"14", Array(), "<array><data></data></array>"},
		{"8", Array(Struct(), Array(Nil())), "<array><data><value><struct></struct></value><value><array><data><value><nil/></value></data></array></value></data></array>"},
		{"8", Struct(Member{"a", Array()}), "<struct>\n<member>\n<name>a</name>\n<value><array><data></data></array></value>\n</member>\n</struct>"},
		{"-", DateTime("20050210T11:41:23"), "<dateTime.iso8601>20050210T11:41:23</dateTime.iso8601>"},
		{"-", Base64([]byte("\x00byte string\xff")), "<base64>\nAGJ5dGUgc3RyaW5n/w==\n</base64>"},
	} {
		if got := string(appendValue(nil, c.value)); got != "<value>"+c.want+"</value>" {
			t.Errorf("1.10.%s: got %s, want %s", c.point, got, c.want)
		}
	}
}

// 1.10.12: UTF-8, no byte-order mark, that prolog; and the escapes of 1.7.
func TestReplyText(t *testing.T) {
	for in, want := range map[string]string{
		"a & b < c > d": "a &amp; b &lt; c &gt; d", `"'`: `"'`, "é€𝔘": "é€𝔘", "a\tb\nc": "a\tb\nc", "a\rb": "a&#13;b", "]]>": "]]&gt;",
		"a\x00b\x1f": "a\uFFFDb\uFFFD", "\xff\xfe": "\uFFFD\uFFFD", "a\xc3": "a\uFFFD", "\uFFFE\uFFFF": "\uFFFD\uFFFD", "\xed\xa0\x80": "\uFFFD\uFFFD\uFFFD", "\x7f\uFFFD": "\x7f\uFFFD",
	} {
		if got := string(appendEscaped(nil, in)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
		reply := string(AppendResponse(nil, Struct(Member{in, String(in)})))
		if !strings.HasPrefix(reply, "<?xml version='1.0'?>\n<methodResponse>") {
			t.Errorf("prolog: %q", reply)
		}
		if strings.Count(reply, want) != 2 {
			t.Errorf("%q: name and value are not both escaped: %s", in, reply)
		}
	}
}

// The patterns of 1.10 by which the two regular-expression clients read.
func TestRegularExpressionClients(t *testing.T) {
	ok := string(AppendResponse(nil, Struct(Member{"result", String("OK")}, Member{"i_account", Int(7)}, Member{"list", Array()})))
	for _, pattern := range []string{
		`<name>result</name>\s*<value><string>OK</string></value>`,
		`<name>i_account</name>\s*<value><([a-z]+)>7</[a-z]+></value>`,
		`<array><data>([\s\S]*?)</data></array>`,
	} {
		if !regexp.MustCompile(pattern).MatchString(ok) {
			t.Errorf("%s does not match\n%s", pattern, ok)
		}
	}
	fault := string(AppendFault(nil, Fault{Code: 403, String: "no"}))
	if !regexp.MustCompile(`faultCode</name>\s*<value><int>403</int></value>[\s\S]*faultString</name>\s*<value><string>no</string>`).MatchString(fault) {
		t.Errorf("fault pattern does not match\n%s", fault)
	}
}

func anyValue(depth int) *rapid.Generator[Value] {
	scalars := []*rapid.Generator[Value]{
		rapid.Just(Nil()),
		rapid.Map(rapid.Int64(), Int),
		rapid.Map(rapid.StringMatching(`-?[0-9]{1,12}(\.[0-9]{1,8})?`), Double),
		rapid.Map(rapid.Bool(), Bool),
		rapid.Map(rapid.String(), String),
		rapid.Map(rapid.SliceOf(rapid.Byte()), Base64),
		rapid.Just(DateTime("20050210T11:41:23")),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	inner := anyValue(depth - 1)
	return rapid.OneOf(append(scalars,
		rapid.Map(rapid.SliceOfN(inner, 0, 5), func(v []Value) Value { return Array(v...) }),
		rapid.Map(rapid.MapOfN(rapid.String(), inner, 0, 5), func(m map[string]Value) Value {
			var members []Member
			for name, v := range m {
				members = append(members, Member{name, v})
			}
			return Struct(members...)
		}))...)
}

// Any value whatever makes a well-formed reply that decodes to itself, but
// for characters XML cannot carry.
func TestAnyValueRoundTrips(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		v := anyValue(3).Draw(r, "v")
		reply := AppendResponse(nil, v)
		d := xml.NewDecoder(strings.NewReader(string(reply)))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				r.Fatalf("not well formed: %v\n%s", err, reply)
			}
		}
		if strings.Contains(string(reply), "\uFFFD") {
			return // replaced characters can even make two names equal
		}
		call, err := DecodeCall(callOf(reply), Limits{})
		if err != nil || !call.Params[0].Equal(v) {
			r.Fatalf("%v\n%s", err, reply)
		}
	})
}
