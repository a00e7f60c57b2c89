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
	tokens   *loginCache
	origins  *http.CrossOriginProtection
	limits   *limits
	slow     *slowdown
	notes    *loginNotes
	metrics  *metrics
	ready    atomic.Bool
	database databaseCheck
	inFlight atomic.Int64
	stop     chan struct{} // closed when the stop begins, to end waits
	listener net.Listener

	// plain are the addresses without a wildcard that are not an interface's.
	plain      map[string]bool
	interfaces []*Interface
	places     []place
}

// New makes a server with /healthz, /readyz, /metrics and the contracts mounted. It refuses
// options that cannot work.
func New(o Options) (*Server, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	s := &Server{options: o, mux: http.NewServeMux(), plain: map[string]bool{}, origins: http.NewCrossOriginProtection(), stop: make(chan struct{})}
	s.logins = newLoginCache(o.Logins, o.now)
	s.tokens = newTokenCache(&s.options)
	s.limits = newLimits(o.RateLimit, o.now)
	s.slow = newSlowdown(o.now, *o.slowness)
	var err error
	s.digest, err = digest.New(digest.Config{
		Realm: o.Realm, Keys: o.NonceKeys, Nonces: rememberedNonces, Lookup: s.credential, Now: o.now,
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
	s.mountDocs()
	return s, nil
}

// Mount adds a route in the syntax of http.ServeMux. Like it, it panics on
// what can only be a mistake in the program: a pattern that clashes, or an
// Access that is none.
func (s *Server) Mount(pattern string, h http.Handler, access Access) {
	s.MountLimited(pattern, h, access, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, tooManyText, http.StatusTooManyRequests)
	})
}

// MountLimited is Mount with an answer of its own for who asks too often (XMLRPC).
func (s *Server) MountLimited(pattern string, h http.Handler, access Access, tooMany http.HandlerFunc) {
	s.mux.Handle(pattern, mounted{s.guard(h, access, tooMany)})
	if _, address, found := strings.Cut(pattern, " "); found {
		pattern = address
	}
	if !strings.HasSuffix(pattern, "/") && !strings.Contains(pattern, "{") {
		s.plain[pattern] = true
	}
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
	switch {
	case s.plain[r.URL.Path]: // nearly every request
		s.mux.ServeHTTP(w, r)
	case !clean(r.URL.Path):
		s.missing(w, r, nil)
	case s.knows(r):
		s.mux.ServeHTTP(w, r)
	default:
		s.missing(w, r, s.allowed(r))
	}
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
