package billing

import (
	"math/bits"
	"strconv"
	"time"
)

// Purpose is what a charge is for.
type Purpose string

// The purposes. All but PurposeManual are automatic.
const (
	PurposeLowBalance Purpose = "low_balance"
	PurposeBillingRun Purpose = "billing_run"
	PurposeProfile    Purpose = "profile"
	PurposeRecurring  Purpose = "recurring"
	PurposeManual     Purpose = "manual"
)

// Automatic reports whether a job or a crossing makes the charge, not a person.
func (p Purpose) Automatic() bool { return p != PurposeManual }

// Charge is the intent to take an amount from a card. Its amounts are frozen
// when it is prepared: Gross = Credit + Tax + Fee.
type Charge struct {
	ID      ChargeID
	Owner   OwnerID
	Top     OwnerID
	Purpose Purpose
	// Cause is unique: the need that this charge answers, once.
	Cause   string
	Card    CardID
	Gateway string
	Mandate MandateID
	Unit    Unit
	Credit  int64
	Tax     int64
	Fee     int64
	Gross   int64
	// State is what ChargeStateOf derives from the attempts, stored for queries.
	State ChargeState
	// Attempt is the number of the current or next attempt, from 1.
	Attempt int
	// DueAt is when a worker looks at it next; zero when settled.
	DueAt time.Time
	// LeaseUntil keeps other workers away; real time, never a run's clock.
	LeaseUntil time.Time
	// Period is the billing period ("2026-12-01") of a billing-run charge.
	Period string
	// Run is the run that decided it; 0 for a crossing.
	Run RunID
	// Reason says why it was cancelled, failed or left for a person.
	Reason string
	// Posting is the ledger transaction of a success.
	Posting   PostingID
	CreatedAt time.Time
	// SettledAt is zero while the charge is open.
	SettledAt time.Time
	// By is who made a charge by hand; zero for automatic ones.
	By PaidBy
}

// PaidBy is who made a charge by hand, frozen with it.
type PaidBy struct {
	// Customer acted, 0 for automatic charges; Login is the actor's name.
	Customer OwnerID
	Login    string
	// Address is where the request came from, Payer what the caller says of who pays.
	Address string
	Payer   string
	// Input is a hash of what was asked; empty for a stored card without a key.
	Input string
}

// Key is the idempotency key of an attempt; it never changes (C2). The
// database's instance name keeps two databases on one gateway account apart.
func (c *Charge) Key(instance string, attempt int) string {
	return "topupd-" + instance + "-" + strconv.FormatInt(int64(c.ID), 10) + "-" + strconv.Itoa(attempt)
}

// Attempt is one try at a charge; committed before its request leaves (C1).
type Attempt struct {
	Charge ChargeID
	N      int
	Key    string // Charge.Key(instance, N), unique
	State  AttemptState
	// FirstAt is when it was sent first, SubmittedAt last; real time.
	FirstAt     time.Time
	SubmittedAt time.Time
	SettledAt   time.Time
	// Lookups counts how often its outcome was asked for, or it was sent again
	// after a gateway fault.
	Lookups int
	Gateway string
	Ref     string // the gateway's id
	// Token is the card's sealed token that it was made with, Customer the
	// gateway's customer with it: what is sent under a key never changes, also when
	// the card gets another token meanwhile. Empty once it is settled.
	Token    []byte
	Customer string
	// Print is the card's fingerprint, or "card:ID" where none is known: the
	// networks' limits count by it.
	Print   string
	Class   DeclineClass
	Code    string
	Advice  string // the network's advice beside the code
	Message string
}

// firstAt is since when its outcome may be unknown.
func (a *Attempt) firstAt() time.Time {
	if a.FirstAt.IsZero() {
		return a.SubmittedAt
	}
	return a.FirstAt
}

// settle gives the attempt its definite state; nothing more is sent under its key.
func (a *Attempt) settle(s AttemptState, at time.Time) {
	a.State, a.SettledAt, a.Token, a.Customer = s, at, nil, ""
}

// Open reports whether the charge holds the owner's one place for an open
// automatic charge (C6).
func (c *Charge) Open() bool { return c.State.Open() }

// entries are the legs of a posting that moves the part of the charge's gross
// from before to after: the owner's credit, tax and fee in their proportion, so
// that what was moved in steps is moved exactly. sign 1 books money that came,
// -1 money that went back.
func (c *Charge) entries(after, before, sign int64) []Entry {
	moved := func(part int64) int64 { return share(part, after, c.Gross) - share(part, before, c.Gross) }
	tax, fee := moved(c.Tax), moved(c.Fee)
	list := []Entry{
		{Owner: c.Owner, Unit: c.Unit, Micros: sign * (after - before - tax - fee)},
		{Account: CashAccount(c.Gateway), Unit: c.Unit, Micros: -sign * (after - before)},
	}
	if tax != 0 {
		list = append(list, Entry{Account: AccountTax, Unit: c.Unit, Micros: sign * tax})
	}
	if fee != 0 {
		list = append(list, Entry{Account: AccountFee, Unit: c.Unit, Micros: sign * fee})
	}
	if list[0].Micros == 0 {
		list = list[1:]
	}
	return list
}

// share is part*of/whole, rounded down; all of it from whole on.
func share(part, of, whole int64) int64 {
	if of >= whole {
		return part
	}
	hi, lo := bits.Mul64(uint64(part), uint64(of))
	q, _ := bits.Div64(hi, lo, uint64(whole)) // of < whole, so it fits
	return int64(q)
}
