package billing

import "context"

// UpdateCardParams changes a card; what is not given stays.
type UpdateCardParams struct {
	Owner OwnerID
	Card  CardID
	CardTerms
}

// UpdateCard changes a card. A new number, date or primary card ends a suspension,
// and the owner is judged again. A number that is the last four digits as they are
// shown is no change: panels send back what they were given. A refused call changes
// nothing. Errors: Missing, Invalid, NotFound, Forbidden, Busy.
func (e *Engine) UpdateCard(ctx context.Context, p UpdateCardParams) error {
	if p.empty() {
		return Errorf(Missing, "alias", "give at least one field to change")
	}
	var c Card
	err := e.store.View(ctx, func(r Reader) (err error) {
		if err := inScope(ctx, r, p.Owner); err != nil {
			return err
		}
		c, err = cardOf(r, p.Owner, p.Card)
		return err
	})
	if err != nil {
		return err
	}
	if n := p.Number.Value; n != nil && c.Last4 != "" && n.Reveal() == c.Last4 {
		p.Number = Change[Secret]{}
	}
	if err := p.into(&c, now(ctx)); err != nil {
		return err
	}
	token, err := e.exchange(ctx, &c, &p.CardTerms)
	if err != nil {
		return err
	}
	return e.update(ctx, func(u *unitOfWork) error { return u.updateCard(&p, token) })
}

func (u *unitOfWork) updateCard(p *UpdateCardParams, token *newToken) error {
	j, err := u.judged(p.Owner)
	if err != nil {
		return err
	}
	c, err := cardOf(u.tx, p.Owner, p.Card)
	if err != nil {
		return err
	}
	was := c
	if err := p.into(&c, u.now); err != nil {
		return err
	}
	renewed := c.ExpMonth != was.ExpMonth || c.ExpYear != was.ExpYear
	if token != nil {
		changed, err := u.useToken(&c, token)
		if err != nil {
			return err
		}
		renewed = renewed || changed
	}
	if p.Primary.Value != nil {
		if err := u.changePrimary(&c, *p.Primary.Value); err != nil {
			return err
		}
	}
	c.UpdatedAt = u.now
	if err := u.tx.PutCard(&c); err != nil {
		return err
	}
	switch {
	case renewed || c.Primary && !was.Primary:
		return u.cardChanged(&j)
	case was.Primary && !c.Primary:
		_, err := u.judge(&j, TriggerSave)
		return err
	}
	return nil
}

func (u *unitOfWork) changePrimary(c *Card, primary bool) error {
	switch {
	case primary == c.Primary:
		return nil
	case !primary:
		c.Primary, c.Priority = false, lowerPriority
		return nil
	}
	cards, err := u.tx.CardsOf(c.Owner)
	if err != nil {
		return err
	}
	return u.takePrimary(c, cards)
}
