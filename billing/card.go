package billing

import "time"

// Card is a stored payment card: a gateway's token, never a number.
type Card struct {
	ID      CardID
	Owner   OwnerID
	Gateway string
	// GatewayCustomer is the gateway's own customer id, if it needs one.
	GatewayCustomer string
	// Token is sealed (AES-256-GCM, bound to the card's id); empty makes the
	// card unusable until an import brings one.
	Token []byte
	// Fingerprint tells cards apart across tokens, for the networks' limits: the
	// gateway's own, known from the first payment on, or empty.
	Fingerprint string
	Brand       string // as shown: "Visa"
	Type        CardType
	Last4       string // four digits
	ExpMonth    int    // 1 to 12, 0 unknown
	ExpYear     int    // four digits, 0 unknown
	Holder      string
	Primary     bool
	State       CardState
	// Aside says why a card was put aside (a gateway's decline code).
	Aside string
	// AutoCollect and Priority are the profile interface's.
	AutoCollect bool
	Priority    int
	Alias       string
	CardAddress
	// Extra is what is kept for other interfaces: a JSON object or empty.
	Extra     string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// CardAddress is where a card's holder gets its bills; nothing is decided by it.
type CardAddress struct {
	Street1    string
	Street2    string
	Region     string // the state or province
	PostalCode string
	City       string
	Country    string // ISO 3166-1 alpha-2, or empty
	Phone      string
}

// CardState is whether a card may be used.
type CardState string

// The states of a card.
const (
	CardUsable  CardState = "usable"
	CardAside   CardState = "aside" // a hard decline: never charged again by a job
	CardDeleted CardState = "deleted"
)

// Label is brand and last four, what people are shown: "Visa 4242".
func (c *Card) Label() string {
	if c.Brand == "" {
		return c.Last4
	}
	return c.Brand + " " + c.Last4
}

// KnownType is the card's type, of an imported one by its brand; 0 is not known.
func (c *Card) KnownType() CardType {
	if c.Type.Known() {
		return c.Type
	}
	return cardTypeOf(c.Brand)
}

// ExpiredAt reports whether the card's month has passed; a hint only where the
// gateway renews cards.
func (c *Card) ExpiredAt(now time.Time) bool {
	if c.ExpYear == 0 || c.ExpMonth == 0 {
		return false
	}
	// Good to the last day of its month anywhere on Earth (UTC-12).
	end := time.Date(c.ExpYear, time.Month(c.ExpMonth)+1, 1, 12, 0, 0, 0, time.UTC)
	return !now.Before(end)
}

// Mandate is the owner's consent to automatic charges of a card for a purpose.
type Mandate struct {
	ID      MandateID
	Owner   OwnerID
	Top     OwnerID
	Purpose Purpose
	// Card is the card named; 0 is the owner's primary, whichever it is then.
	Card CardID
	// Text is the version of the consent text: "operator-asserted-1".
	Text string
	// Amount is what one charge credits at most; 0 is the plan's price, or what the
	// profile says.
	Amount  int64
	Actor   string
	Address string
	At      time.Time
	// RevokedAt is zero while the mandate holds.
	RevokedAt time.Time
}

// MandateAsserted is the text version of a consent that an operator's panel or
// import asserts to hold.
const MandateAsserted = "operator-asserted-1"
