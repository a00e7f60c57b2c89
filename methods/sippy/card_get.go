package sippy

import (
	"context"
	"slices"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func getCardMethod() method {
	return method{
		name: "getDebitCreditCardInfo", use: billing.UseReads, about: "Returns a payment card, its number as the last four digits.",
		params: slices.Concat(ownerParams, []param{cardParam}), returns: cardReply, run: (*api).getCard,
	}
}

func (a *api) getCard(ctx context.Context, c call) (xmlrpc.Value, error) {
	owner, id, err := cardOf(c)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	card, err := a.engine.Card(ctx, owner, id)
	if err != nil {
		return xmlrpc.Value{}, err
	}
	return xmlrpc.Struct(append([]xmlrpc.Member{resultOK}, cardMembersOf(&card)...)...), nil
}
