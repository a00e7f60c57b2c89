package subscription

import (
	"bytes"
	"encoding/json"
	"io"
)

// readJSON reads the members of one JSON object. A number may come as a string.
func readJSON(body []byte, m *found) *problem {
	malformed := wrong("", "The body is not a JSON object.")
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return malformed
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return malformed
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return malformed
		}
		m.put(name.(string), jsonValue(raw)) // a key is a string
	}
	if _, err := d.Token(); err != nil {
		return malformed
	}
	if _, err := d.Token(); err != io.EOF { //nolint:errorlint // as the package says it is
		return malformed
	}
	return nil
}

func jsonValue(raw json.RawMessage) value {
	switch raw[0] {
	case '"':
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return value{bad: notANumber}
		}
		return value{text: text}
	case '{', '[', 't', 'f', 'n':
		return value{bad: notANumber}
	}
	return value{text: string(raw)}
}

const notANumber = "A number is needed."
