package server

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"topupd/billing"
)

func TestXMLRPCAccess(t *testing.T) {
	f := newFixture(t, nil)
	t.Run("first_leg_with_empty_body", func(t *testing.T) {
		w := f.do(post(""))
		expect(t, w, 401, "")
		if got := w.Header().Values("WWW-Authenticate"); len(got) != 1 || !strings.HasPrefix(got[0], `Digest realm="topupd"`) {
			t.Errorf("challenge %q", got)
		}
	})
	t.Run("signed", func(t *testing.T) {
		expect(t, f.do(sign(t, f, post("<x/>"), "acme", password)), 200, "acme,192.0.2.7,xmlrpc,body")
	})
	t.Run("root", func(t *testing.T) {
		expect(t, f.do(sign(t, f, post(""), "admin", password)), 200, "admin,192.0.2.7,xmlrpc,root")
	})
	t.Run("basic_gets_a_digest_challenge", func(t *testing.T) {
		r := post("<x/>")
		r.SetBasicAuth("acme", password)
		w := f.do(r)
		expect(t, w, 401, "")
		if !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Digest ") {
			t.Error(w.Header())
		}
	})
	t.Run("malformed", func(t *testing.T) {
		r := post("")
		r.Header.Set("Authorization", "Digest nonsense")
		expect(t, f.do(r), 401, "")
	})
	t.Run("used_twice_is_stale", func(t *testing.T) {
		r := sign(t, f, post(""), "acme", password)
		expect(t, f.do(r), 200, "")
		w := f.do(r)
		expect(t, w, 401, "")
		if !strings.Contains(w.Header().Get("WWW-Authenticate"), "stale=true") {
			t.Error(w.Header())
		}
	})
	t.Run("wrong_password", func(t *testing.T) { expect(t, f.do(sign(t, f, post(""), "acme", "x")), 401, "") })
	t.Run("unknown_user", func(t *testing.T) { expect(t, f.do(sign(t, f, post(""), "nobody", password)), 401, "") })
	t.Run("password_for_a_name", func(t *testing.T) {
		f := newFixture(t, nil)
		expect(t, f.do(sign(t, f, post(""), password, "x")), 401, "")
		if got := f.log.String(); strings.Contains(got, password) || !strings.Contains(got, `"user":"(unknown)"`) {
			t.Error(got)
		}
	})
	t.Run("get", func(t *testing.T) { expect(t, f.do(get("/xmlapi/xmlapi", "192.0.2.7")), 405, "") })
	t.Run("lookup_down", func(t *testing.T) {
		f := newFixture(t, nil)
		f.set(func() { f.down = errors.New("no disk") })
		w := f.do(sign(t, f, post(""), "acme", password))
		expect(t, w, 503, "")
		if strings.Contains(w.Body.String(), "disk") || !strings.Contains(f.log.String(), "no disk") {
			t.Errorf("cause in the answer %q or not in the log %q", w.Body, f.log)
		}
	})
}

func TestTrustedNetworks(t *testing.T) {
	f := newFixture(t, func(o *Options) {
		o.Trusted = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32")}
	})
	call := func(address string, change func(*http.Request)) *httptest.ResponseRecorder {
		r := from(post("<x/>"), address)
		if change != nil {
			change(r)
		}
		return f.do(r)
	}
	expect(t, call("10.1.2.3", nil), 200, ",10.1.2.3,xmlrpc,root,trusted,body")
	expect(t, call("::ffff:10.1.2.3", nil), 200, ",10.1.2.3,xmlrpc,root,trusted,body")
	expect(t, call("2001:db8::1", nil), 200, ",2001:db8::1,xmlrpc,root,trusted,body")
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		expect(t, call("10.1.2.3", func(r *http.Request) { r.Header.Set(name, value) }), 403, "")
		expect(t, call("10.1.2.3", func(r *http.Request) { r.Header.Set(name, value); sign(t, f, r, "acme", password) }), 403, "")
	}
	expect(t, call("10.2.0.1", nil), 401, "")
	expect(t, call("127.0.0.1", nil), 401, "")
	expect(t, call("10.1.2.3", func(r *http.Request) { sign(t, f, r, "acme", password) }), 200, "acme,10.1.2.3,xmlrpc,body")
	expect(t, call("10.1.2.3", func(r *http.Request) { sign(t, f, r, "acme", "x") }), 401, "")
	expect(t, call("10.1.2.3", func(r *http.Request) { r.SetBasicAuth("acme", "x") }), 401, "")
	expect(t, call("10.1.2.3", func(r *http.Request) { r.Header["Authorization"] = []string{""} }), 401, "")
	expect(t, call("10.1.2.3", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "1.2.3.4") }), 401, "")
	// Trust is for XML-RPC only.
	expect(t, f.do(get("/operators", "10.1.2.3")), 401, "")
}

func TestNobodyIsTrustedByDefault(t *testing.T) {
	f := newFixture(t, nil)
	for _, address := range []string{"127.0.0.1", "::1", "10.0.0.1"} {
		expect(t, f.do(from(post(""), address)), 401, "")
	}
}

