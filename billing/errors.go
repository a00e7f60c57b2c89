package billing

import (
	"errors"
	"fmt"
)

// Code is the closed set of what can go wrong; every interface has one table
// from it to its own faults, and a test ranges over Codes to hold that.
type Code uint8

// The codes. Their order is not stored anywhere.
const (
	// Internal: our own fault; the cause is in the log under the request id.
	Internal Code = iota
	// Missing: Field is required and was not given.
	Missing
	// Invalid: Field has a wrong type, range or form.
	Invalid
	// NotFound: Field names something that does not exist or is out of scope;
	// the two are never told apart.
	NotFound
	// Forbidden: the actor may see it but not do this.
	Forbidden
	// Exists: Field clashes with something that is there already.
	Exists
	// Conflict: the state does not allow it now.
	Conflict
	// Busy: another process holds the database; try again. Nothing was changed.
	Busy
	// WrongCurrency: the call's currency is not the owner's.
	WrongCurrency
	// KeyReused: an idempotency key came again with different input.
	KeyReused
	// Overflow: an amount is beyond what can be kept.
	Overflow
	// Blocked: the caller's own customer, or one above it, is blocked.
	Blocked
)

var codeNames = [...]string{
	Internal: "internal", Missing: "missing", Invalid: "invalid", NotFound: "not_found",
	Forbidden: "forbidden", Exists: "exists", Conflict: "conflict", Busy: "busy",
	WrongCurrency: "wrong_currency", KeyReused: "key_reused", Overflow: "overflow", Blocked: "blocked",
}

// String is the code's word in logs and metrics.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "internal"
}

// Error lets a code be the target of errors.Is.
func (c Code) Error() string { return c.String() }

// Codes lists every code, for the tests of the adapters' tables.
func Codes() []Code {
	all := make([]Code, len(codeNames))
	for i := range all {
		all[i] = Code(i)
	}
	return all
}

// Error is an error that somebody can act on.
type Error struct {
	Code Code
	// Field is the member or setting that is wrong; the names are the engine's,
	// which are the switch's own where it has one.
	Field string
	// Message tells the caller what to do. It never holds a secret.
	Message string
	// Err is the cause, for the log only.
	Err error
}

// Error is the message with its cause, for logs and the command line.
func (e *Error) Error() string {
	s := e.Message
	if s == "" {
		s = e.Code.String()
		if e.Field != "" {
			s += " " + e.Field
		}
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, billing.NotFound) work.
func (e *Error) Is(target error) bool {
	c, ok := target.(Code)
	return ok && e.Code == c
}

// ErrorCode is the code of an error; Internal for errors that carry none.
func ErrorCode(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// ErrorField is the field that an error is about, if it carries one.
func ErrorField(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}

// Errorf makes an Error about a field.
func Errorf(code Code, field, format string, args ...any) *Error {
	return &Error{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
}
