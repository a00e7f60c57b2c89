package server

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	icholy "github.com/icholy/digest"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"topupd/billing"
	"topupd/server/digest"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	realm    = "topupd"
	password = "very-secret-word"
)

// quick is the default slowness with pauses that tests can wait for.
var quick = slowness{every: 3 * time.Second, burst: 20, addressEvery: 100 * time.Millisecond, addressBurst: 600, pause: time.Millisecond, longest: 9 * time.Second, keys: 100, waiting: 100}

// fixture is a server with one route per access, whose handlers answer with
// the actor that they saw.
type fixture struct {
	*Server
	log     *lockedBuffer
	lookups atomic.Int64
	mu      sync.Mutex
	off     map[string]bool // disabled logins
	blocked billing.Block   // of all
	down    error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (f *fixture) lookup(_ context.Context, name string) (Login, string, bool, error) {
	f.lookups.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down != nil {
		return Login{}, "", false, f.down
	}
	customers := map[string]int64{"admin": 1, "acme": 10}
	n, ok := customers[name]
	if !ok || f.off[name] {
		return Login{}, "", false, nil
	}
	return Login{Name: name, Customer: n, Blocked: f.blocked}, digest.HA1(name, realm, password), true, nil
}

func newFixture(t testing.TB, change func(*Options)) *fixture {
	t.Helper()
	f := &fixture{log: &lockedBuffer{}, off: map[string]bool{}}
	o := Options{Realm: realm, Logins: f.lookup, Logger: zerolog.New(f.log), slowness: &quick}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	f.Server = s
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := billing.ActorFrom(r.Context())
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		Note(r.Context(), "method", "echo")
		io.WriteString(w, strings.Join([]string{a.Login, a.Address, a.API}, ","))
		if a.IsRoot() {
			io.WriteString(w, ",root")
		}
		if a.Trusted {
			io.WriteString(w, ",trusted")
		}
		if a.TLS {
			io.WriteString(w, ",tls")
		}
		if a.Blocked != 0 {
			io.WriteString(w, ","+a.Blocked.String())
		}
		if n > 0 {
			io.WriteString(w, ",body")
		}
	})
	s.Mount("POST /xmlapi/xmlapi", echo, XMLRPC)
	s.Mount("/pages", echo, AnyLogin)
	s.Mount("/operators", echo, Operator)
	s.Mount("/open", echo, Open)
	return f
}

func (f *fixture) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// start serves the fixture over a real socket.
func (f *fixture) start(t testing.TB) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	return srv
}

// do calls the handler directly.
func (f *fixture) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

func from(r *http.Request, address string) *http.Request {
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(address), 4711).String()
	return r
}

func get(path, address string) *http.Request {
	return from(httptest.NewRequest("GET", path, nil), address)
}

// sign answers a challenge, as icholy's client does.
func sign(t testing.TB, f *fixture, r *http.Request, user, password string) *http.Request {
	t.Helper()
	w := httptest.NewRecorder()
	f.digest.Challenge(w, false)
	return answer(t, w.Result(), r, user, password, 1)
}

func answer(t testing.TB, challenge *http.Response, r *http.Request, user, password string, count int) *http.Request {
	t.Helper()
	c, err := icholy.FindChallenge(challenge.Header)
	if err != nil {
		t.Fatal(err)
	}
	cred, err := icholy.Digest(c, icholy.Options{Username: user, Password: password, Method: r.Method, URI: r.URL.RequestURI(), Count: count})
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", cred.String())
	return r
}

func post(body string) *http.Request {
	return from(httptest.NewRequest("POST", "/xmlapi/xmlapi", strings.NewReader(body)), "192.0.2.7")
}

// clock is a clock that tests move.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

func expect(t testing.TB, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status || (body != "" && w.Body.String() != body) {
		t.Errorf("got %d %q, want %d %q", w.Code, w.Body, status, body)
	}
}
