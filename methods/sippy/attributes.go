package sippy

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// What is kept of fields is one object in an owner's extra members.
const attributesMember = "sippy"

// attributes are values of fields by name, as JSON; null is a field that is as it
// was before it was ever set.
type attributes map[string]json.RawMessage

var jsonNull = json.RawMessage("null")

// readFields reads the fields that a call gives.
func readFields(p xmlrpc.Params, fields []field) (attributes, error) {
	given := attributes{}
	for i := range fields {
		f := &fields[i]
		v, ok, err := f.read(p)
		if err != nil {
			return nil, err
		}
		if ok {
			given[f.name] = toJSON(v)
			if v.Equal(f.unset()) {
				given[f.name] = jsonNull
			}
		}
	}
	return given, nil
}

// merge puts given attributes into the object that is stored; the form is that of
// an export, sorted and without white space, so that it comes back as it is.
func (a attributes) merge() billing.Merge {
	if len(a) == 0 {
		return nil
	}
	return func(stored string) (string, error) {
		all := map[string]json.RawMessage{}
		if stored != "" {
			if err := json.Unmarshal([]byte(stored), &all); err != nil {
				return "", err
			}
		}
		kept := attributesOf(stored)
		for name, v := range a {
			if bytes.Equal(v, jsonNull) {
				delete(kept, name)
			} else {
				kept[name] = v
			}
		}
		delete(all, attributesMember)
		if len(kept) > 0 {
			text, err := encodeJSON(kept)
			if err != nil {
				return "", err
			}
			all[attributesMember] = text
		}
		if len(all) == 0 {
			return "", nil
		}
		text, err := encodeJSON(all)
		return string(text), err
	}
}

// attributesOf reads the object of an owner's extra members; empty if there is none.
func attributesOf(extra string) attributes {
	var holder struct {
		Sippy attributes `json:"sippy"`
	}
	if !strings.Contains(extra, `"`+attributesMember+`":`) || json.Unmarshal([]byte(extra), &holder) != nil || holder.Sippy == nil {
		return attributes{}
	}
	return holder.Sippy
}

// value is a field's value; an imported one of another type counts as not set.
func (a attributes) value(f *field) xmlrpc.Value {
	raw, ok := a[f.name]
	if !ok {
		return f.unset()
	}
	switch f.kind {
	case "int":
		if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
			return xmlrpc.Int(n)
		}
	case "double":
		if raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9' {
			return xmlrpc.Double(string(raw))
		}
	case "boolean":
		var b bool
		if json.Unmarshal(raw, &b) == nil && raw[0] != 'n' {
			return xmlrpc.Bool(b)
		}
	default:
		var text string
		if json.Unmarshal(raw, &text) == nil && raw[0] == '"' {
			return xmlrpc.String(text)
		}
	}
	return f.unset()
}

// members are all fields of an owner, in the order of the table.
func (a attributes) members(fields []field) []xmlrpc.Member {
	members := make([]xmlrpc.Member, len(fields))
	for i := range fields {
		members[i] = xmlrpc.Member{Name: fields[i].name, Value: a.value(&fields[i])}
	}
	return members
}

func toJSON(v xmlrpc.Value) json.RawMessage {
	switch v.Kind() {
	case xmlrpc.KindNil:
		return jsonNull
	case xmlrpc.KindString:
		text, err := encodeJSON(v.Text())
		if err != nil {
			return jsonNull // a string always has a form
		}
		return text
	case xmlrpc.KindBoolean:
		return json.RawMessage(strconv.FormatBool(v.Text() == "1"))
	}
	return json.RawMessage(v.Text())
}

func encodeJSON(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
