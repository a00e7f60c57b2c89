package billing

import (
	"context"
	"errors"
)

// Card is a card of an owner in the actor's scope; a deleted one is unknown, and
// its token stays inside. Errors: NotFound.
func (e *Engine) Card(ctx context.Context, o OwnerID, id CardID) (Card, error) {
	var c Card
	err := e.view(ctx, func(r Reader) (err error) {
		if err := inScope(ctx, r, o); err != nil {
			return err
		}
		c, err = cardOf(r, o, id)
		return err
	})
	c.Token = nil
	return c, err
}

// CardsParams selects cards of one owner.
type CardsParams struct {
	Owner  OwnerID
	Offset int64 // how many to leave out
	Limit  int64 // 0: all
}

// Cards lists an owner's cards that are not deleted, by id. Errors: NotFound, Invalid.
func (e *Engine) Cards(ctx context.Context, p CardsParams) ([]Card, error) {
	switch {
	case p.Offset < 0:
		return nil, Errorf(Invalid, "offset", "0 or more")
	case p.Limit < 0:
		return nil, Errorf(Invalid, "limit", "0 or more")
	}
	var cards []Card
	err := e.view(ctx, func(r Reader) error {
		if err := inScope(ctx, r, p.Owner); err != nil {
			return err
		}
		all, err := r.CardsOf(p.Owner)
		cards = nil
		for i := range all {
			if all[i].State != CardDeleted {
				all[i].Token = nil
				cards = append(cards, all[i])
			}
		}
		return err
	})
	cards = cards[min(p.Offset, int64(len(cards))):]
	if p.Limit > 0 {
		cards = cards[:min(p.Limit, int64(len(cards)))]
	}
	return cards, err
}

// inScope gives an owner that the actor does not see the answer of an unknown one.
func inScope(ctx context.Context, r Reader, o OwnerID) error { return within(ctx, r, o, Actor.Sees) }

func within(ctx context.Context, r Reader, o OwnerID, sees func(Actor, *Owner) bool) error {
	owner, err := r.Owner(o)
	if err == nil && !sees(ActorFrom(ctx), &owner) {
		err = NotFound
	}
	return wrongOwner(o, err)
}

// cardOf is an owner's own card that was not deleted.
func cardOf(r Reader, o OwnerID, id CardID) (Card, error) {
	c, err := r.Card(id)
	if errors.Is(err, NotFound) || err == nil && (c.Owner != o || c.State == CardDeleted) {
		return Card{}, Errorf(NotFound, "i_debit_credit_card", "%s has no card %d", o, id)
	}
	return c, err
}

// takePrimary ends that another card of the owner is the primary one.
func (u *unitOfWork) takePrimary(c *Card, cards []Card) error {
	for i := range cards {
		other := &cards[i]
		if other.ID == c.ID || !other.Primary || other.State == CardDeleted {
			continue
		}
		other.Primary, other.Priority, other.UpdatedAt = false, lowerPriority, u.now
		if err := u.tx.PutCard(other); err != nil {
			return err
		}
	}
	c.Primary, c.Priority = true, firstPriority
	return nil
}

// The priorities of a card in the profile interface.
const (
	firstPriority = 1
	lowerPriority = 2
)
