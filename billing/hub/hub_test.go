package hub

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"topupd/billing"
)

// names is a resolver that answers from a table, a name's answers in turn.
type names struct {
	answers map[string][][]netip.Addr
	asked   atomic.Int32
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	list, ok := n.answers[host]
	if !ok {
		return nil, errors.New("no such host " + host)
	}
	return list[min(int(n.asked.Add(1))-1, len(list)-1)], nil
}

func addrs(texts ...string) (list []netip.Addr) {
	for _, text := range texts {
		list = append(list, netip.MustParseAddr(text))
	}
	return list
}

// TestCallable is the table of addresses: public, private (by the setting), and never.
func TestCallable(t *testing.T) {
	const public, private, never = "public", "private", "never"
	for text, want := range map[string]string{
		"8.8.8.8": public, "1.1.1.1": public, "2606:4700::1111": public, "::ffff:8.8.8.8": public, "64:ff9b::808:808": public, "2002:808:808::1": public,
		"127.0.0.1": private, "127.255.255.254": private, "::1": private, "::ffff:127.0.0.1": private,
		"10.0.0.1": private, "172.16.0.1": private, "172.31.255.255": private, "192.168.1.1": private, "100.64.0.1": private, "fd12::1": private, "198.18.0.1": private,
		"172.32.0.1": public, "172.15.255.255": public, "100.128.0.1": public, "11.0.0.1": public, "192.169.0.1": public,
		"169.254.169.254": never, "169.254.0.1": never, "::ffff:169.254.169.254": never, "fe80::1": never, "fd00:ec2::254": never, "100.100.100.200": never, "168.63.129.16": never,
		"0.0.0.0": never, "0.1.2.3": never, "::": never, "255.255.255.255": never, "224.0.0.1": never, "ff02::1": never, "240.0.0.1": never,
		"192.0.2.1": never, "198.51.100.1": never, "203.0.113.1": never, "2001:db8::1": never, "100::1": never, "192.0.0.1": never, "fec0::1": never,
		// Addresses that hold another one.
		"64:ff9b::7f00:1": never, "64:ff9b::a9fe:a9fe": never, "2002:7f00:1::1": never, "2002:a00:1::1": never, "::7f00:1": never, "64:ff9b:1::1": never, "2001::1": never,
	} {
		a := netip.MustParseAddr(text)
		if got := callable(a, false); got != (want == public) {
			t.Errorf("%s (%s): callable is %t", text, want, got)
		}
		if got := callable(a, true); got != (want != never) {
			t.Errorf("%s (%s) with private networks: callable is %t", text, want, got)
		}
	}
}

// TestCheck is the table of callbacks at registration.
func TestCheck(t *testing.T) {
	dns := map[string][][]netip.Addr{
		"example.com": {addrs("93.184.215.14", "2606:2800::1")}, "inside.example.com": {addrs("10.1.2.3")},
		"both.example.com": {addrs("93.184.215.14", "127.0.0.1")}, "meta.example.com": {addrs("169.254.169.254")},
	}
	for callback, want := range map[string]string{ // "" is taken, "private" by the setting, else refused
		"https://example.com/hook?a=b": "", "http://example.com:8080": "", "https://[2606:4700::1111]:443/x": "", "https://93.184.215.14/": "",
		"https://later.example.com/":  "", // leads nowhere yet
		"https://inside.example.com/": "private", "https://both.example.com/": "private", "https://127.0.0.1/": "private", "https://[::1]/": "private",
		"http://localhost:8080/x": "private", "http://LOCALHOST./": "private", "http://metadata.google.internal/": "private", "https://10.0.0.1:9/": "private",
		"https://meta.example.com/": "no", "http://169.254.169.254/latest": "no", "http://[fe80::1%25eth0]/": "no", "http://[::ffff:a9fe:a9fe]/": "no",
		"http://127.1/": "no", "http://2130706433/": "no", "http://0x7f000001/": "no", "http://0177.0.0.1/": "no", "http://127.0.0.1./": "no", "http://0/": "no",
		"": "no", "example.com": "no", "ftp://example.com/": "no", "file:///etc/passwd": "no", "https:///x": "no", "https:example.com": "no", "javascript:alert(1)": "no",
		"https://user:pw@example.com/": "no", "https://example.com/#x": "no", "https://example.com/#": "no", "https://example.com:0/": "no", "https://example.com:65536/": "no",
		"https://example.com:/": "no", "https://exa mple.com/": "no", "https://example.com/a b": "no", "https://example.com/\r\nHost: x": "no", `https://example.com\@127.0.0.1/`: "no",
		"https://[::1": "no", "gopher://127.0.0.1:25/": "no",
	} {
		for _, allow := range []bool{false, true} {
			c := New(Options{Resolver: &names{answers: dns}, AllowPrivate: allow})
			err := c.Check(t.Context(), callback, true)
			taken := want == "" || want == "private" && allow
			if (err == nil) != taken {
				t.Errorf("%q, private networks %t: %v", callback, allow, err)
			}
			if err != nil && (!errors.Is(err, billing.Invalid) || billing.ErrorField(err) != "callback" || strings.Contains(err.Error(), "pw@")) {
				t.Errorf("%q: refused with %v", callback, err)
			}
		}
	}
	// Without a look the name is taken as it is; the delivery looks.
	asked := &names{answers: dns}
	if err := New(Options{Resolver: asked}).Check(t.Context(), "https://inside.example.com/", false); err != nil || asked.asked.Load() != 0 {
		t.Errorf("%v after %d questions", err, asked.asked.Load())
	}
}

