package smtp

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	mail "github.com/wneessen/go-mail"

	"topupd/billing"
)

// fault is the error of a delivery: the server's words without the password,
// permanent if the server refused this very mail.
func (m Mailer) fault(ctx context.Context, cause error) error {
	text := m.scrub(cause.Error())
	if err := ctx.Err(); err != nil {
		// The library then reports a closed connection; what ended it is the context.
		return fmt.Errorf("mail server %s: %w: %s", m.server.address(), err, text)
	}
	err := fmt.Errorf("mail server %s: %s", m.server.address(), text)
	if refusesMail(cause) {
		return &billing.PermanentError{Err: err}
	}
	return err
}

// refusesMail reports whether the server answered 5xx to the mail itself. A 5xx
// to the greeting or the login is about our setting: once that is mended, the
// mail goes out.
func refusesMail(cause error) bool {
	var refusal *mail.SendError
	if !errors.As(cause, &refusal) || refusal.ErrorCode() < 500 {
		return false
	}
	switch refusal.ErrorCode() {
	case 530, 534, 535, 538: // a login is required, too weak or wrong
		return false
	}
	return true
}

// scrub takes the password out, as it is, as the library quotes an answer and as
// AUTH sends it: a server may repeat what it was told.
func (m Mailer) scrub(text string) string {
	p := m.server.password.Reveal()
	if p == "" {
		return text
	}
	b64, quoted := base64.StdEncoding, strconv.Quote(p)
	for _, form := range []string{
		b64.EncodeToString([]byte("\x00" + m.server.user + "\x00" + p)), b64.EncodeToString([]byte(p)),
		p, quoted[1 : len(quoted)-1],
	} {
		text = strings.ReplaceAll(text, form, "redacted")
	}
	return text
}
