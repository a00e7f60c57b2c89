package xmlrpc

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

var faultText = regexp.MustCompile(`<int>(-?\d+)</int></value>\n</member>\n<member>\n<name>faultString</name>\n<value><string>([^<&]{1,200})</string>`)

// What a parser must refuse beside the rows of TestDecodeRefuses*: nothing is run, the
// answer is a fault with HTTP 200, and its text neither grows with the request nor
// needs escaping.
func TestRefusedBeforeAnythingRuns(t *testing.T) {
	const good = "<methodCall><methodName>run</methodName><params><param><value><struct><member><name>a</name><value><array><data>" +
		"<value><int>1</int></value></data></array></value></member></struct></value></param></params></methodCall>"
	swap := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%s is not in the call", old)
		}
		return strings.ReplaceAll(good, old, with)
	}
	type row struct {
		name, body string
		code       int
	}
	rows := []row{
		// names that are nearly right
		{"methodCal", swap("methodCall", "methodCal"), CodeNotXMLRPC},
		{"METHODCALL", swap("methodCall", "METHODCALL"), CodeNotXMLRPC},
		{"methodcall", swap("methodCall", "methodcall"), CodeNotXMLRPC},
		{"methodNamee", swap("methodName", "methodNamee"), CodeNotXMLRPC},
		{"paramss", swap("params>", "paramss>"), CodeNotXMLRPC},
		{"paramm", swap("param>", "paramm>"), CodeNotXMLRPC},
		{"valuee", swap("value>", "valuee>"), CodeNotXMLRPC},
		{"structt", swap("struct>", "structt>"), CodeNotXMLRPC},
		{"memberr", swap("member>", "memberr>"), CodeNotXMLRPC},
		{"namee", swap("name>", "namee>"), CodeNotXMLRPC},
		{"dataa", swap("data>", "dataa>"), CodeNotXMLRPC},
		{"Struct", swap("struct>", "Struct>"), CodeNotXMLRPC},
		// parts at the wrong place, missing or twice
		{"params before the name", "<methodCall><params/><methodName>run</methodName></methodCall>", CodeNotXMLRPC},
		{"something after params", swap("</params>", "</params><foo/>"), CodeNotXMLRPC},
		{"value beside a param", swap("<params>", "<params><value/>"), CodeNotXMLRPC},
		{"value in a value", swap("<int>1</int>", "<value><int>1</int></value>"), CodeNotXMLRPC},
		{"value before a type", swap("<int>1</int>", "<value/><int>1</int>"), CodeNotXMLRPC},
		{"value before data", swap("<array>", "<array><value/>"), CodeNotXMLRPC},
		{"value after data", swap("</array>", "<value/></array>"), CodeNotXMLRPC},
		{"name before a value in data", swap("<data>", "<data><name>x</name>"), CodeNotXMLRPC},
		{"name after a value in data", swap("</data>", "<name>x</name></data>"), CodeNotXMLRPC},
		{"something before a name", swap("<member>", "<member><foo/>"), CodeNotXMLRPC},
		{"something after a member's value", swap("</member>", "<foo/></member>"), CodeNotXMLRPC},
		{"value before a name", swap("<name>a</name>", "<value/><name>a</name>"), CodeNotXMLRPC},
		{"two names", swap("<name>a</name>", "<name>a</name><name>b</name>"), CodeNotXMLRPC},
		{"name twice around the value", swap("</member>", "<name>b</name></member>"), CodeNotXMLRPC},
		{"value before a member", swap("<struct>", "<struct><value/>"), CodeNotXMLRPC},
		{"value after a member", swap("</struct>", "<value/></struct>"), CodeNotXMLRPC},
		{"struct in an int", swap("<int>1</int>", "<int><struct/></int>"), CodeNotXMLRPC},
		{"array in a name", swap("<name>a</name>", "<name><array/></name>"), CodeNotXMLRPC},
		{"a type as a param", swap("<param><value>", "<param><struct/></param><param><value>"), CodeNotXMLRPC},
		{"two types", swap("<int>1</int>", "<int>1</int><nil/>"), CodeNotXMLRPC},
		{"nil with an element", swap("<int>1</int>", "<nil><int>1</int></nil>"), CodeNotXMLRPC},
		{"text in a struct", swap("<struct>", "<struct>x"), CodeNotXMLRPC},
		{"text in data", swap("</data>", "x</data>"), CodeNotXMLRPC},
		{"CDATA between elements", swap("<struct>", "<struct><![CDATA[x]]>"), CodeNotXMLRPC},
		{"a reply", strings.ReplaceAll(swap("<methodName>run</methodName>", ""), "methodCall", "methodResponse"), CodeNotXMLRPC},
		{"base64 of another alphabet", swap("<int>1</int>", "<base64>_-==</base64>"), CodeNotXMLRPC},
		{"base64 with text behind it", swap("<int>1</int>", "<base64>QQ==QQ==</base64>"), CodeNotXMLRPC},
		{"serialized Java", swap("<int>1</int>", `<ex:serializable xmlns:ex="http://ws.apache.org/xmlrpc/namespaces/extensions">rO0ABQ==</ex:serializable>`), CodeNotXMLRPC},
		// entities, outside files
		{"entity of a file", `<!DOCTYPE foo [<!ENTITY foo SYSTEM "file:///etc/passwd">]>` + swap(">1<", ">&foo;<"), CodeNotWellFormed},
		{"entity of a file, prolog", `<?xml version="1.0"?><!DOCTYPE foo [<!ENTITY foo SYSTEM "file:///etc/passwd">]>` + swap(">a<", ">&foo;<"), CodeNotWellFormed},
		{"outside document type", `<!DOCTYPE methodCall SYSTEM "http://192.0.2.1/x.dtd">` + good, CodeNotWellFormed},
		{"parameter entity", `<!DOCTYPE m [<!ENTITY % a SYSTEM "http://192.0.2.1/x">%a;]>` + good, CodeNotWellFormed},
		{"document type inside", swap("<params>", "<!DOCTYPE a><params>"), CodeNotWellFormed},
		{"entity of HTML", swap(">a<", ">&eacute;<"), CodeNotWellFormed},
		{"entity in an attribute", swap("<int>", `<int x="&nbsp;">`), CodeNotWellFormed},
		{"reference without an end", swap(">a<", ">&#65<"), CodeNotWellFormed},
		{"upper case x", swap(">a<", ">&#X41;<"), CodeNotWellFormed},
		{"sign in a reference", swap(">a<", ">&#+65;<"), CodeNotWellFormed},
		// around the document
		{"text after the root", good + "x", CodeNotWellFormed},
		{"second call after the root", good + good, CodeNotWellFormed},
		{"NUL after the root", good + "\x00", CodeCharacter},
		{"mark after the prolog", "<?xml version='1.0'?>\uFEFF" + good, CodeNotWellFormed},
		{"mark after the root", good + "\uFEFF", CodeNotWellFormed},
		{"prolog after white space", "\n<?xml version='1.0'?>" + good, CodeNotWellFormed},
		{"prolog after a comment", "<!-- --><?xml version='1.0'?>" + good, CodeNotWellFormed},
		{"two prologs", "<?xml version='1.0'?><?xml version='1.0'?>" + good, CodeNotWellFormed},
		{"XML 1.1", "<?xml version='1.1'?>" + good, CodeNotWellFormed},
		{"XML 2.0", "<?xml version='2.0'?>" + good, CodeNotWellFormed},
		{"prolog without version", "<?xml encoding='utf-8'?>" + good, CodeNotWellFormed},
		// other encodings than the one that is said
		{"UTF-16 with a mark", "\xff\xfe<\x00m\x00", CodeEncoding},
		{"UTF-16, big end first", "\xfe\xff\x00<\x00m", CodeEncoding},
		{"UTF-32", "\xff\xfe\x00\x00<\x00\x00\x00", CodeEncoding},
		{"UTF-16 without a mark", "<\x00m\x00", CodeCharacter},
		{"packed", "\x1f\x8b\x08\x00", CodeCharacter},
		{"latin bytes without saying so", swap(">a<", ">caf\xe9<"), CodeCharacter},
		{"latin bytes said to be UTF-8", "<?xml version='1.0' encoding='utf-8'?>" + swap(">a<", ">caf\xe9<"), CodeCharacter},
		{"too long for its character", swap(">a<", ">\xc0\xaf<"), CodeCharacter},
		{"half a surrogate pair", swap(">a<", ">\xed\xa0\x80<"), CodeCharacter},
		{"beyond Unicode", swap(">a<", ">\xf4\x90\x80\x80<"), CodeCharacter},
		{"control character in a tag", swap("<int>", "<int\x0b>"), CodeCharacter},
		{"control character in a comment", swap("<params>", "<!-- \x08 --><params>"), CodeCharacter},
		{"control character as a reference", swap(">a<", ">&#8;<"), CodeCharacter},
		// size
		{"deep", wrapParam(strings.Repeat("<struct><member><name>a</name><value>", 33) + strings.Repeat("</value></member></struct>", 33)), CodeNotXMLRPC},
		{"many", wrapParam("<array><data>" + strings.Repeat("<value/>", 20_001) + "</data></array>"), CodeNotXMLRPC},
		{"long text", wrapParam(strings.Repeat("x", 256<<10+1)), CodeNotXMLRPC},
		{"long number", wrapParam("<int>" + strings.Repeat("1", 256<<10+1) + "</int>"), CodeNotXMLRPC},
		{"long name", swap(">a<", ">"+strings.Repeat("a", 256<<10+1)+"<"), CodeNotXMLRPC},
		{"long method name", swap(">run<", ">"+strings.Repeat("r", 256<<10+1)+"<"), CodeNotXMLRPC},
		{"long element name", swap("int>", strings.Repeat("i", 100_000)+">"), CodeNotXMLRPC},
		{"many attributes", swap("<int>", "<int "+manyAttributes(17)+">"), CodeNotWellFormed},
	}
	for _, c := range []byte("\x00\x01\x02\x07\x08\x0b\x0c\x0e\x1f") {
		rows = append(rows, row{fmt.Sprintf("character %#02x", c), swap(">a<", ">"+string(rune(c))+"<"), CodeCharacter})
	}
	ran := 0
	h := newHandler(t, Options{}, Method{Name: "run", Call: func(context.Context, []Value) (Value, error) {
		ran++
		return Nil(), nil
	}})
	for _, r := range rows {
		w := post(h, r.body)
		found := faultText.FindStringSubmatch(w.Body.String())
		if w.Code != 200 || found == nil || found[1] != fmt.Sprint(r.code) {
			t.Errorf("%s: want fault %d, got %d %.400s", r.name, r.code, w.Code, w.Body)
		}
	}
	if ran != 0 {
		t.Errorf("%d of them ran", ran)
	}
	if post(h, good); ran != 1 {
		t.Error("what the rows are made of does not run itself")
	}
}

