package billing

import "time"

// CostBearer says who pays for a transfer.
type CostBearer string

// Who pays for a transfer; none for one that costs nothing.
const (
	CostByNobody     CostBearer = ""
	CostByOriginator CostBearer = "originator"
	CostByReceiver   CostBearer = "receiver"
)

// Transfer moved an amount from one owner's bucket to another's of the same unit. It was
// booked when it was made, and never changes.
type Transfer struct {
	ID     ActionID
	From   OwnerID
	Top    OwnerID // of From
	To     OwnerID
	ToTop  OwnerID
	Unit   Unit
	Amount int64 // above 0: what leaves From and comes to To, before the cost
	Cost   int64 // 0 or more, on top for the originator, taken off for the receiver
	CostBy CostBearer
	// What was in the two buckets.
	FromBefore, ToBefore int64
	// Out and In are the two postings, both 0 for one that was imported.
	Out, In   PostingID
	Extra     string
	CreatedAt time.Time
	UpdatedAt time.Time // of Extra
}

// Taken is what left the originator's bucket, in millionths.
func (t *Transfer) Taken() int64 {
	if t.CostBy == CostByOriginator {
		return t.Amount + t.Cost
	}
	return t.Amount
}

// Given is what came to the receiver's bucket, in millionths; 0 if the cost took all of it.
func (t *Transfer) Given() int64 {
	if t.CostBy == CostByReceiver {
		return t.Amount - t.Cost
	}
	return t.Amount
}

// TransferReader reads transfers; they belong to their originators.
type TransferReader interface {
	Transfer(ActionID) (Transfer, error)
	Transfers(ActionFilter) ([]Transfer, error)
}

// TransferWriter writes them.
type TransferWriter interface {
	// CreateTransfer inserts the record of a balance action that is there.
	CreateTransfer(*Transfer) error
	// SetTransfer replaces Extra and UpdatedAt; nothing else ever changes.
	SetTransfer(*Transfer) error
}
