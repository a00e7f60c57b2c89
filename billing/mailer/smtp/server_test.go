package smtp

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
)

// testServer is a mail server on loopback that keeps what it gets and answers
// as it is told.
type testServer struct {
	conf     *tls.Config
	starttls bool
	implicit bool
	login    bool // asks for alice and testPassword
	mechs    []string
	// What it answers; nil accepts.
	onMail, onRcpt, onData error
	onAuth                 error
	stall                  chan struct{} // data waits for it

	mu   sync.Mutex
	got  []delivery
	addr string
}

type delivery struct {
	from, to string
	tls      bool
	mech     string
	data     string
}

// testPassword changes when it is quoted, escaped in a URL or encoded.
const testPassword = `s3cret/"p@ss\`

func (s *testServer) start(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	srv := gosmtp.NewServer(gosmtp.BackendFunc(func(c *gosmtp.Conn) (gosmtp.Session, error) {
		_, encrypted := c.TLSConnectionState()
		return &session{s: s, d: delivery{tls: encrypted}}, nil
	}))
	srv.Domain, srv.AllowInsecureAuth, srv.EnableSMTPUTF8 = "mail.example", true, true
	srv.ErrorLog = log.New(io.Discard, "", 0)
	switch {
	case s.implicit:
		l = tls.NewListener(l, s.conf)
	case s.starttls:
		srv.TLSConfig = s.conf
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	t.Cleanup(func() {
		if s.stall != nil {
			close(s.stall)
		}
		_ = srv.Close()
		<-done
	})
}

func (s *testServer) deliveries() []delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]delivery(nil), s.got...)
}

type session struct {
	s      *testServer
	d      delivery
	authed bool
}

func (c *session) AuthMechanisms() []string {
	if !c.s.login {
		return nil
	}
	if c.s.mechs != nil {
		return c.s.mechs
	}
	return []string{"PLAIN", "LOGIN"}
}

func (c *session) Auth(mech string) (sasl.Server, error) {
	c.d.mech = mech
	check := func(user, password string) error {
		if c.s.onAuth != nil {
			return c.s.onAuth
		}
		if user != "alice" || password != testPassword {
			return gosmtp.ErrAuthFailed
		}
		c.authed = true
		return nil
	}
	if mech == "LOGIN" {
		return &loginServer{check: check}, nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
}

// loginServer asks for user and password one after the other.
type loginServer struct {
	check func(user, password string) error
	user  string
	step  int
}

func (l *loginServer) Next(response []byte) ([]byte, bool, error) {
	l.step++
	switch l.step {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(response)
		return []byte("Password:"), false, nil
	default:
		return nil, true, l.check(l.user, string(response))
	}
}

func (c *session) Reset()        {}
func (c *session) Logout() error { return nil }

func (c *session) Mail(from string, _ *gosmtp.MailOptions) error {
	if c.s.login && !c.authed {
		return &gosmtp.SMTPError{Code: 530, Message: "authentication required"}
	}
	c.d.from = from
	return c.s.onMail
}

func (c *session) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	c.d.to = to
	return c.s.onRcpt
}

func (c *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if c.s.stall != nil {
		<-c.s.stall
	}
	if c.s.onData != nil {
		return c.s.onData
	}
	c.d.data = string(b)
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.got = append(c.s.got, c.d)
	return nil
}

// certificate makes one for mail.example and 127.0.0.1, and the pool that
// trusts it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"mail.example"}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	conf := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return conf, pool
}

// remotely makes a mailer reach the server under a name that is not loopback.
func remotely(s *testServer) Option {
	return func(m *Mailer) {
		m.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, s.addr)
		}
	}
}

var errRefusedDial = errors.New("nothing may be dialled")

// nowhere fails a test's mailer that dials although it must not.
func nowhere(m *Mailer) {
	m.dial = func(context.Context, string, string) (net.Conn, error) { return nil, errRefusedDial }
}
