package billing

import (
	"strconv"
	"time"
)

// PostingKind says what a posting is about; judgements and reports read it.
type PostingKind string

// The kinds of posting.
const (
	PostAddFunds      PostingKind = "add_funds"       // counts as a payment
	PostCredit        PostingKind = "credit"          // an adjustment up
	PostDebit         PostingKind = "debit"           // usage reported by the switch
	PostCharge        PostingKind = "charge"          // a card charge that succeeded
	PostServiceCharge PostingKind = "service_charge"  // a plan's price
	PostVoucher       PostingKind = "voucher"         // a voucher was redeemed: a payment
	PostPrepaid       PostingKind = "gateway_payment" // a payment that was made at a gateway before: a payment
	PostAdjustment    PostingKind = "adjustment"      // import, correction
	PostRefund        PostingKind = "refund"          // money of a charge went back to its card
	PostDispute       PostingKind = "dispute"         // the gateway took, or gave back, a disputed charge
	PostDisputeFee    PostingKind = "dispute_fee"     // what a gateway takes for a dispute
	PostPoolTopUp     PostingKind = "pool_topup"      // a pool plan's allowance, and what it cost
	PostAllowanceUse  PostingKind = "allowance_use"   // what was used of an allowance
	PostPoolExpiry    PostingKind = "pool_expiry"     // what was left of a pool that expired
	PostTransfer      PostingKind = "transfer"        // one side of a transfer between owners
)

// Posting is one zero-sum ledger transaction (L1). It is never changed (L2).
type Posting struct {
	ID   PostingID
	Top  OwnerID
	Kind PostingKind
	// Cause is unique: one posting per cause (L4).
	Cause string
	// Input is a hash of what an idempotency key came with; empty without a key.
	Input  string
	Charge ChargeID // the charge that it is about, or 0
	Notes  string
	Actor  string
	// BookedAt is when we wrote it, EffectiveAt when it counts.
	BookedAt    time.Time
	EffectiveAt time.Time
	Entries     []Entry
}

// Entry is one leg of a posting: an owner's bucket or a system account, exactly one.
type Entry struct {
	Owner   OwnerID // the owner's bucket of Unit, or 0
	Account string  // a system account, or empty
	Unit    Unit
	Micros  int64 // positive: more for the bucket or account
}

// System accounts. Cash is per gateway: CashAccount.
const (
	AccountRevenue    = "revenue"
	AccountAdjustment = "adjustment"
	AccountUsage      = "usage"
	AccountVoucher    = "voucher"
	AccountDispute    = "dispute"
	AccountFee        = "fee"
	AccountTax        = "tax"
	AccountBreakage   = "breakage"
	AccountAllowance  = "allowance" // allowances granted
	AccountTransfer   = "transfer"  // between the two sides of each transfer: it sums to zero
)

// CashAccount is where a gateway's money comes from; "cash:manual" for
// payments that a panel reports.
func CashAccount(gateway string) string { return "cash:" + gateway }

// Bucket is what an owner has of one unit. Available = Balance + credit limit
// - Reserved.
type Bucket struct {
	Owner    OwnerID
	Unit     Unit
	Balance  int64
	Reserved int64
}

// Validate holds L1 before a posting reaches the store: at least two entries,
// each on one side, and a sum of zero for every unit.
func (p *Posting) Validate() error {
	if p.Cause == "" || len(p.Entries) < 2 {
		return Errorf(Internal, "posting", "a posting needs a cause and two entries")
	}
	sums := map[Unit]int64{}
	for _, e := range p.Entries {
		if (e.Owner == 0) == (e.Account == "") || e.Micros == 0 {
			return Errorf(Internal, "posting", "an entry needs one bucket or account and an amount")
		}
		sum, err := AddMicros(sums[e.Unit], e.Micros)
		if err != nil {
			return err
		}
		sums[e.Unit] = sum
	}
	for unit, sum := range sums {
		if sum != 0 {
			return Errorf(Internal, "posting", "the entries in %s sum to %d, not zero", unit, sum)
		}
	}
	return nil
}

func causeOf(kind string, ids ...int64) string {
	for _, id := range ids {
		kind += ":" + strconv.FormatInt(id, 10)
	}
	return kind
}

// Discrepancy is one thing that `topupd verify` found wrong.
type Discrepancy struct {
	Invariant string // "L1" to "L4", "C4", "C6", "C8", "E1", "E2", "O1", "P1", "R1", "T1", "U1", "U2", "B1", "H1"
	What      string
}
