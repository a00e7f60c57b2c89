package xmlrpc

import (
	"errors"
	"strings"
	"testing"
)

func decodeOne(t *testing.T, body string) Value {
	t.Helper()
	call, err := DecodeCall([]byte(body), Limits{})
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if len(call.Params) != 1 {
		t.Fatalf("%s: %d params", body, len(call.Params))
	}
	return call.Params[0]
}

func mustRefuse(t *testing.T, body string, code int) {
	t.Helper()
	call, err := DecodeCall([]byte(body), Limits{})
	var f *Fault
	if !errors.As(err, &f) || f.Code != code {
		t.Errorf("%.300q: got %v %v, want fault %d", body, call, err, code)
	}
}

// The corpus of Python's test_load_standard_types and
// test_load_extension_types, and what the clients of 1.6 to 1.8 send.
func TestDecodeTypes(t *testing.T) {
	scalar := func(k Kind, text string) Value { return Value{kind: k, text: text} }
	const apache = ` xmlns:x="http://ws.apache.org/xmlrpc/namespaces/extensions"`
	for value, want := range map[string]Value{
		`<value>string</value>`:                                                                             String("string"),
		`<value><string>string</string></value>`:                                                            String("string"),
		`<value><string>𝔘𝔫𝔦𝔠𝔬𝔡𝔢 string</string></value>`:                                                    String("𝔘𝔫𝔦𝔠𝔬𝔡𝔢 string"),
		`<value><int>2056183947</int></value>`:                                                              Int(2056183947),
		`<value><int>-2056183947</int></value>`:                                                             Int(-2056183947),
		`<value><i4>2056183947</i4></value>`:                                                                Int(2056183947),
		`<value><double>46093.78125</double></value>`:                                                       Double("46093.78125"),
		`<value><boolean>0</boolean></value>`:                                                               Bool(false),
		`<value><boolean>1</boolean></value>`:                                                               Bool(true),
		`<value><boolean>true</boolean></value>`:                                                            scalar(KindBoolean, "true"),
		`<value><base64>AGJ5dGUgc3RyaW5n/w==</base64></value>`:                                              Base64([]byte("\x00byte string\xff")),
		"<value><base64>\nAGJ5dGUgc3Ry\r\naW5n/w==\n</base64></value>":                                      Base64([]byte("\x00byte string\xff")),
		`<value><base64/></value>`:                                                                          Base64(nil),
		`<value><dateTime.iso8601>20050210T11:41:23</dateTime.iso8601></value>`:                             DateTime("20050210T11:41:23"),
		`<value><array><data><value><int>1</int></value><value><int>2</int></value></data></array></value>`: Array(Int(1), Int(2)),
		`<value><struct><member><name>b</name><value><int>2</int></value></member><member><name>a</name><value><int>1</int></value></member></struct></value>`: Struct(Member{"b", Int(2)}, Member{"a", Int(1)}),
		// extensions
		`<value><nil/></value>`:                                               Nil(),
		`<value><nil></nil></value>`:                                          Nil(),
		`<value><nil /></value>`:                                              Nil(),
		`<value><ex:nil/></value>`:                                            Nil(),
		`<value><x:nil` + apache + `/></value>`:                               Nil(),
		`<value` + apache + `><x:i8>5</x:i8></value>`:                         Int(5),
		`<value><i1>205</i1></value>`:                                         Int(205),
		`<value><i2>20561</i2></value>`:                                       Int(20561),
		`<value><i8>9876543210</i8></value>`:                                  Int(9876543210),
		`<value><ex:i1>1</ex:i1></value>`:                                     Int(1),
		`<value><ex:i2>1</ex:i2></value>`:                                     Int(1),
		`<value><ex:float>93.78125</ex:float></value>`:                        Double("93.78125"),
		`<value><float>93.78125</float></value>`:                              Double("93.78125"),
		`<value><ex:biginteger>1</ex:biginteger></value>`:                     Int(1),
		`<value><biginteger>98765432100123456789</biginteger></value>`:        scalar(KindInt, "98765432100123456789"),
		`<value><bigdecimal>9876543210.0123456789</bigdecimal></value>`:       Double("9876543210.0123456789"),
		`<value><ex:bigdecimal>9876543210.0123456789</ex:bigdecimal></value>`: Double("9876543210.0123456789"),
		// 1.7: literal text
		`<value><i4>4111111111111111</i4></value>`:  scalar(KindInt, "4111111111111111"),
		`<value><int>02134</int></value>`:           scalar(KindInt, "02134"),
		`<value><i4>+15551234567</i4></value>`:      scalar(KindInt, "+15551234567"),
		`<value><double>10.500000</double></value>`: scalar(KindDouble, "10.500000"),
		`<value><double>1.0E-7</double></value>`:    scalar(KindDouble, "1.0E-7"),
		`<value><double> 1e-07 </double></value>`:   scalar(KindDouble, "1e-07"),
		"<value>\n  <int>\n 12 </int>\n</value>":    scalar(KindInt, "12"),
		// untyped and empty
		`<value/>`: String(""), `<value></value>`: String(""), `<value> </value>`: String(" "), "<value>\n</value>": String("\n"),
		`<value><string/></value>`: String(""), `<value><string /></value>`: String(""), `<value><string> a </string></value>`: String(" a "),
		// joined text
		`<value>a<!-- x -->b<![CDATA[<c>&]]>d<?pi?>e</value>`:    String("ab<c>&de"),
		`<value><string><![CDATA[]]></string></value>`:           String(""),
		`<value><!-- x --><int>1</int><!-- y --></value>`:        Int(1),
		`<value><![CDATA[ ]]><int>1</int></value>`:               Int(1),
		`<value>&#1055;&#x41F;&amp;&lt;&gt;&quot;&apos;</value>`: String("ПП&<>\"'"),
		"<value>a\r\nb\rc&#13;</value>":                          String("a\nb\nc\r"),
		// empty containers
		`<value><struct/></value>`: Struct(), `<value><struct></struct></value>`: Struct(), "<value><struct>\n\n</struct></value>": Struct(),
		`<value><struct><member> </member></struct></value>`: Struct(), `<value><struct><member/></struct></value>`: Struct(),
		`<value><array><data/></array></value>`: Array(), `<value><array><data></data></array></value>`: Array(), `<value><array/></value>`: Array(),
		``:    Struct(), // kolo's nil param
		" \n": Struct(),
	} {
		if got := decodeOne(t, wrapValue(value)); !got.Equal(want) {
			t.Errorf("%s\n got %s\nwant %s", value, appendValue(nil, got), appendValue(nil, want))
		}
	}
}

