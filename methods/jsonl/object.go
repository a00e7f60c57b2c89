package jsonl

import (
	"fmt"

	"topupd/billing"
)

// objectLine is a line of a type that another interface will own.
type objectLine struct{ billing.Object }

func (l *objectLine) put(im *billing.Importer) error { return im.Object(l.Object) }

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

var yesNo = oneOf("Yes", "No")

var objectKinds = map[string]*objectKind{
	"service": {owned: true, members: []objectMember{
		{"id", isID, true}, {"i_account", isID, false}, {"i_customer", isID, false}, {"class", isText, true},
	}},
	"subscription": {owned: true, members: []objectMember{
		{"id", isID, true}, {"i_account", isID, false}, {"i_customer", isID, false}, {"phoneNumber", isText, true},
		{"categoryId", nullOr(isInt), false}, {"wholeSalesPartnerId", nullOr(isInt), false}, {"salesCode", nullOr(isText), false},
	}},
	"payment": {owned: true, members: []objectMember{
		{"id", isID, true}, {"i_account", isID, false}, {"i_customer", isID, false}, {"amount", isMoney, true},
		{"currency", isText, true}, {"i_debit_credit_card", nullOr(isID), false}, {"status", isText, true},
	}},
	"pool_plan": {members: []objectMember{
		{"offer", isID, true}, {"i_customer", isID, true}, {"name", isText, true}, {"currency", isText, true},
		{"expirationType", isText, false}, {"expires", nullOr(isDate), false},
		{"subscribers", textList, false}, {"balances", moneyByName, false},
	}},
	"auto_topup_profile": {members: []objectMember{
		{"id", isText, true}, {"name", isText, true}, {"enabled", yesNo, false}, {"triggerBasis", isText, false},
		{"triggerType", isText, false}, {"triggerValue", isMoney, false}, {"referenceLimit", nullOr(isText), false},
		{"topupMode", isText, false}, {"topupValue", isMoney, false}, {"autoCollect", yesNo, false},
	}},
	"recurring_topup": {owned: true, members: []objectMember{
		{"id", isID, true}, {"i_account", isID, false}, {"i_customer", isID, false}, {"amount", isMoney, true},
		{"currency", isText, true}, {"period", isText, true}, {"periods", nullOr(isInt), false},
		{"done", isInt, false}, {"anchor", isTime, false}, {"status", isText, false},
	}},
}

// decode checks a line's members and makes its canonical text.
func (k *objectKind) decode(kind string, members []member) (line, error) {
	given := make(map[string][]byte, len(members))
	for _, m := range members {
		given[string(m.name)] = m.raw
	}
	l := &objectLine{billing.Object{Type: kind}}
	body := appendString([]byte(`{"type":`), kind)
	for i, m := range k.members {
		raw, ok := given[m.name]
		if !ok {
			if m.needed {
				return nil, fmt.Errorf("%s is missing", m.name)
			}
			continue
		}
		delete(given, m.name)
		if err := m.check(raw); err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		body = append(appendString(append(body, ','), m.name), ':')
		from := len(body)
		var err error
		if body, err = appendCanonical(body, raw); err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		if i == 0 {
			l.Key = objectKey(body[from:])
		}
		if m.name == "i_account" && k.owned && given["i_customer"] != nil {
			return nil, fmt.Errorf("i_account and i_customer: give one of the two")
		}
	}
	if k.owned && !hasOwner(members) {
		return nil, fmt.Errorf("i_account or i_customer is missing")
	}
	for _, m := range members {
		if _, left := given[string(m.name)]; left {
			return nil, fmt.Errorf("%s is not a member of this type", m.name)
		}
	}
	l.Body = string(append(body, '}'))
	return l, nil
}

// objectKey is an id as text, a string's without its quotes.
func objectKey(raw []byte) string {
	if raw[0] == '"' {
		text, _ := unquote(raw) // it was just written
		return text
	}
	return string(raw)
}

func hasOwner(members []member) bool {
	for _, m := range members {
		if n := string(m.name); n == "i_account" || n == "i_customer" {
			return true
		}
	}
	return false
}
