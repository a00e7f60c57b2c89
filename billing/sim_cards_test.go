package billing_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"topupd/billing"
)

// simCard is a card and what its panel was last told.
type simCard struct {
	id    billing.CardID
	owner *simOwner
	token billing.Secret
	// deleted is when its end was acknowledged; zero: it is there.
	deleted time.Time
}

// drawCardOp is what a panel does to the cards of an owner, best while one of
// them is being charged.
func (s *simulation) drawCardOp() simOp {
	o := s.someone()
	if s.oneIn(2) {
		o = s.charged(o)
	}
	n := s.rng.IntN(100)
	switch {
	case n < 30 || len(o.cards) == 0:
		return s.drawAddCard(o)
	case n < 70:
		return s.drawUpdateCard(o)
	}
	return s.drawDeleteCard(o)
}

// drawAddCard is a panel that looks for its card before it adds it again.
func (s *simulation) drawAddCard(o *simOwner) simOp {
	s.named++
	alias, token := fmt.Sprintf("card-%d", s.named), s.token(s.rng)
	p := terms(number(token.Reveal()), func(t *billing.CardTerms) { t.Alias = billing.To(alias) })
	if s.oneIn(2) {
		p.Primary = billing.To(s.oneIn(2))
	}
	var id billing.CardID
	asked := false
	return simOp{
		name: fmt.Sprintf("%s gets %s, %s", o.id, alias, token.Reveal()), owner: o, again: true,
		run: func(proc *process) (err error) {
			if asked {
				cards, err := proc.engine.Cards(proc.ctx, billing.CardsParams{Owner: o.id})
				if err != nil {
					return err
				}
				if i := slices.IndexFunc(cards, func(c billing.Card) bool { return c.Alias == alias }); i >= 0 {
					id = cards[i].ID
					return nil
				}
			}
			asked = true
			id, err = proc.engine.AddCard(proc.ctx, billing.AddCardParams{Owner: o.id, CardTerms: p})
			return err
		},
		acked: func() {
			s.counts["card added"]++
			s.keepCard(o, id, token)
		},
	}
}

func (s *simulation) keepCard(o *simOwner, id billing.CardID, token billing.Secret) {
	o.cards = append(o.cards, id)
	s.cards = append(s.cards, &simCard{id: id, owner: o, token: token})
}

func (s *simulation) cardOf(id billing.CardID) *simCard {
	return s.cards[slices.IndexFunc(s.cards, func(c *simCard) bool { return c.id == id })]
}

// oneCard is a card of an owner, if one is being charged mostly that.
func (s *simulation) oneCard(o *simOwner) *simCard {
	id := o.cards[s.rng.IntN(len(o.cards))]
	if s.oneIn(2) {
		s.eachCharge(func(c billing.Charge, _ []billing.Attempt) {
			if c.Open() && slices.Contains(o.cards, c.Card) {
				id = c.Card
			}
		})
	}
	return s.cardOf(id)
}

func (s *simulation) drawUpdateCard(o *simOwner) simOp {
	c := s.oneCard(o)
	var t billing.CardTerms
	what := "another date"
	switch s.rng.IntN(4) {
	case 0:
		t.ExpMonth, t.ExpYear = billing.To(1+s.rng.Int64N(12)), billing.To(2031+s.rng.Int64N(9))
	case 1:
		what, t.Primary = "the primary one", billing.To(!s.oneIn(4))
	default:
		token := s.token(s.rng)
		what, t.Number = token.Reveal(), billing.To(token)
	}
	return simOp{
		name: fmt.Sprintf("card %d is now %s", c.id, what), owner: o, again: true,
		run: func(p *process) error {
			return p.engine.UpdateCard(p.ctx, billing.UpdateCardParams{Owner: o.id, Card: c.id, CardTerms: t})
		},
		acked: func() {
			s.counts["card changed"]++
			if t.Number.Given {
				c.token = *t.Number.Value
			}
		},
	}
}

func (s *simulation) drawDeleteCard(o *simOwner) simOp {
	c := s.oneCard(o)
	open := false
	s.eachCharge(func(ch billing.Charge, _ []billing.Attempt) { open = open || ch.Open() && ch.Card == c.id })
	asked := false
	return simOp{
		name: fmt.Sprintf("card %d is deleted", c.id), owner: o, again: true,
		run: func(p *process) error {
			err := p.engine.DeleteCard(p.ctx, o.id, c.id)
			if asked && billing.ErrorCode(err) == billing.NotFound {
				return nil // the first answer was lost
			}
			asked = true
			return err
		},
		acked: func() {
			s.counts["card deleted"]++
			if open {
				s.counts["card deleted under a charge"]++
			}
			c.deleted = time.Now()
			o.cards = slices.DeleteFunc(o.cards, func(id billing.CardID) bool { return id == c.id })
		},
	}
}

// judgeCards: a card is what was acknowledged last. A deleted one has no token,
// and no new attempt is made with it; one that came with a payment keeps its
// token no longer than that.
func (s *simulation) judgeCards(b *books) {
	for _, c := range s.cards {
		kept := b.cards[c.id]
		gone := !c.deleted.IsZero() || !c.owner.deleted.IsZero()
		switch {
		case kept.Owner != c.owner.id:
			s.find("card %d was acknowledged to %s and is of %s", c.id, c.owner.id, kept.Owner)
		case gone != (kept.State == billing.CardDeleted):
			s.find("card %d is %s, acknowledged as deleted %t", c.id, kept.State, gone)
		case gone && len(kept.Token) > 0:
			s.find("card %d was deleted and has its token", c.id)
		case !gone && !strings.HasSuffix(string(kept.Token), "\x00"+c.token.Reveal()):
			s.find("card %d is not charged by the token that was acknowledged last", c.id)
		}
		s.judgeDeletedCard(b, c)
	}
	aliases := map[string]bool{}
	for id, kept := range b.cards {
		if kept.Alias != "" && aliases[kept.Alias] {
			s.find("%s was added twice", kept.Alias)
		}
		aliases[kept.Alias] = true
		if kept.Aside != "one_time" {
			continue
		}
		open := false
		for _, ch := range b.charges {
			open = open || ch.Card == id && ch.Open()
		}
		if !open && len(kept.Token) > 0 {
			s.find("the card %d came with a payment that has ended, and has its token", id)
		}
	}
}

func (s *simulation) judgeDeletedCard(b *books, c *simCard) {
	since := c.deleted
	if since.IsZero() {
		since = c.owner.deleted
	}
	if since.IsZero() {
		return
	}
	for id, ch := range b.charges {
		for _, a := range b.attempts[id] {
			if ch.Card == c.id && a.FirstAt.After(since) {
				s.find("charge %d made an attempt with card %d %s after that was deleted", id, c.id, a.FirstAt.Sub(since))
			}
		}
	}
}
