package xmlrpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func testMethods() []Method {
	return []Method{
		{Name: "echo", Signature: [][]string{{"struct", "struct"}, {"int", "int"}}, Help: "Returns its argument.", Call: func(_ context.Context, p []Value) (Value, error) {
			if len(p) == 0 {
				return Nil(), nil
			}
			return p[0], nil
		}},
		{Name: "refuse", Call: func(context.Context, []Value) (Value, error) {
			return Value{}, fmt.Errorf("wrapped: %w", &Fault{400, "Wrong i_account"})
		}},
		{Name: "refuseByValue", Call: func(context.Context, []Value) (Value, error) { return Value{}, Fault{401, "Wrong card"} }},
		{Name: "fail", Call: func(context.Context, []Value) (Value, error) { return Value{}, errors.New("disk on fire") }},
		{Name: "panic", Call: func(context.Context, []Value) (Value, error) { panic("secret detail") }},
		{Name: "abort", Call: func(context.Context, []Value) (Value, error) { panic(http.ErrAbortHandler) }},
	}
}

func newHandler(t testing.TB, o Options, more ...Method) http.Handler {
	t.Helper()
	h, err := NewHandler(append(testMethods(), more...), o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func post(h http.Handler, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/xmlapi/xmlapi", strings.NewReader(body)))
	return w
}

func callText(method, params string) string {
	return "<methodCall><methodName>" + method + "</methodName><params>" + params + "</params></methodCall>"
}

func param(typed string) string { return "<param><value>" + typed + "</value></param>" }

// faultIs compares a whole reply with a fault and its headers with 1.10.1,
// 1.10.10 and 1.10.11.
func faultIs(t *testing.T, w *httptest.ResponseRecorder, code int, text string) {
	t.Helper()
	want := string(AppendFault(nil, Fault{code, text}))
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("got %d\n%s\nwant\n%s", w.Code, w.Body, want)
	}
	headersAre(t, w)
}

func headersAre(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if got := w.Header()["Content-Type"]; len(got) != 1 || got[0] != "text/xml" {
		t.Errorf("content type %q", got)
	}
	if got := w.Header().Get("Content-Length"); got != fmt.Sprint(w.Body.Len()) {
		t.Errorf("content length %q of %d", got, w.Body.Len())
	}
}

func TestHandlerAnswers(t *testing.T) {
	h := newHandler(t, Options{})
	w := post(h, callText("echo", param("<struct><member><name>a</name><value><int>1</int></value></member></struct>")))
	want := string(AppendResponse(nil, Struct(Member{"a", Int(1)})))
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	headersAre(t, w)
}

func TestHandlerFaults(t *testing.T) {
	h := newHandler(t, Options{})
	faultIs(t, post(h, callText("refuse", "")), 400, "Wrong i_account")
	faultIs(t, post(h, callText("refuseByValue", "")), 401, "Wrong card")
	faultIs(t, post(h, callText("fail", "")), 501, "Fatal error")
	faultIs(t, post(h, callText("panic", "")), 501, "Fatal error")
	call := callText("echo", param("<int>1</int>"))
	faultIs(t, post(h, call+"x"), -32700, fmt.Sprint("parse error. not well formed: text outside the root element near byte ", len(call)))
	w := post(h, callText("nosuch<!-- -->Method", ""))
	if !strings.Contains(w.Body.String(), "we do not have a method with that name") || !strings.Contains(w.Body.String(), "<int>-32601</int>") {
		t.Errorf("unknown method: %s", w.Body)
	}
	for _, body := range []string{"", "\x1f\x8b\x08", callText("тест", ""), `<?xml version="1.0" encoding="utf-16"?><a/>`, "<a/>"} {
		if w := post(h, body); w.Code != 200 || !strings.Contains(w.Body.String(), "faultCode") {
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
	}
}

func TestHandlerMapsErrors(t *testing.T) {
	var logged []string
	h := newHandler(t, Options{Fault: func(_ context.Context, method string, err error) Fault {
		logged = append(logged, method+": "+err.Error())
		if p, ok := errors.AsType[*PanicError](err); ok && !strings.Contains(string(p.Stack), "testMethods") {
			t.Errorf("no stack: %s", p.Stack)
		}
		return Fault{403, "mapped"}
	}})
	faultIs(t, post(h, callText("fail", "")), 403, "mapped")
	faultIs(t, post(h, callText("panic", "")), 501, "Fatal error")
	faultIs(t, post(h, callText("refuse", "")), 400, "Wrong i_account")
	if got := strings.Join(logged, "; "); got != "fail: disk on fire; panic: panic: secret detail" {
		t.Errorf("logged %s", got)
	}
}

func TestHandlerObserves(t *testing.T) {
	var seen []string
	h := newHandler(t, Options{Observe: func(_ context.Context, method string, f *Fault, took time.Duration) {
		code := 0
		if f != nil {
			code = f.Code
		}
		if took < 0 {
			t.Error("time runs backwards")
		}
		seen = append(seen, fmt.Sprint(method, code))
	}})
	post(h, callText("echo", ""))
	post(h, callText("fail", ""))
	post(h, callText("invented", ""))
	post(h, "<")
	post(h, callText("system.multicall", param("<array><data>"+entry("echo", "")+entry("panic", "")+"</data></array>")))
	if got := strings.Join(seen, " "); got != "echo0 fail501 -32601 -32700 echo0 panic501 system.multicall0" {
		t.Errorf("saw %s", got)
	}
}

func TestHandlerTakesOnlyPost(t *testing.T) {
	h := newHandler(t, Options{})
	for _, method := range []string{"GET", "HEAD", "PUT", "OPTIONS"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		if w.Code != 405 || w.Header().Get("Allow") != "POST" || strings.Contains(w.Header().Get("Content-Type"), "html") {
			t.Errorf("%s: %d %v", method, w.Code, w.Header())
		}
	}
}

// 1.8: the vendor's own example posts a form content type.
func TestHandlerIgnoresTheContentType(t *testing.T) {
	h := newHandler(t, Options{})
	for _, kind := range []string{"", "text/xml", "text/xml; charset=utf-8", "application/xml", "application/x-www-form-urlencoded"} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(callText("echo", param("<int>1</int>"))))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), "<int>1</int>") {
			t.Errorf("%s: %s", kind, w.Body)
		}
	}
}

