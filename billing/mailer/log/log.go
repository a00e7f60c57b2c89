package log

import (
	"context"

	"github.com/rs/zerolog"

	"topupd/billing"
)

// Mailer writes mail to a log.
type Mailer struct{ log zerolog.Logger }

var _ billing.Mailer = Mailer{}

// New makes a Mailer that writes to a log.
func New(log zerolog.Logger) Mailer { return Mailer{log: log} }

// Send writes the mail as one event. It fails only when the context is over
// already, so that a stopping server does not mark it as sent.
func (m Mailer) Send(ctx context.Context, b billing.Mail) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.log.Info().Str("mail_id", b.ID).Str("to", b.To).Str("subject", b.Subject).Str("body", b.Body).Msg("mail")
	return nil
}
