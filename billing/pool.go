package billing

import "time"

// ExpirationFixed is the one expiration type that a top-up's date counts for.
const ExpirationFixed = "FIXED"

// PoolPlan is a prepaid pool of allowances that a customer's subscribers share.
type PoolPlan struct {
	Offer    OfferID
	Customer OwnerID
	Top      OwnerID
	Name     string
	Currency Unit // of what top-ups cost: the customer's
	// ExpirationType is as the catalogue has it; other words than FIXED are only kept.
	ExpirationType string
	// ExpiresAt is the end of its last day, in UTC; zero is never.
	ExpiresAt time.Time
	// Lapsed: what was left at ExpiresAt is posted. Lapses counts how often that was.
	Lapsed bool
	Lapses int64
	// Subscribed: at least one subscriber is allocated; only read.
	Subscribed bool
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Expired reports whether its last day is over.
func (p *PoolPlan) Expired(now time.Time) bool {
	return !p.ExpiresAt.IsZero() && !now.Before(p.ExpiresAt)
}

// PoolBalance is one allowance of a pool plan. What is in it is the ledger's.
type PoolBalance struct {
	Offer OfferID
	Top   OwnerID
	Unit  Unit // UnitSMS or UnitKB
	// Left is the bucket's balance; only read.
	Left int64
	// Total is what was in it after the last top-up, 0 or more.
	Total int64
	// LowAt and LowPercent say when its notice is sent: at a remainder, or at a
	// percentage (millionths of a percent) of Total. At most one of them.
	LowAt      *int64
	LowPercent *int64
	// Low: the notice was sent, and it has not been above since. Episodes counts.
	Low      bool
	Episodes int64
}

// lowAt is the remainder at which the notice is sent.
func (b *PoolBalance) lowAt() (at int64, on bool) {
	switch {
	case b.LowAt != nil:
		return *b.LowAt, true
	case b.LowPercent != nil:
		return percentOf(b.Total, *b.LowPercent), true
	}
	return 0, false
}

// LeftText is what is in it, for people; so are the next two.
func (b *PoolBalance) LeftText() string { return b.text(b.Left) }

// TotalText is what was in it after the last top-up.
func (b *PoolBalance) TotalText() string { return b.text(b.Total) }

// LowText is the remainder at which the notice is sent.
func (b *PoolBalance) LowText() string {
	at, _ := b.lowAt()
	return b.text(at)
}

func (b *PoolBalance) text(micros int64) string { return FormatMicros(micros) + " " + string(b.Unit) }

// PoolTopUpState is where a pool top-up is.
type PoolTopUpState string

// The states of a pool top-up. All but open are final.
const (
	PoolTopUpOpen    PoolTopUpState = "open"
	PoolTopUpSuccess PoolTopUpState = "success"
	PoolTopUpFailure PoolTopUpState = "failure" // refused when it was its turn, Reason says why
	PoolTopUpFault   PoolTopUpState = "fault"   // ours, given up
)

// PoolTopUp is a request that was acknowledged. What it asks for never changes.
type PoolTopUp struct {
	ID PoolTopUpID
	// Requester is the customer that asked, and may ask after it; Login its login.
	Requester OwnerID
	Login     string
	Customer  OwnerID
	Top       OwnerID
	Offer     OfferID
	Charge    int64 // millionths of Currency, 0 or more
	Currency  Unit
	// ExpiresAt is the end of the requested last day; zero keeps the plan's.
	ExpiresAt time.Time
	// SMS and KB are millionths, 0 for none, at least one above.
	SMS, KB int64

	State   PoolTopUpState
	Reason  string
	Posting PostingID
	Tries   int
	// DueAt is when a worker may take it up; zero once it is finished.
	DueAt      time.Time
	CreatedAt  time.Time
	FinishedAt time.Time // by the real clock
}

// grants are what it adds, in a fixed order.
func (t *PoolTopUp) grants() []Amount {
	var list []Amount
	for _, a := range []Amount{Money(t.SMS, UnitSMS), Money(t.KB, UnitKB)} {
		if a.Micros != 0 {
			list = append(list, a)
		}
	}
	return list
}

// PoolReader reads pool plans and their top-ups.
type PoolReader interface {
	PoolPlan(OfferID) (PoolPlan, error)
	// PoolPlans lists by offer, offers above after; not those of deleted customers.
	PoolPlans(after OfferID, limit int) ([]PoolPlan, error)
	// PoolBalances lists a plan's allowances, SMS first.
	PoolBalances(OfferID) ([]PoolBalance, error)
	// PoolSubscribers lists in the order in which they were given.
	PoolSubscribers(OfferID) ([]string, error)
	// DuePools lists plans whose last day is over and that have not lapsed, the
	// longest first.
	DuePools(now time.Time, limit int) ([]OfferID, error)
	PoolTopUp(PoolTopUpID) (PoolTopUp, error)
	// DuePoolTopUps lists open requests by their due time.
	DuePoolTopUps(now time.Time, limit int) ([]PoolTopUpID, error)
	// OldPoolTopUps lists requests that were finished before a time, oldest first.
	OldPoolTopUps(before time.Time, limit int) ([]PoolTopUpID, error)
}

// PoolWriter writes them.
type PoolWriter interface {
	// PutPoolPlan inserts or replaces; a plan's customer never changes (Conflict).
	PutPoolPlan(*PoolPlan) error
	PutPoolBalance(*PoolBalance) error
	// SetPoolSubscribers replaces all. Errors: Exists (field "subscribers").
	SetPoolSubscribers(o OfferID, subscribers []string) error
	// CreatePoolTopUp inserts (Exists, field "id").
	CreatePoolTopUp(*PoolTopUp) error
	// SetPoolTopUp replaces what changes in its life; Conflict once it is finished.
	SetPoolTopUp(*PoolTopUp) error
	// DropPoolTopUp deletes a finished request (Conflict for an open one).
	DropPoolTopUp(PoolTopUpID) error
}
