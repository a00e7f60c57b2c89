package xmlrpc

import (
	"context"
	"runtime"
	"slices"
)

// interopEchoMethods are the procedures of the interop echo tests. Each gives back
// what it is sent, if that has the declared type.
func interopEchoMethods() []Method {
	const prefix = "interopEchoTests."
	echo := func(name, kind, item string, ok func(Value) bool) Method {
		return Method{Name: prefix + name, Signature: [][]string{{kind, kind}}, Call: func(_ context.Context, p []Value) (Value, error) {
			if len(p) != 1 || !ok(p[0]) {
				return Value{}, wrongParams("one " + kind + item + " expected")
			}
			return p[0], nil
		}}
	}
	methods := []Method{
		{Name: prefix + "echoValue", Call: func(_ context.Context, p []Value) (Value, error) {
			if len(p) != 1 {
				return Value{}, wrongParams("one value expected")
			}
			return p[0], nil
		}},
		{Name: prefix + "noInParams", Signature: [][]string{{"string"}}, Call: func(_ context.Context, p []Value) (Value, error) {
			if len(p) != 0 {
				return Value{}, wrongParams("no value expected")
			}
			return String("topupd"), nil
		}},
		{Name: prefix + "whichToolkit", Signature: [][]string{{"struct"}}, Call: func(context.Context, []Value) (Value, error) {
			return Struct(Member{"toolkitDocsUrl", String("docs/XMLRPC.md")}, Member{"toolkitName", String("topupd")},
				Member{"toolkitVersion", String("test")}, Member{"toolkitOperatingSystem", String(runtime.GOOS)}), nil
		}},
	}
	for _, c := range []struct {
		name string
		kind Kind
		wire string
	}{
		{"String", KindString, "string"}, {"Integer", KindInt, "int"}, {"Float", KindDouble, "double"}, {"Struct", KindStruct, "struct"},
		{"Base64", KindBase64, "base64"}, {"Date", KindDateTime, "dateTime.iso8601"},
	} {
		is := func(v Value) bool { return v.Kind() == c.kind }
		methods = append(methods, echo("echo"+c.name, c.wire, "", is))
		if c.kind == KindBase64 || c.kind == KindDateTime {
			continue // the suite has no arrays of these
		}
		methods = append(methods, echo("echo"+c.name+"Array", "array", " of "+c.wire, func(v Value) bool {
			return v.Kind() == KindArray && !slices.ContainsFunc(v.Items(), func(item Value) bool { return !is(item) })
		}))
	}
	return methods
}
