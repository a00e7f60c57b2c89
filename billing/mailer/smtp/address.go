package smtp

import (
	"errors"
	"net"
	"net/url"
	"strconv"

	"topupd/billing"
)

// server is a mail server as the setting names it.
type server struct {
	host     string
	port     int
	implicit bool // TLS from the first byte
	user     string
	password billing.Secret
}

// parseServer reads the setting. Its errors never quote the text, which may
// hold a password.
func parseServer(text string) (server, error) {
	u, err := url.Parse(text)
	if err != nil {
		return server{}, errors.New("not a URL like smtp://user:password@host:port (special characters in the password are written as %XX)")
	}
	var s server
	switch u.Scheme {
	case "smtp":
	case "smtps":
		s.implicit = true
	default:
		return server{}, errors.New("the URL must begin with smtp:// or smtps://")
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return server{}, errors.New("nothing may follow the port (special characters in the password are written as %XX)")
	}
	if s.host = u.Hostname(); s.host == "" {
		return server{}, errors.New("the URL names no host")
	}
	s.user = u.User.Username()
	password, _ := u.User.Password()
	s.password = billing.Secret(password)
	if (s.user == "") != (password == "") {
		return server{}, errors.New("user and password are given together or not at all")
	}
	s.port, err = s.portOf(u.Port())
	return s, err
}

// portOf is the port as given, else the one that servers of this kind use.
func (s server) portOf(text string) (int, error) {
	switch {
	case text != "":
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 65535 {
			return 0, errors.New("the port must be 1 to 65535")
		}
		return n, nil
	case s.implicit:
		return 465, nil
	case s.user != "":
		return 587, nil
	default:
		return 25, nil
	}
}

// address is host and port, for dialling and for messages.
func (s server) address() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }

// loopback reports whether the server is on this machine.
func (s server) loopback() bool {
	ip := net.ParseIP(s.host)
	return s.host == "localhost" || ip != nil && ip.IsLoopback()
}
