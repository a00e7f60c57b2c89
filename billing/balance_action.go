package billing

import "time"

// ActionKind says in which table a balance action has its row.
type ActionKind string

// The kinds of balance action.
const (
	ActionTopup       ActionKind = "topup"
	ActionAdjustment  ActionKind = "adjustment"
	ActionTransfer    ActionKind = "transfer"
	ActionReservation ActionKind = "reservation"
)

// ActionID names a balance action of any kind: they share one sequence.
type ActionID int64

// BalanceAction is what all balance actions have. It is never changed.
type BalanceAction struct {
	ID        ActionID
	Kind      ActionKind
	Owner     OwnerID
	Top       OwnerID
	CreatedAt time.Time
}

// BalanceActionWriter writes them.
type BalanceActionWriter interface {
	// AddBalanceAction inserts, in the transaction of the record that it stands for.
	// An ID of zero is set to the next one; a given one is kept (Exists, field "id").
	AddBalanceAction(*BalanceAction) error
}
