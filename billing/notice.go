package billing

import "time"

// NoticeKind is what a notice says.
type NoticeKind string

// The kinds of notice; each has a template.
const (
	NoticeLowBalance  NoticeKind = "low_balance"
	NoticeReminder    NoticeKind = "low_balance_reminder"
	NoticeReceipt     NoticeKind = "receipt"
	NoticeDeclined    NoticeKind = "declined"
	NoticeSuspended   NoticeKind = "suspended"
	NoticeNeedsYou    NoticeKind = "needs_customer"
	NoticeBlocked     NoticeKind = "blocked"
	NoticeUnblocked   NoticeKind = "unblocked"
	NoticeExpiring    NoticeKind = "card_expiring"
	NoticeCardDeleted NoticeKind = "card_deleted"
	NoticeTopup       NoticeKind = "topup"      // the correspondence of a profile
	NoticeRule        NoticeKind = "topup_rule" // a recurring top-up was suspended, or ended with its card
	NoticeLowPool     NoticeKind = "low_allowance"
	NoticeOperator    NoticeKind = "operator" // an alarm, to root's address
)

// NoticeState is where the delivery of a notice is.
type NoticeState string

// The states of a notice.
const (
	NoticePending NoticeState = "pending"
	NoticeSent    NoticeState = "sent"
	NoticeFailed  NoticeState = "failed"     // given up, Error says why
	NoticeNoMail  NoticeState = "no_address" // the owner has no address
)

// Notice is one message to an owner or the operator, kept until delivered.
type Notice struct {
	ID    NoticeID
	Owner OwnerID
	Top   OwnerID
	Kind  NoticeKind
	// Cause is unique, so that one event is told once.
	Cause      string
	To         string
	Subject    string
	Body       string
	State      NoticeState
	Tries      int
	DueAt      time.Time
	LeaseUntil time.Time
	Error      string
	Run        RunID
	CreatedAt  time.Time
	SentAt     time.Time
}
