package cli

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
)

// reply is an answer: a value, or a fault's.
type reply struct {
	fault bool
	value *wireReply
}

// wireReply is a value of an answer with its type and digits as they came.
type wireReply struct {
	kind    string // the wire's word: int, double, string, ...
	text    string
	names   []string // of a struct's members, as items
	items   []*wireReply
	isArray bool
}

// maxReplyDepth bounds nesting.
const maxReplyDepth = 64

// readReply reads a methodResponse.
func readReply(body []byte) (*reply, error) {
	d := &replyDecoder{xml.NewDecoder(bytes.NewReader(body))}
	d.CharsetReader = func(charset string, in io.Reader) (io.Reader, error) {
		enc, err := htmlindex.Get(charset)
		if err != nil {
			return nil, err
		}
		return enc.NewDecoder().Reader(in), nil
	}
	r := &reply{}
	for {
		start, err := d.start()
		if err != nil {
			return nil, fmt.Errorf("the answer is not XML-RPC: %w", err)
		}
		switch start {
		case "fault":
			r.fault = true
		case "value":
			if r.value, err = d.value(0); err != nil {
				return nil, fmt.Errorf("the answer is not XML-RPC: %w", err)
			}
			return r, nil
		case "methodResponse", "params", "param":
		default:
			return nil, fmt.Errorf("the answer is not XML-RPC: <%s>", printable(start))
		}
	}
}

type replyDecoder struct{ *xml.Decoder }

// start is the next opening tag at any depth.
func (d *replyDecoder) start() (string, error) {
	for {
		token, err := d.Token()
		if err != nil {
			return "", err
		}
		if s, ok := token.(xml.StartElement); ok {
			return s.Name.Local, nil
		}
	}
}

// child is the next opening tag inside an element, empty at its end, and the
// text before it.
func (d *replyDecoder) child() (name, text string, err error) {
	for {
		token, err := d.Token()
		if err != nil {
			return "", "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			return t.Name.Local, text, nil
		case xml.EndElement:
			return "", text, nil
		case xml.CharData:
			text += string(t)
		}
	}
}

// text is what is in an element, up to its end.
func (d *replyDecoder) text() (string, error) {
	name, text, err := d.child()
	if err == nil && name != "" {
		err = fmt.Errorf("<%s> inside a plain value", printable(name))
	}
	return text, err
}

// value reads a value; its opening tag is read already.
func (d *replyDecoder) value(depth int) (*wireReply, error) {
	if depth > maxReplyDepth {
		return nil, errors.New("nested too deep")
	}
	kind, text, err := d.child()
	if err != nil {
		return nil, err
	}
	if kind == "" {
		return &wireReply{kind: "string", text: text}, nil
	}
	v := &wireReply{kind: kind}
	switch kind {
	case "struct":
		err = d.members(v, depth)
	case "array":
		err = d.array(v, depth)
	default:
		v.text, err = d.text()
	}
	if err != nil {
		return nil, err
	}
	_, err = d.text() // the end of the value
	return v, err
}

func (d *replyDecoder) members(v *wireReply, depth int) error {
	for {
		tag, _, err := d.child()
		if err != nil || tag == "" {
			return err
		}
		if tag != "member" {
			return fmt.Errorf("<%s> inside a struct", printable(tag))
		}
		if err := d.member(v, depth); err != nil {
			return err
		}
	}
}

func (d *replyDecoder) member(v *wireReply, depth int) error {
	var name string
	var inner *wireReply
	for {
		tag, _, err := d.child()
		if err != nil {
			return err
		}
		switch tag {
		case "name":
			name, err = d.text()
		case "value":
			inner, err = d.value(depth + 1)
		case "":
			if inner == nil {
				return errors.New("a member without a value")
			}
			v.names, v.items = append(v.names, name), append(v.items, inner)
			return nil
		default:
			err = fmt.Errorf("<%s> inside a member", printable(tag))
		}
		if err != nil {
			return err
		}
	}
}

