package subscription

import (
	"bytes"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"topupd/billing"
)

// record is an object of an answer, its members in alphabetical order, which is the
// order of a DataContract.
type record struct {
	root   string
	fields []field
}

// field is a member with its text in JSON and in XML.
type field struct {
	name   string
	json   string
	xml    string
	quoted bool
	null   bool
}

func number(name string, n int64) field {
	s := strconv.FormatInt(n, 10)
	return field{name: name, json: s, xml: s}
}

// numberOrNull is a number of which 0 is none.
func numberOrNull(name string, n int64) field {
	if n == 0 {
		return field{name: name, null: true}
	}
	return number(name, n)
}

func text(name string, s *string) field {
	if s == nil {
		return field{name: name, null: true}
	}
	return field{name: name, json: *s, xml: *s, quoted: true}
}

// money is 2.0 in JSON and 2 in XML.
func money(name string, micros *int64) field {
	if micros == nil {
		return field{name: name, null: true}
	}
	return field{name: name, json: billing.FixedMicros(*micros, 1), xml: billing.FormatMicros(*micros)}
}

func boolean(name string, on bool) field {
	s := strconv.FormatBool(on)
	return field{name: name, json: s, xml: s}
}

// wireDate is ISO 8601 with a local offset and as many of seven digits as are not zero.
const wireDate = "2006-01-02T15:04:05.9999999-07:00"

func date(name string, t time.Time, in *time.Location) field {
	s := t.In(in).Format(wireDate)
	return field{name: name, json: s, xml: s, quoted: true}
}

const xmlSchemaInstance = "http://www.w3.org/2001/XMLSchema-instance"

func (r record) appendJSON(b []byte) []byte {
	b = append(b, '{')
	for i, f := range r.fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendJSONText(b, f.name), ':')
		switch {
		case f.null:
			b = append(b, "null"...)
		case f.quoted:
			b = appendJSONText(b, f.json)
		default:
			b = append(b, f.json...)
		}
	}
	return append(b, '}')
}

// appendXML writes no declaration and no indentation, as the real service.
func (r record) appendXML(b []byte) []byte {
	b = append(append(append(b, '<'), r.root...), ` xmlns:i="`+xmlSchemaInstance+`">`...)
	for _, f := range r.fields {
		if f.null {
			b = append(append(append(b, '<'), f.name...), ` i:nil="true"/>`...)
			continue
		}
		b = appendElement(b, f.name, f.xml)
	}
	return appendEnd(b, r.root)
}

func appendElement(b []byte, name, text string) []byte {
	b = append(append(append(b, '<'), name...), '>')
	return appendEnd(appendXMLText(b, text), name)
}

func appendEnd(b []byte, name string) []byte {
	return append(append(append(b, "</"...), name...), '>')
}

// appendJSONText writes a string as Json.NET does: no more is escaped than must be, and
// the line ends that JavaScript has.
func appendJSONText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			b = append(b, '\\', byte(r))
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		case 0x85, 0x2028, 0x2029:
			b = append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			if r < ' ' {
				b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
				continue
			}
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// appendXMLText escapes a text; what XML cannot hold becomes U+FFFD.
func appendXMLText(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '\r':
			b = append(b, "&#xD;"...)
		case r < ' ' && r != '\t' && r != '\n', r == 0xFFFE, r == 0xFFFF:
			b = utf8.AppendRune(b, utf8.RuneError)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

// answer is a body that can be written in each form.
type answer interface {
	appendJSON([]byte) []byte
	appendXML([]byte) []byte
}

func write(w http.ResponseWriter, f format, status int, a answer) {
	body := make([]byte, 0, 512)
	if f.xml {
		body = a.appendXML(body)
	} else {
		body = a.appendJSON(body)
	}
	h := w.Header()
	if f.media == "text/html" {
		// A browser shows it as a page: what a text holds must not become part of one.
		body = bytes.ReplaceAll(body, []byte("<"), []byte(`\u003c`))
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Type", f.media+"; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept")
	w.WriteHeader(status)
	_, _ = w.Write(body) // nobody is left to tell
}
