package billing

import "time"

// LowBalance is an owner's low-balance policy: the ten fields of getLowBalance
// (shared words: DESIGN section 2), and what the engine remembers between
// judgements. Amounts are millionths of the owner's currency.
type LowBalance struct {
	Owner OwnerID
	// Threshold switches mail and charges off when nil; it may be negative.
	Threshold     *int64
	NotifyByEmail bool
	ChargeCard    bool
	// ChargeAmount is what a charge credits; 0 is none.
	ChargeAmount int64
	// Card is the card to charge; nil is the owner's primary card.
	Card *CardID
	// BRChargeCard, BRChargeAmount (nil: the plan's price) and BRCard (nil: the
	// primary card) are the billing run's; accounts only.
	BRChargeCard   bool
	BRChargeAmount *int64
	BRCard         *CardID
	// Retry is nil until notification_retry_* was set once.
	Retry *NotificationRetry

	State LowBalanceState
}

// NotificationRetry is how often a low-balance mail is repeated while still low.
type NotificationRetry struct {
	Count int64 // reminders after the first mail, >= 0
	// Interval is in hours, >= 1; nil is DefaultReminderInterval.
	Interval *int64
}

// DefaultReminderInterval is the time between reminders when none is given.
const DefaultReminderInterval = 24 * time.Hour

// LowBalanceState is what the engine remembers of one policy.
type LowBalanceState struct {
	// Below: the last judgement found available strictly below the threshold.
	Below bool
	// Episode counts downward crossings.
	Episode int64
	// Charges counts the low-balance charges decided; with the owner it is the
	// next charge's cause, so that one need is never answered twice.
	Charges int64
	// Armed: the next judgement that finds it low may mail.
	Armed bool
	// Back: available was at or above the threshold since the last mail.
	Back bool
	// MailedAt is when the last low-balance mail was decided; zero is never.
	MailedAt time.Time
	// Reminders sent in this episode.
	Reminders int64
	// Suspended stops low-balance charges, BRSuspended billing-run charges.
	Suspended   Suspension
	BRSuspended Suspension
	// Reason is what the last judgement decided, so that the same skip is kept
	// once and not at each call.
	Reason Reason
	// JudgeAt is when the sweep looks again; zero is never, until something changes.
	JudgeAt time.Time
}

// Suspension is why automatic charges of a policy stopped; empty is not suspended.
type Suspension string

// The suspensions (DESIGN section 5).
const (
	SuspendedDeclined Suspension = "declined"       // the soft plan is spent
	SuspendedHard     Suspension = "hard_decline"   // the card was refused for good
	NeedsCustomer     Suspension = "needs_customer" // the issuer wants the customer
	SuspendedCardGone Suspension = "card_gone"      // a named card was deleted or put aside
)

// NewLowBalance is the policy of an owner that never had one: nothing is on,
// and its first crossing will be told.
func NewLowBalance(o OwnerID) LowBalance {
	return LowBalance{Owner: o, State: LowBalanceState{Armed: true, Back: true}}
}

// Active reports whether the policy can lead to a mail or a charge.
func (p *LowBalance) Active() bool {
	return p.Threshold != nil && (p.NotifyByEmail || p.ChargeCard)
}
