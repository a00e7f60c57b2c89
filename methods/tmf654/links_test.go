package tmf654_test

import (
	"strings"
	"testing"
)

// TestLinksBehindProxy: the links of an answer have the scheme that the caller used, as
// what ends TLS before us tells it, and the host and path that it asked for.
func TestLinksBehindProxy(t *testing.T) {
	k := newKit(t)
	at := base + "/adjustBalance"
	for i, c := range []struct{ name, value, scheme string }{
		{"X-Forwarded-Proto", "https", "https"},
		{"X-Forwarded-Proto", "HTTPS", "https"},
		{"X-Forwarded-Proto", "https, http", "https"},
		{"X-Forwarded-Proto", "http,https", "http"},
		{"X-Forwarded-Proto", "http", "http"},
		{"X-Forwarded-Proto", "", "http"},
		{"X-Forwarded-Proto", "javascript", "http"},
		{"X-Forwarded-Proto", "https://evil.example/", "http"},
		{"X-Forwarded-Host", "evil.example", "http"},
		{"Forwarded", "proto=https", "https"},
		{"Forwarded", `for="[2001:db8::1]:4711"; Proto="https" ;by=203.0.113.43`, "https"},
		{"Forwarded", "for=192.0.2.60;proto=https;host=evil.example, for=198.51.100.17;proto=http", "https"},
		{"Forwarded", "for=192.0.2.60, for=198.51.100.17;proto=https", "http"},
		{"Forwarded", "proto=ftp", "http"},
		{"Forwarded", "https", "http"},
	} {
		w := k.send("10", "POST", at, usd("1", of("partyAccount", alice)), c.name, c.value)
		location, want := w.Header().Get("Location"), c.scheme+"://host:8080"+at+"/"
		if w.Code != 201 || !strings.HasPrefix(location, want) || !strings.Contains(w.Body.String(), `"href":"`+location+`"`) {
			t.Errorf("%d: %s: %s: %d at %q, want %s\n%s", i, c.name, c.value, w.Code, location, want, w.Body)
		}
		w = k.send("10", "GET", at+"?limit=1", "", c.name, c.value)
		if !strings.Contains(w.Body.String(), `"href":"`+want) {
			t.Errorf("%s: %s: the list has %s", c.name, c.value, w.Body)
		}
	}
	// The header that is not understood does not hide the other one.
	w := k.send("10", "GET", at+"?limit=1", "", "Forwarded", "for=192.0.2.60", "X-Forwarded-Proto", "https")
	if !strings.Contains(w.Body.String(), `"href":"https://host:8080/`) {
		t.Errorf("with both: %s", w.Body)
	}
	// It is the caller's own answer: the next one's is as before.
	if got := k.must(200, "10", "GET", at+"?limit=1", ""); !strings.Contains(got, `"href":"http://host:8080/`) {
		t.Errorf("without: %s", got)
	}
}