func (d *replyDecoder) array(v *wireReply, depth int) error {
	v.isArray = true
	for {
		tag, _, err := d.child()
		if err != nil || tag == "" {
			return err
		}
		if tag != "data" {
			return fmt.Errorf("<%s> inside an array", printable(tag))
		}
		for {
			tag, _, err := d.child()
			if err != nil {
				return err
			}
			if tag == "" {
				break
			}
			if tag != "value" {
				return fmt.Errorf("<%s> inside an array's data", printable(tag))
			}
			item, err := d.value(depth + 1)
			if err != nil {
				return err
			}
			v.items = append(v.items, item)
		}
	}
}

// faultParts are a fault's code and text.
func (v *wireReply) faultParts() (code, text string) {
	code, text = "?", "?"
	for i, name := range v.names {
		switch name {
		case "faultCode":
			code = strings.TrimSpace(v.items[i].text)
		case "faultString":
			text = v.items[i].text
		}
	}
	return code, text
}

// plain is a scalar as people read it, each type in a form of its own: nil,
// true, 5, 5.0, and text, in quotes where it would look like one of these.
func (v *wireReply) plain() string {
	text := strings.TrimSpace(v.text)
	switch v.kind {
	case "nil":
		return "nil"
	case "boolean":
		return strconv.FormatBool(text == "1" || text == "true")
	case "int", "i1", "i2", "i4", "i8", "biginteger":
		return printable(text)
	case "double", "float", "bigdecimal":
		return doubleText(text)
	}
	if v.text == "" || v.text != printable(v.text) || looksTyped(v.text) {
		return strconv.Quote(v.text)
	}
	return v.text
}

// doubleText shows that a number is a double also when it is whole.
func doubleText(text string) string {
	if strings.Trim(text, "+-0123456789") == "" {
		return text + ".0"
	}
	return printable(text)
}

func looksTyped(text string) bool {
	if text != strings.TrimSpace(text) || text[0] == '"' {
		return true
	}
	switch text {
	case "nil", "true", "false":
		return true
	}
	return strings.Trim(text, "+-.0123456789eE") == "" && strings.ContainsAny(text, "0123456789")
}

// printText prints members one a line, nested ones indented.
func (v *wireReply) printText(w io.Writer) error {
	if v.kind != "struct" && !v.isArray {
		_, err := fmt.Fprintln(w, v.plain())
		return err
	}
	return v.printItems(w, "")
}

func (v *wireReply) printItems(w io.Writer, indent string) error {
	for i, item := range v.items {
		head := indent + "-"
		if !v.isArray {
			head = indent + printable(v.names[i]) + ":"
		}
		nested := item.kind == "struct" || item.isArray
		switch {
		case nested && len(item.items) > 0:
			if _, err := fmt.Fprintln(w, head); err != nil {
				return err
			}
			if err := item.printItems(w, indent+"  "); err != nil {
				return err
			}
			continue
		case item.isArray:
			head += " []"
		case nested:
			head += " {}"
		default:
			head += " " + item.plain()
		}
		if _, err := fmt.Fprintln(w, head); err != nil {
			return err
		}
	}
	return nil
}

// printJSON prints one JSON value, members in the order of the answer.
func (v *wireReply) printJSON(w io.Writer) error {
	b, err := v.appendJSON(nil)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}

func (v *wireReply) appendJSON(b []byte) (_ []byte, err error) {
	switch {
	case v.isArray || v.kind == "struct":
		open, end := byte('{'), byte('}')
		if v.isArray {
			open, end = '[', ']'
		}
		b = append(b, open)
		for i, item := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			if !v.isArray {
				b = append(appendJSONString(b, v.names[i]), ':')
			}
			if b, err = item.appendJSON(b); err != nil {
				return nil, err
			}
		}
		return append(b, end), nil
	case v.kind == "nil":
		return append(b, "null"...), nil
	case v.kind == "boolean":
		return append(b, v.plain()...), nil
	}
	if plain := v.plain(); v.isNumber() && json.Valid([]byte(plain)) {
		return append(b, plain...), nil
	}
	return appendJSONString(b, v.text), nil
}

func (v *wireReply) isNumber() bool {
	switch v.kind {
	case "int", "i1", "i2", "i4", "i8", "biginteger", "double", "float", "bigdecimal":
		return true
	}
	return false
}

func appendJSONString(b []byte, s string) []byte {
	text, _ := json.Marshal(s) // a string always can be
	return append(b, text...)
}
