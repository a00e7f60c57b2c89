package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	netmail "net/mail"
	"time"

	mail "github.com/wneessen/go-mail"

	"topupd/billing"
)

// Mailer sends mail through one server, one connection a mail. It is safe for
// concurrent use.
type Mailer struct {
	server  server
	from    netmail.Address
	timeout time.Duration
	roots   *x509.CertPool // nil: the system's
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

var _ billing.Mailer = Mailer{}

// Option changes a Mailer.
type Option func(*Mailer)

// WithTimeout bounds one delivery; 30 seconds by default.
func WithTimeout(d time.Duration) Option { return func(m *Mailer) { m.timeout = d } }

// WithRootCAs verifies the server's certificate by these authorities instead of
// the system's.
func WithRootCAs(pool *x509.CertPool) Option { return func(m *Mailer) { m.roots = pool } }

// New makes a Mailer for a server's URL and a sender's address. Errors name
// what is wrong, never the URL itself.
func New(serverURL, from string, opts ...Option) (Mailer, error) {
	s, err := parseServer(serverURL)
	if err != nil {
		return Mailer{}, err
	}
	sender, err := netmail.ParseAddress(from)
	if err != nil {
		return Mailer{}, errors.New("the sender is not a mail address")
	}
	var d net.Dialer
	m := Mailer{server: s, from: *sender, timeout: 30 * time.Second, dial: d.DialContext}
	for _, o := range opts {
		o(&m)
	}
	return m, nil
}

// String names the server without its login.
func (m Mailer) String() string {
	if m.server.implicit {
		return "smtps://" + m.server.address()
	}
	return "smtp://" + m.server.address()
}

// GoString is String: the fields hold a password.
func (m Mailer) GoString() string { return m.String() }

// Send delivers one mail. Errors: *billing.PermanentError when the mail is
// malformed or the server refuses it; any other one may be tried again.
func (m Mailer) Send(ctx context.Context, b billing.Mail) error {
	msg, err := m.message(b)
	if err != nil {
		return &billing.PermanentError{Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	var l line
	defer l.close()
	client, err := m.client(ctx, &l)
	if err != nil {
		return m.fault(ctx, err)
	}
	if err = client.DialWithContext(ctx); err == nil {
		err = client.Send(msg)
	}
	if msg.IsDelivered() {
		// Errors from here on are no reason to send it twice.
		l.hurry()
		_ = client.Close()
		return nil
	}
	if err == nil {
		err = errors.New("the mail was not sent")
	}
	return m.fault(ctx, err)
}

func (m Mailer) client(ctx context.Context, l *line) (*mail.Client, error) {
	conf := &tls.Config{
		ServerName: m.server.host, RootCAs: m.roots, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: m.server.loopback(), // see the package's invariants
	}
	opts := []mail.Option{
		// The library's own limit is behind the context's, which says what happened.
		mail.WithPort(m.server.port), mail.WithTimeout(2 * m.timeout), mail.WithTLSConfig(conf),
		mail.WithTLSPolicy(mail.TLSOpportunistic), mail.WithoutNoop(), mail.WithoutRset(),
		// The library's own context ends with the dialling; the delivery's goes on.
		mail.WithDialContextFunc(func(_ context.Context, network, address string) (net.Conn, error) {
			return l.open(ctx, m, network, address, conf)
		}),
	}
	if m.server.implicit {
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS)) // it is encrypted before the library sees it
	}
	if m.server.user != "" {
		opts = append(opts, mail.WithSMTPAuthCustom(&login{server: m.server}))
	}
	return mail.NewClient(m.server.host, opts...)
}
