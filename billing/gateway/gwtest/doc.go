// Package gwtest is the one conformance suite that every card gateway passes:
// what package billing relies on when it charges exactly once.
//
// It owns the checks. It does not own the means: each gateway's test brings a
// Harness with the gateway, a token for each behaviour and a count of what was
// captured at the far end.
//
// Invariants: a check reads only what the port promises, so that the sandbox,
// a mock server and a bridge are held to the same; a behaviour for which a
// harness has no token is skipped by name, never passed silently; each check is
// proven by a gateway that breaks exactly what it is about.
package gwtest
