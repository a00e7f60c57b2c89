package xmlrpc

import (
	"context"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"topupd/testdata/need"
)

// number reads an int the tests made themselves.
func number(v Value, name string) int64 {
	m, _ := v.Get(name)
	n, _ := strconv.ParseInt(m.Text(), 10, 64)
	return n
}

func sumOfStooges(v Value) int64 { return number(v, "moe") + number(v, "larry") + number(v, "curly") }

// validatorMethods are the eight procedures of the UserLand validator.
func validatorMethods() []Method {
	one := func(name string, signature []string, f func(Value) Value) Method {
		return Method{Name: "validator1." + name, Signature: [][]string{signature}, Call: func(_ context.Context, p []Value) (Value, error) {
			if len(p) != 1 {
				return Value{}, wrongParams("one expected")
			}
			return f(p[0]), nil
		}}
	}
	return []Method{
		one("arrayOfStructsTest", []string{"int", "array"}, func(v Value) Value {
			sum := int64(0)
			for _, item := range v.Items() {
				sum += number(item, "curly")
			}
			return Int(sum)
		}),
		one("countTheEntities", []string{"struct", "string"}, func(v Value) Value {
			count := func(name, what string) Member { return Member{name, Int(int64(strings.Count(v.Text(), what)))} }
			return Struct(count("ctLeftAngleBrackets", "<"), count("ctRightAngleBrackets", ">"), count("ctAmpersands", "&"),
				count("ctApostrophes", "'"), count("ctQuotes", `"`))
		}),
		one("easyStructTest", []string{"int", "struct"}, func(v Value) Value { return Int(sumOfStooges(v)) }),
		one("echoStructTest", []string{"struct", "struct"}, func(v Value) Value { return v }),
		{Name: "validator1.manyTypesTest", Call: func(_ context.Context, p []Value) (Value, error) { return Array(p...), nil }},
		one("moderateSizeArrayCheck", []string{"string", "array"}, func(v Value) Value {
			items := v.Items()
			return String(items[0].Text() + items[len(items)-1].Text())
		}),
		one("nestedStructTest", []string{"int", "struct"}, func(v Value) Value {
			year, _ := v.Get("2000")
			month, _ := year.Get("04")
			day, _ := month.Get("01")
			return Int(sumOfStooges(day))
		}),
		one("simpleStructReturnTest", []string{"struct", "int"}, func(v Value) Value {
			n, _ := strconv.ParseInt(v.Text(), 10, 64)
			return Struct(Member{"times10", Int(n * 10)}, Member{"times100", Int(n * 100)}, Member{"times1000", Int(n * 1000)})
		}),
	}
}

// driverMethods are what the drivers and the kolo test call.
func driverMethods() []Method {
	return slices.Concat(validatorMethods(), interopEchoMethods(), []Method{
		{Name: "decimal", Call: func(_ context.Context, params []Value) (Value, error) {
			p, err := OneStruct(params)
			if err != nil {
				return Value{}, err
			}
			text, state, err := p.Decimal("x")
			if err != nil {
				return Value{}, &Fault{400, err.Error()}
			}
			if state != Given {
				return Nil(), nil
			}
			return Double(text), nil
		}},
		// layout compares our bytes for a value with those of the caller.
		{Name: "layout", Call: func(_ context.Context, p []Value) (Value, error) {
			if got := string(AppendResponse(nil, p[0])); got != p[1].Text() {
				return String(got + " instead of " + p[1].Text()), nil
			}
			return String("same"), nil
		}},
		// a name that a client's encoding has to carry
		{Name: "method\u20ac\u00a4", Call: func(_ context.Context, p []Value) (Value, error) { return p[0], nil }},
	})
}

// The two public suites, from three stacks. Each driver prints ok, or what differed.
func TestSuitesFromClients(t *testing.T) {
	for _, c := range []struct {
		program, driver string
		check           []string // a command that fails when a library is missing
		install         string
	}{
		{"python3", "suites.py", []string{"-c", "import xmlrpc.client"}, "apt-get install python3"},
		{"perl", "suites.pl", []string{"-MRPC::XML::Client", "-e1"}, "apt-get install librpc-xml-perl"},
		{"node", "suites.js", []string{"-e", `require("../clients/node_modules/xmlrpc")`}, "npm ci in testdata/clients"},
	} {
		t.Run(c.program, func(t *testing.T) {
			program := need.Program(t, c.program, c.install)
			run := func(args ...string) (string, error) {
				cmd := exec.CommandContext(t.Context(), program, args...)
				cmd.Dir = "../../testdata/xmlrpc"
				out, err := cmd.CombinedOutput()
				return strings.TrimSpace(string(out)), err
			}
			if out, err := run(c.check...); err != nil {
				need.Missing(t, c.install+" ("+out+")")
			}
			server := httptest.NewServer(newHandler(t, Options{}, driverMethods()...))
			defer server.Close()
			if out, err := run(c.driver, server.URL); err != nil || out != "ok" {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
