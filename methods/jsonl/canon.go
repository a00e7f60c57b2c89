package jsonl

import (
	"bytes"
	"encoding/json"
	"slices"
)

// appendCanonical appends a value that the scanner accepted in the one form
// that this package writes: no white space, members sorted by name, strings
// escaped as little as possible, numbers as they were written.
func appendCanonical(dst, raw []byte) ([]byte, error) {
	switch raw[0] {
	case '{':
		members, err := splitObject(raw, nil)
		if err != nil {
			return nil, err
		}
		return appendMembers(dst, members)
	case '[':
		return appendArray(dst, raw)
	case '"':
		text, err := unquote(raw)
		if err != nil {
			return nil, err
		}
		return appendString(dst, text), nil
	default:
		return append(dst, raw...), nil
	}
}

// appendMembers appends an object of the members, sorted.
func appendMembers(dst []byte, members []member) (_ []byte, err error) {
	slices.SortFunc(members, func(a, b member) int { return bytes.Compare(a.name, b.name) })
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, string(m.name)), ':')
		if dst, err = appendCanonical(dst, m.raw); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func appendArray(dst, raw []byte) (_ []byte, err error) {
	s := &scanner{text: raw, at: 1}
	dst = append(dst, '[')
	for n := 0; ; n++ {
		s.space()
		if s.peek() == ']' {
			return append(dst, ']'), nil
		}
		if n > 0 {
			s.at++ // the comma
			s.space()
			dst = append(dst, ',')
		}
		from := s.at
		if err := s.value(1); err != nil {
			return nil, err
		}
		if dst, err = appendCanonical(dst, raw[from:s.at]); err != nil {
			return nil, err
		}
	}
}

// appendString appends a JSON string. Only what must be escaped is: the
// library's escapes for HTML would only make the text harder to read.
func appendString(dst []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x80 {
			return appendEscaped(dst, text)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}

func appendEscaped(dst []byte, text string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string into memory always succeeds
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
