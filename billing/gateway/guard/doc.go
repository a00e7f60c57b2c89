// Package guard spares a processor that is down: it wraps any gateway with a
// circuit breaker.
//
// It owns when calls are kept back and what they are answered then. It does not
// own retries, nor any rule: what was kept back was never sent, and package
// billing sends the same attempt again.
//
// The numbers: it opens when over 90 % of at least 20 calls that ended in the
// last 30 s had TroubleFault. After 5 s one call at a time may try (half-open);
// one that ends without TroubleFault closes it, one with it opens it for
// another 5 s.
//
// Invariants:
//   - Only TroubleFault counts against a gateway. A decline, a success and
//     TroubleLimited (429) are answers of a gateway that works; a call whose
//     caller gave up says nothing.
//   - While it is open a charge, a payment to prepare and a refund are
//     OutcomeNotAttempted, since nothing is sent; a lookup is OutcomeUnknown,
//     since nobody asked. Nothing ever becomes a decline.
//   - A result of the inner gateway is passed on as it is.
//   - A call counts when it ends: a gateway whose calls all take as long as the
//     window opens it too. What began before a change of state counts no more.
//   - A panic of the inner gateway counts as TroubleFault and goes on.
//   - The wrapper is a Preparer or a Tokenizer if the inner gateway is one.
package guard
