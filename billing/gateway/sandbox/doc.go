// Package sandbox is the gateway for trying topupd out and for tests: no
// network, no money, and each card behaves by its token, so that every path of
// a charge can be walked by hand.
//
// It owns the tokens, what each of them does, and a count of what this process
// captured. It does not own any rule about what follows an outcome: that is
// package billing.
//
// Invariants:
//   - A key captures at most once, however often and in parallel it is sent,
//     and is answered alike each time; the same key with another amount or
//     token captures nothing and is answered with an error.
//   - Lookup answers from token and key alone, so that restarts and second
//     processes agree. It therefore cannot know a key that was never sent: it
//     answers as if it had been, and where that means success it counts the
//     capture, like a gateway whose lookup sends the same key again.
//   - What was sent and waits for its answer has happened: a context that ends
//     meanwhile gives an unknown outcome, never a decline.
//   - No message holds a token, a key or a card number that was given; only public
//     test numbers have tokens.
//   - What this process remembers is bounded: the newest 65,536 keys.
package sandbox
