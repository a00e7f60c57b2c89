package xmlrpc

import (
	"fmt"
	"io"
	"slices"
	"strconv"
)

// Kind says which type of the wire a Value has.
type Kind uint8

// The kinds. Int stands for int, i1, i2, i4, i8 and biginteger; Double for
// double, float and bigdecimal.
const (
	KindNil Kind = iota
	KindInt
	KindDouble
	KindBoolean
	KindString
	KindDateTime
	KindBase64
	KindStruct
	KindArray
)

var kindNames = [...]string{"nil", "int", "double", "boolean", "string", "dateTime", "base64", "struct", "array"}

// String returns the name the type has on the wire.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind(" + strconv.Itoa(int(k)) + ")"
}

// Value is one value of a call or a reply. Its zero value is nil. Values are
// read-only once made: Members and Items share memory with the Value.
type Value struct {
	kind    Kind
	text    string
	members []Member
	items   []Value
}

// Member is one named value of a struct.
type Member struct {
	Name  string
	Value Value
}

// Nil returns the null value.
func Nil() Value { return Value{} }

// Int returns an integer.
func Int(n int64) Value { return Value{kind: KindInt, text: strconv.FormatInt(n, 10)} }

// Double returns a decimal number given as text. "10" becomes 10.0, "5.250000"
// becomes 5.25 and an exponent is written out; the sign of -0 stays. A text
// that is no number is kept: the caller answers for it.
func Double(text string) Value {
	if plain, ok := plainDecimal(text); ok {
		text = plain
	}
	return Value{kind: KindDouble, text: text}
}

// Bool returns a boolean.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindBoolean, text: "1"}
	}
	return Value{kind: KindBoolean, text: "0"}
}

// String returns a string.
func String(s string) Value { return Value{kind: KindString, text: s} }

// DateTime returns a dateTime.iso8601 with the given text.
func DateTime(text string) Value { return Value{kind: KindDateTime, text: text} }

// Base64 returns binary data.
func Base64(b []byte) Value { return Value{kind: KindBase64, text: string(b)} }

// Struct returns a struct whose members keep the given order.
func Struct(members ...Member) Value { return Value{kind: KindStruct, members: members} }

// Array returns an array.
func Array(items ...Value) Value { return Value{kind: KindArray, items: items} }

// Kind returns the type of v.
func (v Value) Kind() Kind { return v.kind }

// Text returns the literal text of a scalar as it was sent, or the bytes of a
// base64 as a string. It is empty for nil, structs and arrays.
func (v Value) Text() string { return v.text }

// Bytes returns the data of a base64, nil for every other kind.
func (v Value) Bytes() []byte {
	if v.kind != KindBase64 {
		return nil
	}
	return []byte(v.text)
}

// Members returns the members of a struct in order, nil for other kinds.
func (v Value) Members() []Member { return v.members }

// Items returns the items of an array in order, nil for other kinds.
func (v Value) Items() []Value { return v.items }

// Get returns the member called name of a struct.
func (v Value) Get(name string) (Value, bool) {
	for i := range v.members {
		if v.members[i].Name == name {
			return v.members[i].Value, true
		}
	}
	return Value{}, false
}

// Equal reports whether both values have the same kind, text and content,
// members in the same order.
func (v Value) Equal(w Value) bool {
	return v.kind == w.kind && v.text == w.text &&
		slices.EqualFunc(v.items, w.items, Value.Equal) &&
		slices.EqualFunc(v.members, w.members, func(a, b Member) bool {
			return a.Name == b.Name && a.Value.Equal(b.Value)
		})
}

// String describes v without its content, so that a card number or a password
// cannot reach a log by way of fmt.
func (v Value) String() string {
	switch v.kind {
	case KindStruct:
		return fmt.Sprintf("struct(%d)", len(v.members))
	case KindArray:
		return fmt.Sprintf("array(%d)", len(v.items))
	}
	return v.kind.String()
}

// Format is String for every verb, for the same reason.
func (v Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, v.String()) }
