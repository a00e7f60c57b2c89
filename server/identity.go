package server

import (
	"context"
	"crypto/subtle"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"topupd/billing"
	"topupd/server/digest"
)

// withActor puts who asks into the request's context, and into its log line.
func (s *Server) withActor(r *http.Request, l Login, api string) *http.Request {
	a := billing.Actor{
		Login: l.Name, Customer: billing.Customer(l.Customer), Trusted: l.Trusted, Blocked: l.Blocked,
		API: api, TLS: r.TLS != nil, At: time.Now(),
	}
	if addr, ok := remote(r.RemoteAddr); ok {
		a.Address = addr.String()
	}
	if rec := recordOf(r.Context()); rec != nil {
		rec.setActor(a.Name())
	}
	return r.WithContext(billing.WithActor(r.Context(), a))
}

// remote is the address that a connection came from.
func remote(addrPort string) (netip.Addr, bool) {
	ap, err := netip.ParseAddrPort(addrPort)
	return ap.Addr().Unmap().WithZone(""), err == nil
}

// trusts reports whether the request comes from a trusted network and brings
// no login of its own. One that a proxy passed on is not trusted: its address
// is the proxy's, so anybody could be behind it.
func (s *Server) trusts(r *http.Request) bool {
	if len(s.options.Trusted) == 0 || len(r.Header["Authorization"]) > 0 || forwarded(r) {
		return false
	}
	addr, ok := remote(r.RemoteAddr)
	if !ok {
		return false
	}
	for _, network := range s.options.Trusted {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// local reports whether the request was made on this machine, for itself.
func local(r *http.Request) bool {
	addr, ok := remote(r.RemoteAddr)
	return ok && addr.IsLoopback() && !forwarded(r)
}

func forwarded(r *http.Request) bool {
	return len(r.Header["Forwarded"]) > 0 || len(r.Header["X-Forwarded-For"]) > 0
}

// credential is the digest package's view of the login cache.
func (s *Server) credential(ctx context.Context, name string) (digest.Credential, bool, error) {
	e, found, err := s.logins.find(ctx, name)
	return digest.Credential{HA1: e.ha1, Login: e.boxed}, found, err
}

// checkPassword checks a Basic login against the HA1 that Digest uses.
func (s *Server) checkPassword(r *http.Request, name, password string) (Login, bool, error) {
	e, found, err := s.logins.find(r.Context(), name)
	if err != nil {
		return Login{}, false, err
	}
	// Computed for an unknown name too, so that time tells nothing.
	got := digest.HA1(name, s.options.Realm, password)
	same := subtle.ConstantTimeCompare([]byte(got), []byte(e.ha1)) == 1
	if !found || !same {
		return Login{}, false, nil
	}
	return e.boxed.(Login), true, nil
}

func (s *Server) basicChallenge() string {
	return `Basic realm="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s.options.Realm) + `", charset="UTF-8"`
}
