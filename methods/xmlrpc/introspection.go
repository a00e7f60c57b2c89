package xmlrpc

import (
	"context"
	"slices"
)

// system returns the methods every server has: introspection as the community
// convention has it, and multicall (1.11).
func (h *handler) system() []Method {
	return []Method{
		{
			Name:      "system.getCapabilities",
			Signature: [][]string{{"struct"}},
			Help:      "Returns the conventions that the server keeps, each with its address and version.",
			Call:      func(context.Context, []Value) (Value, error) { return capabilities, nil },
		},
		{
			Name:      "system.listMethods",
			Signature: [][]string{{"array"}},
			Help:      "Returns the names of all methods.",
			Call:      h.listMethods,
		},
		{
			Name:      "system.methodSignature",
			Signature: [][]string{{"array", "string"}},
			Help:      "Returns the possible signatures of a method, each the type of the result and then those of the parameters.",
			Call:      h.methodSignature,
		},
		{
			Name:      "system.methodHelp",
			Signature: [][]string{{"string", "string"}},
			Help:      "Returns the description of a method.",
			Call:      h.methodHelp,
		},
		{
			Name:      multicallName,
			Signature: [][]string{{"array", "array"}},
			Help:      "Runs several calls, structs of methodName and params, and returns an array with a one-element array or a fault struct for each.",
			Call:      h.multicall,
		},
	}
}

// capabilities are the public conventions beside the specification, under the names
// they have themselves.
var capabilities = Struct(
	capability("xmlrpc", "http://www.xmlrpc.com/spec", 1),
	capability("introspect", "http://xmlrpc-c.sourceforge.io/xmlrpc-c/introspection.html", 1),
	capability("system.multicall", "http://www.xmlrpc.com/discuss/msgReader$1208", 1),
	capability("faults_interop", "http://xmlrpc-epi.sourceforge.net/specs/rfc.fault_codes.php", 20010516),
	capability("nil", "http://www.ontosys.com/xml-rpc/extensions.php", 20010518),
)

func capability(name, url string, version int64) Member {
	return Member{name, Struct(Member{"specUrl", String(url)}, Member{"specVersion", Int(version)})}
}

func (h *handler) sortedNames() []string {
	names := make([]string, 0, len(h.methods))
	for name := range h.methods {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// listMethods ignores its params: clients use it as a probe and send none or
// an empty struct.
func (h *handler) listMethods(context.Context, []Value) (Value, error) {
	return stringArray(h.names), nil
}

// methodSignature answers something that is no array when it does not know,
// as the convention asks.
func (h *handler) methodSignature(_ context.Context, params []Value) (Value, error) {
	m, err := h.named(params)
	if err != nil {
		return Value{}, err
	}
	if len(m.Signature) == 0 {
		return String("undef"), nil
	}
	alternatives := make([]Value, len(m.Signature))
	for i, types := range m.Signature {
		alternatives[i] = stringArray(types)
	}
	return Array(alternatives...), nil
}

func (h *handler) methodHelp(_ context.Context, params []Value) (Value, error) {
	m, err := h.named(params)
	if err != nil {
		return Value{}, err
	}
	return String(m.Help), nil
}

// named finds the method that the single string param names.
func (h *handler) named(params []Value) (*Method, error) {
	if len(params) != 1 || params[0].kind != KindString {
		return nil, wrongParams("one string expected")
	}
	if m := h.methods[params[0].text]; m != nil {
		return m, nil
	}
	return nil, noMethod()
}

func stringArray(texts []string) Value {
	items := make([]Value, len(texts))
	for i, t := range texts {
		items[i] = String(t)
	}
	return Array(items...)
}
