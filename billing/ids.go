package billing

// The ids of what the engine keeps. Each is its own type, so that a card is
// never passed where a charge is meant.
type (
	// ChargeID names a charge.
	ChargeID int64
	// CardID is i_debit_credit_card.
	CardID int64
	// PlanID is i_billing_plan.
	PlanID int64
	// RunID names one pass of a job.
	RunID int64
	// PostingID names one zero-sum ledger transaction.
	PostingID int64
	// BucketID names a bucket.
	BucketID int64
	// NoticeID names a notice.
	NoticeID int64
	// RefundID names a refund of a charge.
	RefundID int64
	// DisputeID names a cardholder's dispute of a charge.
	DisputeID int64
	// AuditID names an audit row.
	AuditID int64
	// VoucherID names a voucher; its code is what is redeemed.
	VoucherID int64
	// TokenID names a bearer token.
	TokenID int64
	// ProfileID names an auto top-up profile.
	ProfileID int64
	// ExpectedID names an expected payment.
	ExpectedID int64
	// ExpectedTypeID names a type of expected payment.
	ExpectedTypeID int64
	// LetterTypeID names a type of correspondence, LetterID one letter.
	LetterTypeID int64
	LetterID     int64
	// OfferID is the catalogue's number of a pool plan.
	OfferID int64
	// PoolTopUpID is the UUID of a pool top-up, as its requester asks after it.
	PoolTopUpID string
	// HubID names a subscription to events, EventID an event, DeliveryID an event on its
	// way to a subscription.
	HubID      int64
	EventID    int64
	DeliveryID int64
	// MandateID names a consent to automatic charges.
	MandateID int64
)
