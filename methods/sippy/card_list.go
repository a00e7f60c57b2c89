package sippy

import (
	"context"
	"slices"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// maxCards is how many cards one list holds at most.
const maxCards = 10_000

func listCardsMethod() method {
	return method{
		name: "listDebitCreditCards", use: billing.UseReads, about: "Lists the payment cards of an account or customer, by id; the rows are those of getDebitCreditCardInfo and card_name.",
		run:     (*api).listCards,
		params:  slices.Concat(ownerParams, pageParams(maxCards)),
		returns: []param{{name: "debit_credit_cards", kind: "array"}},
	}
}

func (a *api) listCards(ctx context.Context, c call) (xmlrpc.Value, error) {
	p := billing.CardsParams{}
	var err error
	if p.Owner, err = ownerOf(c.Params); err != nil {
		return xmlrpc.Value{}, err
	}
	rowsOf, err := pageOf(c.Params, maxCards)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	p.Offset, p.Limit = rowsOf.offset, rowsOf.limit
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
