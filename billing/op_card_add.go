package billing

import "context"

// AddCardParams is a new card; all but Street2, CVV and Primary is needed.
type AddCardParams struct {
	Owner OwnerID
	CardTerms
}

// AddCard keeps a card and judges its owner. The owner's first card is the primary
// one unless it says no. A token that a gateway made for a call which then fails is
// left there unused. Errors: Missing, Invalid, NotFound, Forbidden, Busy.
func (e *Engine) AddCard(ctx context.Context, p AddCardParams) (CardID, error) {
	if err := p.required(); err != nil {
		return 0, err
	}
	added := Card{Owner: p.Owner, State: CardUsable, AutoCollect: true, Priority: lowerPriority}
	if err := p.into(&added, now(ctx)); err != nil {
		return 0, err
	}
	if err := e.view(ctx, func(r Reader) error { return inScope(ctx, r, p.Owner) }); err != nil {
		return 0, err
	}
	token, err := e.exchange(ctx, &added, &p.CardTerms)
	if err != nil {
		return 0, err
	}
	var id CardID
	err = e.update(ctx, func(u *unitOfWork) error {
		c := added
		err := u.addCard(&c, &p, token)
		id = c.ID
		return err
	})
	return id, err
}

func (u *unitOfWork) addCard(c *Card, p *AddCardParams, token *newToken) error {
	j, err := u.judged(p.Owner)
	if err != nil {
		return err
	}
	cards, err := u.tx.CardsOf(p.Owner)
	if err != nil {
		return err
	}
	first := true
	for i := range cards {
		first = first && cards[i].State == CardDeleted
	}
	primary := first
	set(&primary, p.Primary)
	if primary {
		if err := u.takePrimary(c, cards); err != nil {
			return err
		}
	}
	c.CreatedAt, c.UpdatedAt, c.Gateway = u.now, u.now, token.gateway
	if err := u.tx.PutCard(c); err != nil { // the token is sealed for the card's id
		return err
	}
	if _, err := u.useToken(c, token); err != nil {
		return err
	}
	if err := u.tx.PutCard(c); err != nil {
		return err
	}
	if err := u.auditCard(AuditAdd, j.Owner.Top, &Card{}, c); err != nil {
		return err
	}
	return u.cardChanged(&j)
}

// cardChanged ends what an earlier card led to, and judges the owner again.
func (u *unitOfWork) cardChanged(j *Judged) error {
	if err := u.resumed(j); err != nil {
		return err
	}
	_, err := u.judge(j, TriggerSave)
	return err
}
