package billing

import (
	"context"
	"time"
)

// Outcome is what a gateway said of one attempt. Declined, not attempted and
// unknown are three different things (DESIGN section 6): a caller that mixes
// them charges twice or not at all.
type Outcome uint8

// The outcomes of a gateway call.
const (
	// OutcomeUnknown: the answer never came, or could not be read; the money
	// may have moved. Only a lookup, or the same key again, may follow.
	OutcomeUnknown Outcome = iota
	// OutcomeSucceeded: the amount was captured.
	OutcomeSucceeded
	// OutcomeDeclined: the issuer or gateway refused; nothing was captured.
	OutcomeDeclined
	// OutcomeNotAttempted: the gateway is certain that nothing was sent to the
	// network (its own fault, an unreachable host before sending, a rate
	// limit). Not a decline: the same attempt is sent again, uncounted.
	OutcomeNotAttempted
)

// String is the outcome's word in logs, metrics and the database.
func (o Outcome) String() string {
	switch o {
	case OutcomeSucceeded:
		return "succeeded"
	case OutcomeDeclined:
		return "declined"
	case OutcomeNotAttempted:
		return "not_attempted"
	default:
		return "unknown"
	}
}

// DeclineClass sorts declines by what may follow.
type DeclineClass uint8

// The classes of a decline.
const (
	DeclineNone DeclineClass = iota
	// DeclineSoft may be tried again later: insufficient funds, try again.
	DeclineSoft
	// DeclineHard is never tried again: lost, stolen, closed; the card is put aside.
	DeclineHard
	// DeclineAuthentication needs the customer; the card stays.
	DeclineAuthentication
)

// String is the class's word in logs, metrics and the database.
func (c DeclineClass) String() string {
	switch c {
	case DeclineSoft:
		return "soft"
	case DeclineHard:
		return "hard"
	case DeclineAuthentication:
		return "authentication_required"
	default:
		return ""
	}
}

// Secret is text that never prints: a gateway token, a password, an HA1.
type Secret string

// String hides the secret from fmt, logs and errors.
func (Secret) String() string { return "redacted" }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return "redacted" }

// MarshalText hides the secret from encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte("redacted"), nil }

// Reveal is the secret itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// GatewayCharge is one attempt as a gateway sees it. Everything in it was
// committed before the call (C1), and is the same when the attempt is sent again.
type GatewayCharge struct {
	// Key is the idempotency key, derived from charge and attempt (C2).
	Key string
	// Amount is the gross amount: whole minor units of its currency, positive.
	Amount          Amount
	GatewayCustomer string
	Token           Secret
	// Recurring says that the mandate covers a schedule; otherwise the charge
	// is unscheduled. Both are merchant-initiated.
	Recurring   bool
	MandateID   MandateID
	ChargeID    ChargeID
	Owner       OwnerID
	Description string
	// GatewayRef is the gateway's id of this attempt when it is known already.
	GatewayRef string
}

// GatewayResult is a gateway's answer to a charge or a lookup.
type GatewayResult struct {
	Outcome Outcome
	// Ref is the gateway's own id; set whenever it is known.
	Ref string
	// Class and Code say why a charge was declined; Code is the gateway's word.
	Class DeclineClass
	Code  string
	// Message is for people; it holds no secret.
	Message string
}

// Gateway takes money from a card through one payment processor. Charge and
// Lookup return a result for every case, OutcomeUnknown when in doubt, and
// never an error: an error would be a fourth outcome nobody could act on.
type Gateway interface {
	// Name is the gateway's name in settings, cards and system accounts.
	Name() string
	// Charge sends one attempt. The context's deadline is the gateway time-out.
	Charge(ctx context.Context, c GatewayCharge) GatewayResult
	// Lookup asks what became of an attempt that was sent earlier. It may send
	// the same key again where the gateway promises that this cannot charge
	// twice. OutcomeNotAttempted means: certainly never arrived.
	Lookup(ctx context.Context, c GatewayCharge) GatewayResult
	// Traits tells the engine what it may rely on.
	Traits() GatewayTraits
}

// GatewayTraits are the facts about a gateway that rules depend on.
type GatewayTraits struct {
	// RenewsCards: the network renews expired cards, so a card past its date is
	// still tried (DESIGN section 5).
	RenewsCards bool
	// Sandbox: no money moves; the start, readyz and every summary say so.
	Sandbox bool
	// Timeout is how long one call may take; zero is the setting's.
	Timeout time.Duration
}
