// Package server is everything between the socket and an interface: listener,
// TLS, routing, identity, limits, request log, health and metrics.
//
// It owns who asks (a billing.Actor in the request's context), how failed
// logins are slowed, the request id, the one log line and the metrics of a
// request, and the graceful stop. It does not own what any interface means:
// handlers are mounted by main, with the Access they need. It knows no
// method, no SQL and no schedule.
//
// Invariants:
//
//   - a request is authenticated by its head, before anything reads its body;
//     a refused request's body is drained up to the limit, so that the client
//     sees the 401 and not a reset connection;
//   - a handler behind XMLRPC, Operator or AnyLogin, or of a REST interface, never runs without an actor;
//     the zero Access cannot be mounted;
//   - being trusted needs an explicit network, no Authorization header and no
//     sign of a proxy in between;
//   - a disabled login, an old password, or a revoked token stops working within a second;
//   - no password, HA1 or header of a request reaches the log;
//   - plain HTTP is never redirected, and never offered beyond loopback unless
//     the operator insists.
package server
