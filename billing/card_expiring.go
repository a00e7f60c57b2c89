package billing

import (
	"context"
	"errors"
	"time"
)

// warnExpiring tells owners of cards that are charged automatically and expire
// within 30 days; once per card and date. The nightly billing run does it.
func (e *Engine) warnExpiring(ctx context.Context, run *Run) error {
	return e.expiringCards(ctx, func(cards []Card) error {
		return e.updateRun(ctx, run.ID, nil, func(u *unitOfWork) error { return u.warnCards(cards) })
	})
}

// dryExpiring is warnExpiring, undone.
func (e *Engine) dryExpiring(ctx context.Context, run *Run, p RunParams) error {
	return e.expiringCards(ctx, func(cards []Card) error {
		var mails []Decision
		err := e.update(ctx, func(u *unitOfWork) error {
			if err := u.warnCards(cards); err != nil {
				return err
			}
			mails = u.mails
			return errDryRun
		})
		if !errors.Is(err, errDryRun) {
			return err
		}
		run.dryMails(mails, p)
		return nil
	})
}

// expiringCards hands over the cards that expire within 30 days, a transaction's worth at a time.
func (e *Engine) expiringCards(ctx context.Context, fn func([]Card) error) error {
	for _, month := range expiringMonths(now(ctx)) {
		var after CardID
		for {
			var cards []Card
			err := e.view(ctx, func(r Reader) (err error) {
				cards, err = r.ExpiringCards(month.Year(), int(month.Month()), after, batch)
				return err
			})
			if err != nil {
				return err
			}
			if len(cards) == 0 {
				break
			}
			if err := fn(cards); err != nil {
				return err
			}
			after = cards[len(cards)-1].ID
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

func (u *unitOfWork) warnCards(cards []Card) error {
	for i := range cards {
		if err := u.warnCard(&cards[i]); err != nil {
			return err
		}
	}
	return nil
}

// warnCard sends the notice if a policy that is switched on leads to the card.
func (u *unitOfWork) warnCard(c *Card) error {
	j, err := judgedOf(u.tx, c.Owner)
	if err != nil {
		return err
	}
	if !j.Policy.leadsTo(c) {
		return nil
	}
	if s, err := u.e.standing(u.tx, &j.Owner, u.now); err != nil || s.Held {
		return err
	}
	cause := causeOf("card_expiring", int64(c.ID), int64(c.ExpYear), int64(c.ExpMonth))
	return u.notice(&j, NoticeExpiring, cause, noticeFacts{Card: c})
}
