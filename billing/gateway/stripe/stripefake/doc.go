// Package stripefake is a Stripe for tests: an HTTP server on this machine that
// behaves like Stripe where money depends on it.
//
// It owns payment intents, payment methods, customers, refunds and disputes with
// their states; idempotency keys as Stripe keeps them; cards that behave by their
// token; faults by plan; signed webhooks; and the oracle that says what was really
// captured. It does not check the shape of requests: stripe-mock does that.
//
// Invariants:
//   - A payment intent captures at most once; what it captured, the oracle knows,
//     whatever the client was told.
//   - A key that was answered is answered alike, a 500 included; with other
//     parameters it is an error; while the first is being worked on it is a 409.
//   - Nothing keeps or prints a card number: of a request only what the oracle
//     shows stays, and a digest of its parameters.
//   - It shares no code with the gateway that it tests.
package stripefake
