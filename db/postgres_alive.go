package db

import (
	"net"
	"sync"
	"time"
)

// alivePatience is how long PostgreSQL may take to say that it is there.
const alivePatience = 2 * time.Second

// watch looks after a connection on which PostgreSQL may rightly be silent for long, over
// the sums of a verify: when it has been in use for some time, the server is asked over
// another one whether it is there, and if it is not, this one is closed. Keep-alives find
// a machine that is gone; a server that stands still has a kernel that answers them.
type watch struct {
	conn  net.Conn
	mu    sync.Mutex
	next  time.Duration
	timer *time.Timer
	over  bool
}

func watchOver(conn net.Conn, first time.Duration) *watch {
	w := &watch{conn: conn, next: first}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(w.next, w.look)
	return w
}

func (w *watch) look() {
	there := isThere(w.conn.RemoteAddr())
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.over:
	case there:
		w.next *= 2 // a report of minutes is asked about a few times
		w.timer.Reset(w.next)
	default:
		_ = w.conn.Close() // who reads from it is told
	}
}

// end leaves the connection to others.
func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.timer.Stop()
}

// sslRequest asks whether the server speaks TLS; it answers with a letter, to anybody.
var sslRequest = []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}

// isThere reports whether the server at an address answers. Of several hosts it is the
// connection's own that is asked.
func isThere(at net.Addr) bool {
	c, err := net.DialTimeout(at.Network(), at.String(), alivePatience)
	if err != nil {
		return false
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(alivePatience)); err != nil {
		return false
	}
	if _, err := c.Write(sslRequest); err != nil {
		return false
	}
	_, err = c.Read(make([]byte, 1))
	return err == nil
}
