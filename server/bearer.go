package server

import (
	"context"
	"crypto/sha256"
	"net/http"
	"strings"
)

// TokenLookup finds the login of a bearer token that works, by its SHA-256; an error
// only when it could not find out.
type TokenLookup func(ctx context.Context, hash [sha256.Size]byte) (login Login, found bool, err error)

// tokenUser stands for all wrong tokens of an address; no login is called so.
const tokenUser = ":token"

// newTokenCache is the cache of logins with hashes of tokens for names.
func newTokenCache(o *Options) *loginCache {
	return newLoginCache(func(ctx context.Context, name string) (Login, string, bool, error) {
		login, found, err := o.Tokens(ctx, [sha256.Size]byte([]byte(name)))
		return login, "", found, err
	}, o.now)
}

// checkREST finds the login of a request, by token or Basic. user is whose failure it
// is, empty when nothing was given.
func (s *Server) checkREST(r *http.Request, api string) (login Login, user string, ok bool, err error) {
	given := r.Header["Authorization"]
	if len(given) != 1 {
		return Login{}, "", false, nil
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if strings.EqualFold(scheme, "Bearer") {
		login, ok, err = s.checkToken(r, strings.TrimLeft(token, " "), api)
		return login, tokenUser, ok, err
	}
	name, password, basic := r.BasicAuth()
	login, ok, err = s.checkBasic(r, name, password, basic, api)
	return login, name, ok, err
}

// checkToken looks a token up, and counts one that is wrong. Nobody is locked out
// here: a token cannot be guessed, and many share an address.
func (s *Server) checkToken(r *http.Request, token, api string) (Login, bool, error) {
	hash := sha256.Sum256([]byte(token))
	e, found, err := s.tokens.find(r.Context(), string(hash[:]))
	if err != nil {
		return Login{}, false, err
	}
	if !found {
		s.slow.failed(r.RemoteAddr, tokenUser)
		s.loginFailed(r, "denied", tokenUser, api)
		return Login{}, false, nil
	}
	return e.boxed.(Login), true, nil
}

// crossOrigin reports whether a browser sends a password that it kept, for a page of
// somebody else. A token is never sent so.
func (s *Server) crossOrigin(r *http.Request) bool {
	_, _, basic := r.BasicAuth()
	return basic && s.origins.Check(r) != nil
}
