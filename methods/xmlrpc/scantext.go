package xmlrpc

import (
	"strings"
	"unicode/utf8"
)

// characters returns all text up to the next tag. Without references,
// comments and CDATA it is a piece of the document, not a copy.
func (s *scanner) characters() (string, error) {
	raw, plain, err := s.run()
	if err != nil {
		return "", err
	}
	if next := s.peek(1); plain && next != '!' && next != '?' {
		return raw, nil
	}
	s.buf = s.buf[:0]
	for {
		if s.buf, err = s.appendText(s.buf, raw); err != nil {
			return "", err
		}
		if next := s.peek(1); next != '!' && next != '?' {
			return string(s.buf), nil
		}
		cdata, err := s.markup()
		if err != nil {
			return "", err
		}
		s.buf = appendLines(s.buf, cdata)
		if raw, _, err = s.run(); err != nil {
			return "", err
		}
	}
}

// run takes everything before the next '<'; plain says that it is simply its
// own meaning. Runs are short, so one loop beats a search and a check.
func (s *scanner) run() (raw string, plain bool, err error) {
	start, plain := s.pos, true
	for i := start; i < len(s.src); i++ {
		switch s.src[i] {
		case '<':
			s.pos = i
			return s.src[start:i], plain, nil
		case '&', '\r', '>':
			plain = false
		}
	}
	s.pos = len(s.src)
	return "", false, s.bad("unfinished element")
}

// markup reads a comment, a processing instruction or a CDATA section and
// returns the content of the last.
func (s *scanner) markup() (cdata string, err error) {
	switch {
	case s.at("<!--"):
		s.pos += 4
		n := strings.Index(s.src[s.pos:], "--")
		if n < 0 {
			return "", s.bad("unfinished comment")
		}
		s.pos += n + 2
		if s.peek(0) != '>' {
			return "", s.bad("two hyphens in a comment")
		}
		s.pos++
		return "", nil
	case s.at("<![CDATA["):
		s.pos += 9
		n := strings.Index(s.src[s.pos:], "]]>")
		if n < 0 {
			return "", s.bad("unfinished CDATA")
		}
		cdata = s.src[s.pos : s.pos+n]
		s.pos += n + 3
		return cdata, nil
	case s.at("<?"):
		return "", s.instruction()
	}
	return "", s.bad("document type or declaration, none is accepted")
}

func (s *scanner) instruction() error {
	s.pos += 2
	target, err := s.readName()
	if err != nil {
		return err
	}
	if strings.EqualFold(target, "xml") {
		return s.bad("XML declaration not at the start")
	}
	if !isSpace(s.peek(0)) && !s.at("?>") {
		return s.bad("bad processing instruction")
	}
	n := strings.Index(s.src[s.pos:], "?>")
	if n < 0 {
		return s.bad("unfinished processing instruction")
	}
	s.pos += n + 2
	return nil
}

// appendText appends raw with references resolved and line ends made one.
func (s *scanner) appendText(dst []byte, raw string) ([]byte, error) {
	if strings.Contains(raw, "]]>") {
		return nil, s.bad("end of CDATA without a start")
	}
	for {
		n := strings.IndexByte(raw, '&')
		if n < 0 {
			return appendLines(dst, raw), nil
		}
		dst = appendLines(dst, raw[:n])
		body, rest, ok := strings.Cut(raw[n+1:], ";")
		if !ok {
			return nil, s.bad("ampersand that starts no reference")
		}
		r, err := s.reference(body)
		if err != nil {
			return nil, err
		}
		dst = utf8.AppendRune(dst, r)
		raw = rest
	}
}

// appendLines appends text with CR LF and CR written as LF.
func appendLines(dst []byte, text string) []byte {
	for {
		n := strings.IndexByte(text, '\r')
		if n < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:n]...)
		dst = append(dst, '\n')
		text = strings.TrimPrefix(text[n+1:], "\n")
	}
}

// reference resolves what stood between '&' and ';'.
func (s *scanner) reference(body string) (rune, error) {
	switch body {
	case "lt":
		return '<', nil
	case "gt":
		return '>', nil
	case "amp":
		return '&', nil
	case "apos":
		return '\'', nil
	case "quot":
		return '"', nil
	}
	number, ok := strings.CutPrefix(body, "#")
	if !ok {
		return 0, s.bad("unknown entity")
	}
	base := rune(10)
	if hex, ok := strings.CutPrefix(number, "x"); ok {
		base, number = 16, hex
	}
	r := rune(0)
	for i := range len(number) {
		d := hexDigit(number[i])
		if d >= base {
			return 0, s.bad("bad character reference")
		}
		// Stop growing beyond Unicode, so that no length overflows.
		r = min(r*base+d, utf8.MaxRune+1)
	}
	if number == "" {
		return 0, s.bad("bad character reference")
	}
	if !legalRune(r) {
		return 0, badCharacter(s.before + s.pos)
	}
	return r, nil
}

// hexDigit returns the value of c, 16 when it is no digit.
func hexDigit(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10
	}
	return 16
}

const (
	nameStart = 1 << iota
	namePart
)

var nameByte = func() (t [utf8.RuneSelf]uint8) {
	for c := range t {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == ':'
		switch {
		case letter:
			t[c] = nameStart | namePart
		case c >= '0' && c <= '9' || c == '-' || c == '.':
			t[c] = namePart
		}
	}
	return t
}()

// nameRune returns the length of the name character s starts with, 0 when it
// is none.
func nameRune(s string, first bool) int {
	if c := s[0]; c < utf8.RuneSelf {
		want := uint8(namePart)
		if first {
			want = nameStart
		}
		if nameByte[c]&want == 0 {
			return 0
		}
		return 1
	}
	r, n := utf8.DecodeRuneInString(s)
	if inRanges(nameStartRanges, r) || !first && inRanges(namePartRanges, r) {
		return n
	}
	return 0
}

// The non-ASCII part of NameStartChar and what NameChar adds, XML 1.0 fifth
// edition.
var (
	nameStartRanges = [][2]rune{
		{0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x2FF}, {0x370, 0x37D}, {0x37F, 0x1FFF}, {0x200C, 0x200D},
		{0x2070, 0x218F}, {0x2C00, 0x2FEF}, {0x3001, 0xD7FF}, {0xF900, 0xFDCF}, {0xFDF0, 0xFFFD}, {0x10000, 0xEFFFF},
	}
	namePartRanges = [][2]rune{{0xB7, 0xB7}, {0x300, 0x36F}, {0x203F, 0x2040}}
)

func inRanges(ranges [][2]rune, r rune) bool {
	for _, x := range ranges {
		if r >= x[0] && r <= x[1] {
			return true
		}
	}
	return false
}
