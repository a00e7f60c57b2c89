// Package digest is the server's half of HTTP Digest authentication as old
// panels speak it: RFC 2617, MD5, qop="auth".
//
// It owns the challenge, the nonces, the reading of the Authorization header,
// the check of a response against a stored HA1, and the memory of which nonce
// counts were used. It does not own where logins are kept (a Lookup does), who
// may do what, how failed logins are slowed, or what follows a refusal.
//
// Invariants:
//
//   - one challenge only: clients take the first realm and nonce they find, so
//     a second one beside it would break them;
//   - nothing here reads a body. A request is judged by its head, so that a
//     first leg with an empty body and one with a full body are the same;
//   - a nonce is checked by its signature alone. Servers that share the key
//     accept each other's nonces; a server that lost its key calls them stale,
//     which a client repairs by itself without asking for a password again;
//   - stale=true is said only to a client that proved that it knows the
//     password, whatever is wrong with its nonce;
//   - an unknown user costs the same work as a known one, and responses are
//     compared in constant time.
package digest
