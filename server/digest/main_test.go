package digest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testRealm    = `topupd "test"`
	testUser     = "acme"
	testPassword = "s3cret, with comma"
)

var testLookup = lookupIn(testRealm)

// lookupIn knows one user.
func lookupIn(realm string) Lookup {
	cred := Credential{HA1: HA1(testUser, realm, testPassword), Login: 7}
	return func(_ context.Context, user string) (Credential, bool, error) {
		return cred, user == testUser, nil
	}
}

func newTest(t testing.TB, change func(*Config)) *Authenticator {
	t.Helper()
	c := Config{Realm: testRealm, Nonces: 1000, Lookup: testLookup}
	if change != nil {
		change(&c)
	}
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// guard is the smallest server around an Authenticator.
func guard(a *Authenticator) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, result, err := a.Authenticate(r)
		if err != nil {
			http.Error(w, "lookup", http.StatusServiceUnavailable)
			return
		}
		if result != OK {
			Drain(r, 1<<20)
			a.Challenge(w, result == Stale)
			return
		}
		fmt.Fprint(w, "hello ", testUser)
	})
}

func serve(t testing.TB, a *Authenticator) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(guard(a))
	t.Cleanup(srv.Close)
	return srv
}

// request is one signed request, made by our own small client.
type request struct {
	method, target, uri, user, password, nonce, nc, cnonce string

	ha1 *string // instead of what user and password give
}

func (q request) build() *http.Request {
	r := httptest.NewRequest(q.method, q.target, nil)
	r.Header.Set("Authorization", q.header())
	return r
}

func (q request) header() string {
	uri := q.uri
	if uri == "" {
		uri = q.target
	}
	ha2 := md5hex(q.method + ":" + uri)
	ha1 := HA1(q.user, testRealm, q.password)
	if q.ha1 != nil {
		ha1 = *q.ha1
	}
	response := md5hex(strings.Join([]string{ha1, q.nonce, q.nc, q.cnonce, "auth", ha2}, ":"))
	return fmt.Sprintf(`Digest username="%s", realm="x", nonce="%s", uri="%s", qop=auth, nc=%s, cnonce="%s", response="%s", algorithm="MD5"`,
		q.user, q.nonce, uri, q.nc, q.cnonce, response)
}

func good(a *Authenticator) request {
	return request{method: "POST", target: "/xmlapi/xmlapi", user: testUser, password: testPassword,
		nonce: a.nonces[0].issue(a.now()), nc: "00000001", cnonce: "abc"}
}

// judge authenticates and fails on a lookup error.
func judge(t testing.TB, a *Authenticator, q request) Result {
	t.Helper()
	_, result, err := a.Authenticate(q.build())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// clock is a clock that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }
