package sippy

import (
	"context"
	"slices"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func listCardsMethod() method {
	return method{
		name: "listDebitCreditCards", use: billing.UseReads, about: "Lists the payment cards of an account or customer, by id; the rows are those of getDebitCreditCardInfo and card_name.",
		run: (*api).listCards,
		params: slices.Concat(ownerParams, []param{
			{name: "offset", kind: "int", note: "how many to leave out"},
			{name: "limit", kind: "int", note: "at most so many; 0 is all"},
		}),
		returns: []param{{name: "debit_credit_cards", kind: "array"}},
	}
}

func (a *api) listCards(ctx context.Context, c call) (xmlrpc.Value, error) {
	p := billing.CardsParams{}
	var err error
	if p.Owner, err = ownerOf(c.Params); err != nil {
		return xmlrpc.Value{}, err
	}
	if p.Offset, err = countOf(c.Params, "offset"); err != nil {
		return xmlrpc.Value{}, err
	}
	if p.Limit, err = countOf(c.Params, "limit"); err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	cards, err := a.engine.Cards(ctx, p)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	rows := make([]xmlrpc.Value, len(cards))
	for i := range cards {
		name := xmlrpc.Member{Name: "card_name", Value: xmlrpc.String(cardName(&cards[i]))}
		rows[i] = xmlrpc.Struct(append(cardMembersOf(&cards[i]), name)...)
	}
	return xmlrpc.Struct(resultOK, xmlrpc.Member{Name: "debit_credit_cards", Value: xmlrpc.Array(rows...)}), nil
}

// cardName is the type's text, of another network's card the brand as it is shown.
func cardName(c *billing.Card) string {
	if t := c.KnownType(); t.Known() {
		return t.String()
	}
	return c.Brand
}

// countOf reads an offset or limit; absent is 0.
func countOf(p xmlrpc.Params, name string) (int64, error) {
	n, state, err := p.Int(name)
	if err == nil && (state == xmlrpc.Null || n < 0) {
		err = wrong(name)
	}
	return n, err
}
