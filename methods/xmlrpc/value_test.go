package xmlrpc

import (
	"fmt"
	"strings"
	"testing"
)

func TestValueAccessors(t *testing.T) {
	s := Struct(Member{"a", Int(1)}, Member{"b", Array(String("x"))})
	if v, ok := s.Get("a"); !ok || v.Kind() != KindInt || v.Text() != "1" {
		t.Errorf("a: %v %v", v, ok)
	}
	if _, ok := s.Get("c"); ok {
		t.Error("c is there")
	}
	if b, _ := s.Get("b"); len(b.Items()) != 1 || b.Items()[0].Text() != "x" {
		t.Errorf("b: %v", b)
	}
	if names := s.Members(); len(names) != 2 || names[1].Name != "b" {
		t.Errorf("members: %v", names)
	}
	if string(Base64([]byte{0, 1}).Bytes()) != "\x00\x01" || String("x").Bytes() != nil {
		t.Error("bytes")
	}
	if _, ok := Int(1).Get("a"); ok {
		t.Error("an int has a member")
	}
}

func TestValueEqual(t *testing.T) {
	different := []Value{
		Nil(), Int(0), Int(1), Double("1"), Bool(true), String("1"), String(""), DateTime("1"), Base64([]byte("1")), Struct(), Array(),
		Array(Nil()), Array(Nil(), Nil()), Struct(Member{"a", Nil()}), Struct(Member{"b", Nil()}), Struct(Member{"a", Int(1)}),
		Struct(Member{"a", Nil()}, Member{"b", Nil()}), Struct(Member{"b", Nil()}, Member{"a", Nil()}),
	}
	for i, a := range different {
		for j, b := range different {
			if a.Equal(b) != (i == j) {
				t.Errorf("%d %d: %v", i, j, a.Equal(b))
			}
		}
	}
}

// A value in a log line must not show a card number.
func TestValueDoesNotPrintItsContent(t *testing.T) {
	v := Struct(Member{"number", String("4111111111111111")}, Member{"rows", Array(Int(4111111111111111))})
	p, _ := OneStruct([]Value{v})
	for _, x := range []any{v, &v, Call{"m", []Value{v}}, v.Members(), v.Members()[0], p, &p, Array(v), String("4111111111111111")} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
			if out := fmt.Sprintf(verb, x); strings.Contains(out, "4111") {
				t.Errorf("%s: %s", verb, out)
			}
		}
	}
	if got := v.String(); got != "struct(2)" {
		t.Errorf("got %s", got)
	}
	if got := Kind(99).String() + KindBoolean.String() + Array(v).String(); got != "kind(99)booleanarray(1)" {
		t.Errorf("got %s", got)
	}
}
