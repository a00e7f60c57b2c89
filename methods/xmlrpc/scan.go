package xmlrpc

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// token is what scanner.next found.
type token uint8

const (
	tokenStart token = iota
	tokenEnd
	tokenText
	tokenEOF
)

// apacheNamespace is that of the extension types, ex:nil and its kin.
const apacheNamespace = "http://ws.apache.org/xmlrpc/namespaces/extensions"

// maxAttributes is far above the one namespace declaration anybody sends.
const maxAttributes = 16

// scanner reads a document, already legal UTF-8, tag by tag and insists that
// it is well-formed. It has no entities to expand: a document type is refused.
type scanner struct {
	src    string
	pos    int
	before int // bytes ahead of src in the body, for messages

	name string // of the tag just returned
	text string // of the text just returned, references resolved

	open     []string  // names of the open elements
	prefixes []binding // namespace declarations in scope
	attrs    []string  // names of the attributes of one tag
	buf      []byte
	owesEnd  bool // the start tag just returned was <name/>
	rooted   bool // the root element has begun
}

// binding is one xmlns:prefix declaration; it ends with the element at depth.
type binding struct {
	prefix string
	depth  int
	apache bool
}

func (s *scanner) reset(src string, before int) {
	*s = scanner{
		src: src, before: before,
		open: s.open[:0], prefixes: s.prefixes[:0], attrs: s.attrs[:0], buf: s.buf[:0],
	}
}

// forget drops every piece of the document, popped ones too.
func (s *scanner) forget() {
	clear(s.open[:cap(s.open)])
	clear(s.prefixes[:cap(s.prefixes)])
	clear(s.attrs[:cap(s.attrs)])
	clear(s.buf[:cap(s.buf)])
	s.reset("", 0)
}

// next returns the next tag or the character data between two tags, comments
// and processing instructions cut out and CDATA joined. There is no text
// outside the root.
func (s *scanner) next() (token, error) {
	if s.owesEnd {
		s.owesEnd = false
		s.pop()
		return tokenEnd, nil
	}
	if len(s.open) == 0 {
		return s.outside()
	}
	var err error
	if s.text, err = s.characters(); err != nil {
		return 0, err
	}
	if s.text != "" {
		return tokenText, nil
	}
	if s.peek(1) == '/' {
		return s.endTag()
	}
	return s.startTag()
}

// outside reads what may stand around the root element.
func (s *scanner) outside() (token, error) {
	for {
		s.spaces()
		switch {
		case s.pos == len(s.src) && s.rooted:
			return tokenEOF, nil
		case s.pos == len(s.src):
			return 0, s.bad("no element")
		case s.src[s.pos] != '<':
			return 0, s.bad("text outside the root element")
		case s.peek(1) == '!' || s.peek(1) == '?':
			if s.at("<![CDATA[") {
				return 0, s.bad("CDATA outside the root element")
			}
			if _, err := s.markup(); err != nil {
				return 0, err
			}
		case s.rooted:
			return 0, s.bad("something after the root element")
		default:
			s.rooted = true
			return s.startTag()
		}
	}
}

// startTag reads <name attributes> or <name attributes/>.
func (s *scanner) startTag() (token, error) {
	s.pos++
	name, err := s.readName()
	if err != nil {
		return 0, err
	}
	s.open = append(s.open, name)
	s.name = name
	if s.peek(0) != '>' { // the common case has no attributes
		if err := s.attributes(); err != nil {
			return 0, err
		}
	}
	if s.peek(0) == '/' {
		s.pos++
		s.owesEnd = true
	}
	if s.peek(0) != '>' {
		return 0, s.bad("unfinished tag")
	}
	s.pos++
	return tokenStart, nil
}

func (s *scanner) endTag() (token, error) {
	s.pos += 2
	name := s.open[len(s.open)-1]
	if !s.at(name) {
		return 0, s.bad("end tag of another element")
	}
	s.pos += len(name)
	s.spaces()
	if s.peek(0) != '>' { // the name goes on, or is followed by something else
		return 0, s.bad("bad end tag")
	}
	s.pos++
	s.pop()
	return tokenEnd, nil
}

