package billing

import (
	"strconv"
	"time"
)

// RefundState is where a refund is in its life.
type RefundState string

// The states of a refund.
const (
	RefundCreated   RefundState = "created"
	RefundSubmitted RefundState = "submitted"
	// RefundUnknown: no answer, or the gateway says that it is pending.
	RefundUnknown   RefundState = "unknown"
	RefundSucceeded RefundState = "succeeded"
	RefundFailed    RefundState = "failed"
)

// Open reports whether the outcome is still to come.
func (s RefundState) Open() bool { return s != RefundSucceeded && s != RefundFailed }

// Refund is a part of a charge that goes back to its card: asked for here, or
// made at the gateway and told by it.
type Refund struct {
	ID      RefundID
	Charge  ChargeID
	Owner   OwnerID
	Top     OwnerID
	Gateway string
	// Key is our idempotency key; empty for a refund that was made at the gateway.
	Key string
	// Ref is the gateway's id, empty until it is known.
	Ref  string
	Unit Unit
	// Amount is the part of the charge's gross, in millionths, above 0.
	Amount  int64
	State   RefundState
	Reason  string
	Actor   string
	Code    string
	Message string
	// Lookups counts how often it was asked about, or sent again.
	Lookups    int
	DueAt      time.Time
	LeaseUntil time.Time
	// Posting books it; Reversal books it back when it failed after it succeeded.
	Posting   PostingID
	Reversal  PostingID
	CreatedAt time.Time
	SettledAt time.Time
}

// refundKey is the idempotency key of a refund; it never changes.
func refundKey(instance string, charge ChargeID, n int) string {
	return "topupd-" + instance + "-" + strconv.FormatInt(int64(charge), 10) + "-refund-" + strconv.Itoa(n)
}

// DisputeState is how a dispute stands at the gateway.
type DisputeState string

// The states of a dispute.
const (
	DisputeOpen DisputeState = "open"
	DisputeWon  DisputeState = "won"
	DisputeLost DisputeState = "lost"
)

// Dispute is a cardholder's objection to a charge. Until a person lifts it, it
// holds all automatic charges of the owner and the card, whoever wins.
type Dispute struct {
	ID      DisputeID
	Charge  ChargeID
	Owner   OwnerID
	Top     OwnerID
	Gateway string
	Ref     string // the gateway's id
	Unit    Unit
	Amount  int64 // what is disputed, gross millionths
	// Withdrawn and Reinstated are what the gateway took and gave back; Fee what
	// it kept for the work.
	Withdrawn  int64
	Reinstated int64
	Fee        int64
	Reason     string // the gateway's word
	State      DisputeState
	OpenedAt   time.Time
	ClosedAt   time.Time
	LiftedAt   time.Time
	LiftedBy   string
}

// Pace is how fast a gateway may be called, over all servers.
type Pace struct {
	Gateway string
	// NextAt is when the next call may leave; real time.
	NextAt time.Time
	// Slow is how many times slower than its rate the gateway is called: 1, or
	// more after it asked for fewer calls.
	Slow int64
	// LimitedAt is when it last asked.
	LimitedAt time.Time
}

// SendingStop is the global breaker: while it is set nothing is sent.
type SendingStop struct {
	At time.Time // zero: not stopped
	// ResumedAt is when a person lifted it last: what left before does not count again.
	ResumedAt time.Time
	Reason    string
}
