package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Each login and token has its own pace, over both interfaces; what is too much is
// told in the interface's shape, with the time to wait.
func TestRateLimit(t *testing.T) {
	c := newClock()
	f := newRESTFixture(t, func(o *Options) { o.now, o.RateLimit = c.now, 2 })
	f.MountLimited("POST /limited", http.NotFoundHandler(), XMLRPC, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<fault/>") })
	ask := func() int { return f.send("GET", "/v1/things/a", "", withToken).Code }
	for n := range 4 {
		if code := ask(); code != 200 {
			t.Fatalf("request %d: %d", n, code)
		}
	}
	w := f.send("POST", "/v1/things", "a", withToken, "Idempotency-Key: k")
	f.refused(w, 429)
	if w.Header().Get("Retry-After") != "1" || f.runs != 0 {
		t.Errorf("%v, %d runs", w.Header(), f.runs)
	}
	// Others are not held up, and failures count for nobody.
	expect(t, f.send("GET", "/v1/things/a", "", "Authorization: "+basic("acme", password)), 200, "")
	f.refused(f.send("GET", "/v1/things/a", "", "Authorization: Bearer wrong"), 401)
	c.advance(500 * time.Millisecond)
	if ask() != 200 || ask() != 429 {
		t.Error("not two a second")
	}
	for n := range 5 {
		want := 200
		if n == 4 {
			want = 429
		}
		expect(t, f.do(sign(t, f.fixture, post("<x/>"), "acme", password)), want, "")
	}
	r := post("<x/>")
	r.URL.Path = "/limited"
	r.RequestURI = "/limited"
	expect(t, f.do(sign(t, f.fixture, r, "acme", password)), 200, "<fault/>")
	if m := f.do(get("/metrics", "127.0.0.1")).Body.String(); !strings.Contains(m, "topupd_rate_limited_total 4") {
		t.Error("no metric")
	}
}

func TestRateLimitIsBounded(t *testing.T) {
	c := newClock()
	l := newLimits(1, c.now)
	for n := range limitedLogins + 100 {
		l.take(fmt.Sprint(n))
	}
	if len(l.known) != limitedLogins || l.recent.Len() != limitedLogins {
		t.Errorf("%d and %d remembered", len(l.known), l.recent.Len())
	}
	if _, ok := newLimits(0, c.now).take("x"); !ok {
		t.Error("0 limits")
	}
}
