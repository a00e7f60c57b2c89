package xmlrpc

import (
	"errors"
	"testing"
)

func paramsOf(t *testing.T, typed string) Params {
	t.Helper()
	v := decodeOne(t, wrapParam(`<struct><member><name>x</name><value>`+typed+`</value></member></struct>`))
	p, err := OneStruct([]Value{v})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOneStruct(t *testing.T) {
	for _, params := range [][]Value{{Nil()}, {Int(1)}, {Array()}, {String("")}, {Struct(), Struct()}} {
		var f *Fault
		if _, err := OneStruct(params); !errors.As(err, &f) || f.Code != CodeParams {
			t.Errorf("%v: %v", params, err)
		}
	}
	p, err := OneStruct([]Value{Struct(Member{"a", Int(1)})})
	if err != nil || len(p.Members()) != 1 {
		t.Errorf("%v %v", p, err)
	}
	if v, ok := p.Value("a"); !ok || !v.Equal(Int(1)) {
		t.Errorf("a: %v %v", v, ok)
	}
	if p, err = OneStruct(nil); err != nil || len(p.Members()) != 0 {
		t.Errorf("%v %v", p, err)
	}
}

// outcome is a reader's answer in one comparable piece.
type outcome struct {
	value any
	state State
	wrong bool
}

func read[T any](t *testing.T, f func(string) (T, State, error), name string) outcome {
	t.Helper()
	v, state, err := f(name)
	var wrong *WrongError
	if err != nil && (!errors.As(err, &wrong) || wrong.Name != name || err.Error() != "Wrong "+name) {
		t.Errorf("error does not name the member: %v", err)
	}
	return outcome{v, state, err != nil}
}

func TestParamsAbsent(t *testing.T) {
	p := paramsOf(t, "<int>1</int>")
	for _, got := range []outcome{read(t, p.Int, "y"), read(t, p.Decimal, "y"), read(t, p.Bool, "y"), read(t, p.String, "y")} {
		if got.state != Absent || got.wrong {
			t.Errorf("%v", got)
		}
	}
}

var wrong = outcome{wrong: true}

func TestParamsInt(t *testing.T) {
	for typed, want := range map[string]outcome{
		"<int>12</int>": {int64(12), Given, false}, "<i4>-12</i4>": {int64(-12), Given, false}, "<i8>9876543210</i8>": {int64(9876543210), Given, false},
		"<int>+7</int>": {int64(7), Given, false}, "<int>007</int>": {int64(7), Given, false}, "<int> 5\n</int>": {int64(5), Given, false},
		"<ex:i8>9223372036854775807</ex:i8>": {int64(9223372036854775807), Given, false}, "<int>9223372036854775808</int>": wrong,
		"<nil/>": {int64(0), Null, false}, "<string/>": {int64(0), Null, false}, "": {int64(0), Null, false},
		"12": wrong, "<string>12</string>": wrong, "<double>12</double>": wrong, "<boolean>1</boolean>": wrong, "<int/>": wrong, "<int>a</int>": wrong,
		"<int>1.0</int>": wrong, "<int>1_0</int>": wrong, "<int>0x1</int>": wrong, " ": wrong, "<struct/>": wrong, "<array/>": wrong, "<string>null</string>": wrong,
	} {
		check(t, typed, read(t, paramsOf(t, typed).Int, "x"), want)
	}
}

func TestParamsDecimal(t *testing.T) {
	for typed, want := range map[string]outcome{
		"<double>10.500000</double>": {"10.5", Given, false}, "<double>10</double>": {"10.0", Given, false}, "<int>10</int>": {"10.0", Given, false},
		"<i4>-3</i4>": {"-3.0", Given, false}, "<double>1e-07</double>": {"0.0000001", Given, false}, "<double>1.0E-7</double>": {"0.0000001", Given, false},
		"<double> +5.5 </double>": {"5.5", Given, false}, "<double>0.30000000000000004</double>": {"0.30000000000000004", Given, false},
		"<int>12345678901</int>": {"12345678901.0", Given, false}, "<double>-0.0</double>": {"-0.0", Given, false}, "<bigdecimal>1.25</bigdecimal>": {"1.25", Given, false},
		"<nil/>": {"", Null, false}, "<string/>": {"", Null, false}, "": {"", Null, false},
		"<double>NaN</double>": wrong, "<double>inf</double>": wrong, "<double>-Infinity</double>": wrong, "<double/>": wrong, "<double>1,5</double>": wrong, "<double>1e999</double>": wrong,
		"<int>1e3</int>": wrong, "<int>1.5</int>": wrong, "5.5": wrong, "<boolean>1</boolean>": wrong, "<string>null</string>": wrong,
	} {
		check(t, typed, read(t, paramsOf(t, typed).Decimal, "x"), want)
	}
}

func TestParamsBool(t *testing.T) {
	yes, no := outcome{true, Given, false}, outcome{false, Given, false}
	for typed, want := range map[string]outcome{
		"<boolean>1</boolean>": yes, "<boolean>0</boolean>": no, "<boolean>true</boolean>": yes, "<boolean>false</boolean>": no, "<boolean> 1 </boolean>": yes,
		"<int>1</int>": yes, "<i4>0</i4>": no, "<nil/>": {false, Null, false},
		"<int>2</int>": wrong, "<int>true</int>": wrong, "<boolean>2</boolean>": wrong, "<boolean/>": wrong, "<boolean>TRUE</boolean>": wrong, "<string>1</string>": wrong,
		"true": wrong, "": wrong, "<double>1</double>": wrong, "<int>-1</int>": wrong,
	} {
		check(t, typed, read(t, paramsOf(t, typed).Bool, "x"), want)
	}
}

func TestParamsString(t *testing.T) {
	given := func(s string) outcome { return outcome{s, Given, false} }
	for typed, want := range map[string]outcome{
		"abc": given("abc"), "<string> a </string>": given(" a "), "": given(""), "<string/>": given(""),
		"<i4>4111111111111111</i4>": given("4111111111111111"), "<int>02134</int>": given("02134"), "<i4>+15551234567</i4>": given("+15551234567"),
		"<i8>4111111111111111</i8>": given("4111111111111111"), "<double>12.50</double>": given("12.50"), "<int>-0</int>": given("-0"),
		"<nil/>": {"", Null, false}, "<boolean>1</boolean>": wrong, "<struct/>": wrong, "<array/>": wrong, "<base64>AA==</base64>": wrong,
		"<dateTime.iso8601>20050210T11:41:23</dateTime.iso8601>": wrong,
	} {
		check(t, typed, read(t, paramsOf(t, typed).String, "x"), want)
	}
}

func check(t *testing.T, typed string, got, want outcome) {
	t.Helper()
	if want.wrong {
		if !got.wrong {
			t.Errorf("%s: got %v, want an error", typed, got)
		}
		return
	}
	if got != want {
		t.Errorf("%s: got %v, want %v", typed, got, want)
	}
}
