package tmf654

import (
	"errors"
	"net/http"
	"strconv"

	"topupd/billing"
)

// fault is the body of every error: one object, never a list.
type fault struct {
	Code           string  `json:"code"`
	Reason         string  `json:"reason"`
	Message        *string `json:"message"`
	Status         string  `json:"status"`
	ReferenceError string  `json:"referenceError"`
	BaseType       string  `json:"@baseType"`
	SchemaLocation *string `json:"@schemaLocation"`
	Type           string  `json:"@type"`
}

// reference is where errors are explained.
const reference = "/docs/" + Name

// statuses is the one table from the engine's codes; a test holds that none is missing.
var statuses = map[billing.Code]int{
	billing.Internal: http.StatusInternalServerError, billing.Missing: http.StatusBadRequest, billing.Invalid: http.StatusBadRequest,
	billing.NotFound: http.StatusNotFound, billing.Forbidden: http.StatusForbidden, billing.Blocked: http.StatusForbidden,
	billing.Exists: http.StatusConflict, billing.Conflict: http.StatusConflict, billing.Busy: http.StatusServiceUnavailable,
	billing.WrongCurrency: http.StatusBadRequest, billing.KeyReused: http.StatusConflict, billing.Overflow: http.StatusBadRequest,
}

// words are the codes of what is refused before an engine's code is known, by status.
var words = map[int]string{
	http.StatusBadRequest: "invalid", http.StatusUnauthorized: "unauthorized", http.StatusForbidden: "forbidden",
	http.StatusNotFound: "not_found", http.StatusMethodNotAllowed: "method_not_allowed", http.StatusConflict: "conflict",
	http.StatusRequestEntityTooLarge: "too_large", http.StatusTooManyRequests: "too_many_requests",
	http.StatusInternalServerError: "internal", http.StatusServiceUnavailable: "busy",
}

// refusal is an error with a code of this interface's own.
type refusal struct {
	status int
	code   string
	reason string
	detail string
}

func (e *refusal) Error() string { return e.reason }

// noSuch is the answer to an id in an address that names nothing, or nothing in scope, or
// is no id at all.
func noSuch(resource string) error {
	return billing.Errorf(billing.NotFound, "id", "there is no such %s", resource)
}

// wrongMember is a member of a wrong form.
func wrongMember(field, format string, args ...any) error {
	return billing.Errorf(billing.Invalid, field, format, args...)
}

// fail answers with an error, and says with which status. What a body names and is not
// there is the body's fault; only what the address names is not found.
func fail(w http.ResponseWriter, err error) (status int) {
	var own *refusal
	if errors.As(err, &own) {
		return say(w, own.status, own.code, own.reason, own.detail)
	}
	code, field := billing.ErrorCode(err), billing.ErrorField(err)
	status = statuses[code]
	word, detail := code.String(), ""
	reason := "something went wrong here, and it may have been done all the same: look before trying again, or repeat it with the same Idempotency-Key"
	var known *billing.Error
	if code != billing.Internal {
		reason = words[status]
		if errors.As(err, &known) && known.Message != "" {
			reason = known.Message
		}
		detail = field
	}
	switch {
	case code == billing.NotFound && field != "" && field != "id":
		status = http.StatusBadRequest
	case code == billing.NotFound:
		detail = ""
	case code == billing.Busy:
		w.Header().Set("Retry-After", "1")
	}
	return say(w, status, word, reason, detail)
}

func say(w http.ResponseWriter, status int, code, reason, detail string) int {
	f := fault{
		Code: code, Reason: reason, Message: textOrNull(detail), Status: strconv.Itoa(status), ReferenceError: reference,
		BaseType: "Error", Type: "Error",
	}
	write(w, status, f)
	return status
}

// refuse answers for what is before the interface. The standard knows no 415.
func refuse(w http.ResponseWriter, _ *http.Request, status int, message string) {
	if status == http.StatusUnsupportedMediaType {
		status = http.StatusBadRequest
	}
	if status == http.StatusConflict { // before the interface there is no other
		say(w, status, billing.KeyReused.String(), message, "Idempotency-Key")
		return
	}
	say(w, status, words[status], message, "")
}

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