// receiver is a callback on this machine, under a name.
func receiver(t *testing.T, h http.HandlerFunc) (callback string, resolver *names) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return "http://callback.example.com:" + u.Port() + "/hook?key=hidden", &names{answers: map[string][][]netip.Addr{"callback.example.com": {addrs("127.0.0.1")}}}
}

const secret = billing.Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

func message(callback string) billing.EventMessage {
	return billing.EventMessage{ID: "event-7-abc", Callback: callback, Secret: secret, At: time.Unix(1_795_000_000, 0), Body: []byte(`{"eventId":"event-7-abc"}`)}
}

// TestPost: what arrives, and that its signature is the standard's.
func TestPost(t *testing.T) {
	var got *http.Request
	var body []byte
	callback, dns := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
	})
	c := New(Options{Resolver: dns, AllowPrivate: true})
	defer c.Close()
	status, err := c.Post(t.Context(), message(callback))
	if err != nil || status != http.StatusAccepted {
		t.Fatal(status, err)
	}
	key, _ := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(`event-7-abc.1795000000.{"eventId":"event-7-abc"}`))
	for name, want := range map[string]string{
		"webhook-id": "event-7-abc", "webhook-timestamp": "1795000000", "webhook-signature": "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)),
		"Content-Type": "application/json;charset=utf-8",
	} {
		if h := got.Header.Get(name); h != want {
			t.Errorf("%s is %q, want %q", name, h, want)
		}
	}
	if string(body) != `{"eventId":"event-7-abc"}` || got.Method != http.MethodPost || got.URL.RawQuery != "key=hidden" {
		t.Errorf("%s %s %s", got.Method, got.URL, body)
	}
}