// A request that was cut off anywhere is refused, and so is one with a control
// character anywhere, or with one byte that is no UTF-8.
func TestBrokenAnywhere(t *testing.T) {
	good := "<?xml version='1.0'?>\n" + decodeSeeds[5]
	decodeOne(t, good)
	for i := range good {
		mustRefuse(t, good[:i], CodeNotWellFormed)
		if i >= len("<?xml version='1.0'?>") {
			mustRefuse(t, good[:i]+"\x01"+good[i:], CodeCharacter)
			mustRefuse(t, good[:i]+"\xff"+good[i:], CodeCharacter)
		}
	}
}

// What looks like markup and is text.
func TestTextThatLooksLikeMarkup(t *testing.T) {
	for value, want := range map[string]Value{
		"&#60;nil/&#62;":                         String("<nil/>"),
		"&lt;int&gt;1&lt;/int&gt;":               String("<int>1</int>"),
		"<![CDATA[<int>1</int>]]>":               String("<int>1</int>"),
		"<string>&amp;amp;</string>":             String("&amp;"),
		"<string><!-- <int>1</int> --></string>": String(""),
		"<string>&#38;lt;</string>":              String("&lt;"),
		"<string>\uFEFF</string>":                String("\uFEFF"),
		"<int>1</int><!-- x --><?pi y?>":         Int(1),
	} {
		if got := decodeOne(t, wrapParam(value)); !got.Equal(want) {
			t.Errorf("%s: got %s", value, appendValue(nil, got))
		}
	}
}

