package billing

import "time"

// Trigger is what made the engine look at an owner.
type Trigger string

// The triggers. What each may lead to: DESIGN section 5.
const (
	TriggerUsage      Trigger = "usage"      // usage, a plan price or a reservation was booked
	TriggerSave       Trigger = "save"       // the policy was saved
	TriggerSweep      Trigger = "sweep"      // the job looked
	TriggerSettled    Trigger = "settled"    // a charge settled
	TriggerCredit     Trigger = "credit"     // funds or a credit limit came: never mails, never charges
	TriggerCorrection Trigger = "correction" // refund, dispute, correction, expiry: may mail, never charges
	TriggerBilling    Trigger = "billing"    // the billing run
	TriggerProfiles   Trigger = "profiles"   // the run of the profiles
	TriggerRecurring  Trigger = "recurring"  // the run of recurring top-ups
	TriggerPerson     Trigger = "person"     // somebody asked for this payment
)

// Reason names what was decided, or the one thing that stood in the way.
type Reason string

// The closed set of reasons; they are stored, shown and counted.
const (
	ReasonCharge        Reason = "charge"           // a charge was made
	ReasonMail          Reason = "mail"             // only a mail was decided
	ReasonNotLow        Reason = "not_low"          //
	ReasonThresholdOff  Reason = "threshold_off"    // no threshold
	ReasonUnlimited     Reason = "unlimited"        // a null credit limit is never low
	ReasonOff           Reason = "off"              // neither mail nor charge is switched on
	ReasonMailed        Reason = "mailed"           // low, this crossing was told already
	ReasonMailLater     Reason = "mail_later"       // at most one mail in 24 hours
	ReasonRearmed       Reason = "rearmed"          // a credit came, it is still low: the next judgement decides
	ReasonOpenCharge    Reason = "open_charge"      // C6: another automatic charge is open
	ReasonNoAmount      Reason = "no_amount"        // charge_card without an amount
	ReasonNoCard        Reason = "no_card"          // no primary card
	ReasonCardUnusable  Reason = "card_unusable"    // put aside, without a token, or its gateway is not listed
	ReasonCardExpired   Reason = "card_expired"     // and the gateway cannot renew it
	ReasonCardGone      Reason = "card_gone"        // the named card was deleted or put aside
	ReasonNoMandate     Reason = "no_mandate"       // nobody consented
	ReasonSuspended     Reason = "suspended"        // after declines
	ReasonNeedsCustomer Reason = "needs_customer"   // the issuer wants the customer
	ReasonBlocked       Reason = "blocked"          // the owner is blocked
	ReasonCustomerBlock Reason = "customer_blocked" // a customer above is blocked
	ReasonExpired       Reason = "expired"          // the account's lifetime is over
	ReasonHeld          Reason = "held"             // imported with --hold
	ReasonInterval      Reason = "interval"         // too soon after the last charge
	ReasonDailyCount    Reason = "daily_count"      // enough charges in 24 hours
	ReasonCapDay        Reason = "cap_day"          // money cap of the day
	ReasonCapMonth      Reason = "cap_month"        // money cap of the month
	ReasonCorrection    Reason = "correction"       // a correction never charges
	ReasonPosted        Reason = "posted"           // billing: the price was posted
	ReasonNotCovered    Reason = "not_covered"      // billing: available does not cover the price
	ReasonMissedPeriod  Reason = "missed_period"    // billing: an older period that is not billed
	ReasonBilled        Reason = "billed"           // billing: the period was billed before
	ReasonFailed        Reason = "failed"           // an error of ours; see the log
	ReasonAmountRefused Reason = "amount_refused"   // the gateway takes no such amount
	ReasonNoRoom        Reason = "no_room"          // with the amount the balance would be beyond what can be kept
	ReasonNotDue        Reason = "not_due"          // recurring: no period has started
	ReasonNetworkLimit  Reason = "network_limit"    // the card network allows no further try before a later time

	// Profiles (spec/rest.md section 1.4).
	ReasonExpected      Reason = "expected"       // a payment is expected and not collected; Detail says why
	ReasonProfileOff    Reason = "profile_off"    // the profile is not enabled, or the customer has none any more
	ReasonOtherCustomer Reason = "other_customer" // the profile is restricted to another customer
	ReasonNoLimit       Reason = "no_limit"       // the customer lacks the limit, or a percentage of none is asked for
	ReasonToppedUp      Reason = "topped_up"      // topped up today
	ReasonCoolDown      Reason = "cool_down"      // too few days since the last top-up
	ReasonOpenExpected  Reason = "open_expected"  // an expected payment is open
	ReasonAtTarget      Reason = "at_target"      // nothing to top up
	ReasonDirectDebit   Reason = "direct_debit"   // mandates of bank accounts are not collected
	ReasonPaysOtherwise Reason = "payment_type"   // the customer's payment type is not collected

	// What became of a charge, kept beside the decisions that led to it.
	ReasonCharged      Reason = "charged"         // captured and credited
	ReasonDeclined     Reason = "declined"        // Detail has the code and when it is tried again
	ReasonUnknown      Reason = "unknown"         // no answer that says what happened; it is asked for
	ReasonNotAttempted Reason = "not_attempted"   // nothing reached the network; sent again with the same key
	ReasonCancelled    Reason = "cancelled"       // the last look found it no longer needed
	ReasonUnresolved   Reason = "unresolved"      // nobody knows; for a person
	ReasonResolved     Reason = "resolved"        // a person said what became of it
	ReasonRefunded     Reason = "refunded"        // money went back to the card
	ReasonDisputed     Reason = "disputed"        // the cardholder objects
	ReasonStopped      Reason = "sending_stopped" // the global breaker
	ReasonResumed      Reason = "resumed"         // a person lifted what held automatic charges
)

