package profiles

import (
	"encoding/json"
	"errors"
	"net/http"

	"topupd/billing"
)

// fault is the body of every error.
type fault struct {
	Error faultBody `json:"error"`
}

type faultBody struct {
	Code    string            `json:"code"`
	Message string            `json:"message"`
	Fields  map[string]string `json:"fields,omitempty"`
}

// statuses is the one table from the engine's codes; a test holds that none is missing.
var statuses = map[billing.Code]int{
	billing.Internal: http.StatusInternalServerError, billing.Missing: http.StatusUnprocessableEntity,
	billing.Invalid: http.StatusUnprocessableEntity, billing.NotFound: http.StatusNotFound, billing.Forbidden: http.StatusForbidden, billing.Blocked: http.StatusForbidden,
	billing.Exists: http.StatusConflict, billing.Conflict: http.StatusConflict, billing.Busy: http.StatusServiceUnavailable,
	billing.WrongCurrency: http.StatusUnprocessableEntity, billing.KeyReused: http.StatusUnprocessableEntity,
	billing.Overflow: http.StatusUnprocessableEntity,
}

// words are the codes of errors, by status.
var words = map[int]string{
	http.StatusBadRequest: "malformed", http.StatusUnauthorized: "unauthorized", http.StatusForbidden: "forbidden",
	http.StatusNotFound: "not_found", http.StatusMethodNotAllowed: "method_not_allowed", http.StatusConflict: "conflict",
	http.StatusRequestEntityTooLarge: "too_large", http.StatusUnsupportedMediaType: "unsupported_media_type",
	http.StatusUnprocessableEntity: "validation", http.StatusTooManyRequests: "too_many_requests",
	http.StatusInternalServerError: "internal", http.StatusServiceUnavailable: "busy",
}

// references are the members that name something else: what they name may be missing
// without the resource being so.
var references = map[string]bool{
	"autoTopupProfileID": true, "customerID": true, "correspondenceTypeExpected": true, "correspondenceTypeCard": true,
	"correspondenceTypeDirectDebit": true, "paymentID": true, "expectedPaymentType": true,
}

// malformed is a request that cannot be read: 400.
type malformed struct {
	field, message string
}

func (m *malformed) Error() string { return m.message }

// wrong is a member of a wrong form: 422.
func wrong(field, message string) error { return billing.Errorf(billing.Invalid, field, "%s", message) }

// fail answers with an error, and says with which status.
func fail(w http.ResponseWriter, err error) (status int) {
	var bad *malformed
	if errors.As(err, &bad) {
		return say(w, http.StatusBadRequest, bad.field, bad.message)
	}
	if errors.Is(err, errMedia) {
		return say(w, http.StatusUnsupportedMediaType, "", errMedia.Error())
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return say(w, http.StatusRequestEntityTooLarge, "", "the body is too large")
	}
	code, field := billing.ErrorCode(err), billing.ErrorField(err)
	status = statuses[code]
	var known *billing.Error
	message := "something went wrong here, and it may have been done all the same: look before trying again"
	if errors.As(err, &known) && known.Message != "" && code != billing.Internal {
		message = known.Message
	} else if code != billing.Internal {
		message = words[status]
	}
	switch {
	case code == billing.NotFound && references[field]:
		status = http.StatusUnprocessableEntity
	case code == billing.NotFound:
		field = ""
	case field == "payment_type":
		field = "paymentType"
	}
	return say(w, status, field, message)
}

func say(w http.ResponseWriter, status int, field, message string) int {
	f := fault{faultBody{Code: words[status], Message: message}}
	if field != "" {
		f.Error.Fields = map[string]string{field: message}
	}
	write(w, status, f)
	return status
}

// refuse answers for what is before the interface.
func refuse(w http.ResponseWriter, _ *http.Request, status int, message string) {
	say(w, status, "", message)
}

func write(w http.ResponseWriter, status int, body any) {
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	text, err := json.Marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":{"code":"internal","message":"the answer cannot be written"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}
