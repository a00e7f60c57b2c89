package poolplan

import (
	"net/http"
	"strings"

	"topupd/billing"
)

// statusWords are the states as callers know them.
var statusWords = map[billing.PoolTopUpState]string{
	billing.PoolTopUpOpen:    "OPEN",
	billing.PoolTopUpSuccess: "SUCCESS",
	billing.PoolTopUpFailure: "FAILURE",
	billing.PoolTopUpFault:   "INTERNAL_ERROR",
}

// status tells what became of a request of the caller's own.
func (a *api) status(w http.ResponseWriter, r *http.Request) {
	id := billing.PoolTopUpID(strings.ToLower(r.PathValue("requestId")))
	t, err := a.engine.PoolTopUpStatus(r.Context(), id)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	ack(w, `"requestId":`+quote(string(t.ID))+",\n\"status\": "+quote(statusWords[t.State]))
}
