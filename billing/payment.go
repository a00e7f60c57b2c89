package billing

import "time"

// PaymentID is i_payment: 2n+1 is charge n, 2n is posting n, so that one number
// names both and neither needs a row of its own.
type PaymentID int64

// ChargePayment is the payment that a charge is.
func ChargePayment(id ChargeID) PaymentID { return PaymentID(id)<<1 | 1 }

// PostingPayment is the payment that a posting about no charge is.
func PostingPayment(id PostingID) PaymentID { return PaymentID(id) << 1 }

// Charge is the charge that the payment is, 0 for one that is a posting.
func (p PaymentID) Charge() ChargeID {
	if p&1 == 0 {
		return 0
	}
	return ChargeID(p >> 1)
}

// Posting is the posting that the payment is, 0 for one that is a charge.
func (p PaymentID) Posting() PostingID {
	if p&1 == 1 {
		return 0
	}
	return PostingID(p >> 1)
}

// Payment reports whether an entry of this kind is a payment of its owner by
// itself. A charge is the payment, not its posting; a plan's price and a
// correction are none.
func (k PostingKind) Payment() bool {
	switch k {
	case PostAddFunds, PostCredit, PostDebit, PostRefund, PostDispute, PostVoucher, PostPrepaid:
		return true
	}
	return false
}

// Payment is one movement as a payer sees it: a charge that was sent or waits to
// be, or a posting that is about no charge.
type Payment struct {
	ID    PaymentID
	Owner OwnerID
	At    time.Time // a charge's start, a posting's EffectiveAt
	Unit  Unit
	// Micros is above 0 for money in, below 0 for money out; of a charge what it
	// credits.
	Micros int64
	Kind   PostingKind // PostCharge for every charge
	Notes  string      // a posting's

	// Of a charge: its state, purpose, card ("Visa 4242") and why it ended; and its
	// last attempt's state, reference at the gateway, code and message.
	State   ChargeState
	Purpose Purpose
	Card    string
	Reason  string
	Attempt AttemptState
	Ref     string
	Code    string
	Message string
}

// PaymentResult is what is known of a payment.
type PaymentResult uint8

// The results.
const (
	PaymentPending PaymentResult = iota // nobody knows yet
	PaymentOK                           // booked
	PaymentFailed                       // declined, or never sent: nothing was booked
)

// Result is what is known of a charge.
func (s ChargeState) Result() PaymentResult {
	switch s {
	case ChargeSucceeded:
		return PaymentOK
	case ChargeFailed, ChargeCancelled:
		return PaymentFailed
	}
	return PaymentPending
}

// Result is what is known of the payment; a posting is booked.
func (p *Payment) Result() PaymentResult {
	if p.Kind != PostCharge {
		return PaymentOK
	}
	return p.State.Result()
}

// Error says why a payment failed, in a line; empty for every other one.
func (p *Payment) Error() string {
	switch {
	case p.Result() != PaymentFailed:
		return ""
	case p.State == ChargeCancelled:
		return "cancelled: " + p.Reason
	case p.Message == "":
		return p.Code
	}
	return p.Code + ": " + p.Message
}

// ByCard reports whether a card paid, or got its money back.
func (p *Payment) ByCard() bool {
	switch p.Kind {
	case PostCharge, PostRefund, PostDispute, PostPrepaid:
		return true
	}
	return false
}

// ByVoucher reports whether a voucher paid.
func (p *Payment) ByVoucher() bool { return p.Kind == PostVoucher }

// Direction narrows payments to one way of the money.
type Direction uint8

// The directions.
const (
	BothWays Direction = iota
	MoneyIn
	MoneyOut
)

// MaxPayments is how many payments one list holds at most.
const MaxPayments = 10_000

// PaymentFilter selects an owner's payments.
type PaymentFilter struct {
	Owner     OwnerID
	Direction Direction
	// From is the first moment, Until the first one after; zero is no end.
	From, Until time.Time
	Offset      int64
	Limit       int
}
