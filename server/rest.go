package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"topupd/billing"
	"topupd/server/digest"
)

// Interface is one REST interface. Its requests need a bearer token or Basic; what is
// refused before its handlers is told in its own shape.
type Interface struct {
	// Name is the interface's in logs, metrics and /openapi/NAME.json.
	Name string
	// OpenAPI is its contract, an OpenAPI 3 document in JSON.
	OpenAPI []byte
	Routes  []Route
	// Refuse writes an answer; headers are set already.
	Refuse func(w http.ResponseWriter, r *http.Request, status int, message string)

	contract *contract // what OpenAPI says
}

// Route is one operation.
type Route struct {
	// Pattern is one of http.ServeMux, with a method.
	Pattern string
	Handler http.HandlerFunc
	// Use is what it is for; a GET reads. What reads takes no Idempotency-Key.
	Use billing.Use
	// OwnKeys: the handler sees to its Idempotency-Key itself.
	OwnKeys bool
}

var (
	interfaceName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	routePattern  = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) (/[^ ]*)$`)
)

// MountInterface mounts an interface and its contract. Its errors are mistakes in the
// program; like Mount it panics on patterns that clash.
func (s *Server) MountInterface(i Interface) error {
	switch {
	case !interfaceName.MatchString(i.Name):
		return fmt.Errorf("server: an interface is called %q", i.Name)
	case i.Refuse == nil || len(i.Routes) == 0:
		return fmt.Errorf("server: interface %s has no routes, or refuses nothing", i.Name)
	case s.options.Tokens == nil || s.options.Once == nil:
		return fmt.Errorf("server: interface %s needs tokens and idempotency", i.Name)
	}
	for _, other := range s.interfaces {
		if other.Name == i.Name {
			return fmt.Errorf("server: two interfaces are called %s", i.Name)
		}
	}
	var err error
	if i.contract, err = readContract(i.OpenAPI); err != nil {
		return fmt.Errorf("server: the contract of %s: %w", i.Name, err)
	}
	for _, rt := range i.Routes {
		m := routePattern.FindStringSubmatch(rt.Pattern)
		if m == nil {
			return fmt.Errorf("server: interface %s has a pattern %q", i.Name, rt.Pattern)
		}
		if m[1] == http.MethodGet && rt.Use != billing.UseReads {
			return fmt.Errorf("server: interface %s does more than read at %q", i.Name, rt.Pattern)
		}
		s.mux.Handle(rt.Pattern, mounted{s.guardREST(&i, rt)})
	}
	s.interfaces = append(s.interfaces, &i)
	s.places = append(s.places, placesOf(&i)...)
	return nil
}

// guardREST lets in by token or Basic, reads the body, and carries out what changes
// something once for each Idempotency-Key.
func (s *Server) guardREST(i *Interface, rt Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := recordOf(r.Context())
		rec.refuse = i.Refuse
		Note(r.Context(), "api", i.Name)
		Note(r.Context(), "method", rt.Pattern)
		w.Header().Set("Cache-Control", "no-store")
		login, ok := s.admit(w, r, i)
		if !ok {
			return
		}
		r = s.withActor(r, login, i.Name)
		if s.limited(w, r, login) {
			digest.Drain(r, s.options.MaxBody)
			i.Refuse(w, r, http.StatusTooManyRequests, tooManyText)
			return
		}
		if err := billing.ActorFrom(r.Context()).May(rt.Use); err != nil {
			digest.Drain(r, s.options.MaxBody)
			i.Refuse(w, r, http.StatusForbidden, "the customer is blocked")
			return
		}
		if body, ok := s.readBody(w, r, i); ok {
			s.carryOut(w, r, i, rt, body)
		}
	})
}

// admit finds out who asks; if nobody is let in it has answered.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, i *Interface) (Login, bool) {
	login, user, ok, err := s.checkREST(r, i.Name)
	switch {
	case err != nil:
		s.metrics.loginFailures.WithLabelValues("error").Inc()
		if r.Context().Err() == nil { // else it is the client that gave up
			NoteError(r.Context(), err)
		}
		digest.Drain(r, s.options.MaxBody)
		w.Header().Set("Retry-After", "1")
		i.Refuse(w, r, http.StatusServiceUnavailable, "logins cannot be checked now, try again")
	case !ok:
		digest.Drain(r, s.options.MaxBody)
		if user != "" {
			s.holdBack(r, user)
		}
		w.Header().Add("WWW-Authenticate", s.challenge("Bearer"))
		w.Header().Add("WWW-Authenticate", s.basicChallenge())
		i.Refuse(w, r, http.StatusUnauthorized, "a bearer token or a login is needed")
	case s.crossOrigin(r):
		// A browser sends the password that it knows wherever a page tells it to.
		digest.Drain(r, s.options.MaxBody)
		i.Refuse(w, r, http.StatusForbidden, "a page of another origin may not call this")
	default:
		return login, true
	}
	return Login{}, false
}

// readBody reads all of a body, which a handler that is run again needs again; if it
// could not it has answered.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, i *Interface) ([]byte, bool) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, true
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.options.MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		i.Refuse(w, r, http.StatusRequestEntityTooLarge, fmt.Sprintf("at most %d bytes", s.options.MaxBody))
		return nil, false
	case err != nil:
		i.Refuse(w, r, http.StatusBadRequest, "the request ended early")
		return nil, false
	}
	return body, true
}

func (s *Server) carryOut(w http.ResponseWriter, r *http.Request, i *Interface, rt Route, body []byte) {
	keys := r.Header.Values("Idempotency-Key")
	switch {
	case len(keys) == 0 || rt.Use == billing.UseReads:
		rt.Handler(w, withBody(r, body))
	case len(keys) > 1:
		i.Refuse(w, r, http.StatusBadRequest, "Idempotency-Key: one is enough")
	case rt.OwnKeys:
		rt.Handler(w, withBody(r, body))
	default:
		s.once(w, r, i, rt, body, keys[0])
	}
}

// withBody is a request whose body is read from its beginning.
func withBody(r *http.Request, body []byte) *http.Request {
	r = r.WithContext(r.Context()) // what a handler parsed is kept in the request
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return r
}

// mounted is a handler of ours; the mux has others, for what it does not know.
type mounted struct{ http.Handler }

// place is where the addresses of an interface begin.
type place struct {
	prefix string // ends with a slash
	of     *Interface
}

// placesOf are the fixed beginnings of an interface's routes, and what those share that
// begin with the same part: an interface may have several addresses.
func placesOf(i *Interface) []place {
	var list []place
	shared := map[string][]string{} // by the first part
	for _, rt := range i.Routes {
		_, path, _ := strings.Cut(rt.Pattern, " ")
		path, _, _ = strings.Cut(path, "{")
		prefix := strings.TrimSuffix(path, "/") + "/"
		list = append(list, place{prefix, i})
		parts := strings.Split(strings.TrimSuffix(prefix, "/"), "/")
		if len(parts) < 2 { // it begins with what is not fixed
			continue
		}
		before, there := shared[parts[1]]
		if !there {
			before = parts
		}
		same := 0
		for same < len(before) && same < len(parts) && before[same] == parts[same] {
			same++
		}
		shared[parts[1]] = parts[:same]
	}
	for _, parts := range shared {
		list = append(list, place{strings.Join(parts, "/") + "/", i})
	}
	return list
}

// interfaceAt is the interface that an address would belong to; nil if none.
func (s *Server) interfaceAt(path string) *Interface {
	var best place
	for _, p := range s.places {
		if strings.HasPrefix(path+"/", p.prefix) && len(p.prefix) > len(best.prefix) {
			best = p
		}
	}
	return best.of
}

// missing answers where nothing is mounted, or not for this method; in an interface's
// shape below its addresses.
func (s *Server) missing(w http.ResponseWriter, r *http.Request, allow []string) {
	status, message := http.StatusNotFound, "there is nothing at this address"
	if len(allow) > 0 {
		w.Header().Set("Allow", strings.Join(allow, ", "))
		status, message = http.StatusMethodNotAllowed, "this address does not know the method"
	}
	if i := s.interfaceAt(r.URL.Path); i != nil {
		recordOf(r.Context()).refuse = i.Refuse
		Note(r.Context(), "api", i.Name)
		digest.Drain(r, s.options.MaxBody)
		i.Refuse(w, r, status, message)
		return
	}
	http.Error(w, http.StatusText(status), status)
}

// allowed lists the methods that the request's address knows.
func (s *Server) allowed(r *http.Request) (methods []string) {
	for _, method := range []string{
		http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodPatch, http.MethodPost, http.MethodPut,
	} {
		other := *r
		other.Method = method
		if s.knows(&other) {
			methods = append(methods, method)
		}
	}
	return methods
}

// knows reports whether a handler of ours answers the request; the mux would answer
// with a redirect too.
func (s *Server) knows(r *http.Request) bool {
	h, _ := s.mux.Handler(r)
	_, ours := h.(mounted)
	return ours
}

// refusalOf is the status of an error of Once itself; its handlers' are answers.
func refusalOf(err error) (status int, message string) {
	switch code := billing.ErrorCode(err); code {
	case billing.KeyReused:
		return http.StatusConflict, "this Idempotency-Key was used for another request"
	case billing.Missing, billing.Invalid:
		return http.StatusBadRequest, fmt.Sprintf("Idempotency-Key: 1 to %d visible ASCII characters", billing.MaxKey)
	case billing.Busy:
		return http.StatusServiceUnavailable, "busy, try again"
	case billing.NotFound: // deleted a moment ago
		return http.StatusUnauthorized, "the customer of this login is gone"
	default:
		return http.StatusInternalServerError, "internal error"
	}
}
