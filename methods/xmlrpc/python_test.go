package xmlrpc

import (
	"strings"
	"testing"
)

// pythonValue is one of everything, as Python's marshaller writes it.
const pythonValue = `<value><array><data>
<value><struct>
<member>
<name>astring</name>
<value><string>foo@bar.baz.spam</string></value>
</member>
<member>
<name>afloat</name>
<value><double>7283.43</double></value>
</member>
<member>
<name>anint</name>
<value><int>1048576</int></value>
</member>
<member>
<name>anotherlist</name>
<value><array><data>
<value><string>.zyx.41</string></value>
</data></array></value>
</member>
<member>
<name>abase64</name>
<value><base64>
bXkgZG9nIGhhcyBmbGVhcw==
</base64></value>
</member>
<member>
<name>boolean</name>
<value><boolean>0</boolean></value>
</member>
<member>
<name>unicode</name>
<value><string>` + "\u4000\u6000\u8000" + `</string></value>
</member>
<member>
<name>ukey` + "\u4000" + `</name>
<value><string>regular value</string></value>
</member>
<member>
<name>datetime1</name>
<value><dateTime.iso8601>20050210T11:41:23</dateTime.iso8601></value>
</member>
</struct></value>
<value><nil/></value></data></array></value>`

// The cases of Python's own suite that TestDecodeTypes and the live driver
// (testdata/xmlrpc/suites.py) have not, under the names they have there.
func TestPythonCorpus(t *testing.T) {
	one := Struct(Member{"astring", String("foo@bar.baz.spam")}, Member{"afloat", Double("7283.43")}, Member{"anint", Int(1 << 20)},
		Member{"anotherlist", Array(String(".zyx.41"))}, Member{"abase64", Base64([]byte("my dog has fleas"))}, Member{"boolean", Bool(false)},
		Member{"unicode", String("\u4000\u6000\u8000")}, Member{"ukey\u4000", String("regular value")}, Member{"datetime1", DateTime("20050210T11:41:23")})
	double := func(text string) Value { return Value{kind: KindDouble, text: text} }
	for _, c := range []struct {
		name, wire string
		want       Value
		again      string // what we write for it; "" where that is the wire
	}{
		{"dump_none", pythonValue, Array(one, Nil()), strings.NewReplacer("<data>\n", "<data>", "</value>\n</data>", "</value></data>",
			"</struct></value>\n<value>", "</struct></value><value>").Replace(pythonValue)},
		{"datetime_before_1900", "<value><dateTime.iso8601>00010210T11:41:23</dateTime.iso8601></value>", DateTime("00010210T11:41:23"), ""},
		{"dump_big_int max", "<value><int>2147483647</int></value>", Int(1<<31 - 1), ""},
		{"dump_big_int min", "<value><int>-2147483648</int></value>", Int(-1 << 31), ""},
		{"dump_double 2**34", "<value><double>17179869184.0</double></value>", double("17179869184.0"), ""},
		{"dump_double max int + 42", "<value><double>2147483689.0</double></value>", double("2147483689.0"), ""},
		{"dump_double min int - 42", "<value><double>-2147483690.0</double></value>", double("-2147483690.0"), ""},
		{"dump_double exponent", "<value><double>1e-07</double></value>", double("1e-07"), "<value><double>0.0000001</double></value>"},
		{"dump_double large exponent", "<value><double>1e+22</double></value>", double("1e+22"), "<value><double>10000000000000000000000.0</double></value>"},
		{"dump_double minus zero", "<value><double>-0.0</double></value>", double("-0.0"), ""},
		{"dump_bytes", "<value><base64>\nbXkgZG9nIGhhcyBmbGVhcw==\n</base64></value>", Base64([]byte("my dog has fleas")), ""},
		{"dump_bytes two lines", "<value><base64>\n" + strings.Repeat("eHh4", 19) + "\n" + "eHh4eHh4eA==" + "\n</base64></value>", Base64([]byte(strings.Repeat("x", 64))), ""},
		{"empty bytes", "<value><base64>\n</base64></value>", Base64(nil), ""},
		{"empty list", "<value><array><data>\n</data></array></value>", Array(), "<value><array><data></data></array></value>"},
		{"empty dict", "<value><struct>\n</struct></value>", Struct(), "<value><struct></struct></value>"},
		{"empty string", "<value><string></string></value>", String(""), ""},
		{"empty member name", "<value><struct>\n<member>\n<name></name>\n<value><int>1</int></value>\n</member>\n</struct></value>", Struct(Member{"", Int(1)}), ""},
	} {
		got := decodeOne(t, wrapValue("\n"+c.wire+"\n"))
		if !got.Equal(c.want) {
			t.Errorf("%s: got %s", c.name, appendValue(nil, got))
		}
		if c.again == "" {
			c.again = c.wire
		}
		if again := string(appendValue(nil, got)); again != c.again {
			t.Errorf("%s: wrote\n%s\nwant\n%s", c.name, again, c.again)
		}
	}
	// dump_encoding: member and method names in the client's own encoding, and as references where that has no letter
	latin := "<?xml version='1.0' encoding='iso-8859-15'?>\n<methodCall>\n<methodName>method\xa4&#164;</methodName>\n<params>\n<param>\n" +
		"<value><struct>\n<member>\n<name>key\xa4&#164;</name>\n<value><string>value\xa4&#164;</string></value>\n</member>\n</struct></value>\n</param>\n</params>\n</methodCall>\n"
	call, err := DecodeCall([]byte(latin), Limits{})
	if err != nil || call.Method != "method\u20ac\u00a4" || !call.Params[0].Equal(Struct(Member{"key\u20ac\u00a4", String("value\u20ac\u00a4")})) {
		t.Errorf("dump_encoding: %v %q", err, call.Method)
	}
	// loads_unsupported
	for _, body := range []string{
		"<spam/>", "<array><value><spam/></value></array>", "<array><data><value><spam/></value></data></array>",
		"<struct><member><name>a</name><value><spam/></value></member><member><name>b</name><value><spam/></value></member></struct>",
	} {
		mustRefuse(t, wrapParam(body), CodeNotXMLRPC)
	}
}

// limit_int and dump_big_long: what is too long for a number is one only until it is
// read as one; a string takes its text.
func TestPythonBigNumbers(t *testing.T) {
	long := strings.Repeat("1", 5001)
	for text, decimal := range map[string]bool{long: false, "633825300114114700748351602688": true, "9223372036854775808": true, "-9223372036854775809": true} {
		for _, element := range []string{"int", "i4", "i8", "biginteger"} {
			v := decodeOne(t, wrapParam("<struct><member><name>x</name><value><"+element+">"+text+"</"+element+"></value></member></struct>"))
			p, err := OneStruct([]Value{v})
			if err != nil {
				t.Fatal(err)
			}
			if n, _, err := p.Int("x"); err == nil {
				t.Errorf("<%s> %.40s is the int %d", element, text, n)
			}
			if s, _, err := p.String("x"); err != nil || s != text {
				t.Errorf("<%s> %.40s as a string: %.40s %v", element, text, s, err)
			}
			if _, _, err := p.Decimal("x"); (err == nil) != decimal {
				t.Errorf("<%s> %.40s as a decimal: %v", element, text, err)
			}
		}
	}
}