// TestAnswers: any 2xx is taken, whatever its body does; a redirect is not followed, and
// nothing of what a callback says is told.
func TestAnswers(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	t.Cleanup(elsewhere.Close)
	say := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, x := range map[string]struct {
		handler http.HandlerFunc
		status  int
		err     string
	}{
		"created":         {say(201, `{"id":"1"}`), 201, ""},
		"no content":      {say(204, ""), 204, ""},
		"redirect":        {say(302, ""), 302, "redirects"},
		"permanent":       {say(308, ""), 308, "redirects"},
		"not changed":     {say(304, ""), 304, "redirects"},
		"a failure":       {say(500, "secret of the callback"), 500, "answered 500"},
		"gone":            {say(410, ""), 410, "answered 410"},
		"a body of a gib": {endless, 200, ""},
		"a body that waits": {func(w http.ResponseWriter, r *http.Request) {
			say(200, "a")(w, r)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, 200, ""},
		"slow":        {func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() }, 0, "in time"},
		"no HTTP":     {hijack("SSH-2.0-OpenSSH_9.6 secret of the callback\r\n"), 0, "cannot be read"},
		"a long head": {hijack("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHeaders+4096) + "\r\n\r\n"), 0, "cannot be read"},
		"hangs up":    {hijack(""), 0, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			callback, dns := receiver(t, x.handler)
			c := New(Options{Resolver: dns, AllowPrivate: true})
			defer c.Close()
			wait := map[string]time.Duration{"slow": 300 * time.Millisecond, "a body that waits": 3 * time.Second}[name]
			if wait == 0 {
				wait = 30 * time.Second // an answer comes: however slow the machine is
			}
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			defer cancel()
			status, err := c.Post(ctx, message(callback))
			switch {
			case status != x.status || (err == nil) != (x.err == ""):
				t.Errorf("%d %v", status, err)
			case err == nil:
			case !strings.Contains(err.Error(), x.err):
				t.Errorf("error %q does not say %q", err, x.err)
			}
			if err != nil {
				for _, hidden := range []string{"secret of", "hidden", "example.com", "127.0.0.1", "MfKQ"} {
					if strings.Contains(err.Error(), hidden) {
						t.Errorf("error %q tells %q", err, hidden)
					}
				}
			}
		})
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	for {
		if _, err := w.Write(make([]byte, 32<<10)); err != nil {
			return
		}
	}
}

func hijack(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, text)
		conn.Close()
	}
}

// TestRebinding: the name was outside when the subscription was made and is inside when
// the event is sent; and a name is asked after once for each connection.
func TestRebinding(t *testing.T) {
	reached := false
	callback, _ := receiver(t, func(http.ResponseWriter, *http.Request) { reached = true })
	dns := &names{answers: map[string][][]netip.Addr{"callback.example.com": {addrs("93.184.215.14"), addrs("127.0.0.1")}}}
	c := New(Options{Resolver: dns})
	defer c.Close()
	if err := c.Check(t.Context(), callback, true); err != nil {
		t.Fatal(err)
	}
	status, err := c.Post(t.Context(), message(callback))
	if !errors.Is(err, errForbidden) || status != 0 || reached {
		t.Fatalf("%d %v, reached %t", status, err, reached)
	}
	if dns.asked.Load() != 2 {
		t.Errorf("the name was asked after %d times", dns.asked.Load())
	}
	// Addresses in callbacks are judged too, and never asked after.
	u, _ := url.Parse(callback)
	for _, direct := range []string{"http://127.0.0.1:" + u.Port() + "/", "http://[::1]:" + u.Port() + "/", "http://[::ffff:127.0.0.1]:" + u.Port() + "/"} {
		if _, err := c.Post(t.Context(), message(direct)); !errors.Is(err, errForbidden) || reached {
			t.Errorf("%s: %v, reached %t", direct, err, reached)
		}
	}
	if _, err := c.Post(t.Context(), message("http://2130706433:"+u.Port()+"/")); !errors.Is(err, errForbidden) || reached {
		t.Errorf("a number as a name: %v", err)
	}
}

// TestNoProxy: a proxy would look the name up by itself.
func TestNoProxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a proxy was used") }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	c := New(Options{Resolver: &names{}})
	if _, err := c.Post(t.Context(), message("http://callback.example.com/")); !errors.Is(err, errUnknownName) {
		t.Error(err)
	}
}

// TestCertificates: https is checked.
func TestCertificates(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	s.Config.ErrorLog = nil
	c := New(Options{AllowPrivate: true})
	if _, err := c.Post(t.Context(), message(s.URL)); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
	pool := s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	c = New(Options{AllowPrivate: true, RootCAs: pool})
	if status, err := c.Post(t.Context(), message(s.URL)); status != 200 || err != nil {
		t.Error(status, err)
	}
}

func TestSecrets(t *testing.T) {
	c := New(Options{})
	made := c.NewSecret()
	if err := c.CheckSecret(made); err != nil || made == c.NewSecret() {
		t.Error(err)
	}
	for _, bad := range []billing.Secret{
		"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_short", "whsec_!!!!", billing.Secret("whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 23))),
		billing.Secret("whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65))),
	} {
		if err := c.CheckSecret(bad); !errors.Is(err, billing.Invalid) || billing.ErrorField(err) != "secret" {
			t.Errorf("%d characters: %v", len(bad), err)
		}
	}
}
