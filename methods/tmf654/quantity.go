package tmf654

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"topupd/billing"
)

// quantity is an amount of a unit, as answers have it.
type quantity struct {
	Amount         json.RawMessage `json:"amount"`
	Units          string          `json:"units"`
	BaseType       *string         `json:"@baseType"`
	SchemaLocation *string         `json:"@schemaLocation"`
	Type           *string         `json:"@type"`
}

// newQuantity prints with a decimal part, also when the amount is whole.
func newQuantity(micros int64, units billing.Unit) *quantity {
	return &quantity{Amount: number(micros), Units: string(units)}
}

// billed is a balance with the sign of this wire: a credit is negative.
func billed(balance int64, units billing.Unit) *quantity { return newQuantity(-balance, units) }

func number(micros int64) json.RawMessage { return json.RawMessage(billing.FixedMicros(micros, 1)) }

// money is an amount in the shape of payments.
type money struct {
	Unit  string          `json:"unit"`
	Value json.RawMessage `json:"value"`
}

// text is a JSON number, text or flag as it was written; clients send numbers and flags
// either way.
type text string

// UnmarshalJSON takes what is between quotes, or what stands there.
func (t *text) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		var s string
		err := json.Unmarshal(raw, &s)
		*t = text(strings.TrimSpace(s))
		return err
	}
	*t = text(raw)
	return nil
}

// quantityIn is an amount as requests have it. Nothing stands in for what is left out.
type quantityIn struct {
	Amount *text   `json:"amount"`
	Units  *string `json:"units"`
}

// read is the amount in millionths, which may have any sign, and its unit. field is the
// member's name.
func (q *quantityIn) read(field string) (micros int64, units billing.Unit, err error) {
	if q == nil {
		return 0, "", billing.Errorf(billing.Missing, field, "%s is missing", field)
	}
	if q.Amount == nil {
		return 0, "", billing.Errorf(billing.Missing, field+".amount", "%s.amount is missing", field)
	}
	if q.Units == nil || *q.Units == "" {
		return 0, "", billing.Errorf(billing.Missing, field+".units", "%s.units is missing", field)
	}
	micros, err = billing.ParseWireMicros(string(*q.Amount))
	switch {
	case errors.Is(err, billing.Overflow):
		return 0, "", billing.Errorf(billing.Overflow, field+".amount", "%s.amount is beyond what can be kept", field)
	case err != nil:
		return 0, "", wrongMember(field+".amount", "%s.amount is a decimal number with at most six fractional digits", field)
	}
	return micros, billing.Unit(*q.Units), nil
}

// flag reads true, false, and both as texts.
func (t *text) flag(field string) (bool, error) {
	if t == nil {
		return false, nil
	}
	switch strings.ToLower(string(*t)) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, wrongMember(field, "%s is true or false", field)
}

// count reads a whole number; nil when it was left out.
func (t *text) count(field string) (*int64, error) {
	if t == nil {
		return nil, nil
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(string(*t), ".0"), 10, 64)
	if err != nil {
		return nil, wrongMember(field, "%s is a whole number from 1 to 1000000", field)
	}
	return &n, nil
}

// ref is what requests name things by.
type ref struct {
	ID string `json:"id"`
}
