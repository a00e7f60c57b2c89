package tmf654

import (
	"bytes"
	"encoding/json"
	"strings"
)

// givenTwice is a member that an object of a body has twice, where the case of a name
// decides nothing; empty for none. The contract and the reader of a body would each
// take another of the two. b is valid JSON.
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