// pop closes the innermost element and its namespace declarations.
func (s *scanner) pop() {
	s.name = s.open[len(s.open)-1]
	for n := len(s.prefixes); n > 0 && s.prefixes[n-1].depth == len(s.open); n-- {
		s.prefixes = s.prefixes[:n-1]
	}
	s.open = s.open[:len(s.open)-1]
}

// attributes reads up to the end of the tag. No attribute means anything to
// XML-RPC but the declaration of a namespace prefix.
func (s *scanner) attributes() error {
	s.attrs = s.attrs[:0]
	for {
		start := s.pos
		s.spaces()
		if c := s.peek(0); c == '>' || c == '/' || c == 0 {
			return nil
		}
		if s.pos == start {
			return s.bad("no space before an attribute")
		}
		name, err := s.readName()
		if err != nil {
			return err
		}
		for _, a := range s.attrs {
			if a == name {
				return s.bad("attribute given twice")
			}
		}
		if len(s.attrs) == maxAttributes {
			return s.bad("too many attributes")
		}
		s.attrs = append(s.attrs, name)
		value, err := s.attributeValue()
		if err != nil {
			return err
		}
		if prefix, ok := strings.CutPrefix(name, "xmlns:"); ok {
			s.prefixes = append(s.prefixes, binding{prefix, len(s.open), value == apacheNamespace})
		}
	}
}

func (s *scanner) attributeValue() (string, error) {
	s.spaces()
	if s.peek(0) != '=' {
		return "", s.bad("attribute without a value")
	}
	s.pos++
	s.spaces()
	quote := s.peek(0)
	if quote != '"' && quote != '\'' {
		return "", s.bad("attribute value without quotes")
	}
	s.pos++
	n := strings.IndexByte(s.src[s.pos:], quote)
	if n < 0 {
		return "", s.bad("unfinished attribute value")
	}
	raw := s.src[s.pos : s.pos+n]
	if strings.IndexByte(raw, '<') >= 0 {
		return "", s.bad("less-than sign in an attribute value")
	}
	if strings.IndexByte(raw, '&') >= 0 {
		var err error
		if s.buf, err = s.appendText(s.buf[:0], raw); err != nil {
			return "", err
		}
		raw = string(s.buf)
	}
	s.pos += n + 1
	return raw, nil
}

// readName reads a legal XML name.
func (s *scanner) readName() (string, error) {
	start := s.pos
	for s.pos < len(s.src) {
		if c := s.src[s.pos]; c < utf8.RuneSelf && nameByte[c] == nameStart|namePart {
			s.pos++ // nearly always
			continue
		}
		n := nameRune(s.src[s.pos:], s.pos == start)
		if n == 0 {
			break
		}
		s.pos += n
	}
	if s.pos == start {
		return "", s.bad("name expected")
	}
	return s.src[start:s.pos], nil
}

// extension takes the prefix off a name of the Apache namespace. "ex" need not
// be declared: Python and others accept and send it bare.
func (s *scanner) extension(name string) (local string, ok bool) {
	prefix, local, ok := strings.Cut(name, ":")
	if !ok {
		return "", false
	}
	for i := len(s.prefixes) - 1; i >= 0; i-- {
		if s.prefixes[i].prefix == prefix {
			return local, s.prefixes[i].apache
		}
	}
	return local, prefix == "ex"
}

func (s *scanner) spaces() {
	for s.pos < len(s.src) && isSpace(s.src[s.pos]) {
		s.pos++
	}
}

// peek returns the byte n places ahead, 0 past the end; 0 itself is no legal
// character.
func (s *scanner) peek(n int) byte {
	if s.pos+n < len(s.src) {
		return s.src[s.pos+n]
	}
	return 0
}

func (s *scanner) at(prefix string) bool { return strings.HasPrefix(s.src[s.pos:], prefix) }

func (s *scanner) bad(what string) error {
	return &Fault{CodeNotWellFormed,
		fmt.Sprintf("parse error. not well formed: %s near byte %d", what, s.before+s.pos)}
}
