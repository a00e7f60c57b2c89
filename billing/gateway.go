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
	// SubmittedAt is when this attempt was sent last, by the real clock; zero for
	// the first time.
	SubmittedAt time.Time
}

// Trouble is what kept a gateway from doing its work. A decline is none, and
// trouble is never a decline.
type Trouble uint8

// The troubles.
const (
	TroubleNone    Trouble = iota
	TroubleFault           // the gateway failed, did not answer, or could not be reached; a breaker counts it
	TroubleLimited         // the gateway asks for fewer calls (429): slows sending, opens no breaker
)

// GatewayResult is a gateway's answer to a charge, a lookup or a refund.
type GatewayResult struct {
	Outcome Outcome
	// Ref is the gateway's own id; set whenever it is known.
	Ref string
	// Class and Code say why a charge was declined; Code is the gateway's word.
	Class DeclineClass
	Code  string
	// Advice is the network's advice beside the code, as the gateway words it.
	Advice string
	// Message is for people; it holds no secret.
	Message string
	// Trouble goes with OutcomeUnknown and OutcomeNotAttempted.
	Trouble Trouble
	// RetryAfter is how long a gateway that wants fewer calls asks to be left
	// alone; zero is not said.
	RetryAfter time.Duration
	// Card is what the gateway told about the card; nil is nothing.
	Card *GatewayCard
}

// GatewayCard is what a gateway knows about a card; empty members are not known.
type GatewayCard struct {
	Fingerprint string // the same for the same card under any token
	Brand       string // as shown: "Visa"
	Last4       string
	ExpMonth    int
	ExpYear     int
	// Customer is the gateway's own customer that the token belongs to, where it
	// has such: the GatewayCustomer of later charges.
	Customer string
}

// GatewayRefund gives back a part of what one attempt captured. It was
// committed before the call, and is the same when it is sent again.
type GatewayRefund struct {
	// Key is the idempotency key, derived from the refund.
	Key string
	// ChargeKey and ChargeRef name the attempt that captured.
	ChargeKey string
	ChargeRef string
	Amount    Amount
	RefundID  RefundID
	ChargeID  ChargeID
	// GatewayRef is the gateway's id of this refund when it is known already.
	GatewayRef string
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
	// Refund gives money back; sent again with the same key it gives it back
	// once. OutcomeUnknown also stands for "pending": asked again later.
	Refund(ctx context.Context, r GatewayRefund) GatewayResult
	// Chargeable says whether the gateway takes this amount at all: its currency,
	// its least amount, its own minor units and steps. Errors: Invalid.
	Chargeable(Amount) error
	// Traits tells the engine what it may rely on.
	Traits() GatewayTraits
}

// Preparer is a gateway that makes a payment first and captures it with a second
// call: its id is committed in between, so that a lookup by id works for ever.
type Preparer interface {
	// Prepare makes the payment of an attempt without capturing anything; ref is
	// its id. Without one the result says why: nothing was captured, so it is
	// OutcomeNotAttempted or OutcomeDeclined, never unknown.
	Prepare(ctx context.Context, c GatewayCharge) (ref string, r GatewayResult)
}

// Tokenizer is a gateway that exchanges a card number for a token of its own. The
// number is passed on and forgotten.
type Tokenizer interface {
	// Tokenize returns the token and what the gateway knows of the card. Errors:
	// Invalid (the gateway refuses the number), Busy (it cannot be asked now).
	Tokenize(ctx context.Context, n CardNumber) (token Secret, card GatewayCard, err error)
}

// CardNumber is a card as its holder types it; it never prints and is never kept.
type CardNumber struct {
	Number   Secret
	CVV      Secret
	ExpMonth int
	ExpYear  int
	Holder   string
}

// CodePaused is the code of what a Paused gateway kept back: nothing was tried, so
// it counts as no fault of anybody.
const CodePaused = "gateway_paused"

// Paused is a gateway that spares a processor that is down.
type Paused interface {
	// PausedUntil is when the next call may be made; zero is now. A call made
	// earlier answers OutcomeNotAttempted (OutcomeUnknown to a lookup) itself.
	PausedUntil() time.Time
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
	// Rate is the gateway's own limit of calls a second; 0 is none.
	Rate int
	// CallsPerCharge is how many calls one charge takes; 0 is one.
	CallsPerCharge int
}
