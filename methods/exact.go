package methods

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
)

// DecodeExact decodes JSON into v. encoding/json takes a member whose name differs in case
// for a field; to a contract it is an unknown one, and so it is left out here, at any depth.
// Numbers stay as they are written.
func DecodeExact(raw []byte, v any) error {
	var value any
	if err := DecodeNumbers(raw, &value); err != nil {
		return err
	}
	var exact bytes.Buffer
	e := json.NewEncoder(&exact)
	e.SetEscapeHTML(false) // a raw value stays as it came
	if err := e.Encode(onlyFields(value, reflect.TypeOf(v))); err != nil {
		return err
	}
	return DecodeNumbers(exact.Bytes(), v)
}

// DecodeNumbers is json.Unmarshal that keeps numbers as they are written.
func DecodeNumbers(raw []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}

var decodesItself = reflect.TypeFor[json.Unmarshaler]()

// onlyFields is a value without the members that a type has no field of that name for.
func onlyFields(value any, t reflect.Type) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(decodesItself) {
		return value
	}
	switch v := value.(type) {
	case []any:
		if t.Kind() == reflect.Slice {
			for i := range v {
				v[i] = onlyFields(v[i], t.Elem())
			}
		}
	case map[string]any:
		if t.Kind() != reflect.Struct {
			return value
		}
		kept := map[string]any{}
		for _, f := range reflect.VisibleFields(t) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if member, there := v[name]; there && name != "" {
				kept[name] = onlyFields(member, f.Type)
			}
		}
		return kept
	}
	return value
}
