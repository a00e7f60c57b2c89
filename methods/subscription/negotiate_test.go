package subscription

import (
	"net/http/httptest"
	"testing"
)

func TestNegotiate(t *testing.T) {
	for _, tt := range []struct{ accept, content, script, want string }{
		{"", "", "", "application/json"},
		{"", "application/json; charset=utf-8", "", "application/json"},
		{"", "application/xml", "", "application/xml"},
		{"", "text/xml", "", "text/xml"},
		{"", "text/html", "", "text/html"},
		{"", "text/json", "", "text/json"},
		{"", "application/x-www-form-urlencoded", "", "application/json"},
		{"", "text/plain", "", "application/json"},
		{"*/*", "", "", "application/json"},
		{"*/*", "text/xml", "", "text/xml"},
		{"*/*;q=0.1", "application/xml", "", "application/xml"},
		{"*/*", "text/xml", "XMLHttpRequest", "application/json"},
		{"application/xml", "application/json", "", "application/xml"},
		{"text/xml", "", "", "text/xml"},
		{"TEXT/HTML", "", "", "text/html"},
		{"application/*", "", "", "application/json"},
		{"application/*", "application/xml", "", "application/xml"},
		{"text/*", "", "", "text/json"},
		{"image/png", "application/xml", "", "application/json"},
		{"application/json;q=0.5, application/xml;q=0.9", "", "", "application/xml"},
		{"application/xml;q=0.5, application/json;q=0.4, */*;q=0.1", "", "", "application/xml"},
		{"application/xml;q=0.5, */*;q=0.8", "", "", "application/json"},
		{"application/xml, */*", "", "", "application/xml"},
		{"application/xml, application/json", "", "", "application/json"},
		{"text/html, application/json", "", "", "text/html"},
		{"application/json;q=0, */*", "", "", "text/json"},
		{"application/json;q=0", "", "", "application/json"},
		{"application/xml;q=2", "", "", "application/json"},
		{"application/xml;q=x, garbage, /, */xml", "", "", "application/json"},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "", "", "text/html"},
		{"application/json, text/javascript, */*; q=0.01", "text/xml", "", "application/json"},
	} {
		r := httptest.NewRequest("POST", address, nil)
		for name, v := range map[string]string{"Accept": tt.accept, "Content-Type": tt.content, "X-Requested-With": tt.script} {
			if v != "" {
				r.Header.Set(name, v)
			}
		}
		if got := negotiate(r).media; got != tt.want {
			t.Errorf("Accept %q, Content-Type %q: %s, want %s", tt.accept, tt.content, got, tt.want)
		}
	}
}
