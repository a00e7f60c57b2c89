package jsonl

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"topupd/billing"
)

// The readers of members: each takes a value as it was written and returns a
// change; null is a change to null, and who must not be null is refused by the
// caller or by billing.

func isNull(raw []byte) bool { return raw[0] == 'n' }

func readText(raw []byte) (billing.Change[string], error) {
	if isNull(raw) {
		return billing.ToNull[string](), nil
	}
	if raw[0] != '"' {
		return billing.Change[string]{}, errors.New("a string is needed")
	}
	text, err := unquote(raw)
	return billing.To(text), err
}

func readSecret(raw []byte) (billing.Change[billing.Secret], error) {
	c, err := readText(raw)
	if err != nil || c.Value == nil {
		return billing.Change[billing.Secret]{Given: true}, err
	}
	return billing.To(billing.Secret(*c.Value)), nil
}

func readMicros(raw []byte) (billing.Change[int64], error) {
	if isNull(raw) {
		return billing.ToNull[int64](), nil
	}
	bad := errors.New(`money is a decimal string, such as "10.00"`)
	if raw[0] != '"' {
		return billing.Change[int64]{}, bad
	}
	text, err := unquote(raw)
	if err != nil {
		return billing.Change[int64]{}, err
	}
	v, err := billing.ParseMicros(text)
	switch {
	case errors.Is(err, billing.Overflow):
		return billing.Change[int64]{}, fmt.Errorf("%q is beyond what can be kept", text)
	case err != nil && isDecimal(text):
		return billing.Change[int64]{}, fmt.Errorf("%q has more than six fractional digits", text)
	case err != nil:
		return billing.Change[int64]{}, bad
	}
	return billing.To(v), nil
}

// isDecimal tells a number with too many digits from what is no number.
func isDecimal(text string) bool {
	s := &scanner{text: []byte(text)}
	return s.number() == nil && s.at == len(text)
}

func readInt(raw []byte) (billing.Change[int64], error) {
	if isNull(raw) {
		return billing.ToNull[int64](), nil
	}
	v, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return billing.Change[int64]{}, errors.New("an integer is needed")
	}
	return billing.To(v), nil
}

func readBool(raw []byte) (billing.Change[bool], error) {
	switch string(raw) {
	case "true":
		return billing.To(true), nil
	case "false":
		return billing.To(false), nil
	case "null":
		return billing.ToNull[bool](), nil
	}
	return billing.Change[bool]{}, errors.New("true or false is needed")
}

func readTime(raw []byte) (billing.Change[time.Time], error) {
	c, err := readText(raw)
	if err != nil || c.Value == nil {
		return billing.Change[time.Time]{Given: true}, err
	}
	t, err := time.Parse(time.RFC3339, *c.Value)
	if err != nil {
		return billing.Change[time.Time]{}, errors.New(`a time is needed, such as "2026-12-01T00:00:00Z"`)
	}
	// No finer than what is stored.
	return billing.To(t.UTC().Truncate(time.Microsecond)), nil
}

func readCardType(raw []byte) (billing.Change[billing.CardType], error) {
	c, err := readInt(raw)
	if err != nil || c.Value == nil {
		return billing.Change[billing.CardType]{Given: true}, err
	}
	if *c.Value != int64(int32(*c.Value)) {
		return billing.Change[billing.CardType]{}, errors.New("1 to 6 is needed")
	}
	return billing.To(billing.CardType(*c.Value)), nil
}

func readCardID(raw []byte) (billing.Change[billing.CardID], error) {
	c, err := readInt(raw)
	if err != nil || c.Value == nil {
		return billing.Change[billing.CardID]{Given: true}, err
	}
	return billing.To(billing.CardID(*c.Value)), nil
}

// into makes a setter of a reader and a place.
func into[L, V any](read func([]byte) (billing.Change[V], error), place func(*L) *billing.Change[V]) func(*L, []byte) error {
	return func(l *L, raw []byte) error {
		c, err := read(raw)
		if err == nil {
			*place(l) = c
		}
		return err
	}
}

// needed is into for a member that has no null.
func needed[L, V any](read func([]byte) (billing.Change[V], error), place func(*L) *billing.Change[V]) func(*L, []byte) error {
	set := into(read, place)
	return func(l *L, raw []byte) error {
		if isNull(raw) {
			return errors.New("it cannot be null")
		}
		return set(l, raw)
	}
}

// id is a setter for a number that names something: never null.
func id[L any](put func(*L, int64)) func(*L, []byte) error {
	return func(l *L, raw []byte) error {
		c, err := readInt(raw)
		if err != nil || c.Value == nil {
			return errors.New("an integer is needed")
		}
		put(l, *c.Value)
		return nil
	}
}