// The specification allows few letters in a method's name; another is the name of no
// method, not an error of the call.
func TestOddMethodNames(t *testing.T) {
	h := newHandler(t, Options{})
	for _, name := range []string{"bad^name", "a b", "echo.__class__", "../echo", "echo\u00e9", "Echo", "ECHO", "%s%n"} {
		if w := post(h, callText(name, "")); !strings.Contains(w.Body.String(), "<int>-32601</int>") || strings.Contains(w.Body.String(), name) {
			t.Errorf("%s: %s", name, w.Body)
		}
	}
}

// A request that ends before its length does runs nothing, and the server goes on.
func TestPartialPost(t *testing.T) {
	ran := make(chan struct{}, 2)
	server := httptest.NewServer(newHandler(t, Options{}, Method{Name: "run", Call: func(context.Context, []Value) (Value, error) {
		ran <- struct{}{}
		return Nil(), nil
	}}))
	defer server.Close()
	body := callText("run", "")
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body)+1, body)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
		t.Errorf("%q %v", answer, err)
	}
	if len(ran) != 0 {
		t.Error("a whole call in a part of a request ran")
	}
	if reply := roundTripHTTP(t, server.URL, body); !strings.Contains(reply, "<nil/>") || len(ran) != 1 {
		t.Errorf("and then %s", reply)
	}
}
