package jsonl

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The checks of members that are kept for other interfaces: only their form,
// what they mean is that interface's.

func isText(raw []byte) error {
	if raw[0] != '"' {
		return errors.New("a string is needed")
	}
	_, err := unquote(raw)
	return err
}

func isInt(raw []byte) error {
	if c, err := readInt(raw); err != nil || c.Value == nil {
		return errors.New("an integer is needed")
	}
	return nil
}

func isMoney(raw []byte) error {
	if isNull(raw) {
		return errors.New("it cannot be null")
	}
	_, err := readMicros(raw)
	return err
}

func nullOr(check func([]byte) error) func([]byte) error {
	return func(raw []byte) error {
		if isNull(raw) {
			return nil
		}
		return check(raw)
	}
}

func textOrInt(raw []byte) error {
	if raw[0] == '"' {
		return isText(raw)
	}
	return isInt(raw)
}

func oneOf(words ...string) func([]byte) error {
	return func(raw []byte) error {
		c, err := readText(raw)
		if err != nil || c.Value == nil || !slices.Contains(words, *c.Value) {
			return fmt.Errorf("allowed: %s", strings.Join(words, ", "))
		}
		return nil
	}
}

func moneyByName(raw []byte) error {
	if raw[0] != '{' {
		return errors.New("an object of names and decimal strings is needed")
	}
	members, err := splitObject(raw, nil)
	if err != nil {
		return err
	}
	for _, m := range members {
		if err := isMoney(m.raw); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}
