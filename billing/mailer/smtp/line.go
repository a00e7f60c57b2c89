package smtp

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// line is the connection of one delivery. The library heeds a context only
// while it dials, and leaves the connection open when a login fails.
type line struct {
	conn net.Conn
	stop func() bool
}

// open dials. From then on the end of the delivery's context closes the connection.
func (l *line) open(ctx context.Context, m Mailer, network, address string, conf *tls.Config) (net.Conn, error) {
	conn, err := m.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.conn = conn
	l.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	if !m.server.implicit {
		return conn, nil
	}
	encrypted := tls.Client(conn, conf)
	return encrypted, encrypted.HandshakeContext(ctx)
}

// hurry leaves a server that took the mail a moment for its goodbye.
func (l *line) hurry() {
	if l.conn != nil {
		_ = l.conn.SetDeadline(time.Now().Add(time.Second))
	}
}

func (l *line) close() {
	if l.stop != nil {
		l.stop()
	}
	if l.conn != nil {
		_ = l.conn.Close()
	}
}