// AskedAbout reports whether a person would ask about it, so that the decision
// is kept although nothing changed.
func (r Reason) AskedAbout() bool {
	switch r {
	case ReasonNotLow, ReasonThresholdOff, ReasonUnlimited, ReasonOff, ReasonMailed,
		ReasonRearmed, ReasonFailed, ReasonNotDue,
		ReasonProfileOff, ReasonOtherCustomer, ReasonToppedUp, ReasonCoolDown, ReasonOpenExpected:
		return false
	}
	return true
}

// Outcome reports whether it is what became of a charge, not a judgement of an
// owner: its decision holds no balance.
func (r Reason) Outcome() bool {
	switch r {
	case ReasonCharged, ReasonDeclined, ReasonUnknown, ReasonNotAttempted, ReasonCancelled, ReasonUnresolved, ReasonResolved, ReasonRefunded, ReasonDisputed:
		return true
	}
	return false
}

// Decision is what the engine decided about one owner at one moment, and why;
// also when it decided to do nothing.
type Decision struct {
	ID      int64
	Owner   OwnerID
	Top     OwnerID
	At      time.Time
	Trigger Trigger
	Purpose Purpose
	Run     RunID // 0 outside a run
	Actor   string
	// Available is nil when the credit limit is unlimited.
	Available *int64
	Threshold *int64
	Unit      Unit
	Low       bool
	Reason    Reason
	// Detail adds to Reason for people: the blocking cause, the card.
	Detail string
	// Charge is what to charge; nil is nothing.
	Charge *ChargePlan
	// Made is the charge that was created from Charge.
	Made ChargeID
	// Notice is the mail to send; empty is none.
	Notice NoticeKind
	// NextAt is when a sweep should look again; zero is when something changes.
	NextAt time.Time
	// Topup is what a profile decided; nil for the other rules. It is not kept.
	Topup *Topup
	// State is the policy's state after this decision.
	State LowBalanceState
}

// ChargePlan is a charge that was decided but not made yet.
type ChargePlan struct {
	Card    Card
	Mandate MandateID
	Credit  int64
	Tax     int64
	Fee     int64
}

// Gross is what the card pays.
func (p *ChargePlan) Gross() int64 { return p.Credit + p.Tax + p.Fee }
