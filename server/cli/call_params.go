package cli

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
)

// callParams makes the one struct of a call from name=text and name:=VALUE.
// Its errors name a parameter, never its value: that may be a card's token.
func callParams(args []string) (map[string]any, error) {
	params := map[string]any{}
	for i, arg := range args {
		name, text, found := strings.Cut(arg, "=")
		typed := strings.HasSuffix(name, ":")
		name = strings.TrimSuffix(name, ":")
		if !found || name == "" {
			return nil, wrong("parameter", strconv.Itoa(i+1), "name=text or name:=VALUE")
		}
		var value any = text
		if typed {
			var err error
			if value, err = typedValue(text); err != nil {
				return nil, wrong("parameter", name, "after := an integer, a number with a fraction, true, false, nil, or JSON")
			}
		}
		// The library writes names as they are.
		name = escapeText(name)
		if _, twice := params[name]; twice {
			return nil, wrong("parameter", name, "each name once")
		}
		params[name] = value
	}
	return params, nil
}

// typedValue reads nil or JSON.
func typedValue(text string) (any, error) {
	if text == "nil" {
		return nil, nil // the library writes it as <value/>, see nilTransport
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("more than one value")
	}
	return wireValue(v)
}

// wireValue turns decoded JSON into what the library encodes.
func wireValue(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil // the library writes it as <value/>, see nilTransport
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return n, nil
		}
		return v.Float64()
	case []any:
		for i := range v {
			var err error
			if v[i], err = wireValue(v[i]); err != nil {
				return nil, err
			}
		}
		return v, nil
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, inner := range v {
			w, err := wireValue(inner)
			if err != nil {
				return nil, err
			}
			m[escapeText(name)] = w
		}
		return m, nil
	}
	return v, nil
}

// escapeText is text as XML character data.
func escapeText(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // into memory
	return b.String()
}
