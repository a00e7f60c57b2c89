package xmlrpc

import (
	"context"
	"strings"
	"testing"
)

func entry(method, params string) string {
	return "<value><struct><member><name>methodName</name><value><string>" + method + "</string></value></member>" +
		"<member><name>params</name><value><array><data>" + params + "</data></array></value></member></struct></value>"
}

func replyIs(t *testing.T, body string, want Value, handler ...Options) {
	t.Helper()
	o := Options{}
	if len(handler) > 0 {
		o = handler[0]
	}
	w := post(newHandler(t, o), body)
	if got := string(AppendResponse(nil, want)); w.Body.String() != got {
		t.Errorf("%s\n got %s\nwant %s", body, w.Body, got)
	}
}

func TestListMethods(t *testing.T) {
	want := stringArray([]string{"abort", "echo", "fail", "panic", "refuse", "refuseByValue",
		"system.getCapabilities", "system.listMethods", "system.methodHelp", "system.methodSignature", "system.multicall"})
	for _, params := range []string{"", "<param/>", param("<struct/>"), param("<struct>\n</struct>")} {
		replyIs(t, callText("system.listMethods", params), want)
	}
}

// The entry is what the introspection convention asks a server to name it by.
func TestCapabilities(t *testing.T) {
	w := post(newHandler(t, Options{}), callText("system.getCapabilities", ""))
	call, err := DecodeCall(callOf(w.Body.Bytes()), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for name, version := range map[string]string{"xmlrpc": "1", "introspect": "1", "system.multicall": "1", "faults_interop": "20010516", "nil": "20010518"} {
		entry, _ := call.Params[0].Get(name)
		url, _ := entry.Get("specUrl")
		if v, _ := entry.Get("specVersion"); v.Kind() != KindInt || v.Text() != version || !strings.HasPrefix(url.Text(), "http://") {
			t.Errorf("%s: %s %s", name, url.Text(), v.Text())
		}
	}
	if n := len(call.Params[0].Members()); n != 5 {
		t.Errorf("%d entries", n)
	}
}

func TestMethodSignature(t *testing.T) {
	replyIs(t, callText("system.methodSignature", param("echo")), Array(stringArray([]string{"struct", "struct"}), stringArray([]string{"int", "int"})))
	replyIs(t, callText("system.methodSignature", param("fail")), String("undef"))
	replyIs(t, callText("system.methodSignature", param("system.methodHelp")), Array(stringArray([]string{"string", "string"})))
	h := newHandler(t, Options{})
	faultIs(t, post(h, callText("system.methodSignature", param("gone"))), -32601, noMethod().String)
	for _, params := range []string{"", param("<int>1</int>"), param("a") + param("b"), param("<struct/>")} {
		faultIs(t, post(h, callText("system.methodSignature", params)), -32602, "server error. invalid method parameters: one string expected")
	}
}

func TestMethodHelp(t *testing.T) {
	replyIs(t, callText("system.methodHelp", param("echo")), String("Returns its argument."))
	replyIs(t, callText("system.methodHelp", param("fail")), String(""))
	faultIs(t, post(newHandler(t, Options{}), callText("system.methodHelp", param("gone"))), -32601, noMethod().String)
}

// 1.11: results in one-element arrays, faults as structs, in order.
func TestMulticall(t *testing.T) {
	fault := func(code int64, text string) Value {
		return Struct(Member{"faultCode", Int(code)}, Member{"faultString", String(text)})
	}
	body := callText("system.multicall", param("<array><data>"+
		entry("echo", "<value><int>1</int></value>")+
		entry("refuse", "")+
		entry("gone", "")+
		entry("panic", "")+
		entry("system.multicall", "<value><array><data/></array></value>")+
		"<value><struct><member><name>methodName</name><value>echo</value></member></struct></value>"+
		"<value><struct/></value><value>x</value>"+
		"<value><struct><member><name>methodName</name><value>echo</value></member><member><name>params</name><value><int>1</int></value></member></struct></value>"+
		entry("echo", "<value>last</value>")+
		"</data></array>"))
	replyIs(t, body, Array(
		Array(Int(1)),
		fault(400, "Wrong i_account"),
		fault(-32601, noMethod().String),
		fault(501, "Fatal error"),
		fault(-32600, "server error. invalid xml-rpc: multicall inside multicall"),
		Array(Nil()),
		fault(-32602, "server error. invalid method parameters: methodName expected"),
		fault(-32602, "server error. invalid method parameters: methodName expected"),
		fault(-32602, "server error. invalid method parameters: params is no array"),
		Array(String("last")),
	))
	replyIs(t, callText("system.multicall", param("<array><data/></array>")), Array())
}

func TestMulticallRefuses(t *testing.T) {
	h := newHandler(t, Options{Limits: Limits{Calls: 2}})
	call := func(n int) string {
		return callText("system.multicall", param("<array><data>"+strings.Repeat(entry("echo", ""), n)+"</data></array>"))
	}
	if w := post(h, call(2)); strings.Contains(w.Body.String(), "fault") {
		t.Errorf("two calls: %s", w.Body)
	}
	faultIs(t, post(h, call(3)), -32602, "server error. invalid method parameters: too many calls")
	for _, params := range []string{"", param("<struct/>"), param("<array/>") + param("<array/>")} {
		faultIs(t, post(h, callText("system.multicall", params)), -32602, "server error. invalid method parameters: one array expected")
	}
}

// A panic of one entry must not stop the next, nor reach the server.
func TestMulticallRunsInOrder(t *testing.T) {
	var order strings.Builder
	h := newHandler(t, Options{}, Method{Name: "note", Call: func(_ context.Context, p []Value) (Value, error) {
		order.WriteString(p[0].Text())
		return Nil(), nil
	}})
	post(h, callText("system.multicall", param("<array><data>"+entry("note", "<value>a</value>")+entry("panic", "")+entry("note", "<value>b</value>")+"</data></array>")))
	if order.String() != "ab" {
		t.Errorf("order %s", order.String())
	}
}
