package cli

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const callReply = `<?xml version="1.0"?><methodResponse><params><param><value><struct>
<member><name>result</name><value><int>1</int></value></member>
<member><name>sum</name><value><double>10</double></value></member>
<member><name>exact</name><value><double>0.000001</double></value></member>
<member><name>none</name><value><nil/></value></member>
<member><name>empty</name><value><string></string></value></member>
<member><name>bare</name><value>a &lt; b</value></member>
<member><name>digits</name><value><string>15551230100</string></value></member>
<member><name>on</name><value><boolean>1</boolean></value></member>
<member><name>at</name><value><dateTime.iso8601>20261122T10:00:00</dateTime.iso8601></value></member>
<member><name>list</name><value><array><data><value><i4>5</i4></value><value><struct><member><name>x</name><value><string>y</string></value></member></struct></value></data></array></value></member>
<member><name>none_of</name><value><array><data></data></array></value></member>
</struct></value></param></params></methodResponse>`

func TestReplyShowsEachTypeApart(t *testing.T) {
	r, err := readReply([]byte(callReply))
	if err != nil {
		t.Fatal(err)
	}
	var text, js bytes.Buffer
	if err := r.value.printText(&text); err != nil {
		t.Fatal(err)
	}
	if err := r.value.printJSON(&js); err != nil {
		t.Fatal(err)
	}
	want := `result: 1
sum: 10.0
exact: 0.000001
none: nil
empty: ""
bare: a < b
digits: "15551230100"
on: true
at: 20261122T10:00:00
list:
  - 5
  -
    x: y
none_of: []
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Error(diff)
	}
	wantJSON := `{"result":1,"sum":10.0,"exact":0.000001,"none":null,"empty":"","bare":"a \u003c b","digits":"15551230100","on":true,"at":"20261122T10:00:00","list":[5,{"x":"y"}],"none_of":[]}` + "\n"
	if diff := cmp.Diff(wantJSON, js.String()); diff != "" {
		t.Error(diff)
	}
}

func TestReplyThatIsNone(t *testing.T) {
	for _, text := range []string{"", "<html></html>", "<methodResponse>", "<methodResponse><params><param><value><struct><member><name>a</name></member></struct></value></param></params></methodResponse>",
		"<methodResponse><params><param>" + strings.Repeat("<value><array><data>", 100)} {
		if r, err := readReply([]byte(text)); err == nil {
			t.Errorf("%q is read as %+v", text, r.value)
		}
	}
}

// sent calls through the client library and returns the body that arrived.
func sent(t *testing.T, method string, args ...string) string {
	t.Helper()
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || int64(len(body)) != r.ContentLength {
			t.Errorf("%d bytes of %d: %v", len(body), r.ContentLength, err)
		}
		got = string(body)
		_, _ = io.WriteString(w, "<methodResponse><params><param><value><int>1</int></value></param></params></methodResponse>")
	}))
	defer s.Close()
	params, err := callParams(args)
	if err != nil {
		t.Fatal(err)
	}
	c := &callCmd{Method: method, URL: s.URL}
	if _, err := c.send(&nilTransport{inner: http.DefaultTransport, timeout: 1e10, ctx: context.Background()}, params); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestCallSendsTypedValues(t *testing.T) {
	for arg, want := range map[string]string{
		"a:=nil":                 "<name>a</name><value><nil/></value>",
		"a:=null":                "<name>a</name><value><nil/></value>",
		"a:=5":                   "<name>a</name><value><int>5</int></value>",
		"a:=-5.25":               "<name>a</name><value><double>-5.25</double></value>",
		"a:=true":                "<name>a</name><value><boolean>1</boolean></value>",
		"a=5":                    "<name>a</name><value><string>5</string></value>",
		"a=":                     "<name>a</name><value><string></string></value>",
		"a=b=c":                  "<name>a</name><value><string>b=c</string></value>",
		"a=<value/>":             "<name>a</name><value><string>&lt;value/&gt;</string></value>",
		"<value/>=x":             "<name>&lt;value/&gt;</name><value><string>x</string></value>",
		`a:="text"`:              "<name>a</name><value><string>text</string></value>",
		`a:=[1,null]`:            "<array><data><value><int>1</int></value><value><nil/></value></data></array>",
		`a:={"<b>":{"c":null}}`:  "<name>&lt;b&gt;</name><value><struct><member><name>c</name><value><nil/></value>",
		`a:={"b":"<value/>\n√"}`: "&lt;value/&gt;&#xA;√",
	} {
		if body := sent(t, "m", arg); !strings.Contains(body, want) {
			t.Errorf("%s is sent as\n%s\nwithout\n%s", arg, body, want)
		}
	}
	if body := sent(t, "a</methodName>"); !strings.Contains(body, "<methodName>a&lt;/methodName&gt;</methodName>") {
		t.Errorf("the method is sent as\n%s", body)
	}
}

func TestCallRefusesParameters(t *testing.T) {
	const secret = "pm_secret"
	for _, args := range [][]string{{secret}, {"=" + secret}, {"a:=" + secret + " y"}, {"a:=1 " + secret}, {"a=1", "a:=\"" + secret + "\""}, {"a:="}} {
		if p, err := callParams(args); err == nil {
			t.Errorf("%q is taken as %v", args, p)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%q: the error repeats the value: %v", args, err)
		}
	}
}
