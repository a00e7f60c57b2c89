package billing

import "time"

// GatewayEventKind is what a gateway tells on its own, by webhook.
type GatewayEventKind string

// The kinds of event that the engine acts on.
const (
	// EventCharge: an attempt has a definite outcome. Result says which.
	EventCharge GatewayEventKind = "charge"
	// EventRefund: a refund was made, also by hand at the gateway, or it failed.
	EventRefund GatewayEventKind = "refund"
	// EventDisputeOpened: the cardholder disputes a charge; no money moved yet.
	EventDisputeOpened GatewayEventKind = "dispute_opened"
	// EventDisputeWithdrawn and EventDisputeReinstated: the gateway took the
	// disputed Amount (and Fee) from the operator, or gave it back.
	EventDisputeWithdrawn  GatewayEventKind = "dispute_withdrawn"
	EventDisputeReinstated GatewayEventKind = "dispute_reinstated"
	// EventDisputeClosed: Result is OutcomeSucceeded when the operator won it.
	EventDisputeClosed GatewayEventKind = "dispute_closed"
	// EventFraudWarning: the issuer suspects a charge; a dispute may follow.
	EventFraudWarning GatewayEventKind = "fraud_warning"
	// EventCardUpdated: the network renewed a card; Token names it.
	EventCardUpdated GatewayEventKind = "card_updated"
)

// GatewayEvent is one thing that a gateway told. It may come twice, late and
// out of order; the same event is acted on once.
type GatewayEvent struct {
	// ID is the gateway's id of the event, unique in the gateway.
	ID   string
	Kind GatewayEventKind
	// At is when it happened, by the gateway's clock.
	At time.Time
	// Key is the attempt's key if the gateway gave our own word back; Ref is the
	// gateway's id of the payment. One of them names the attempt.
	Key string
	Ref string
	// Result is the outcome of EventCharge, EventRefund and EventDisputeClosed.
	Result GatewayResult
	// RefundKey is our own key of a refund that we asked for, else empty;
	// RefundRef the gateway's id of it.
	RefundKey string
	RefundRef string
	// DisputeRef is the gateway's id of the dispute, DisputeReason its word.
	DisputeRef    string
	DisputeReason string
	// Amount is what was refunded, disputed, withdrawn or reinstated: positive.
	Amount Amount
	// Fee is what the gateway took for the dispute, or gave back: positive.
	Fee Amount
	// Token and Card, with the gateway's customer, are those of EventCardUpdated.
	Token Secret
	Card  GatewayCard
}
