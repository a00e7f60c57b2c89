package xmlrpc

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// charsets maps the names clients declare (1.8) to a table; nil is UTF-8 or
// its subset ASCII. Keys are lower case with '_' written as '-'.
var charsets = map[string]*charmap.Charmap{
	"":       nil,
	"utf-8":  nil,
	"utf8":   nil,
	"latin1": charmap.ISO8859_1, "latin-1": charmap.ISO8859_1, "l1": charmap.ISO8859_1,
	"iso-8859-1": charmap.ISO8859_1, "iso8859-1": charmap.ISO8859_1, "iso88591": charmap.ISO8859_1,
	"latin9": charmap.ISO8859_15, "latin-9": charmap.ISO8859_15, "l9": charmap.ISO8859_15,
	"iso-8859-15": charmap.ISO8859_15, "iso8859-15": charmap.ISO8859_15, "iso885915": charmap.ISO8859_15,
	"windows-1251": charmap.Windows1251, "cp1251": charmap.Windows1251, "cp-1251": charmap.Windows1251,
	"win-1251": charmap.Windows1251, "x-cp1251": charmap.Windows1251,
	"windows-1252": charmap.Windows1252, "cp1252": charmap.Windows1252, "cp-1252": charmap.Windows1252,
	"win-1252": charmap.Windows1252, "x-cp1252": charmap.Windows1252,
}

var asciiNames = map[string]bool{"us-ascii": true, "ascii": true, "iso646-us": true, "ansi-x3.4-1968": true}

// document returns the text after the XML declaration as legal UTF-8, and
// how many bytes came before it.
func document(body []byte) (text string, before int, err error) {
	rest := bytes.TrimPrefix(body, []byte("\uFEFF"))
	if bytes.HasPrefix(rest, []byte{0xFE, 0xFF}) || bytes.HasPrefix(rest, []byte{0xFF, 0xFE}) {
		return "", 0, badEncoding("UTF-16")
	}
	label, n, err := declaration(rest)
	if err != nil {
		return "", 0, err
	}
	marked := len(rest) != len(body)
	rest = rest[n:]
	before = len(body) - len(rest)
	text, err = decodeCharset(rest, label, marked)
	if err != nil {
		return "", 0, err
	}
	if i := illegal(text); i >= 0 {
		return "", 0, badCharacter(before + i)
	}
	return text, before, nil
}

func decodeCharset(rest []byte, label string, marked bool) (string, error) {
	name := strings.ReplaceAll(strings.ToLower(label), "_", "-")
	if asciiNames[name] {
		if i := bytes.IndexFunc(rest, func(r rune) bool { return r >= utf8.RuneSelf }); i >= 0 {
			return "", badCharacter(i)
		}
		return string(rest), nil
	}
	table, known := charsets[name]
	// A byte-order mark says UTF-8; a declaration that disagrees is a lie.
	if !known || marked && table != nil {
		return "", badEncoding(label)
	}
	if table == nil {
		return string(rest), nil
	}
	out, err := table.NewDecoder().Bytes(rest)
	if err != nil || bytes.ContainsRune(out, utf8.RuneError) {
		return "", badCharacter(0) // a byte the table does not define
	}
	return string(out), nil
}

func badEncoding(label string) error {
	return &Fault{CodeEncoding, fmt.Sprintf("parse error. unsupported encoding %.32s", label)}
}

func badCharacter(at int) error {
	return &Fault{CodeCharacter, fmt.Sprintf("parse error. invalid character for encoding near byte %d", at)}
}

func badDeclaration() error {
	return &Fault{CodeNotWellFormed, "parse error. not well formed: XML declaration"}
}

// declaration reads <?xml ...?> at the very start and returns the encoding it
// names and its length, 0 when there is none.
func declaration(b []byte) (label string, n int, err error) {
	if !bytes.HasPrefix(b, []byte("<?xml")) || len(b) < 6 || !isSpace(b[5]) {
		return "", 0, nil
	}
	end := bytes.Index(b, []byte("?>"))
	if end < 0 || end > 256 {
		return "", 0, badDeclaration()
	}
	rest := string(b[5:end])
	version, rest, ok := pseudoAttribute(rest, "version")
	if !ok || version != "1.0" {
		return "", 0, badDeclaration()
	}
	label, rest, ok = pseudoAttribute(rest, "encoding")
	if ok && !encodingName(label) {
		return "", 0, badDeclaration()
	}
	alone, rest, ok := pseudoAttribute(rest, "standalone")
	if ok && alone != "yes" && alone != "no" || trimSpace(rest) != "" {
		return "", 0, badDeclaration()
	}
	return label, end + 2, nil
}

// pseudoAttribute takes ` name = "value"` off the front of s; without it s
// comes back whole.
func pseudoAttribute(s, name string) (value, rest string, ok bool) {
	t := trimLeft(s)
	after, found := strings.CutPrefix(t, name)
	if !found || len(t) == len(s) {
		return "", s, false
	}
	after, found = strings.CutPrefix(trimLeft(after), "=")
	after = trimLeft(after)
	if !found || after == "" || after[0] != '"' && after[0] != '\'' {
		return "", s, false
	}
	value, rest, ok = strings.Cut(after[1:], after[:1])
	if !ok {
		return "", s, false
	}
	return value, rest, true
}

func encodingName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || strings.IndexByte("0123456789._-", c) < 0) {
			return false
		}
	}
	return s != ""
}

// illegal returns where s stops being UTF-8 or holds a character that XML 1.0
// excludes, -1 when nowhere.
func illegal(s string) int {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if !legalByte[c] {
				return i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || !legalRune(r) {
			return i
		}
		i += n
	}
	return -1
}

var legalByte = func() (t [utf8.RuneSelf]bool) {
	for c := range t {
		t[c] = legalRune(rune(c))
	}
	return t
}()

// legalRune is production Char of XML 1.0.
func legalRune(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' ||
		r >= ' ' && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= utf8.MaxRune
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func blank(s string) bool { return trimLeft(s) == "" }

func trimLeft(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}

func trimSpace(s string) string {
	s = trimLeft(s)
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}
