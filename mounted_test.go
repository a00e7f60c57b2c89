package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestMountedBalances asks the real server for what is beside the resources of an interface
// with two addresses: it is refused in the interface's shape, below both.
func TestMountedBalances(t *testing.T) {
	t.Setenv("TOPUPD_ADMIN_TOKEN", "an-operators-token-of-its-own")
	t.Setenv("TOPUPD_ADMIN_USER", "ops")
	t.Setenv("TOPUPD_ADMIN_PASSWORD", "a-password")
	s := startWith(t, mountable)
	send := func(method, path, body string, headers ...string) (int, string, http.Header) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("ops", "a-password")
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b), res.Header
	}
	refused := func(status int, method, path, body string, headers ...string) http.Header {
		t.Helper()
		got, text, header := send(method, path, body, headers...)
		var f map[string]any
		if err := json.Unmarshal([]byte(text), &f); err != nil || got != status || f["@type"] != "Error" {
			t.Errorf("%s %s: %d %s, want %d", method, path, got, text, status)
		}
		return header
	}
	const account = "0.0.0.1+-account+100"
	for _, root := range []string{"/brm", "/tmf-api"} {
		base := root + "/prepayBalanceManagement/v4"
		for _, path := range []string{base, base + "/", base + "/nothing", base + "/deductBalance/7", base + "/topupBalance/7/more"} {
			refused(404, "GET", path, "")
			refused(404, "POST", path, "{}")
		}
		if allow := refused(405, "PUT", base+"/topupBalance", "{}").Get("Allow"); allow != "GET, HEAD, POST" {
			t.Errorf("PUT of %s: Allow %q", base, allow)
		}
		refused(405, "PUT", base+"/bucket/7", "{}")

		// A form that a browser would send for a page of another origin.
		const form = "application/x-www-form-urlencoded"
		body := `{"amount":{"amount":"1","units":"USD"},"partyAccount":{"id":"` + account + `"}}`
		before := s.balance(100)
		refused(403, "POST", base+"/adjustBalance", body, "Content-Type", form, "Origin", "https://evil.example")
		refused(403, "POST", base+"/adjustBalance", body, "Content-Type", form, "Sec-Fetch-Site", "cross-site")
		refused(403, "POST", base+"/adjustBalance", body, "Sec-Fetch-Site", "same-site")
		if after := s.balance(100); after != before {
			t.Errorf("a page of another origin made %s of %s", after, before)
		}
		if status, text, _ := send("POST", base+"/adjustBalance", body, "Content-Type", form); status != 201 {
			t.Errorf("a form of no page: %d %s", status, text)
		}
		if after := s.balance(100); after == before {
			t.Errorf("the balance is still %s", after)
		}
	}
	for _, path := range []string{"/brmx", "/tmf", "/", "/nothing"} {
		if status, text, _ := send("GET", path, ""); status != 404 || strings.Contains(text, "{") {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}
