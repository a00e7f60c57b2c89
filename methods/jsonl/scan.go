package jsonl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// member is one member of an object: its name, and its value as it was written.
type member struct {
	name []byte
	raw  []byte
}

// maxDepth bounds nesting; what is known here needs two levels.
const maxDepth = 32

// manyMembers is from where duplicates are looked up in a map.
const manyMembers = 32

// splitObject checks that text is one JSON object, by the letter of RFC 8259
// and without members that are there twice at any depth, and appends its members.
// encoding/json would take several times as long and let duplicates pass.
func splitObject(text []byte, members []member) ([]member, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	s := &scanner{text: text}
	s.space()
	members, err := s.object(members, 1)
	if err != nil {
		return nil, err
	}
	s.space()
	if s.at < len(text) {
		return nil, errors.New("there is more after the object: one object a line")
	}
	return members, nil
}

type scanner struct {
	text []byte
	at   int
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// peek is the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

func (s *scanner) fail(wanted string) error {
	if s.at >= len(s.text) {
		return fmt.Errorf("the line ends where %s is needed", wanted)
	}
	return fmt.Errorf("column %d: %s is needed", s.at+1, wanted)
}

func (s *scanner) object(members []member, depth int) ([]member, error) {
	if s.peek() != '{' {
		return nil, s.fail("a JSON object")
	}
	s.at++
	first := len(members)
	for s.space(); s.peek() != '}'; s.space() {
		if len(members) > first {
			if s.peek() != ',' {
				return nil, s.fail(`"," or "}"`)
			}
			s.at++
			s.space()
		}
		m, err := s.member(depth)
		if err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	s.at++
	return members, unique(members[first:])
}

func (s *scanner) member(depth int) (m member, err error) {
	if s.peek() != '"' {
		return m, s.fail("a member's name")
	}
	from := s.at
	if err := s.string(); err != nil {
		return m, err
	}
	if m.name, err = unquoteBytes(s.text[from:s.at]); err != nil {
		return m, err
	}
	s.space()
	if s.peek() != ':' {
		return m, s.fail(`":"`)
	}
	s.at++
	s.space()
	from = s.at
	err = s.value(depth)
	m.raw = s.text[from:s.at]
	return m, err
}

// unique refuses a name that is there twice: which of the two counts would be
// a guess.
func unique(members []member) error {
	if len(members) > manyMembers {
		seen := make(map[string]bool, len(members))
		for _, m := range members {
			if seen[string(m.name)] {
				return twice(m)
			}
			seen[string(m.name)] = true
		}
		return nil
	}
	for i := range members {
		for j := range i {
			if bytes.Equal(members[i].name, members[j].name) {
				return twice(members[i])
			}
		}
	}
	return nil
}

func twice(m member) error { return fmt.Errorf("%s is there twice", m.name) }

func (s *scanner) value(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("column %d: nested more than %d deep", s.at+1, maxDepth)
	}
	switch c := s.peek(); {
	case c == '"':
		return s.string()
	case c == '{':
		_, err := s.object(nil, depth+1)
		return err
	case c == '[':
		return s.array(depth)
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(s.text[s.at:], []byte(word)) {
			s.at += len(word)
			return nil
		}
	}
	return s.fail("a JSON value")
}

func (s *scanner) array(depth int) error {
	s.at++
	for n := 0; ; n++ {
		s.space()
		if s.peek() == ']' {
			s.at++
			return nil
		}
		if n > 0 {
			if s.peek() != ',' {
				return s.fail(`"," or "]"`)
			}
			s.at++
			s.space()
		}
		if err := s.value(depth + 1); err != nil {
			return err
		}
	}
}

func (s *scanner) string() error {
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return nil
		case c < ' ':
			return fmt.Errorf("column %d: a control character in a string", s.at+1)
		case c == '\\':
			s.at++
			switch s.peek() {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if !hex4(s.text[s.at+1:]) {
					return fmt.Errorf("column %d: four hexadecimal digits are needed", s.at+1)
				}
				s.at += 4
			default:
				return fmt.Errorf("column %d: not an escape of JSON", s.at+1)
			}
		}
	}
	return errors.New("the line ends inside a string")
}

func hex4(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	for _, c := range b[:4] {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}

func (s *scanner) number() error {
	if s.peek() == '-' {
		s.at++
	}
	switch {
	case s.peek() == '0':
		s.at++
	case !s.digits():
		return s.fail("a digit")
	}
	if s.peek() == '.' {
		s.at++
		if !s.digits() {
			return s.fail("a digit")
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.at++
		if c := s.peek(); c == '+' || c == '-' {
			s.at++
		}
		if !s.digits() {
			return s.fail("a digit")
		}
	}
	return nil
}

func (s *scanner) digits() bool {
	from := s.at
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.at++
	}
	return s.at > from
}

// unquoteBytes is the text of a string that the scanner accepted.
func unquoteBytes(raw []byte) ([]byte, error) {
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner, nil
	}
	text, err := unquoteEscaped(raw)
	return []byte(text), err
}

func unquote(raw []byte) (string, error) {
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner), nil
	}
	return unquoteEscaped(raw)
}

// unquoteEscaped refuses half of a surrogate pair: the library would put a
// replacement character in its place, and another text into the database.
func unquoteEscaped(raw []byte) (string, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", err
	}
	const replacement = "\uFFFD"
	written := strings.Count(string(raw), replacement) + strings.Count(strings.ToLower(string(raw)), `\ufffd`)
	if strings.Count(text, replacement) > written {
		return "", errors.New("half of a surrogate pair in a string")
	}
	return text, nil
}
