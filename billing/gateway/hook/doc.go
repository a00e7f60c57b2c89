// Package hook is the gateway for any card processor: it sends signed JSON to a
// small bridge that the operator writes, and the bridge talks to the processor.
// docs/GATEWAYS.md tells how to write one.
//
// It owns the protocol in both directions: three calls (charge, lookup, refund),
// the events that a bridge tells on its own, and the signature of all of them
// (Standard Webhooks: HMAC-SHA256 over id.timestamp.body). It does not own what
// follows an outcome, how often a call is made, or what a processor means by its
// words: that is package billing, and the bridge.
//
// Invariants:
//   - An answer counts only if it is signed for the very request it answers.
//     Whatever else comes back of a charge is unknown: somebody in between could
//     otherwise make up a capture, or a decline.
//   - "Not attempted" is said only when no connection was had, when the far end
//     turned the call away with 429, or when a signed answer says so. A lookup
//     says it only by a signed answer: there it means "never arrived".
//   - All that matters of a message is in its signed body, also which call it
//     is. Requests have "type", answers "outcome", events "event": none of them
//     passes for another when it is sent back or to another address.
//   - No result and no error shows the card's token, a signing secret or a card
//     number, whatever a bridge writes into its answers.
//   - A redirect is never followed, an answer of any size is read up to a limit,
//     and encryption is left out only towards this machine.
package hook
