package jsonl

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxAttribute bounds a text of the switch's attributes, in characters.
const maxAttribute = 1000

// switchAttributes checks the object that keeps what the switch's interface has of
// telephony: plain values by name, and no password.
func switchAttributes(raw []byte) error {
	if raw[0] != '{' {
		return errors.New("an object of plain values is needed")
	}
	members, err := splitObject(raw, nil)
	if err != nil {
		return err
	}
	for _, m := range members {
		if err := switchAttribute(string(m.name), m.raw); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

func switchAttribute(name string, raw []byte) error {
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return errors.New("lower-case letters, digits and underscores")
	}
	if strings.HasSuffix(name, "password") {
		return errors.New("passwords are not kept")
	}
	switch raw[0] {
	case '{', '[', 'n':
		return errors.New("a string, a number or a boolean is needed")
	case '"':
		text, err := unquote(raw)
		if err == nil && utf8.RuneCountInString(text) > maxAttribute {
			err = fmt.Errorf("at most %d characters", maxAttribute)
		}
		return err
	}
	return nil
}
