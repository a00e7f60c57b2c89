package xmlrpc

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Call is one decoded methodCall. Its texts share one copy of the body.
type Call struct {
	Method string
	Params []Value
}

// DecodeCall reads a methodCall. Every error is a *Fault: CodeNotWellFormed,
// CodeEncoding, CodeCharacter, or CodeNotXMLRPC for what is XML but no call,
// or is over a limit. It keeps nothing of body.
func DecodeCall(body []byte, l Limits) (Call, error) {
	l = l.orDefault()
	if int64(len(body)) > l.Bytes {
		return Call{}, notXMLRPC("too large")
	}
	text, before, err := document(body)
	if err != nil {
		return Call{}, err
	}
	d := decoders.Get().(*decoder)
	defer d.release()
	d.limits, d.count = l, 0
	d.scan.reset(text, before)
	return d.call()
}

// decoder builds values from the scanner. Members and items of unfinished
// structs and arrays wait on two stacks, so that each gets one exact slice.
type decoder struct {
	scan    scanner
	limits  Limits
	count   int
	members []Member
	items   []Value
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// release forgets what the client sent, its secrets included. What was popped
// from the two stacks is cleared already.
func (d *decoder) release() {
	if cap(d.members) > 1024 || cap(d.items) > 1024 || cap(d.scan.buf) > 4<<10 {
		return // do not keep what only one large request needed
	}
	clear(d.members)
	clear(d.items)
	d.members, d.items = d.members[:0], d.items[:0]
	d.scan.forget()
	decoders.Put(d)
}

func (d *decoder) call() (Call, error) {
	var c Call
	if _, err := d.scan.next(); err != nil {
		return c, err
	}
	if d.scan.name != "methodCall" {
		return c, notXMLRPC("the root is not methodCall")
	}
	if err := d.want("methodName"); err != nil {
		return c, err
	}
	name, err := d.leaf()
	if err != nil {
		return c, err
	}
	if c.Method = trimSpace(name); c.Method == "" {
		return c, notXMLRPC("empty methodName")
	}
	tok, err := d.tag()
	if err != nil {
		return c, err
	}
	if tok == tokenStart {
		if d.scan.name != "params" {
			return c, d.unexpected()
		}
		if c.Params, err = d.params(); err != nil {
			return c, err
		}
		if err := d.end(); err != nil {
			return c, err
		}
	}
	_, err = d.scan.next() // anything but the end of the document is an error
	return c, err
}

func (d *decoder) params() ([]Value, error) {
	base := len(d.items)
	for {
		tok, err := d.tag()
		if err != nil {
			return nil, err
		}
		if tok == tokenEnd {
			return d.popItems(base), nil
		}
		if d.scan.name != "param" {
			return nil, d.unexpected()
		}
		v, err := d.param()
		if err != nil {
			return nil, err
		}
		if err := d.pushItem(v); err != nil {
			return nil, err
		}
	}
}

// param reads the inside of <param>. One without a value is what kolo sends
// for nil (1.6); it stands for no argument, which is an empty struct (1.5).
func (d *decoder) param() (Value, error) {
	tok, err := d.tag()
	if err != nil {
		return Value{}, err
	}
	if tok == tokenEnd {
		return Struct(), nil
	}
	if d.scan.name != "value" {
		return Value{}, d.unexpected()
	}
	v, err := d.value(1)
	if err != nil {
		return Value{}, err
	}
	return v, d.end()
}

// value reads the inside of <value> and its end. Without a type element it is
// a string, white space and all.
func (d *decoder) value(depth int) (Value, error) {
	tok, err := d.scan.next()
	if err != nil {
		return Value{}, err
	}
	if tok == tokenText {
		text := d.scan.text
		if tok, err = d.scan.next(); err != nil {
			return Value{}, err
		}
		if tok == tokenEnd {
			return d.stringValue(text)
		}
		if !blank(text) {
			return Value{}, notXMLRPC("text beside a type element")
		}
	}
	if tok == tokenEnd {
		return String(""), nil
	}
	v, err := d.typed(depth)
	if err != nil {
		return Value{}, err
	}
	return v, d.end()
}

// typed reads the type element that has just begun, and its end.
func (d *decoder) typed(depth int) (Value, error) {
	kind, ok := d.kindOf(d.scan.name)
	if !ok {
		return Value{}, d.unexpected()
	}
	switch kind {
	case KindStruct, KindArray:
		if depth > d.limits.Depth {
			return Value{}, notXMLRPC("nested too deeply")
		}
		if kind == KindStruct {
			return d.structure(depth)
		}
		return d.array(depth)
	}
	text, err := d.leaf()
	if err != nil {
		return Value{}, err
	}
	switch kind {
	case KindNil:
		if !blank(text) {
			return Value{}, notXMLRPC("nil with content")
		}
		return Nil(), nil
	case KindString:
		return String(text), nil
	case KindBase64:
		return binary(text)
	}
	return Value{kind: kind, text: trimSpace(text)}, nil
}

// kindOf knows the types of the specification, the usual extensions bare, and
// the extensions under a prefix of their namespace; of those never
// serializable, which is a Java object.
func (d *decoder) kindOf(name string) (Kind, bool) {
	switch name {
	case "string":
		return KindString, true
	case "double":
		return KindDouble, true
	case "boolean":
		return KindBoolean, true
	case "struct":
		return KindStruct, true
	case "array":
		return KindArray, true
	case "dateTime.iso8601":
		return KindDateTime, true
	case "base64":
		return KindBase64, true
	}
	if strings.IndexByte(name, ':') >= 0 {
		local, ok := d.scan.extension(name)
		if !ok {
			return 0, false
		}
		name = local
	}
	switch name {
	case "int", "i4", "i8", "i1", "i2", "biginteger":
		return KindInt, true
	case "nil":
		return KindNil, true
	case "float", "bigdecimal":
		return KindDouble, true
	}
	return 0, false
}

func (d *decoder) structure(depth int) (Value, error) {
	base := len(d.members)
	for {
		tok, err := d.tag()
		if err != nil {
			return Value{}, err
		}
		if tok == tokenEnd {
			break
		}
		if d.scan.name != "member" {
			return Value{}, d.unexpected()
		}
		if err := d.member(depth); err != nil {
			return Value{}, err
		}
	}
	members := slices.Clone(d.members[base:])
	clear(d.members[base:])
	d.members = d.members[:base]
	if duplicate(members) {
		return Value{}, notXMLRPC("a member is given twice")
	}
	return Struct(members...), nil
}

// member reads the inside of <member>; an empty one is nothing (1.5).
func (d *decoder) member(depth int) error {
	tok, err := d.tag()
	if err != nil || tok == tokenEnd {
		return err
	}
	if d.scan.name != "name" {
		return d.unexpected()
	}
	name, err := d.leaf()
	if err != nil {
		return err
	}
	if err := d.want("value"); err != nil {
		return err
	}
	v, err := d.value(depth + 1)
	if err != nil {
		return err
	}
	if err := d.counted(); err != nil {
		return err
	}
	d.members = append(d.members, Member{name, v})
	return d.end()
}

func (d *decoder) array(depth int) (Value, error) {
	tok, err := d.tag()
	if err != nil {
		return Value{}, err
	}
	if tok == tokenEnd {
		return Array(), nil
	}
	if d.scan.name != "data" {
		return Value{}, d.unexpected()
	}
	base := len(d.items)
	for {
		if tok, err = d.tag(); err != nil {
			return Value{}, err
		}
		if tok == tokenEnd {
			return Array(d.popItems(base)...), d.end()
		}
		if d.scan.name != "value" {
			return Value{}, d.unexpected()
		}
		v, err := d.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		if err := d.pushItem(v); err != nil {
			return Value{}, err
		}
	}
}

func (d *decoder) pushItem(v Value) error {
	d.items = append(d.items, v)
	return d.counted()
}

func (d *decoder) popItems(base int) []Value {
	items := slices.Clone(d.items[base:])
	clear(d.items[base:])
	d.items = d.items[:base]
	return items
}

func (d *decoder) counted() error {
	if d.count++; d.count > d.limits.Members {
		return notXMLRPC("too many members")
	}
	return nil
}

// leaf reads the text of an element that holds no other, and its end.
func (d *decoder) leaf() (string, error) {
	tok, err := d.scan.next()
	if err != nil {
		return "", err
	}
	text := ""
	if tok == tokenText {
		text = d.scan.text
		if tok, err = d.scan.next(); err != nil {
			return "", err
		}
	}
	if tok != tokenEnd {
		return "", d.unexpected()
	}
	if len(text) > d.limits.Text {
		return "", notXMLRPC("text too long")
	}
	return text, nil
}

func (d *decoder) stringValue(text string) (Value, error) {
	if len(text) > d.limits.Text {
		return Value{}, notXMLRPC("text too long")
	}
	return String(text), nil
}

// tag returns the next tag; only white space may stand before it.
func (d *decoder) tag() (token, error) {
	tok, err := d.scan.next()
	if err != nil || tok != tokenText {
		return tok, err
	}
	if !blank(d.scan.text) {
		return 0, notXMLRPC("text between elements")
	}
	return d.scan.next()
}

// want reads the start tag of the element called name.
func (d *decoder) want(name string) error {
	tok, err := d.tag()
	if err == nil && (tok != tokenStart || d.scan.name != name) {
		return notXMLRPC(name + " expected")
	}
	return err
}

// end reads the end tag of the open element.
func (d *decoder) end() error {
	tok, err := d.tag()
	if err == nil && tok != tokenEnd {
		return d.unexpected()
	}
	return err
}

// unexpected names the element; a name holds none of & < >.
func (d *decoder) unexpected() error {
	return notXMLRPC(fmt.Sprintf("unexpected element %.32q", d.scan.name))
}

// duplicate reports whether a name occurs twice. The usual struct is too small
// for a map to pay.
func duplicate(members []Member) bool {
	if len(members) > 16 {
		seen := make(map[string]struct{}, len(members))
		for i := range members {
			seen[members[i].Name] = struct{}{}
		}
		return len(seen) != len(members)
	}
	for i := range members {
		for j := range i {
			if members[i].Name == members[j].Name {
				return true
			}
		}
	}
	return false
}

// binary decodes base64, in which white space means nothing.
func binary(text string) (Value, error) {
	text = strings.Map(func(r rune) rune {
		if r < 0x80 && isSpace(byte(r)) {
			return -1
		}
		return r
	}, text)
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return Value{}, notXMLRPC("bad base64")
	}
	return Base64(data), nil
}
