package smtp

import (
	"errors"
	netmail "net/mail"
	"strings"

	mail "github.com/wneessen/go-mail"

	"topupd/billing"
)

// message makes the mail to send. What it refuses, it would refuse again.
func (m Mailer) message(b billing.Mail) (*mail.Msg, error) {
	to, err := oneAddress(b.To)
	if err != nil {
		return nil, err
	}
	if hasControl(b.Subject) {
		return nil, errors.New("the subject holds a line break or another control character")
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if b.ID != "" {
		id, err := messageID(b.ID, m.from.Address)
		if err != nil {
			return nil, err
		}
		msg.SetMessageIDWithValue(id)
	}
	msg.FromMailAddress(&m.from)
	msg.ToMailAddress(to)
	msg.Subject(b.Subject)
	msg.SetDate()
	// Auto-responders must not answer a notice (RFC 3834).
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(mail.TypeTextPlain, strings.ToValidUTF8(b.Body, "\uFFFD"))
	return msg, nil
}

// oneAddress reads a single recipient: a list, or a line break that would begin
// a header of its own, is refused.
func oneAddress(text string) (*netmail.Address, error) {
	if hasControl(text) {
		return nil, errors.New("the recipient holds a line break or another control character")
	}
	a, err := netmail.ParseAddress(text)
	// An encoded name may decode to what its text did not show.
	if err != nil || hasControl(a.Name) || strings.ContainsAny(a.Address, "<> ") {
		return nil, errors.New("the recipient is not one mail address")
	}
	return a, nil
}

// messageID completes an id with the sender's domain.
func messageID(id, from string) (string, error) {
	for _, r := range id {
		if r <= ' ' || r > '~' || r == '<' || r == '>' {
			return "", errors.New("the message id is malformed")
		}
	}
	if !strings.Contains(id, "@") {
		id += from[strings.LastIndexByte(from, '@'):]
	}
	return id, nil
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' })
}
