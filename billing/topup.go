package billing

import "time"

// TopupID names a top-up; it is the ActionID of its balance action. A rule has the id of
// the top-up that made it.
type TopupID int64

// TopupState is where a top-up is.
type TopupState string

// The states of a top-up. All but created are ends; money that moved is credited also
// when it is told late.
const (
	TopupCreated   TopupState = "created" // the card is being charged, or its outcome is not known
	TopupCompleted TopupState = "completed"
	TopupFailed    TopupState = "failed"
	TopupCancelled TopupState = "cancelled"
)

// BalanceTopup is one top-up of an owner's money: asked for by a person, or an execution of a rule.
type BalanceTopup struct {
	ID    TopupID
	Owner OwnerID
	Top   OwnerID
	Unit  Unit
	// Amount is what is credited, in millionths, above 0.
	Amount int64
	State  TopupState
	// Rule is the rule that it is an execution of, 0 for none; Period the rule's period, from
	// 0. The first execution has the rule's id.
	Rule   TopupID
	Period int64
	Charge ChargeID // 0 without a card
	// Voucher is the end of the code that was redeemed; empty for none.
	Voucher string
	// Posting is the credit, and Before and After the balance around it: funds are
	// positive. One that was imported has no posting, and may have no balances.
	Posting       PostingID
	Before, After *int64
	Reason        string // why it failed or was cancelled
	Imported      bool
	// Extra is what its interface keeps with it: a JSON object or empty. The engine does
	// not read it.
	Extra     string
	CreatedAt time.Time
	SettledAt time.Time // zero while it is open
	// DeletedAt: it is shown to nobody from then on.
	DeletedAt time.Time
}

// Payment is the payment that it is; 0 if nothing was paid here.
func (t *BalanceTopup) Payment() PaymentID {
	switch {
	case t.State != TopupCompleted:
		return 0
	case t.Charge != 0:
		return ChargePayment(t.Charge)
	case t.Posting != 0:
		return PostingPayment(t.Posting)
	}
	return 0
}

// credited closes the top-up with its credit.
func (t *BalanceTopup) credited(p PostingID, before int64, at time.Time) {
	after := before + t.Amount // the posting did not overflow
	t.State, t.Posting, t.Before, t.After, t.SettledAt, t.Reason = TopupCompleted, p, &before, &after, at, ""
}

// MaxExtra bounds what an interface keeps with a record, in bytes.
const MaxExtra = 16 << 10

// BalanceTopupFilter selects top-ups of accounts that are not deleted, by id.
type BalanceTopupFilter struct {
	Within OwnerID // zero: all
	Owner  OwnerID // zero: all
	After  TopupID
	Offset int64
	Limit  int
	// Deleted shows those that were deleted, and those of customers: for export.
	Deleted bool
}

// BalanceTopupReader reads top-ups and their rules.
type BalanceTopupReader interface {
	BalanceTopup(TopupID) (BalanceTopup, error)
	BalanceTopupByCharge(ChargeID) (BalanceTopup, error)
	BalanceTopups(BalanceTopupFilter) ([]BalanceTopup, error)
	// CountBalanceTopups ignores After, Offset and Limit.
	CountBalanceTopups(BalanceTopupFilter) (int64, error)
	// LatestExecution is a rule's execution of the highest period.
	LatestExecution(rule TopupID) (BalanceTopup, error)
	// OpenExecution reports whether an execution of a rule is being charged.
	OpenExecution(rule TopupID) (bool, error)
	TopupRule(TopupID) (TopupRule, error)
	// TopupRules lists by id, ids above after; not those of deleted owners.
	TopupRules(after TopupID, limit int) ([]TopupRule, error)
	// TopupRulesOf lists an owner's.
	TopupRulesOf(OwnerID) ([]TopupRule, error)
	// SuspendedRules lists those of an owner that are suspended.
	SuspendedRules(OwnerID) ([]TopupRule, error)
	// DueTopupRules lists rules that are due, by (NextAt, ID), after the given pair.
	DueTopupRules(now, afterAt time.Time, after TopupID, limit int) ([]TopupRule, error)
}

// BalanceTopupWriter writes them. Their balance action is written first.
type BalanceTopupWriter interface {
	// CreateBalanceTopup inserts. Errors: Exists with field "execution" (the period was executed, or another
	// execution is open) or "charge".
	CreateBalanceTopup(*BalanceTopup) error
	// SetBalanceTopup replaces state, charge, credit, reason, extra and deletion; Conflict
	// for what does not follow from what it was.
	SetBalanceTopup(*BalanceTopup) error
	CreateTopupRule(*TopupRule) error
	// SetTopupRule replaces what changes in its life; Conflict when one that ended starts again.
	SetTopupRule(*TopupRule) error
}
