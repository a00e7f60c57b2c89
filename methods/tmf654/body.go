package tmf654

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// brokenText reports whether a body has a text that is none: bytes that are not UTF-8, or
// half of a surrogate pair. Readers put another character there, and what is kept as it
// came could not be exported. U+0000 is refused too: no database of ours keeps it. b is
// valid JSON.
func brokenText(b []byte) bool {
	escaped := func(at int) (r rune, is bool) { // a character by its number
		if at+6 > len(b) || b[at] != '\\' || b[at+1] != 'u' {
			return 0, false
		}
		n, err := strconv.ParseUint(string(b[at+2:at+6]), 16, 16)
		return rune(n), err == nil
	}
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		r, is := escaped(i)
		switch {
		case !is:
			i++
			continue
		case r == 0:
			return true
		case !utf16.IsSurrogate(r):
			i += 5
			continue
		}
		low, _ := escaped(i + 6)
		if utf16.DecodeRune(r, low) == unicode.ReplacementChar {
			return true
		}
		i += 11
	}
	return !utf8.Valid(b)
}

// givenTwice is a member that an object of a body has twice, where the case of a name
// decides nothing; empty for none. The contract and the reader of a body would each
// take another of the two, and of two cases nobody knows which was meant. b is valid JSON.
func givenTwice(b []byte) (name string, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	// An object that is open has its names, a list nil.
	type object struct {
		names map[string]bool // folded
		value bool            // a value comes next, not a name
	}
	var open []*object
	for {
		token, err := d.Token()
		if err != nil {
			return "", err
		}
		var in *object
		if len(open) > 0 {
			in = open[len(open)-1]
		}
		if text, is := token.(string); is && in != nil && in.names != nil && !in.value {
			folded := strings.ToLower(strings.ToUpper(text))
			if in.names[folded] {
				return text, nil
			}
			in.names[folded], in.value = true, true
			continue
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			if in != nil {
				in.value = false
			}
			o := &object{}
			if token == json.Delim('{') {
				o.names = map[string]bool{}
			}
			open = append(open, o)
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		default:
			if in != nil {
				in.value = false
			}
		}
		if len(open) == 0 {
			return "", nil
		}
	}
}
