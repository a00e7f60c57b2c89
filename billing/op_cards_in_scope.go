package billing

import (
	"cmp"
	"context"
	"errors"
	"slices"
)

// CustomerCards lists the cards of the customers in the actor's scope by id, deleted ones
// left out. An operator's list is read in pages; another login's cost follows its scope.
func (e *Engine) CustomerCards(ctx context.Context, f ListFilter) ([]Card, error) {
	var all []Card
	err := e.view(ctx, func(r Reader) (err error) {
		if ActorFrom(ctx).IsRoot() {
			all, err = everyCard(r, f)
		} else {
			all, err = cardsWithin(ctx, r, f)
		}
		return err
	})
	return all, err
}

// CustomerCard is one of them. Errors: NotFound.
func (e *Engine) CustomerCard(ctx context.Context, id CardID) (c Card, err error) {
	err = e.view(ctx, func(r Reader) error {
		c, err = r.Card(id)
		if err == nil && (c.Owner.IsAccount() || c.State == CardDeleted) {
			err = NotFound
		}
		if err == nil {
			err = inScope(ctx, r, c.Owner)
		}
		if errors.Is(err, NotFound) {
			return Errorf(NotFound, "id", "there is no card %d in your scope", id)
		}
		return err
	})
	c.Token = nil
	return c, err
}

func (f *ListFilter) card(c *Card) bool {
	return !c.Owner.IsAccount() && c.State != CardDeleted && int64(c.ID) > f.After &&
		!c.CreatedAt.Before(f.CreatedSince) && !c.UpdatedAt.Before(f.UpdatedSince)
}

func everyCard(r Reader, f ListFilter) ([]Card, error) {
	var all []Card
	for after := CardID(f.After); ; {
		cards, err := r.Cards(after, page)
		if err != nil || len(cards) == 0 {
			return all, err
		}
		for i := range cards {
			if after = cards[i].ID; !f.card(&cards[i]) {
				continue
			}
			cards[i].Token = nil
			if all = append(all, cards[i]); len(all) == f.Limit {
				return all, nil
			}
		}
	}
}

func cardsWithin(ctx context.Context, r Reader, f ListFilter) ([]Card, error) {
	kind := KindCustomer
	within := OwnerFilter{Within: ActorFrom(ctx).Customer, Kind: &kind, Limit: page}
	var all []Card
	for {
		owners, err := r.Owners(within)
		if err != nil {
			return nil, err
		}
		if len(owners) == 0 {
			break
		}
		for i := range owners {
			if within.After = owners[i].ID; !ActorFrom(ctx).Sees(&owners[i]) {
				continue
			}
			cards, err := r.CardsOf(owners[i].ID)
			if err != nil {
				return nil, err
			}
			for _, c := range cards {
				if f.card(&c) {
					c.Token = nil
					all = append(all, c)
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b Card) int { return cmp.Compare(a.ID, b.ID) })
	if f.Limit > 0 {
		all = all[:min(f.Limit, len(all))]
	}
	return all, nil
}
