package billing

import "context"

// Mail is one rendered message, ready to send.
type Mail struct {
	// ID becomes the Message-ID, so that a second delivery of the same notice
	// can be recognised.
	ID      string
	To      string
	Subject string
	Body    string // plain text, UTF-8, lines ended by \n
}

// Mailer delivers notices. It owns no wording.
type Mailer interface {
	// Send delivers one message or says why not. An error for which
	// IsPermanent is true is not tried again.
	Send(ctx context.Context, m Mail) error
}

// PermanentError marks a delivery failure that another try would not mend:
// an address that is refused, a message that is malformed.
type PermanentError struct{ Err error }

// Error is the cause's text.
func (e *PermanentError) Error() string { return e.Err.Error() }

// Unwrap is the cause.
func (e *PermanentError) Unwrap() error { return e.Err }
