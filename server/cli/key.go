package cli

import (
	"context"
	"errors"

	"topupd/billing"
)

// errKey is told before anything is sent: with another key every charge would
// be cancelled for want of its card's token.
var errKey = errors.New("the key does not open what is in the database: give the one that it was sealed with, in TOPUPD_KEY or in the key file beside the database")

// checkKey opens one login and one card's token, if there are any.
func (o *opened) checkKey(ctx context.Context) error {
	if _, err := o.sealer.get(); err != nil {
		return err
	}
	return o.engine.Snapshot(ctx, func(r billing.Reader) error {
		logins, err := r.Logins()
		if err != nil {
			return err
		}
		for i := range logins {
			if len(logins[i].HA1) == 0 {
				continue
			}
			if _, err := o.engine.LoginHash(&logins[i]); err != nil {
				return errKey
			}
			break
		}
		cards, err := r.Cards(0, 100)
		if err != nil {
			return err
		}
		for i := range cards {
			if len(cards[i].Token) == 0 {
				continue
			}
			if _, err := o.engine.Token(&cards[i]); err != nil {
				return errKey
			}
			break
		}
		return nil
	})
}
