// Package stripe charges cards through Stripe's PaymentIntents.
//
// It owns the requests, what each of Stripe's answers means, Stripe's own minor
// units and limits, and the translation of Stripe's webhooks. It does not own any
// rule about what follows an outcome, nor when anything is sent: that is package
// billing. Package stripefake is the Stripe of the tests.
//
// A charge is two calls. Prepare makes a PaymentIntent that is not confirmed and
// moves no money; the caller commits its id; Charge confirms it. A PaymentIntent
// captures at most once whatever is sent to it, and can be looked up by its id
// for ever, so that idempotency keys, which Stripe keeps for a day, are only the
// second line of defence.
//
// Invariants:
//   - Every request that changes something carries a key of ours: the attempt's
//     for the PaymentIntent, the same with "-confirm" for the confirmation, the
//     refund's for a refund. The library retries nothing and logs nothing.
//   - A decline is only what Stripe calls a card error, or a card, customer or
//     amount that it does not take. A wrong key, a rate limit, a fault, silence
//     and an answer that nobody can read are never declines.
//   - After a request may have left, only Stripe's own word about the PaymentIntent
//     makes an outcome definite.
//   - A PaymentIntent with another key, amount or currency than the attempt's is
//     never taken for its payment.
//   - No result, error or log holds the secret key, a token or a card number; what
//     Stripe says in words is passed on for card errors only.
package stripe
