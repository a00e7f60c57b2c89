package digest

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

func md5hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// The examples of RFC 2617 section 3.5 and RFC 7616 section 3.9.1.
func TestVectorsOfTheRFCs(t *testing.T) {
	for _, v := range []struct{ name, realm, password, nonce, cnonce, response string }{
		{"2617", "testrealm@host.com", "Circle Of Life", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "0a4f113b", "6629fae49393a05397450978507c4ef1"},
		{"7616", "http-auth@example.org", "Circle of Life", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
			"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "8ca523f5e9506fed4657c9700eebdbec"},
	} {
		t.Run(v.name, func(t *testing.T) {
			p := Params{Nonce: v.nonce, URI: "/dir/index.html", NC: "00000001", CNonce: v.cnonce, QOP: "auth", Response: v.response}
			ha1 := HA1("Mufasa", v.realm, v.password)
			if !matches("GET", ha1, &p) {
				t.Error("the RFC's own example is refused")
			}
			p.Response = strings.ToUpper(v.response)
			if !matches("GET", ha1, &p) {
				t.Error("upper case hex is refused")
			}
			p.Response = strings.Replace(v.response, "6", "7", 1)
			if matches("GET", ha1, &p) {
				t.Error("a wrong response is accepted")
			}
		})
	}
	if got := HA1("Mufasa", "testrealm@host.com", "Circle Of Life"); got != "939e7578ed9e3c518a452acee763bce9" {
		t.Errorf("HA1 = %s", got)
	}
}

func TestAuthenticate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*request)
		want   Result
	}{
		{"good", func(*request) {}, OK},
		{"nc_zero_as_ruby_starts", func(q *request) { q.nc = "00000000" }, OK},
		{"short_nc", func(q *request) { q.nc = "1" }, OK},
		{"nc_too_long", func(q *request) { q.nc = "000000001" }, Malformed},
		{"nc_no_number", func(q *request) { q.nc = "zzzzzzzz" }, Malformed},
		{"wrong_password", func(q *request) { q.password = "x" }, Denied},
		{"unknown_user", func(q *request) { q.user = "nobody" }, Denied},
		{"empty_user", func(q *request) { q.user, q.password = "", "" }, Malformed},
		{"foreign_nonce_right_password", func(q *request) { q.nonce = strings.Repeat("ab", 32) }, Stale},
		{"foreign_nonce_wrong_password", func(q *request) { q.nonce, q.password = strings.Repeat("ab", 32), "x" }, Denied},
		{"short_nonce", func(q *request) { q.nonce = "ab" }, Stale},
		{"nonce_not_hex", func(q *request) { q.nonce = strings.Repeat("zz", 32) }, Stale},
		{"changed_nonce", func(q *request) { q.nonce = "ff" + q.nonce[2:] }, Stale},
		{"other_path", func(q *request) { q.uri = "/RPC2" }, Malformed},
		{"absolute_uri", func(q *request) { q.uri = "http://switch.example:8080/xmlapi/xmlapi" }, OK},
		{"absolute_uri_other_path", func(q *request) { q.uri = "http://switch.example/xmlapi" }, Malformed},
		{"absolute_uri_without_path", func(q *request) { q.uri = "http://switch.example" }, Malformed},
		{"absolute_target", func(q *request) { q.uri, q.target = "/xmlapi/xmlapi", "http://switch.example/xmlapi/xmlapi" }, OK},
		{"query_left_out", func(q *request) { q.uri, q.target = "/xmlapi/xmlapi", "/xmlapi/xmlapi?x=1" }, OK},
		{"query_differs", func(q *request) { q.uri, q.target = "/xmlapi/xmlapi?x=2", "/xmlapi/xmlapi?x=1" }, Malformed},
		{"query_made_up", func(q *request) { q.uri = "/xmlapi/xmlapi?x=2" }, Malformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newTest(t, nil)
			q := good(a)
			tt.change(&q)
			if got := judge(t, a, q); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestSuccessHandsBackTheLogin(t *testing.T) {
	a := newTest(t, nil)
	cred, result, err := a.Authenticate(good(a).build())
	if result != OK || err != nil || cred.Login != 7 {
		t.Errorf("got %v, %v, %v", cred.Login, result, err)
	}
	if s := fmt.Sprintf("%v %+v", cred, cred); strings.Contains(s, cred.HA1) {
		t.Errorf("a credential prints its secret: %s", s)
	}
}

func TestLookupErrorIsNoDenial(t *testing.T) {
	down := errors.New("down")
	a := newTest(t, func(c *Config) {
		c.Lookup = func(context.Context, string) (Credential, bool, error) { return Credential{}, false, down }
	})
	_, result, err := a.Authenticate(good(a).build())
	if result != Failed || !errors.Is(err, down) {
		t.Errorf("got %v, %v", result, err)
	}
}

// A stored HA1 that is not one (set for no realm, or damaged) opens nothing.
func TestUnusableHA1(t *testing.T) {
	for _, ha1 := range []string{"", "short", strings.Repeat("0", 33)} {
		a := newTest(t, func(c *Config) {
			c.Lookup = func(context.Context, string) (Credential, bool, error) { return Credential{HA1: ha1}, true, nil }
		})
		for _, sent := range []string{ha1, HA1(testUser, testRealm, testPassword), a.nobody} {
			q := good(a)
			q.ha1 = &sent
			if got := judge(t, a, q); got != Denied {
				t.Errorf("stored %q, sent %q: %v", ha1, sent, got)
			}
		}
	}
}

// The HA1 that stands in for an unknown user's is no way in.
func TestStandInOpensNothing(t *testing.T) {
	a := newTest(t, nil)
	q := good(a)
	q.user, q.ha1 = "nobody", &a.nobody
	if got := judge(t, a, q); got != Denied {
		t.Error(got)
	}
}

func TestNonceLife(t *testing.T) {
	c := &clock{at: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
	key := []byte("shared by both servers")
	a := newTest(t, func(g *Config) { g.Now, g.Keys = c.now, [][]byte{key} })
	b := newTest(t, func(g *Config) { g.Now, g.Keys = c.now, [][]byte{key} })
	stranger := newTest(t, func(g *Config) { g.Now = c.now })
	q := good(a)

	c.at = c.at.Add(5 * time.Minute)
	if got := judge(t, a, q); got != OK {
		t.Errorf("at the end of its life: %v", got)
	}
	if got := judge(t, b, q); got != OK {
		t.Errorf("another server with the key: %v", got)
	}
	if got := judge(t, stranger, q); got != Stale {
		t.Errorf("another server without the key: %v", got)
	}
	c.at = c.at.Add(time.Millisecond)
	q.nc = "00000002"
	if got := judge(t, a, q); got != Stale {
		t.Errorf("after its life: %v", got)
	}
	q.password = "x"
	if got := judge(t, a, q); got != Denied {
		t.Errorf("after its life with a wrong password: %v", got)
	}
	q = good(a)
	c.at = c.at.Add(-6 * time.Minute)
	if got := judge(t, a, q); got != Stale {
		t.Errorf("from far in the future: %v", got)
	}
}

// While the key of several servers is changed, one after the other, each believes the
// others: the new key is first known everywhere, then put in front, then alone.
func TestKeysAreChangedServerByServer(t *testing.T) {
	server := func(keys ...string) *Authenticator {
		return newTest(t, func(g *Config) {
			for _, k := range keys {
				g.Keys = append(g.Keys, []byte(k))
			}
		})
	}
	steps := []*Authenticator{server("old"), server("old", "new"), server("new", "old"), server("new")}
	for i, a := range steps {
		for j, b := range steps {
			if i-j > 1 || j-i > 1 {
				continue // never beside each other
			}
			if got := judge(t, b, good(a)); got != OK {
				t.Errorf("a nonce of step %d at step %d: %v", i+1, j+1, got)
			}
		}
	}
	if got := judge(t, steps[0], good(steps[3])); got != Stale {
		t.Errorf("a nonce of another key: %v", got)
	}
}

func TestChallenge(t *testing.T) {
	// The clock stands, so that only chance makes nonces differ.
	c := &clock{at: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
	a := newTest(t, func(g *Config) { g.Now = c.now })
	shape := regexp.MustCompile(`^Digest realm="topupd \\"test\\"", nonce="[0-9a-f]{64}", qop="auth", algorithm=MD5$`)
	seen := map[string]bool{}
	for range 3 {
		w := httptest.NewRecorder()
		a.Challenge(w, false)
		got := w.Header().Values("WWW-Authenticate")
		if w.Code != 401 || len(got) != 1 || !shape.MatchString(got[0]) {
			t.Errorf("%d %q", w.Code, got)
		}
		if seen[got[0]] {
			t.Error("the same nonce twice")
		}
		seen[got[0]] = true
		if ct := w.Header().Get("Content-Type"); !strings.HasPrefix(ct, "text/html") || w.Body.Len() == 0 {
			t.Errorf("body %q of type %q", w.Body, ct)
		}
	}
	w := httptest.NewRecorder()
	a.Challenge(w, true)
	if got := w.Header().Get("WWW-Authenticate"); !strings.HasSuffix(got, ", stale=true") {
		t.Error(got)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []Config{
		{Realm: "r"},
		{Lookup: testLookup},
		{Realm: "a\r\nSet-Cookie: x", Lookup: testLookup},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("accepted %q", c.Realm)
		}
	}
}

func TestResultNames(t *testing.T) {
	var zero Result
	if zero == OK {
		t.Fatal("the zero result lets in")
	}
	seen := map[string]bool{}
	for r := Missing; r <= OK; r++ {
		if s := r.String(); s == "unknown" || seen[s] {
			t.Errorf("%d is %q", r, s)
		}
		seen[r.String()] = true
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	for _, bb := range []struct {
		name   string
		nonces int
	}{{"stateless", 0}, {"replay", 1000}} {
		b.Run(bb.name, func(b *testing.B) {
			cred, _, _ := testLookup(b.Context(), testUser)
			a := newTest(b, func(c *Config) {
				c.Nonces = bb.nonces
				c.Lookup = func(context.Context, string) (Credential, bool, error) { return cred, true, nil }
			})
			// Distinct counts, made before, so that only the check is measured.
			q := good(a)
			headers := make([]string, 1<<12)
			for i := range headers {
				q.nc = fmt.Sprintf("%08x", i)
				headers[i] = q.header()
			}
			r := q.build()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%len(headers) == 0 && a.replay != nil {
					a.replay = newReplay(1000, DefaultLife)
				}
				r.Header["Authorization"][0] = headers[i%len(headers)]
				if _, result, _ := a.Authenticate(r); result != OK {
					b.Fatal(result)
				}
			}
		})
	}
}

func BenchmarkChallenge(b *testing.B) {
	a := newTest(b, nil)
	b.ReportAllocs()
	for b.Loop() {
		a.challenge(false)
	}
}
