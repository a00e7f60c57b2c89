package billing

import "time"

// Profile says when and how customers' debts are topped up. The rules are those of
// the profile interface; what it calls an amount is millionths, a percent too.
type Profile struct {
	ID          ProfileID
	Name        string
	Description string
	Enabled     bool
	Basis       TopupBasis
	// Trigger says how TriggerValue and the reference limit make the threshold.
	Trigger      TriggerKind
	TriggerValue int64
	// Limit names the reference limit, TopupLimit the one that To Percent fills up to;
	// empty is Limit.
	Limit       string
	Mode        TopupMode
	TopupValue  int64
	TopupLimit  string
	AutoCollect bool
	// What is written to the customer, by what the top-up led to; 0 is nothing.
	LetterExpected    LetterTypeID
	LetterCard        LetterTypeID
	LetterDirectDebit LetterTypeID
	MinDays           int64
	// Customer is the only one that may use it; 0 is no restriction.
	Customer  OwnerID
	CreatedAt time.Time
	UpdatedAt time.Time
	// DeletedAt: a deleted one is unknown, and stays for the expected payments that name it.
	DeletedAt time.Time
}

// TopupBasis is which debt of a customer is compared.
type TopupBasis string

// The bases. Debts are positive; a customer in credit has a negative one.
const (
	BasisOutstanding TopupBasis = "outstanding"
	BasisOverdue     TopupBasis = "overdue"
	BasisUnbilled    TopupBasis = "unbilled_calls"
)

// TriggerKind is how the threshold is made.
type TriggerKind string

// The kinds of trigger.
const (
	TriggerAbsolute TriggerKind = "absolute" // limit - value
	TriggerPercent  TriggerKind = "percent"  // value percent of the limit
)

// TopupMode is how the amount is made.
type TopupMode string

// The modes.
const (
	TopupFixed     TopupMode = "fixed"
	TopupToPercent TopupMode = "to_percent" // down to a percentage of the limit
)

// whole is a hundred percent, in millionths.
const whole = 100 * Micro

// PaymentType is how a customer pays.
type PaymentType string

// The payment types; none told is PaysByCard.
const (
	PaysUntold        PaymentType = ""
	PaysByCard        PaymentType = "card"
	PaysByDirectDebit PaymentType = "direct_debit"
	PaysOtherwise     PaymentType = "other"
)

// TopupTerms is what the profile interface knows of a customer: its profile, its own
// amount, and its debts as somebody told them.
type TopupTerms struct {
	Owner   OwnerID
	Top     OwnerID
	Profile ProfileID // 0: none
	// Amount tops up by that much, whatever the profile says; nil or 0 is the profile's.
	Amount      *int64
	Outstanding int64
	Overdue     int64
	Unbilled    int64
	PaymentType PaymentType
	Limits      []NamedLimit // by name
	// Suspended keeps the card from being charged; the payment is still expected.
	Suspended Suspension
	UpdatedAt time.Time
}

// NamedLimit is one of a customer's limits.
type NamedLimit struct {
	Name   string
	Micros int64
}

// Limit finds a limit; nil when the customer has none of that name.
func (t *TopupTerms) Limit(name string) *int64 {
	for i := range t.Limits {
		if t.Limits[i].Name == name {
			return &t.Limits[i].Micros
		}
	}
	return nil
}

// Debt is what the customer owes of a basis.
func (t *TopupTerms) Debt(b TopupBasis) int64 {
	switch b {
	case BasisOverdue:
		return t.Overdue
	case BasisUnbilled:
		return t.Unbilled
	}
	return t.Outstanding
}

// settled lowers the debts by a payment: what is outstanding may become credit, what is
// overdue not.
func (t *TopupTerms) settled(paid int64) {
	t.Outstanding = saturate(t.Outstanding, -paid)
	if t.Overdue > 0 {
		t.Overdue = max(0, t.Overdue-paid)
	}
}

// CollectMethod is how an expected payment is collected.
type CollectMethod string

// The methods.
const (
	CollectNone        CollectMethod = "none"
	CollectCard        CollectMethod = "card"
	CollectDirectDebit CollectMethod = "direct_debit"
)

// ExpectedPayment is what a top-up expects the customer to pay, whether it is collected
// or not; or what a person asks the customer to pay. It is never deleted: cool-downs count
// from a top-up's.
type ExpectedPayment struct {
	ID    ExpectedID
	Owner OwnerID
	Top   OwnerID
	Type  ExpectedTypeID
	// Profile made it; 0 is a person, whose expected payments hold no top-up back.
	Profile ProfileID
	// Date is when it is due: of a top-up the run's date in the instance's zone, unique
	// with owner and profile.
	Date   string
	Run    RunID
	Amount int64
	Unit   Unit
	Method CollectMethod
	// Reason says why it is not collected.
	Reason Reason
	Card   CardID
	Charge ChargeID
	// Imported: its charge and payment, if there were any, are in another database.
	Imported bool
	// Payment fulfilled it at FulfilledAt, which is zero while it is open.
	Payment           PaymentID
	FulfilledAt       time.Time
	OurReference      string
	CustomerReference string
	Revision          int64
	CreatedAt         time.Time
	UpdatedAt         time.Time
	DeletedAt         time.Time
}

// Open reports whether it is still to be paid.
func (ep *ExpectedPayment) Open() bool { return ep.FulfilledAt.IsZero() && ep.DeletedAt.IsZero() }

// ExpectedType is what an operator calls one kind of expected payment.
type ExpectedType struct {
	ID          ExpectedTypeID
	Name        string
	DisplayName string
	Description string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// ExpectedTopup is the type of what profiles expect; every database has it.
const ExpectedTopup ExpectedTypeID = 1

// LetterType is what an operator calls one kind of correspondence.
type LetterType struct {
	ID        LetterTypeID
	Name      string
	CreatedAt time.Time
}

// BuiltInLetters are the types that every database has.
const BuiltInLetters = 3

// Letter is the correspondence of a top-up; its notice is what is sent.
type Letter struct {
	ID        LetterID
	Owner     OwnerID
	Top       OwnerID
	Type      LetterTypeID
	Expected  ExpectedID
	Notice    NoticeID
	CreatedAt time.Time
}
