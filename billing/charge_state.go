package billing

// ChargeState is where a charge is in its life (DESIGN section 6).
type ChargeState string

// The states of a charge.
const (
	ChargeCreated    ChargeState = "created"
	ChargeSubmitted  ChargeState = "submitted"
	ChargeUnknown    ChargeState = "unknown"
	ChargeUnresolved ChargeState = "unresolved" // for a person; still open
	ChargeSucceeded  ChargeState = "succeeded"
	ChargeFailed     ChargeState = "failed"
	ChargeCancelled  ChargeState = "cancelled"
)

// Open reports whether the outcome is still to come.
func (s ChargeState) Open() bool {
	switch s {
	case ChargeCreated, ChargeSubmitted, ChargeUnknown, ChargeUnresolved:
		return true
	}
	return false
}

// AttemptState is where one attempt is.
type AttemptState string

// The states of an attempt.
const (
	AttemptSubmitted AttemptState = "submitted"
	AttemptUnknown   AttemptState = "unknown"
	AttemptSucceeded AttemptState = "succeeded"
	AttemptDeclined  AttemptState = "declined"
	// AttemptNotSent: the gateway is certain that nothing reached the network;
	// the same attempt, with the same key, is sent again. Not a decline.
	AttemptNotSent AttemptState = "not_attempted"
)

// ChargeEnd is a decision about a charge that its attempts alone do not tell.
type ChargeEnd uint8

// The ends.
const (
	EndNone       ChargeEnd = iota
	EndCancelled            // no longer needed, before it was submitted
	EndGivenUp              // the retry plan is spent, or the decline was final
	EndUnresolved           // three days of not knowing: for a person
)

// ChargeStateOf derives a charge's state from its last attempt and how it
// ended. It is the only authority on states:
//
//	last attempt   end         state
//	-              none        created
//	-              cancelled   cancelled
//	submitted      none        submitted
//	unknown        none        unknown
//	unknown        unresolved  unresolved
//	succeeded      any         succeeded   money that moved is never undone by a state
//	not_attempted  none        created     the same attempt is sent again
//	not_attempted  cancelled   cancelled
//	declined       none        created     a next attempt is planned
//	declined       cancelled   cancelled
//	declined       given up    failed
//
// Every other pair is impossible: ok is false.
func ChargeStateOf(last AttemptState, end ChargeEnd) (s ChargeState, ok bool) {
	switch {
	case last == AttemptSucceeded:
		return ChargeSucceeded, true
	case unsent(last) && end == EndNone:
		return ChargeCreated, true
	case unsent(last) && end == EndCancelled:
		return ChargeCancelled, true
	case last == AttemptDeclined && end == EndGivenUp:
		return ChargeFailed, true
	case last == AttemptSubmitted && end == EndNone:
		return ChargeSubmitted, true
	case last == AttemptUnknown && end == EndNone:
		return ChargeUnknown, true
	case last == AttemptUnknown && end == EndUnresolved:
		return ChargeUnresolved, true
	}
	return "", false
}

// unsent: nothing is under way at the gateway, so a next send or a cancel may follow.
func unsent(last AttemptState) bool {
	return last == "" || last == AttemptDeclined || last == AttemptNotSent
}
