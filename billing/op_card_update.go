package billing

import "context"

// UpdateCardParams changes a card; what is not given stays.
type UpdateCardParams struct {
	Owner OwnerID
	Card  CardID
	CardTerms
}

// UpdateCard changes a card. A new number, date or primary card ends a suspension,
// and the owner is judged again. What a member holds as it is shown is no change:
// panels send back what they were given, the last four digits among it. A refused call changes
// nothing. Errors: Missing, Invalid, NotFound, Forbidden, Busy.
func (e *Engine) UpdateCard(ctx context.Context, p UpdateCardParams) error {
	if p.empty() {
		return Errorf(Missing, "alias", "give at least one field to change")
	}
	var c Card
	err := e.view(ctx, func(r Reader) (err error) {
		if err := inScope(ctx, r, p.Owner); err != nil {
			return err
		}
		c, err = cardOf(r, p.Owner, p.Card)
		return err
	})
	if err != nil {
		return err
	}
	p.leaveShown(&c)
	if err := p.into(&c, now(ctx)); err != nil {
		return err
	}
	token, err := e.exchange(ctx, &c, &p.CardTerms)
	if err != nil {
		return err
	}
	return e.update(ctx, func(u *unitOfWork) error { return u.updateCard(&p, token) })
}

// leaveShown takes out what says of a card what is shown of it: not known, a date
// that has passed since, digits in place of a number.
func (p *CardTerms) leaveShown(c *Card) {
	if n := p.Number.Value; n != nil && n.Reveal() == c.Last4 {
		p.Number = Change[Secret]{}
	}
	if t := p.Type; t.Given && t.Value == nil && !c.KnownType().Known() {
		p.Type = Change[CardType]{}
	}
	if shows(p.ExpMonth, c.ExpMonth) && shows(p.ExpYear, c.ExpYear) {
		p.ExpMonth, p.ExpYear = Change[int64]{}, Change[int64]{}
	}
	if t := p.Country.Value; t != nil && *t == c.Country {
		p.Country = Change[string]{}
	}
}

// shows reports whether a change is to the number as it is, null where it is not
// known.
func shows(to Change[int64], is int) bool {
	if to.Value == nil {
		return !to.Given || is == 0
	}
	return is != 0 && *to.Value == int64(is)
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
	if err := u.auditCard(AuditUpdate, j.Owner.Top, &was, &c); err != nil {
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
