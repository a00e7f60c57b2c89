package methods

import (
	"net/http"

	"topupd/billing"
)

// Interface is one REST interface, as main mounts it. What is before it is not its
// business: logins and tokens, limits, repeats by Idempotency-Key. What those refuse is
// told in the interface's own shape.
type Interface struct {
	// Name is the interface's in /openapi/NAME.json.
	Name string
	// OpenAPI is its contract, an OpenAPI 3 document in JSON.
	OpenAPI []byte
	Routes  []Route
	// Refuse answers for what is before it: status is 400, 401, 403, 404, 405, 409, 413,
	// 415, 429, 500 or 503, message a sentence for the caller. Headers are set already.
	Refuse func(w http.ResponseWriter, r *http.Request, status int, message string)
}

// Route is one operation. Its request carries the actor (billing.ActorFrom), and its
// body is in memory already.
//
// With an Idempotency-Key the handler of POST, PUT, PATCH and DELETE runs inside one
// transaction that its request's context carries, while all writers wait for it, and
// may run more than once. So it calls the engine with that context only, changes
// nothing elsewhere and waits for nothing; its answer goes out after the commit, or,
// from status 400 on, after what it changed was undone.
type Route struct {
	// Pattern is one of http.ServeMux: "POST /api/subscriptions/{id}/autotopup".
	Pattern string
	Handler http.HandlerFunc
	// Use is what it is for: it decides whether a blocked customer may, and what only
	// reads is carried out as often as it is sent.
	Use billing.Use
	// OwnKeys: the handler is given its Idempotency-Key, one at most, and sees to it
	// itself. It may wait.
	OwnKeys bool
}