func TestPages(t *testing.T) {
	f := newFixture(t, nil)
	call := func(path, address, user, pass string, headers ...string) *httptest.ResponseRecorder {
		r := get(path, address)
		if user != "" {
			r.SetBasicAuth(user, pass)
		}
		for _, h := range headers {
			r.Header.Set(h, "x")
		}
		return f.do(r)
	}
	for _, path := range []string{"/operators", "/pages", "/metrics"} {
		expect(t, call(path, "127.0.0.1", "", ""), 200, "")
		expect(t, call(path, "::1", "", ""), 200, "")
		expect(t, call(path, "127.0.0.1", "", "", "Forwarded"), 401, "")
		expect(t, call(path, "127.0.0.1", "", "", "X-Forwarded-For"), 401, "")
		w := call(path, "192.0.2.7", "", "")
		expect(t, w, 401, "")
		if got := w.Header().Get("WWW-Authenticate"); got != `Basic realm="topupd", charset="UTF-8"` {
			t.Error(got)
		}
		expect(t, call(path, "192.0.2.7", "admin", password), 200, "")
		expect(t, call(path, "192.0.2.7", "admin", "x"), 401, "")
		expect(t, call(path, "192.0.2.7", "nobody", password), 401, "")
	}
	expect(t, call("/operators", "192.0.2.7", "acme", password), 403, "")
	expect(t, call("/metrics", "192.0.2.7", "acme", password), 403, "")
	expect(t, call("/pages", "192.0.2.7", "acme", password), 200, "acme,192.0.2.7,http")
	f.set(func() { f.down = errors.New("no disk") })
	f.logins.known = map[string]loginEntry{}
	expect(t, call("/pages", "192.0.2.7", "acme", password), 503, "")
}

// A login that is switched off, or a new password, counts within a second.
func TestDisabledLoginStopsWithinASecond(t *testing.T) {
	c := newClock()
	f := newFixture(t, func(o *Options) { o.now = c.now })
	for range 5 {
		expect(t, f.do(sign(t, f, post(""), "acme", password)), 200, "")
	}
	if n := f.lookups.Load(); n != 1 {
		t.Errorf("%d lookups for 5 calls", n)
	}
	f.set(func() { f.off["acme"] = true })
	c.advance(999 * time.Millisecond)
	expect(t, f.do(sign(t, f, post(""), "acme", password)), 200, "")
	c.advance(time.Millisecond)
	expect(t, f.do(sign(t, f, post(""), "acme", password)), 401, "")
	f.set(func() { f.off["acme"] = false })
	expect(t, f.do(sign(t, f, post(""), "acme", password)), 200, "") // not found is not cached
}

func TestLoginCacheIsBounded(t *testing.T) {
	c := newClock()
	f := newFixture(t, func(o *Options) { o.now = c.now })
	for i := range loginLimit {
		f.logins.known[strings.Repeat("x", i%100)+string(rune(i))] = loginEntry{until: c.now().Add(time.Millisecond)}
	}
	c.advance(time.Second)
	expect(t, f.do(sign(t, f, post(""), "acme", password)), 200, "")
	if n := len(f.logins.known); n != 1 {
		t.Errorf("%d logins kept", n)
	}
	for i := range loginLimit {
		f.logins.known[string(rune(i))+"y"] = loginEntry{until: c.now().Add(time.Hour)}
	}
	expect(t, f.do(sign(t, f, post(""), "admin", password)), 200, "")
	if n := len(f.logins.known); n != 1 {
		t.Errorf("%d logins kept", n)
	}
}

func TestMountRefuses(t *testing.T) {
	f := newFixture(t, nil)
	for _, access := range []Access{0, AnyLogin + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("access %d was mounted", access)
				}
			}()
			f.Mount("/x", http.NotFoundHandler(), access)
		}()
	}
}

func TestNewRefuses(t *testing.T) {
	f := newFixture(t, nil)
	if _, err := New(Options{Realm: realm}); err == nil {
		t.Error("no lookup")
	}
	if _, err := New(Options{Logins: f.lookup}); err == nil || !strings.Contains(err.Error(), "--realm") {
		t.Error(err)
	}
}

func TestUnknownPaths(t *testing.T) {
	f := newFixture(t, nil)
	for _, path := range []string{"/", "/admin/", "/admin", "/nothing", "//xmlapi/xmlapi", "/xmlapi//xmlapi", "/x/../open", "/open/", "/open//"} {
		r := get("/", "127.0.0.1")
		r.URL.Path = path
		w := f.do(r)
		expect(t, w, 404, "")
		if w.Header().Get("Location") != "" {
			t.Errorf("%s redirects", path)
		}
	}
	expect(t, f.do(get("/open", "192.0.2.7")), 200, "")
}

func TestBodyLimit(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.MaxBody = 100 })
	expect(t, f.do(sign(t, f, post(strings.Repeat("x", 100)), "acme", password)), 200, "")
	expect(t, f.do(sign(t, f, post(strings.Repeat("x", 101)), "acme", password)), 413, "")
}

// The actor says whether the request came encrypted to us; what a proxy says of it
// counts for nothing.
func TestActorKnowsTLS(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	ask := func(srv *httptest.Server) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/xmlapi/xmlapi", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-Proto", "https")
		resp, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	encrypted := httptest.NewTLSServer(f)
	t.Cleanup(encrypted.Close)
	if got := ask(encrypted); got != ",127.0.0.1,xmlrpc,root,trusted,tls" {
		t.Errorf("over TLS: %s", got)
	}
	if got := ask(f.start(t)); got != ",127.0.0.1,xmlrpc,root,trusted" {
		t.Errorf("without: %s", got)
	}
}

// A block comes in with the login, and is the interface's to act on.
func TestActorKnowsBlock(t *testing.T) {
	f := newFixture(t, nil)
	f.blocked = billing.BlockBilling
	expect(t, f.do(sign(t, f, post(""), "acme", password)), 200, "acme,192.0.2.7,xmlrpc,billing")
}
