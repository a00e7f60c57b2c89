package smtp

import (
	"errors"
	"slices"

	mailsmtp "github.com/wneessen/go-mail/smtp"
)

// login answers a server's AUTH. It prefers PLAIN, which every server has,
// since by then the connection is encrypted or does not leave this machine.
type login struct {
	server server
	mailsmtp.Auth
}

func (l *login) Start(info *mailsmtp.ServerInfo) (string, []byte, error) {
	if !info.TLS && !l.server.loopback() {
		return "", nil, errors.New("the server offers no encryption, so the password is not sent")
	}
	user, password := l.server.user, l.server.password.Reveal()
	switch {
	case slices.Contains(info.Auth, "PLAIN"):
		l.Auth = mailsmtp.PlainAuth("", user, password, info.Name, true)
	case slices.Contains(info.Auth, "LOGIN"):
		l.Auth = mailsmtp.LoginAuth(user, password, info.Name, true)
	case slices.Contains(info.Auth, "CRAM-MD5"):
		l.Auth = mailsmtp.CRAMMD5Auth(user, password)
	default:
		return "", nil, errors.New("the server offers no login by PLAIN, LOGIN or CRAM-MD5")
	}
	return l.Auth.Start(info)
}
