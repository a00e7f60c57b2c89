package sippy

import (
	"context"
	"slices"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// cardEngine are the engine's operations on cards.
type cardEngine interface {
	AddCard(ctx context.Context, p billing.AddCardParams) (billing.CardID, error)
	UpdateCard(ctx context.Context, p billing.UpdateCardParams) error
	DeleteCard(ctx context.Context, o billing.OwnerID, card billing.CardID) error
	Card(ctx context.Context, o billing.OwnerID, card billing.CardID) (billing.Card, error)
	Cards(ctx context.Context, p billing.CardsParams) ([]billing.Card, error)
}

// cardText is how long a text of a card may be.
const cardText = "to 255 bytes"

// cardMembers are what a card is made of, in the order of the page.
var cardMembers = []param{
	{name: "alias", kind: "string", need: true, note: cardText},
	{name: "i_card_type", kind: "int", need: true, note: "1 Visa, 2 American Express, 3 MasterCard, 4 Discover, 5 JCB, 6 Diner's Club"},
	{name: "number", kind: "string", need: true, note: "a token of the card gateway; a card number only where the operator allows it"},
	{name: "holder", kind: "string", need: true, note: cardText},
	{name: "exp_mm", kind: "int", need: true, note: "1 to 12"},
	{name: "exp_yy", kind: "int", need: true, note: "2000 to 2099; month and year are not over"},
	{name: "cvv", kind: "string", note: "never kept"},
	{name: "street_addr1", kind: "string", need: true, note: cardText},
	{name: "street_addr2", kind: "string", note: cardText},
	{name: "state", kind: "string", need: true, note: cardText},
	{name: "postal_code", kind: "string", need: true, note: cardText},
	{name: "city", kind: "string", need: true, note: cardText},
	{name: "country", kind: "string", need: true, note: "two letters of ISO 3166"},
	{name: "phone", kind: "string", need: true, note: cardText},
	{name: "primary", kind: "boolean", note: "an owner's first card is primary unless this is 0"},
}

var cardParam = param{name: "i_debit_credit_card", kind: "int", need: true}

// cardReply are the members of one card as it is told (S-206).
var cardReply = []param{
	{name: "i_debit_credit_card", kind: "int"},
	{name: "alias", kind: "string"},
	{name: "i_card_type", kind: "int or nil", note: "nil is not known"},
	{name: "number", kind: "string", note: "the last four digits; empty is not known"},
	{name: "holder", kind: "string"},
	{name: "exp_mm", kind: "int or nil", note: "nil is not known"},
	{name: "exp_yy", kind: "int or nil", note: "nil is not known"},
	{name: "street_addr1", kind: "string"},
	{name: "street_addr2", kind: "string"},
	{name: "state", kind: "string"},
	{name: "postal_code", kind: "string"},
	{name: "city", kind: "string"},
	{name: "country", kind: "string"},
	{name: "phone", kind: "string"},
	{name: "primary", kind: "boolean"},
}

func cardMethods() []method {
	return []method{
		addCardMethod(), updateCardMethod(), deleteCardMethod(), getCardMethod(), listCardsMethod(),
	}
}

// optional are members of which none is required.
func optional(params []param) []param {
	params = slices.Clone(params)
	for i := range params {
		params[i].need = false
	}
	return params
}

// required refuses a call that lacks a needed member.
func required(c call) error {
	if name := firstMissing(c); name != "" {
		return missing(name)
	}
	return nil
}

// firstMissing is the first needed member that is missing, in the page's order (1.9).
func firstMissing(c call) string {
	for _, p := range c.method.params {
		if _, given := c.Value(p.name); p.need && !given {
			return p.name
		}
	}
	return ""
}

// cardOf reads which card a call is about, after its owner.
func cardOf(c call) (billing.OwnerID, billing.CardID, error) {
	owner, err := ownerOf(c.Params)
	if err != nil {
		return 0, 0, err
	}
	n, state, err := c.Int("i_debit_credit_card")
	switch {
	case err != nil:
		return 0, 0, err
	case state == xmlrpc.Absent:
		return 0, 0, missing("i_debit_credit_card")
	case n < 1: // null too
		return 0, 0, wrong("i_debit_credit_card")
	}
	return owner, billing.CardID(n), nil
}

// cardTerms reads what a call says of a card. Text may come as an int (1.7); what
// may be null is the engine's rule.
func cardTerms(p xmlrpc.Params) (billing.CardTerms, error) {
	r := changes{p: p}
	t := billing.CardTerms{
		Number:   r.secret("number"),
		CVV:      r.secret("cvv"),
		Holder:   r.text("holder"),
		ExpMonth: r.number("exp_mm"),
		ExpYear:  r.number("exp_yy"),
		Primary:  r.flag("primary"),
		CardDetails: billing.CardDetails{
			Alias:      r.text("alias"),
			Type:       r.cardType("i_card_type"),
			Street1:    r.text("street_addr1"),
			Street2:    r.text("street_addr2"),
			State:      r.text("state"),
			PostalCode: r.text("postal_code"),
			City:       r.text("city"),
			Country:    r.text("country"),
			Phone:      r.text("phone"),
		},
	}
	return t, r.err
}

// cardMembersOf tells of one card; never its token.
func cardMembersOf(c *billing.Card) []xmlrpc.Member {
	return []xmlrpc.Member{
		{Name: "i_debit_credit_card", Value: xmlrpc.Int(int64(c.ID))},
		{Name: "alias", Value: xmlrpc.String(c.Alias)},
		{Name: "i_card_type", Value: knownInt(int(c.KnownType()))},
		{Name: "number", Value: xmlrpc.String(c.Last4)},
		{Name: "holder", Value: xmlrpc.String(c.Holder)},
		{Name: "exp_mm", Value: knownInt(c.ExpMonth)},
		{Name: "exp_yy", Value: knownInt(c.ExpYear)},
		{Name: "street_addr1", Value: xmlrpc.String(c.Street1)},
		{Name: "street_addr2", Value: xmlrpc.String(c.Street2)},
		{Name: "state", Value: xmlrpc.String(c.Region)},
		{Name: "postal_code", Value: xmlrpc.String(c.PostalCode)},
		{Name: "city", Value: xmlrpc.String(c.City)},
		{Name: "country", Value: xmlrpc.String(c.Country)},
		{Name: "phone", Value: xmlrpc.String(c.Phone)},
		{Name: "primary", Value: xmlrpc.Bool(c.Primary)},
	}
}

// knownInt is a number of which 0 is not known.
func knownInt(n int) xmlrpc.Value {
	if n == 0 {
		return xmlrpc.Nil()
	}
	return xmlrpc.Int(int64(n))
}
