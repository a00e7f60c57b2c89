package poolplan

import (
	"errors"
	"net/http"
	"strconv"

	"topupd/billing"
)

// failure is a code with its message, and the status that it has with Options.Statuses.
type failure struct {
	code, message string
	status        int
}

// The codes of the source page, and of the status query.
var (
	noCustomer    = failure{"CUSTOMER_1002", "Customer does not exist", http.StatusNotFound}
	noBalance     = failure{"CUSTOMER_1009", "Top-up failure. Balance not found", http.StatusNotFound}
	noPool        = failure{"CUSTOMER_1010", "Pool plan for your account was not found", http.StatusNotFound}
	noSubscribers = failure{"CUSTOMER_1011", "There are no subscribers attached to this pool plan. Top-up denied.", http.StatusConflict}
	unavailable   = failure{"GLOBAL_1001", "Service unavailable. Please try again", http.StatusServiceUnavailable}
	noRequest     = failure{"GLOBAL_1003", "Provided request ID does not exist for your account", http.StatusNotFound}
)

// ours is a code of our own, outside of the platform's series: for what is wrong with the
// form of a request it documents none (F-2).
func ours(status int, message string) failure {
	return failure{"TOPUPD_" + strconv.Itoa(status), message, status}
}

// documented reports whether the platform has the code.
func (f failure) documented() bool { return f.code != "" && f.code[:7] != "TOPUPD_" }

// failureOf is the one table from engine errors to codes.
func failureOf(err error) failure {
	var e *billing.Error
	if !errors.As(err, &e) {
		return unavailable
	}
	switch e.Code {
	case billing.NotFound:
		switch e.Field {
		case "i_customer":
			return noCustomer
		case "offer":
			return noPool
		case "balance":
			return noBalance
		case "request":
			return noRequest
		}
		return ours(http.StatusNotFound, e.Message)
	case billing.Conflict:
		if e.Field == "subscribers" {
			return noSubscribers
		}
		return ours(http.StatusConflict, "It is not possible now")
	case billing.Missing, billing.Invalid, billing.WrongCurrency, billing.Overflow:
		return ours(http.StatusUnprocessableEntity, e.Field+": "+e.Message)
	case billing.Forbidden:
		return ours(http.StatusForbidden, "It is not allowed")
	case billing.Blocked:
		return ours(http.StatusForbidden, "The customer is blocked")
	case billing.Exists, billing.KeyReused:
		return ours(http.StatusConflict, e.Field+": it is there already")
	case billing.Busy, billing.Internal:
		return unavailable
	}
	return unavailable
}

// fail answers an error. A fault of ours is 503 whatever the option says: what is
// answered to a client under its Idempotency-Key must not look final (F-3).
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	if a.o.Log != nil {
		a.o.Log(r.Context(), err)
	}
	var f failure
	if !errors.As(err, &f) {
		f = failureOf(err)
	}
	status := f.status
	if f.documented() && f != unavailable && !a.o.Statuses {
		status = http.StatusOK
	}
	nak(w, status, f)
}

// Error lets what is wrong with a body travel as an error.
func (f failure) Error() string { return f.code + ": " + f.message }

// refuse answers for what is before the interface.
func refuse(w http.ResponseWriter, _ *http.Request, status int, message string) {
	f := ours(status, message)
	if status >= 500 {
		f = unavailable
	}
	nak(w, status, f)
}
