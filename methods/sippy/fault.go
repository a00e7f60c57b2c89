package sippy

import (
	"errors"
	"strings"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// faults is the interface's one table from billing codes to faults (S-7). X
// in a text stands for the member that the error is about.
var faults = map[billing.Code]xmlrpc.Fault{
	billing.Internal:      {Code: 501, String: "Fatal error"},
	billing.Missing:       {Code: 400, String: "Parameter X is required"},
	billing.Invalid:       {Code: 400, String: "Wrong X"},
	billing.NotFound:      {Code: 401, String: "Wrong X"},
	billing.Forbidden:     {Code: 403, String: "no permissions"},
	billing.Exists:        {Code: 400, String: "Wrong X"},
	billing.Conflict:      {Code: 403, String: "not possible now"},
	billing.Busy:          {Code: 503, String: "busy, try again"},
	billing.WrongCurrency: {Code: 400, String: "Wrong currency"},
	billing.KeyReused:     {Code: 400, String: "Wrong idempotency_key"},
	billing.Overflow:      {Code: 400, String: "Wrong X"},
	billing.Blocked:       {Code: 403, String: "the customer is blocked"},
}

// Fault maps an error of a method, for xmlrpc.Options.Fault. An error that
// carries no code is our own fault: its text stays with the caller, who logs it.
func Fault(err error) xmlrpc.Fault {
	if w, ok := errors.AsType[*xmlrpc.WrongError](err); ok {
		return about(faults[billing.Invalid], w.Name)
	}
	f, ok := faults[billing.ErrorCode(err)]
	if !ok {
		f = faults[billing.Internal]
	}
	return about(f, billing.ErrorField(err))
}

func about(f xmlrpc.Fault, field string) xmlrpc.Fault {
	if !isWord(field) {
		field = "parameter"
	}
	f.String = strings.Replace(f.String, "X", field, 1)
	return f
}

// isWord reports whether a field can stand in a fault text, which one known
// client shows without unescaping (1.7).
func isWord(field string) bool {
	for _, c := range []byte(field) {
		if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return field != ""
}

func missing(name string) error {
	return billing.Errorf(billing.Missing, name, "%s is required", name)
}

func wrong(name string) error { return &xmlrpc.WrongError{Name: name} }
