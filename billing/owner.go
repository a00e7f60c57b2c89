package billing

import (
	"strconv"
	"strings"
	"time"
)

// OwnerKind tells customers from accounts.
type OwnerKind uint8

// The two kinds of owner.
const (
	KindCustomer OwnerKind = iota
	KindAccount
)

// OwnerID names an owner: customer n is 2n, account n is 2n+1, so that one
// integer key serves both of the switch's id spaces. Zero is no owner.
type OwnerID int64

// Root is i_customer 1: it always exists and its balance is not limited.
const Root = OwnerID(2)

// MaxOwnerNumber is the largest i_customer or i_account.
const MaxOwnerNumber = 1<<62 - 1

// Customer is the owner with that i_customer.
func Customer(iCustomer int64) OwnerID { return OwnerID(iCustomer << 1) }

// Account is the owner with that i_account.
func Account(iAccount int64) OwnerID { return OwnerID(iAccount<<1 | 1) }

// Kind is whether the owner is a customer or an account.
func (o OwnerID) Kind() OwnerKind { return OwnerKind(o & 1) }

// IsAccount reports whether the owner is an account.
func (o OwnerID) IsAccount() bool { return o.Kind() == KindAccount }

// Number is the i_customer or i_account.
func (o OwnerID) Number() int64 { return int64(o >> 1) }

// Field is the wire name of the owner's id: i_customer or i_account.
func (o OwnerID) Field() string {
	if o.IsAccount() {
		return "i_account"
	}
	return "i_customer"
}

// String is "account 100" or "customer 10", for messages to people.
func (o OwnerID) String() string {
	if o.IsAccount() {
		return "account " + strconv.FormatInt(o.Number(), 10)
	}
	return "customer " + strconv.FormatInt(o.Number(), 10)
}

// Block is a set of causes that block an owner (DESIGN section 5).
type Block uint8

// The causes of a block. Only BlockBilling still lets jobs charge.
const (
	BlockOperator Block = 1 << iota
	BlockBilling
	BlockFraud
	BlockDispute
)

// String lists the causes, comma-separated; empty when not blocked.
func (b Block) String() string {
	var names []string
	for i, n := range []string{"operator", "billing", "fraud", "dispute"} {
		if b&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, ",")
}

// Owner is a customer or an account, as stored.
type Owner struct {
	ID OwnerID
	// Parent is the customer above: an account's customer, a customer's parent;
	// zero for root only.
	Parent OwnerID
	// Top is the ancestor directly below root (or root itself): the key by
	// which the schema can be distributed.
	Top OwnerID
	// Path lists the customers from root down to the owner's own customer,
	// "/1/10/11/"; scope is a prefix of it.
	Path     string
	Name     string
	Username string // accounts: the name the switch knows it by; empty for customers
	Email    string
	Currency Unit // an owner has one currency
	// BalanceGroup is an account's number in TMF654 identifiers, unique over
	// accounts; its i_account unless told otherwise. 0 for customers.
	BalanceGroup int64
	// CreditLimit is what may be spent below zero; nil is unlimited.
	CreditLimit *int64
	TimeZone    string // IANA name; empty: the setting's
	Blocked     Block
	// Held keeps jobs away after `import --hold` until `golive`.
	Held bool
	// Extra is what import carries for interfaces that do not decide on it
	// (payment_type, outstanding, limits, ...), a JSON object or empty.
	Extra     string
	CreatedAt time.Time
	UpdatedAt time.Time
	// Lifetime is how many days an account lives from its first use; nil is
	// unlimited. First use and its end are kept for accounts that have one.
	Lifetime    *int64
	FirstUsedAt time.Time
	ExpiresAt   time.Time
	OnPayment   OnPayment
	// MinPayment is the least payment taken by hand, in millionths; 0 is any.
	MinPayment int64
	// DeletedAt: it is unknown to everybody from then on. PutOwner leaves it.
	DeletedAt time.Time
}

// Expired reports whether an account's lifetime is over.
func (o *Owner) Expired(now time.Time) bool { return !o.ExpiresAt.IsZero() && !now.Before(o.ExpiresAt) }

// Within reports whether the owner is the customer itself or below it.
func (o *Owner) Within(customer OwnerID) bool {
	return strings.Contains(o.Path, "/"+strconv.FormatInt(customer.Number(), 10)+"/")
}
