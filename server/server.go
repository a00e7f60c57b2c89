package server

import (
	"fmt"
	"net"
	"net/http"
	"path"
	"strings"
	"sync/atomic"

	"topupd/server/digest"
)

// rememberedNonces bounds the memory of used nonce counts: about 3 MB when full.
const rememberedNonces = 1 << 15

// Server is the HTTP side of topupd. Mount everything first, then serve.
type Server struct {
	options  Options
	mux      *http.ServeMux
	digest   *digest.Authenticator
	logins   *loginCache
	slow     *slowdown
	notes    *loginNotes
	metrics  *metrics
	ready    atomic.Bool
	database databaseCheck
	inFlight atomic.Int64
	stop     chan struct{} // closed when the stop begins, to end waits
	listener net.Listener
}

// New makes a server with /healthz, /readyz and /metrics mounted. It refuses
// options that cannot work.
func New(o Options) (*Server, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	s := &Server{options: o, mux: http.NewServeMux(), stop: make(chan struct{})}
	s.logins = newLoginCache(o.Logins, o.now)
	s.slow = newSlowdown(o.now, *o.slowness)
	var err error
	s.digest, err = digest.New(digest.Config{
		Realm: o.Realm, Key: o.NonceKey, Nonces: rememberedNonces, Lookup: s.credential, Now: o.now,
	})
	if err != nil {
		return nil, fmt.Errorf("--realm: %w", err)
	}
	if s.metrics, err = newMetrics(o.Version, o.Revision, &s.inFlight, o.Collectors); err != nil {
		return nil, err
	}
	s.notes = newLoginNotes(o.LoginNotes, *s.options.noting, o.now, s.metrics.notesDropped, func(err error) {
		o.Logger.Error().Err(err).Msg("logins could not be noted in the audit log")
	})
	s.Mount("GET /healthz", http.HandlerFunc(s.healthz), Open)
	s.Mount("GET /readyz", http.HandlerFunc(s.readyz), Open)
	s.Mount("GET /metrics", s.metrics.handler(), Operator)
	return s, nil
}

// Mount adds a route in the syntax of http.ServeMux. Like it, it panics on
// what can only be a mistake in the program: a pattern that clashes, or an
// Access that is none.
func (s *Server) Mount(pattern string, h http.Handler, access Access) {
	s.mux.Handle(pattern, s.guard(h, access))
}

// SetReady says whether /readyz answers 200. A server starts not ready, and
// becomes not ready by itself when it stops.
func (s *Server) SetReady(ready bool) { s.ready.Store(ready) }

// InFlight is how many requests are being answered now.
func (s *Server) InFlight() int64 { return s.inFlight.Load() }

// ServeHTTP answers one request; Serve does that over a listener.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.observe(w, r, s.route)
}

// route finds the handler. An address that the mux would clean up by a
// redirect is unknown here: clients of old interfaces do not follow one, or
// turn their POST into a GET.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	if !clean(r.URL.Path) && r.Method != http.MethodConnect {
		http.NotFound(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

func clean(p string) bool {
	if !strings.HasPrefix(p, "/") {
		return false
	}
	if p != "/" {
		p = strings.TrimSuffix(p, "/")
	}
	return path.Clean(p) == p
}
