package xmlrpc

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
)

// benchCall is getLowBalance as Python sends it.
var benchCall = []byte(decodeSeeds[0])

var setCall = []byte(callHead + "<params>\n<param>\n<value><struct>\n" +
	"<member>\n<name>i_account</name>\n<value><int>1</int></value>\n</member>\n" +
	"<member>\n<name>threshold</name>\n<value><double>10.5</double></value>\n</member>\n" +
	"<member>\n<name>notify_by_email</name>\n<value><boolean>1</boolean></value>\n</member>\n" +
	"<member>\n<name>charge_card</name>\n<value><boolean>1</boolean></value>\n</member>\n" +
	"<member>\n<name>charge_amount</name>\n<value><double>25</double></value>\n</member>\n" +
	"<member>\n<name>i_debit_credit_card</name>\n<value><nil/></value></member>\n" +
	"</struct></value>\n</param>\n</params>\n</methodCall>\n")

func BenchmarkDecodeCall(b *testing.B) {
	for name, body := range map[string][]byte{"get": benchCall, "set": setCall} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := DecodeCall(body, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// nullWriter is a ResponseWriter that costs nothing.
type nullWriter struct{ header http.Header }

func (n nullWriter) Header() http.Header         { return n.header }
func (n nullWriter) Write(b []byte) (int, error) { return len(b), nil }
func (n nullWriter) WriteHeader(int)             {}

func lowBalanceMethod() Method {
	return Method{Name: "getLowBalance", Call: func(_ context.Context, params []Value) (Value, error) {
		p, err := OneStruct(params)
		if err != nil {
			return Value{}, err
		}
		if _, _, err := p.Int("i_account"); err != nil {
			return Value{}, err
		}
		return Struct(Member{"result", String("OK")}), nil
	}}
}

// benchBody lets one request be sent again and again.
type benchBody struct{ *bytes.Reader }

func (benchBody) Close() error { return nil }

// oneCall returns a function that sends benchCall to a handler.
func oneCall(tb testing.TB) func() {
	h := newHandler(tb, Options{}, lowBalanceMethod())
	body := benchBody{bytes.NewReader(benchCall)}
	r, err := http.NewRequest("POST", "/xmlapi/xmlapi", body)
	if err != nil {
		tb.Fatal(err)
	}
	w := nullWriter{http.Header{}}
	return func() {
		_, _ = body.Seek(0, io.SeekStart)
		r.Body, r.ContentLength = body, int64(len(benchCall))
		h.ServeHTTP(w, r)
	}
}

func BenchmarkHandler(b *testing.B) {
	call := oneCall(b)
	b.ReportAllocs()
	for b.Loop() {
		call()
	}
}

func BenchmarkAppendResponse(b *testing.B) {
	v := Struct(
		Member{"result", String("OK")}, Member{"threshold", Double("10.5")}, Member{"notify_by_email", Bool(true)}, Member{"charge_card", Bool(true)},
		Member{"charge_amount", Double("25")}, Member{"i_debit_credit_card", Nil()}, Member{"br_charge_card", Bool(false)}, Member{"br_charge_amount", Nil()},
	)
	buf := AppendResponse(nil, v)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendResponse(buf[:0], v)
	}
}

// TestCostOfACall holds the budget: a few allocations beyond net/http's own.
func TestCostOfACall(t *testing.T) {
	if got := testing.AllocsPerRun(1000, oneCall(t)); got > 15 {
		t.Errorf("%v allocations for a one-member call, the budget is 15", got)
	}
}