type noRead struct{ t *testing.T }

func (n noRead) Read([]byte) (int, error) {
	n.t.Error("the body was read")
	return 0, io.EOF
}

func TestHandlerRefusesALargeBody(t *testing.T) {
	h := newHandler(t, Options{Limits: Limits{Bytes: 200}})
	small := callText("echo", "")
	if w := post(h, small+strings.Repeat(" ", 200-len(small))); w.Code != 200 {
		t.Errorf("at the limit: %d", w.Code)
	}
	r := httptest.NewRequest("POST", "/", noRead{t})
	r.ContentLength = 201
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 413 {
		t.Errorf("announced: %d", w.Code)
	}
	r = httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader(small), strings.NewReader(strings.Repeat(" ", 200))))
	r.ContentLength = -1
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 413 || strings.Contains(w.Body.String(), "methodResponse") {
		t.Errorf("chunked: %d %s", w.Code, w.Body)
	}
}

func TestHandlerReadsALongBodyInPieces(t *testing.T) {
	h := newHandler(t, Options{})
	long := strings.Repeat("0123456789", 20_000)
	w := post(h, callText("echo", param("<string>"+long+"</string>")))
	if want := string(AppendResponse(nil, String(long))); w.Body.String() != want {
		t.Errorf("%d bytes instead of %d", w.Body.Len(), len(want))
	}
	headersAre(t, w)
}

func TestHandlerBrokenBody(t *testing.T) {
	h := newHandler(t, Options{})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader("<methodCall>"), brokenReader{})))
	if w.Code != 400 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestHandlerStopsWhenTheCallerHasGone(t *testing.T) {
	ran := 0
	ctx, cancel := context.WithCancel(context.Background())
	h := newHandler(t, Options{}, Method{Name: "leave", Call: func(context.Context, []Value) (Value, error) {
		ran++
		cancel()
		return Nil(), nil
	}})
	body := callText("system.multicall", param("<array><data>"+entry("leave", "")+entry("leave", "")+"</data></array>"))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader(body)).WithContext(ctx))
	if ran != 1 {
		t.Errorf("ran %d times", ran)
	}
	if !strings.Contains(w.Body.String(), "<nil/>") || strings.Count(w.Body.String(), "faultCode") != 1 {
		t.Errorf("what is done must be told: %s", w.Body)
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader(callText("leave", ""))).WithContext(ctx))
	if ran != 1 || strings.Contains(w.Body.String(), "methodResponse") {
		t.Errorf("ran %d times, %s", ran, w.Body)
	}
}

func TestNewHandlerErrors(t *testing.T) {
	f := func(context.Context, []Value) (Value, error) { return Nil(), nil }
	for want, methods := range map[string][]Method{
		"a is there twice":                {{Name: "a", Call: f}, {Name: "a", Call: f}},
		"system.multicall is there twice": {{Name: "system.multicall", Call: f}},
		"without a name":                  {{Call: f}},
		"a has no function":               {{Name: "a"}},
	} {
		if h, err := NewHandler(methods, Options{}); err == nil || h != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// A real server: keep-alive, calls in parallel, a cut connection and a life
// after a panic.
func TestHandlerOverTheWire(t *testing.T) {
	server := httptest.NewServer(newHandler(t, Options{}))
	defer server.Close()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 20 {
				text := fmt.Sprintf("call %d of %d & more", j, i)
				reply := roundTripHTTP(t, server.URL, callText("echo", param(string(appendEscaped(nil, text)))))
				if want := string(AppendResponse(nil, String(text))); reply != want {
					t.Errorf("got %s", reply)
				}
				if reply := roundTripHTTP(t, server.URL, callText("panic", "")); !strings.Contains(reply, "Fatal error") {
					t.Errorf("got %s", reply)
				}
			}
		})
	}
	group.Wait()
	if _, err := http.Post(server.URL, "text/xml", strings.NewReader(callText("abort", ""))); err == nil {
		t.Error("http.ErrAbortHandler did not cut the connection")
	}
}

func roundTripHTTP(t *testing.T, url, body string) string {
	response, err := http.Post(url, "text/xml", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return ""
	}
	defer response.Body.Close()
	reply, err := io.ReadAll(response.Body)
	if err != nil || response.ContentLength != int64(len(reply)) {
		t.Errorf("%v, Content-Length %d of %d", err, response.ContentLength, len(reply))
	}
	return string(reply)
}
