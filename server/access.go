package server

import (
	"net/http"

	"topupd/billing"
	"topupd/server/digest"
)

// Access says which identity a route needs.
type Access int

// The accesses. The zero value is none of them, so that forgetting it is
// found at start.
const (
	_ Access = iota
	// Open: nobody is asked, and nobody is known.
	Open
	// XMLRPC: Digest, or a trusted network.
	XMLRPC
	// Operator: a root login by Basic, or a request from this very machine.
	Operator
	// AnyLogin: any login by Basic, or a request from this very machine.
	AnyLogin
)

// guard puts the check of an access before a handler; tooMany answers who asks too often.
func (s *Server) guard(h http.Handler, access Access, tooMany http.HandlerFunc) http.Handler {
	limited := func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, s.options.MaxBody)
		h.ServeHTTP(w, r)
	}
	switch access {
	case Open:
		return http.HandlerFunc(limited)
	case XMLRPC:
		return s.guardXMLRPC(limited, tooMany)
	case Operator:
		return s.guardPages(limited, true)
	case AnyLogin:
		return s.guardPages(limited, false)
	default:
		panic("server: mounted without a known access")
	}
}

// guardXMLRPC lets in by Digest or trusted network.
func (s *Server) guardXMLRPC(answer, tooMany http.HandlerFunc) http.Handler {
	next := func(w http.ResponseWriter, r *http.Request, login Login) {
		r = s.withActor(r, login, "xmlrpc")
		if s.limited(w, r, login) {
			digest.Drain(r, s.options.MaxBody)
			tooMany(w, r)
			return
		}
		answer(w, r)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Note(r.Context(), "api", "xmlrpc")
		// A page of somebody else must not use a password that a browser kept, or the
		// trusted network that it is in.
		if s.origins.Check(r) != nil {
			digest.Drain(r, s.options.MaxBody)
			http.Error(w, "calls from pages of another origin are refused", http.StatusForbidden)
			return
		}
		if s.trusts(r) {
			next(w, r, Login{Customer: 1, Trusted: true})
			return
		}
		login, result, err := s.checkDigest(r)
		switch result {
		case digest.OK:
			s.notes.succeeded(r, login.Name, "xmlrpc")
			next(w, r, login)
		case digest.Failed:
			s.unavailable(w, r, err)
		default:
			digest.Drain(r, s.options.MaxBody)
			if result == digest.Denied {
				s.holdBack(r, digestUser(r))
			}
			s.digest.Challenge(w, result == digest.Stale)
		}
	})
}

// checkDigest judges the head of a request, and counts what failed.
func (s *Server) checkDigest(r *http.Request) (Login, digest.Result, error) {
	p, result := digest.Parse(r.Header)
	if result != digest.OK {
		return Login{}, result, nil
	}
	if s.slow.locked(r.RemoteAddr, p.Username) {
		s.loginFailed(r, "locked", p.Username, "xmlrpc")
		return Login{}, digest.Denied, nil
	}
	cred, result, err := s.digest.Verify(r, p)
	if result != digest.OK {
		if result == digest.Denied {
			s.slow.failed(r.RemoteAddr, p.Username)
			s.loginFailed(r, "denied", p.Username, "xmlrpc")
		}
		return Login{}, result, err
	}
	return cred.Login.(Login), result, nil
}

func digestUser(r *http.Request) string {
	p, _ := digest.Parse(r.Header)
	return p.Username
}

// guardPages lets in from this machine, or a login by Basic.
func (s *Server) guardPages(next http.HandlerFunc, root bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if local(r) {
			next(w, r)
			return
		}
		user, password, given := r.BasicAuth()
		login, ok, err := s.checkBasic(r, user, password, given, "http")
		switch {
		case err != nil:
			s.unavailable(w, r, err)
		case !ok:
			digest.Drain(r, s.options.MaxBody)
			if given {
				s.holdBack(r, user)
			}
			w.Header().Set("WWW-Authenticate", s.basicChallenge())
			http.Error(w, "401 Unauthorized", http.StatusUnauthorized)
		case root && billing.Customer(login.Customer) != billing.Root:
			http.Error(w, "this page is for operators", http.StatusForbidden)
		default:
			next(w, s.withActor(r, login, "http"))
		}
	})
}

// checkBasic checks a password, and counts what failed.
func (s *Server) checkBasic(r *http.Request, user, password string, given bool, api string) (Login, bool, error) {
	if !given {
		return Login{}, false, nil
	}
	if s.slow.locked(r.RemoteAddr, user) {
		s.loginFailed(r, "locked", user, api)
		return Login{}, false, nil
	}
	login, ok, err := s.checkPassword(r, user, password)
	switch {
	case err != nil:
	case ok:
		s.notes.succeeded(r, login.Name, api)
	default:
		s.slow.failed(r.RemoteAddr, user)
		s.loginFailed(r, "denied", user, api)
	}
	return login, ok, err
}

// unknownUser stands in the log for a name that no enabled login has.
const unknownUser = billing.UnknownLogin

// loginFailed tells the metrics, the log and the audit log of a failed login. Only the name of
// a login is written down: people type passwords where the name goes.
func (s *Server) loginFailed(r *http.Request, reason, user, api string) {
	s.metrics.loginFailures.WithLabelValues(reason).Inc()
	Note(r.Context(), "login", reason)
	known := user
	if !s.logins.has(user) {
		user, known = unknownUser, ""
	}
	Note(r.Context(), "user", user)
	s.notes.refused(r, known, api)
}

// holdBack delays the answer to a failed login. The body was drained before,
// or net/http could not notice that the client has gone.
func (s *Server) holdBack(r *http.Request, user string) {
	s.slow.wait(r.Context(), s.stop, r.RemoteAddr, user)
}

// unavailable answers when a login could not be looked up.
func (s *Server) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	s.metrics.loginFailures.WithLabelValues("error").Inc()
	if r.Context().Err() == nil { // else it is the client that gave up
		NoteError(r.Context(), err)
	}
	digest.Drain(r, s.options.MaxBody)
	w.Header().Set("Retry-After", "1")
	http.Error(w, "logins cannot be checked now, try again", http.StatusServiceUnavailable)
}
