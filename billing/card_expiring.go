package billing

import (
	"context"
	"time"
)

// warnExpiring tells owners of cards that are charged automatically and expire
// within 30 days; once per card and date. The nightly billing run does it.
func (e *Engine) warnExpiring(ctx context.Context, run *Run) error {
	today := now(ctx)
	for _, month := range expiringMonths(today) {
		var after CardID
		for {
			var cards []Card
			err := e.store.View(ctx, func(r Reader) (err error) {
				cards, err = r.ExpiringCards(month.Year(), int(month.Month()), after, page)
				return err
			})
			if err != nil {
				return err
			}
			if len(cards) == 0 {
				break
			}
			after = cards[len(cards)-1].ID
			err = e.updateRun(ctx, run.ID, func(u *unitOfWork) error {
				for i := range cards {
					if err := u.warnCard(&cards[i]); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// expiringMonths are the months whose last day is within the next 30 days.
func expiringMonths(today time.Time) []time.Time {
	first := time.Date(today.Year(), today.Month(), 1, 0, 0, 0, 0, time.UTC)
	months := []time.Time{}
	for _, m := range []time.Time{first, first.AddDate(0, 1, 0)} {
		if end := m.AddDate(0, 1, 0); !end.After(today.AddDate(0, 0, 30)) {
			months = append(months, m)
		}
	}
	return months
}

// warnCard sends the notice if a policy that is switched on leads to the card.
func (u *unitOfWork) warnCard(c *Card) error {
	j, err := judgedOf(u.tx, c.Owner)
	if err != nil {
		return err
	}
	p := &j.Policy
	leads := func(on bool, named *CardID) bool {
		return on && (named == nil && c.Primary || named != nil && *named == c.ID)
	}
	if !leads(p.ChargeCard, p.Card) && !leads(p.BRChargeCard, p.BRCard) {
		return nil
	}
	if s, err := u.e.standing(u.tx, &j.Owner); err != nil || s.Held {
		return err
	}
	cause := causeOf("card_expiring", int64(c.ID), int64(c.ExpYear), int64(c.ExpMonth))
	return u.notice(&j, NoticeExpiring, cause, noticeFacts{Card: c})
}
