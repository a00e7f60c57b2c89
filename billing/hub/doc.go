// Package hub posts events to the callbacks of subscriptions.
//
// It owns the HTTP client, the signature (Standard Webhooks: HMAC-SHA256 over id, time and
// body) and which addresses may be called. It knows neither subscriptions nor what an event
// says, and decides nothing about trying again.
//
// Invariants:
//   - A message leaves only to an address that was looked up and judged for this very
//     connection: the name is resolved once, and what was judged is what is dialled. So a
//     name that changes its address between two looks (DNS rebinding) gains nothing.
//   - No proxy is used, which would look the name up by itself, and no redirect is followed.
//   - Any 2xx is an acknowledgement; of an answer's body at most 64 KiB are read, and
//     nothing is kept.
//   - No error names the callback, which may hold a key, or a secret.
package hub
