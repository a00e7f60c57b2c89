package billing

import "time"

// Adjustment is a correction of one bucket: it was booked when it was made, and never changes.
type Adjustment struct {
	ID     ActionID
	Owner  OwnerID
	Top    OwnerID
	Unit   Unit
	Amount int64 // above 0: more in the bucket; never 0
	Before int64 // what was in the bucket
	// Posting is 0 for one that was imported: its effect is in the imported balance.
	Posting   PostingID
	Extra     string // what only the interface that made it reads, a JSON object or empty
	CreatedAt time.Time
	UpdatedAt time.Time // of Extra
}

// ActionFilter selects balance actions of one kind, by id.
type ActionFilter struct {
	Within OwnerID // the acting customer's; zero: all
	Owner  OwnerID // zero: everybody's
	After  ActionID
	Limit  int // 0: all
}

// AdjustmentReader reads adjustments.
type AdjustmentReader interface {
	Adjustment(ActionID) (Adjustment, error)
	Adjustments(ActionFilter) ([]Adjustment, error)
}

// AdjustmentWriter writes them.
type AdjustmentWriter interface {
	// CreateAdjustment inserts the record of a balance action that is there.
	CreateAdjustment(*Adjustment) error
	// SetAdjustment replaces Extra and UpdatedAt; nothing else ever changes.
	SetAdjustment(*Adjustment) error
}
