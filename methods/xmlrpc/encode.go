package xmlrpc

import (
	"encoding/base64"
	"slices"
	"strconv"
	"unicode/utf8"
)

// The layout is that of Python's marshaller, which is what a real switch
// sends (1.8), except inside <data>, where 1.10.8 and 1.10.14 want no white
// space. Clients parse this with regular expressions: change no byte.
const (
	prolog        = "<?xml version='1.0'?>\n<methodResponse>\n"
	responseStart = prolog + "<params>\n<param>\n"
	responseEnd   = "</param>\n</params>\n</methodResponse>\n"
	faultStart    = prolog + "<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n<value><int>"
	faultMiddle   = "</int></value>\n</member>\n<member>\n<name>faultString</name>\n<value><string>"
	faultEnd      = "</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n"
)

// AppendResponse appends the reply that carries v.
func AppendResponse(dst []byte, v Value) []byte {
	dst = slices.Grow(dst, len(responseStart)+len(responseEnd)+sizeOf(v))
	dst = append(dst, responseStart...)
	dst = appendLine(dst, v)
	return append(dst, responseEnd...)
}

// sizeOf is what a value takes on the wire, but for characters that are escaped:
// a long list is then written into one buffer that never moves.
func sizeOf(v Value) int {
	const tags, member = 40, 40 // <value><boolean>..., <member>...
	n := tags + len(v.text)
	for i := range v.members {
		n += member + len(v.members[i].Name) + sizeOf(v.members[i].Value)
	}
	for i := range v.items {
		n += sizeOf(v.items[i])
	}
	return n
}

// AppendFault appends the reply that carries f, its code before its text
// (1.10.7).
func AppendFault(dst []byte, f Fault) []byte {
	dst = append(dst, faultStart...)
	dst = strconv.AppendInt(dst, int64(f.Code), 10)
	dst = append(dst, faultMiddle...)
	dst = appendEscaped(dst, f.String)
	return append(dst, faultEnd...)
}

// faultValue is a fault as an entry of a multicall reply.
func faultValue(f Fault) Value {
	return Struct(
		Member{"faultCode", Int(int64(f.Code))},
		Member{"faultString", String(f.String)},
	)
}

// appendLine is appendValue and a line end, which Python leaves out after nil.
func appendLine(dst []byte, v Value) []byte {
	dst = appendValue(dst, v)
	if v.kind == KindNil {
		return dst
	}
	return append(dst, '\n')
}

func appendValue(dst []byte, v Value) []byte {
	switch v.kind {
	case KindNil:
		return append(dst, "<value><nil/></value>"...)
	case KindInt:
		dst = append(dst, "<value><int>"...)
		dst = appendInteger(dst, v.text)
		return append(dst, "</int></value>"...)
	case KindDouble:
		dst = append(dst, "<value><double>"...)
		dst = appendDouble(dst, v.text)
		return append(dst, "</double></value>"...)
	case KindBoolean:
		dst = append(dst, "<value><boolean>"...)
		dst = appendBoolean(dst, v.text)
		return append(dst, "</boolean></value>"...)
	case KindDateTime:
		dst = append(dst, "<value><dateTime.iso8601>"...)
		dst = appendEscaped(dst, v.text)
		return append(dst, "</dateTime.iso8601></value>"...)
	case KindBase64:
		return appendBase64(dst, v.text)
	case KindStruct:
		return appendStruct(dst, v.members)
	case KindArray:
		return appendArray(dst, v.items)
	}
	dst = append(dst, "<value><string>"...)
	dst = appendEscaped(dst, v.text)
	return append(dst, "</string></value>"...)
}

func appendStruct(dst []byte, members []Member) []byte {
	if len(members) == 0 {
		return append(dst, "<value><struct></struct></value>"...)
	}
	dst = append(dst, "<value><struct>\n"...)
	for i := range members {
		dst = append(dst, "<member>\n<name>"...)
		dst = appendEscaped(dst, members[i].Name)
		dst = append(dst, "</name>\n"...)
		dst = appendLine(dst, members[i].Value)
		dst = append(dst, "</member>\n"...)
	}
	return append(dst, "</struct></value>"...)
}

func appendArray(dst []byte, items []Value) []byte {
	dst = append(dst, "<value><array><data>"...)
	for i := range items {
		dst = appendValue(dst, items[i])
	}
	return append(dst, "</data></array></value>"...)
}

func appendInteger(dst []byte, text string) []byte {
	if plain, ok := integer(text); ok {
		return append(dst, plain...)
	}
	return appendEscaped(dst, text)
}

func appendDouble(dst []byte, text string) []byte {
	d, ok := parseDecimal(text)
	switch {
	case !ok:
		return appendEscaped(dst, text)
	case d.canonical:
		return append(dst, text...)
	}
	return d.append(dst)
}

func appendBoolean(dst []byte, text string) []byte {
	if b, ok := boolean(text); ok {
		return append(dst, Bool(b).text...)
	}
	return appendEscaped(dst, text)
}

// base64Line is the input of one line of 76 characters.
const base64Line = 57

func appendBase64(dst []byte, data string) []byte {
	dst = append(dst, "<value><base64>\n"...)
	for len(data) > 0 {
		n := min(len(data), base64Line)
		dst = base64.StdEncoding.AppendEncode(dst, []byte(data[:n]))
		dst = append(dst, '\n')
		data = data[n:]
	}
	return append(dst, "</base64></value>"...)
}

// appendEscaped writes character data. A carriage return goes as a reference,
// or the reader would see a line feed; what XML 1.0 cannot carry becomes U+FFFD.
func appendEscaped(dst []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf && plainByte[c] {
			i++
			continue
		}
		size, with := 1, ""
		switch {
		case c == '&':
			with = "&amp;"
		case c == '<':
			with = "&lt;"
		case c == '>':
			with = "&gt;"
		case c == '\r':
			with = "&#13;"
		case c < utf8.RuneSelf:
			with = "\uFFFD"
		default:
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 || !legalRune(r) {
				with = "\uFFFD"
			}
		}
		if with != "" {
			dst = append(dst, s[start:i]...)
			dst = append(dst, with...)
			start = i + size
		}
		i += size
	}
	return append(dst, s[start:]...)
}

// plainByte marks the ASCII characters that need no thought.
var plainByte = func() (t [utf8.RuneSelf]bool) {
	for c := range t {
		t[c] = c >= ' ' || c == '\t' || c == '\n'
	}
	t['&'], t['<'], t['>'] = false, false, false
	return t
}()
