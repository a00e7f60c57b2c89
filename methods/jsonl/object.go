package jsonl

import (
	"fmt"
	"slices"

	"topupd/billing"
)

// objectLine is a line of a type that another interface will own.
type objectLine struct {
	kind  *objectKind
	name  string
	key   string
	given []byte // the members of the line, checked
}

func (l *objectLine) put(im *billing.Importer) error {
	return im.Object(l.name, l.key, func(stored string) (string, error) {
		members, err := override(stored, l.given)
		if err != nil {
			return "", err
		}
		return l.kind.body(l.name, members, l.given)
	})
}

// body writes an object's members in the order of its kind. A line that names
// one owner takes the other's place.
func (k *objectKind) body(name string, members []member, given []byte) (string, error) {
	value := make(map[string][]byte, len(members))
	for _, m := range members {
		value[string(m.name)] = m.raw
	}
	if k.owned && value["i_account"] != nil && value["i_customer"] != nil {
		line, err := splitObject(given, nil)
		if err != nil {
			return "", err
		}
		for _, m := range line {
			switch string(m.name) {
			case "i_account":
				delete(value, "i_customer")
			case "i_customer":
				delete(value, "i_account")
			}
		}
	}
	body := appendString([]byte(`{"type":`), name)
	for _, m := range k.members {
		raw, ok := value[m.name]
		switch {
		case ok:
			var err error
			if body, err = appendCanonical(append(appendString(append(body, ','), m.name), ':'), raw); err != nil {
				return "", fmt.Errorf("%s: %w", m.name, err)
			}
		case m.needed:
			return "", billing.Errorf(billing.Missing, m.name, "%s is missing", m.name)
		}
	}
	return string(append(body, '}')), nil
}

// objectMember is a member of such a type: its name, its form, and whether the
// line is nothing without it.
type objectMember struct {
	name   string
	check  func([]byte) error
	needed bool
}

// objectKind lists a type's members in the order in which they are written;
// the first is its key.
type objectKind struct {
	members []objectMember
	// owned: the line names its owner by i_account or i_customer.
	owned bool
}

var objectKinds = map[string]*objectKind{}

// decode checks a line's members; those that are needed may be stored already.
func (k *objectKind) decode(kind string, members []member) (line, error) {
	l := &objectLine{kind: k, name: kind}
	for _, m := range members {
		i := slices.IndexFunc(k.members, func(o objectMember) bool { return o.name == string(m.name) })
		if i < 0 {
			return nil, fmt.Errorf("%s is not a member of this type", m.name)
		}
		if err := k.members[i].check(m.raw); err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		if i == 0 {
			l.key = objectKey(m.raw)
		}
	}
	if l.key == "" {
		return nil, fmt.Errorf("%s is missing", k.members[0].name)
	}
	if n := owners(members); n > 1 {
		return nil, fmt.Errorf("i_account and i_customer: give one of the two")
	} else if k.owned && n == 0 {
		return nil, fmt.Errorf("i_account or i_customer is missing")
	}
	var err error
	l.given, err = appendMembers(nil, members)
	return l, err
}

// objectKey is an id as text, a string's without its quotes.
func objectKey(raw []byte) string {
	if raw[0] == '"' {
		text, _ := unquote(raw) // it was just written
		return text
	}
	return string(raw)
}

func owners(members []member) (n int) {
	for _, m := range members {
		if name := string(m.name); name == "i_account" || name == "i_customer" {
			n++
		}
	}
	return n
}
