package xmlrpc

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const callHead = "<?xml version='1.0'?>\n<methodCall>\n<methodName>getLowBalance</methodName>\n"

// decodeSeeds are whole requests in the shapes known clients send.
var decodeSeeds = []string{
	callHead + "<params>\n<param>\n<value><struct>\n<member>\n<name>i_account</name>\n<value><int>1</int></value>\n</member>\n</struct></value>\n</param>\n</params>\n</methodCall>\n",
	`<methodCall><methodName>a</methodName></methodCall>`,
	`<?xml version="1.0" encoding="us-ascii"?><methodCall><methodName>a</methodName><params/></methodCall>`,
	`<?xml version="1.0" encoding="windows-1251"?><methodCall><methodName>a</methodName><params><param><value>` + "\xcf" + `</value></param></params></methodCall>`,
	`<methodCall><methodName>a</methodName><params><param><value><struct><member> </member><member><name>n</name><value><nil/></value></member></struct></value></param></params></methodCall>`,
	wrapParam(`<array><data><value>x</value><value><double>1e-07</double></value><value><boolean>1</boolean></value><value><base64>AGJ5dGUgc3RyaW5n/w==</base64></value><value><dateTime.iso8601>20050210T11:41:23</dateTime.iso8601></value></data></array>`),
	wrapParam(`<x:i8 xmlns:x="http://ws.apache.org/xmlrpc/namespaces/extensions">+012</x:i8>`),
	wrapParam(`<string>a<![CDATA[<&>]]>b<!-- c -->&#13;` + "\r\n" + `&#xe9;</string>`),
}

func wrapParam(typed string) string { return wrapValue("<value>" + typed + "</value>") }

func wrapValue(value string) string {
	return "<methodCall><methodName>m</methodName><params><param>" + value + "</param></params></methodCall>"
}

// callOf turns an encoded reply into a call, to read our own writing.
func callOf(reply []byte) []byte {
	s := strings.Replace(string(reply), "<methodResponse>", "<methodCall><methodName>m</methodName>", 1)
	return []byte(strings.Replace(s, "</methodResponse>", "</methodCall>", 1))
}

// canonical is v with numbers and booleans in the form the encoder writes.
func canonical(v Value) Value {
	v.text = trimmedIfScalar(v)
	for i := range v.members {
		v.members[i].Value = canonical(v.members[i].Value)
	}
	for i := range v.items {
		v.items[i] = canonical(v.items[i])
	}
	return v
}

func trimmedIfScalar(v Value) string {
	switch v.kind {
	case KindInt:
		return string(appendInteger(nil, v.text))
	case KindDouble:
		if plain, ok := plainDecimal(v.text); ok {
			return plain
		}
	case KindBoolean:
		if b, ok := boolean(v.text); ok {
			return Bool(b).text
		}
	}
	return v.text
}

// wireSeeds are the calls and the answers of the wire scripts.
func wireSeeds(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../../testdata/wire/*/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var seeds []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range wireBody.FindAllString("\n"+string(text), -1) {
			_, body, _ = strings.Cut(strings.TrimPrefix(body, "\n"), "\n")
			seeds = append(seeds, body)
		}
	}
	if len(seeds) < 500 {
		t.Fatalf("%d seeds", len(seeds))
	}
	return seeds
}

// wireBody is a line that starts a call or an answer, and the XML below it.
var wireBody = regexp.MustCompile(`\n(?:-->.*|<--)\n<(?:[^\n].*\n)+`)

func FuzzDecodeCall(f *testing.F) {
	for _, seed := range decodeSeeds {
		f.Add([]byte(seed))
	}
	for _, seed := range scanSeeds {
		f.Add([]byte(wrapParam(seed)))
		f.Add([]byte(wrapParam("<string>" + seed + "</string>")))
	}
	for _, seed := range wireSeeds(f) {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		call, err := DecodeCall(body, Limits{})
		if err != nil {
			var fault *Fault
			if !errors.As(err, &fault) || strings.ContainsAny(fault.String, "&<>") {
				t.Fatalf("no clean fault: %v", err)
			}
			return
		}
		if call.Method == "" {
			t.Fatal("a call without a method")
		}
		for _, v := range call.Params {
			roundTrip(t, v)
		}
	})
}

func roundTrip(t *testing.T, v Value) {
	t.Helper()
	loose := Limits{Bytes: 1 << 30, Depth: 1000, Members: 1 << 20, Text: 1 << 28}
	reply := AppendResponse(nil, v)
	again, err := DecodeCall(callOf(reply), loose)
	if err != nil {
		t.Fatalf("our own reply does not decode: %v\n%s", err, reply)
	}
	want := canonical(v)
	if len(again.Params) != 1 || !again.Params[0].Equal(want) {
		t.Fatalf("round trip changed the value:\n%s\n%s", reply, AppendResponse(nil, again.Params[0]))
	}
}
