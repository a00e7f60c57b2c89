package dbtest

import (
	"bytes"
	"net"
	"sync"
	"testing"
)

// Proxy stands between a server of ours and PostgreSQL, as a network that may fail.
type Proxy struct {
	socket string
	l      net.Listener
	wg     sync.WaitGroup

	mu     sync.Mutex
	pairs  map[net.Conn]net.Conn
	mute   map[net.Conn]Fate // servers whose next answer does not arrive
	down   bool
	silent bool
	fate   func() Fate
	turned sync.Cond
}

// Fate is what becomes of a COMMIT.
type Fate int

// The fates.
const (
	Passes Fate = iota
	CutBefore
	CutAfter   // it arrives; its answer does not
	FatalAfter // it arrives; the answer is that the server was told to end
)

// NewProxy listens on loopback for a server that listens on a socket.
func NewProxy(t testing.TB, socket string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{socket: socket, l: l, pairs: map[net.Conn]net.Conn{}, mute: map[net.Conn]Fate{}}
	p.turned.L = &p.mu
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.Mend()
		p.Cut()
		p.wg.Wait()
	})
	return p
}

// Host is where the proxy listens: an address and a port.
func (p *Proxy) Host() string { return p.l.Addr().String() }

// Address is that of a database behind the proxy.
func (p *Proxy) Address(database string) string {
	return "postgres://postgres@" + p.Host() + "/" + database + "?sslmode=disable"
}

// OnCommit decides about each COMMIT; nil lets them pass.
func (p *Proxy) OnCommit(fate func() Fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fate = fate
}

// Refuse refuses new connections.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
}

// Down refuses connections and cuts those there are; Silent lets nothing through and
// tells nobody; Mend ends all three.
func (p *Proxy) Down() {
	p.Refuse()
	p.Cut()
}

// Silent is a network that swallows everything.
func (p *Proxy) Silent() {
	p.mu.Lock()
	p.silent = true
	p.mu.Unlock()
}

// Mend lets everything through again.
func (p *Proxy) Mend() {
	p.mu.Lock()
	p.down, p.silent = false, false
	p.turned.Broadcast()
	p.mu.Unlock()
}

// Cut ends all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for client, server := range p.pairs {
		_ = client.Close()
		_ = server.Close()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.l.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		down := p.down
		p.mu.Unlock()
		server, err := net.Dial("unix", p.socket)
		if err != nil || down {
			_ = client.Close()
			if server != nil {
				_ = server.Close()
			}
			continue
		}
		p.mu.Lock()
		p.pairs[client] = server
		p.mu.Unlock()
		p.wg.Go(func() { p.pass(client, server, true); p.end(client, server) })
		p.wg.Go(func() { p.pass(server, client, false); p.end(client, server) })
	}
}

func (p *Proxy) end(client, server net.Conn) {
	_ = client.Close()
	_ = server.Close()
	p.mu.Lock()
	delete(p.pairs, client)
	delete(p.mute, server)
	p.mu.Unlock()
}

// commit is the statement's text in the protocol's simple query.
var commit = append([]byte("COMMIT"), 0)

// fatal is an ErrorResponse of the protocol: 57P01, as from pg_terminate_backend while a
// commit that is already written waits for a standby.
var fatal = func() []byte {
	const fields = "SFATAL\x00VFATAL\x00C57P01\x00Mterminating connection due to administrator command\x00\x00"
	return append([]byte{'E', 0, 0, 0, byte(4 + len(fields))}, fields...)
}()

func (p *Proxy) pass(from, to net.Conn, asks bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		for p.silent {
			p.turned.Wait()
		}
		fate, mute := p.fate, p.mute[from]
		p.mu.Unlock()
		if mute == FatalAfter {
			_, _ = to.Write(fatal)
		}
		if mute != Passes {
			return
		}
		became := Passes
		if asks && fate != nil && bytes.Contains(buf[:n], commit) {
			became = fate()
		}
		if became == CutBefore {
			return
		}
		if became != Passes {
			p.mu.Lock()
			p.mute[to] = became
			p.mu.Unlock()
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}