func TestDecodeKeepsTheTextAsSent(t *testing.T) {
	v := decodeOne(t, wrapParam(`<double>1e-07</double>`))
	if v.Text() != "1e-07" || v.Kind() != KindDouble {
		t.Errorf("got %v %q", v.Kind(), v.Text())
	}
}

// 1.5: five ways to send nothing.
func TestDecodeNoArguments(t *testing.T) {
	for _, params := range []string{
		``, `<params/>`, `<params></params>`, "<params>\n</params>", `<params><param></param></params>`, `<params><param/></params>`,
		`<params><param><value><struct/></value></param></params>`,
		`<params><param><value><struct></struct></value></param></params>`,
		"<params><param><value><struct>\n\n</struct></value></param></params>",
		`<params><param><value><struct><member> </member></struct></value></param></params>`,
	} {
		call, err := DecodeCall([]byte("<methodCall><methodName> listMethods\n</methodName>"+params+"</methodCall>"), Limits{})
		if err != nil || call.Method != "listMethods" {
			t.Errorf("%s: %v %v", params, call, err)
			continue
		}
		p, err := OneStruct(call.Params)
		if err != nil || len(p.Members()) != 0 {
			t.Errorf("%s: %v %v", params, p, err)
		}
	}
}

func TestDecodeProlog(t *testing.T) {
	call := `<methodCall><methodName>m</methodName></methodCall>`
	for _, head := range []string{
		``, `<?xml version='1.0'?>`, `<?xml version="1.0"?>` + "\n", `<?xml version="1.0" ?>`, "\uFEFF", "\uFEFF" + `<?xml version="1.0" encoding="UTF-8"?>`,
		`<?xml version="1.0" encoding="utf-8"?>`, `<?xml version='1.0' encoding='utf8'?>`, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`,
		"<?xml\tversion = \"1.0\"\r\nencoding\n=\n'US-ASCII' ?>", "\n ", "<!-- hello -->\n", `<?xml version="1.0"?><?stylesheet x?><!-- c -->`,
		`<?xml-stylesheet href="x"?>`,
	} {
		for _, tail := range []string{"", "\n", "<!-- bye -->\n", "<?bye?>"} {
			if got, err := DecodeCall([]byte(head+call+tail), Limits{}); err != nil || got.Method != "m" {
				t.Errorf("%q...%q: %v", head, tail, err)
			}
		}
	}
	for _, head := range []string{
		` <?xml version="1.0"?>`, `<?xml?>`, `<?xml ?>`, `<?xml version="1.1"?>`, `<?xml version=1.0?>`, `<?xml encoding="utf-8"?>`, `<?xml version="1.0" encoding=""?>`,
		`<?xml version="1.0" encoding="utf-8" encoding="utf-8"?>`, `<?xml version="1.0" standalone="maybe"?>`, `<?xml version="1.0"encoding="utf-8"?>`,
		`<?xml version="1.0"`, `<?xml version="1.0" encoding="utf 8"?>`, `<?xml version="1.0" x="y"?>`, `<?xml version="1.0" encoding="a&lt;b"?>`, "\uFEFF\uFEFF", `<?XML version="1.0"?>`,
		`<!DOCTYPE methodCall>`, `<!DOCTYPE m [<!ENTITY a "b">]>`, `x`, `<![CDATA[ ]]>`,
	} {
		mustRefuse(t, head+call, CodeNotWellFormed)
	}
	for _, tail := range []string{"x", "<a/>", call, "&#10;", "<![CDATA[]]>", "<!DOCTYPE a>"} {
		mustRefuse(t, call+tail, CodeNotWellFormed)
	}
}

func TestDecodeRefusesWhatIsNotWellFormed(t *testing.T) {
	for _, body := range []string{
		``, ` `, `hello`, `{"jsonrpc":"2.0"}`, `<methodCall>`, `<methodCall><methodName>m</methodName>`, `<methodCall><methodName>m</methodCall></methodName>`,
		wrapValue(`<value>&nbsp;</value>`), wrapValue(`<value>&</value>`), wrapValue(`<value>a & b</value>`), wrapValue(`<value a=1/>`),
		wrapValue(`<value><int>1</value></int>`), wrapValue(`<value>]]></value>`), wrapValue(`<value><!-- -- --></value>`),
		`<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>` + wrapValue(`<value>&b;</value>`),
	} {
		mustRefuse(t, body, CodeNotWellFormed)
	}
}

func TestDecodeRefusesWhatIsNoCall(t *testing.T) {
	for _, body := range []string{
		`<methodResponse/>`, `<a/>`, `<methodCall/>`, `<methodCall><methodName/></methodCall>`, `<methodCall><methodName> </methodName></methodCall>`,
		`<methodCall><params/></methodCall>`, `<methodCall>x<methodName>m</methodName></methodCall>`,
		`<methodCall><methodName>m</methodName><methodName>m</methodName></methodCall>`, `<methodCall><methodName>m</methodName><params/><params/></methodCall>`,
		`<methodCall><methodName>m<b/></methodName></methodCall>`, `<p:methodCall><methodName>m</methodName></p:methodCall>`,
		`<methodCall><methodName>m</methodName><params><value/></params></methodCall>`,
		wrapValue(`<int>1</int>`), wrapValue(`<value/><value/>`), wrapValue(`x`),
		wrapParam(`x<int>1</int>`), wrapParam(`<int>1</int>x`), wrapParam(`<int>1</int><int>2</int>`), wrapParam(`<int><b/></int>`),
		wrapParam(`<nil>x</nil>`), wrapParam(`<spam/>`), wrapParam(`<ex:serializable>rO0AB</ex:serializable>`), wrapParam(`<ex:dom/>`), wrapParam(`<ex:string>x</ex:string>`),
		wrapParam(`<y:nil/>`), wrapParam(`<ex:nil xmlns:ex="urn:other"/>`), wrapParam(`<Int>1</Int>`), wrapParam(`<base64>!</base64>`), wrapParam(`<base64>AG</base64>`),
		wrapParam(`<array><value/></array>`), wrapParam(`<array><data/><data/></array>`), wrapParam(`<array>x<data/></array>`), wrapParam(`<array><data>x</data></array>`),
		wrapParam(`<struct><name>a</name></struct>`), wrapParam(`<struct><member><name>a</name></member></struct>`), wrapParam(`<struct><member><value/></member></struct>`),
		wrapParam(`<struct><member><name>a</name><value/><value/></member></struct>`), wrapParam(`<struct><member>x</member></struct>`),
		// a choice of ours, doc.go
		wrapParam(`<struct><member><name>a</name><value/></member><member><name>a</name><value/></member></struct>`),
	} {
		mustRefuse(t, body, CodeNotXMLRPC)
	}
}

// The prefix of a namespace ends with the element that declares it.
func TestNamespaceScope(t *testing.T) {
	const ns = ` xmlns:x="http://ws.apache.org/xmlrpc/namespaces/extensions"`
	mustRefuse(t, wrapParam(`<array><data><value><x:nil`+ns+`/></value><value><x:nil/></value></data></array>`), CodeNotXMLRPC)
	decodeOne(t, wrapParam(`<array`+ns+`><data><value><x:nil/></value><value><x:i4>1</x:i4></value></data></array>`))
	decodeOne(t, wrapParam(`<x:nil xmlns:x="http://ws.apache.org/xmlrpc/namespaces&#x2f;extensions"/>`))
	mustRefuse(t, wrapValue(`<value`+ns+`><x:nil xmlns:x="urn:other"/></value>`), CodeNotXMLRPC)
}

func TestDuplicateInALargeStruct(t *testing.T) {
	var b strings.Builder
	for i := range 40 {
		b.WriteString(`<member><name>` + strings.Repeat("n", i) + `</name><value/></member>`)
	}
	decodeOne(t, wrapParam(`<struct>`+b.String()+`</struct>`))
	mustRefuse(t, wrapParam(`<struct>`+b.String()+`<member><name>nn</name><value/></member></struct>`), CodeNotXMLRPC)
}

func TestDecodeLimits(t *testing.T) {
	nest := func(n int) string {
		return wrapParam(strings.Repeat("<array><data><value>", n-1) + "<array/>" + strings.Repeat("</value></data></array>", n-1))
	}
	l := Limits{Depth: 3, Members: 4, Text: 5, Bytes: 1000}
	items := func(n int) string {
		return wrapParam("<array><data>" + strings.Repeat("<value/>", n) + "</data></array>")
	}
	for body, ok := range map[string]bool{
		nest(3): true, nest(4): false,
		items(3): true, items(4): false, // and the param
		wrapParam("12345"): true, wrapParam("123456"): false, wrapParam("<string>123456</string>"): false,
		wrapParam("<struct><member><name>123456</name><value/></member></struct>"): false,
		wrapParam("") + strings.Repeat(" ", 1000-len(wrapParam(""))):               true,
		wrapParam("") + strings.Repeat(" ", 1001-len(wrapParam(""))):               false,
	} {
		if _, err := DecodeCall([]byte(body), l); (err == nil) != ok {
			t.Errorf("%.200s: %v", body, err)
		}
	}
	many := strings.Repeat("<param/>", 5)
	if _, err := DecodeCall([]byte("<methodCall><methodName>m</methodName><params>"+many+"</params></methodCall>"), l); err == nil {
		t.Error("five params with a limit of four")
	}
}

// Refused at the limit, not after all 100,000 have been read.
func TestDeepNestingIsRefusedCheaply(t *testing.T) {
	body := `<methodCall><methodName>m</methodName><params><param><value>` + strings.Repeat("<array><data><value>", 100_000)
	d := &decoder{limits: DefaultLimits}
	d.scan.reset(body, 0)
	_, err := d.call()
	if err == nil || !strings.Contains(err.Error(), "nested too deeply") {
		t.Fatalf("got %v", err)
	}
	if d.scan.pos > 1000 {
		t.Errorf("read %d bytes before giving up", d.scan.pos)
	}
	if _, err = DecodeCall([]byte(body), Limits{Bytes: 1 << 30}); err == nil {
		t.Error("accepted")
	}
}

// A decoder comes from a pool: an aborted request must leave nothing behind.
func TestDecoderForgets(t *testing.T) {
	d := new(decoder)
	d.limits = DefaultLimits
	d.scan.reset(wrapParam(`<struct><member><name>cvv</name><value x="123">1&amp;23</value></member><member><name>b</name><value><spam/>`), 0)
	if _, err := d.call(); err == nil {
		t.Fatal("accepted")
	}
	if len(d.members) == 0 {
		t.Fatal("the test does not stop in the middle of a struct")
	}
	d.release()
	if m := d.members[:1]; m[0].Name != "" || m[0].Value.text != "" {
		t.Errorf("member kept: %v", m)
	}
	for _, name := range append(d.scan.open[:cap(d.scan.open)], d.scan.attrs[:cap(d.scan.attrs)]...) {
		if name != "" {
			t.Errorf("name kept: %s", name)
		}
	}
	if strings.Trim(string(d.scan.buf[:cap(d.scan.buf)]), "\x00") != "" || d.scan.src != "" || d.scan.text != "" {
		t.Error("text kept")
	}
}
