package xmlrpc

import (
	"fmt"
	"strconv"
)

// State says whether a parameter was there at all.
type State uint8

// The three states a client can tell apart; "absent" leaves a setting as it
// is, "null" switches it to its default (1.5, 1.6).
const (
	Absent State = iota
	Null
	Given
)

// WrongError says that a parameter has the wrong type or is out of range.
type WrongError struct{ Name string }

// Error implements error.
func (e *WrongError) Error() string { return "Wrong " + e.Name }

// Params reads the members of the one struct every method takes.
type Params struct{ members []Member }

// OneStruct returns the single struct of a call. No param at all is an empty
// struct (1.5); two params or a value that is no struct is a *Fault with
// CodeParams.
func OneStruct(params []Value) (Params, error) {
	switch {
	case len(params) == 0:
		return Params{}, nil
	case len(params) > 1 || params[0].kind != KindStruct:
		return Params{}, wrongParams("one struct expected")
	}
	return Params{params[0].members}, nil
}

// Format describes p without its content, as Value does.
func (p Params) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "params(%d)", len(p.members)) }

// Members returns all parameters in the order sent.
func (p Params) Members() []Member { return p.members }

// Value returns the parameter as it came.
func (p Params) Value(name string) (Value, bool) { return Struct(p.members...).Get(name) }

// Int reads an integer of any width up to 64 bits. An empty string is null,
// for clients that cannot write nil (1.6).
func (p Params) Int(name string) (int64, State, error) {
	v, state := p.number(name)
	if state != Given {
		return 0, state, nil
	}
	if v.kind != KindInt {
		return 0, Given, &WrongError{name}
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil {
		return 0, Given, &WrongError{name}
	}
	return n, Given, nil
}

// Decimal reads a double, or an integer in its place, and returns it as plain
// decimal text: sign only when negative, no exponent, at least one decimal. An
// empty string is null.
func (p Params) Decimal(name string) (string, State, error) {
	v, state := p.number(name)
	if state != Given {
		return "", state, nil
	}
	ok := v.kind == KindDouble
	if v.kind == KindInt {
		_, ok = integer(v.text)
	}
	if !ok {
		return "", Given, &WrongError{name}
	}
	plain, ok := plainDecimal(v.text)
	if !ok {
		return "", Given, &WrongError{name}
	}
	return plain, Given, nil
}

// Bool reads a boolean, or an int 0 or 1 in its place (1.7).
func (p Params) Bool(name string) (bool, State, error) {
	v, state := p.lookup(name)
	if state != Given {
		return false, state, nil
	}
	b, ok := boolean(v.text)
	if v.kind == KindInt {
		ok = ok && len(v.text) == 1
	} else {
		ok = ok && v.kind == KindBoolean
	}
	if !ok {
		return false, Given, &WrongError{name}
	}
	return b, Given, nil
}

// String reads a string. An int or double gives its text as sent, leading
// zeros and plus sign included: Perl turns card numbers, postal codes and
// telephone numbers into integers (1.7).
func (p Params) String(name string) (string, State, error) {
	v, state := p.lookup(name)
	if state != Given {
		return "", state, nil
	}
	switch v.kind {
	case KindString, KindInt, KindDouble:
		return v.text, Given, nil
	}
	return "", Given, &WrongError{name}
}

func (p Params) lookup(name string) (Value, State) {
	v, ok := p.Value(name)
	switch {
	case !ok:
		return v, Absent
	case v.kind == KindNil:
		return v, Null
	}
	return v, Given
}

// number is lookup with the empty string as null.
func (p Params) number(name string) (Value, State) {
	v, state := p.lookup(name)
	if v.kind == KindString && v.text == "" && state == Given {
		return v, Null
	}
	return v, state
}

func boolean(text string) (value, ok bool) {
	switch text {
	case "1", "true":
		return true, true
	case "0", "false":
		return false, true
	}
	return false, false
}
