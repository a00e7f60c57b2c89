package jsonl_test

import (
	"strings"
	"testing"

	"topupd/billing"
)

// Several logins of one customer, a disabled one, and text that needs escapes.
func TestExportKeepsLoginsAndText(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, `{"type":"customer","i_customer":10,"name":"<Acme> \"√\" \u0001\t\\ 𝄞 \u2028","currency":"KWD","balance":"1.234","web_login":"b","api_password":"p"}`)
	must(t, err)
	must(t, e.AddLogin(root(t), "a", billing.Customer(10), "q"))
	must(t, e.AddLogin(root(t), "c", billing.Customer(10), "r"))
	must(t, e.DisableLogin(root(t), "c"))
	first := dump(t, e, true)
	if n := strings.Count(first, `"web_login"`); n != 3 || strings.Count(first, `"api_ha1"`) != 2 {
		t.Errorf("%d logins:\n%s", n, first)
	}
	other := newEngine(t)
	_, err = load(t, other, first)
	must(t, err)
	if got := dump(t, other, true); got != first {
		t.Errorf("the second export differs:\n%s\n%s", first, got)
	}
	for name, works := range map[string]bool{"a": true, "b": true, "c": false} {
		if _, err := other.Credential(t.Context(), name); (err == nil) != works {
			t.Errorf("login %s: %v", name, err)
		}
	}
	// Without secrets an import leaves the passwords that are stored.
	_, err = load(t, e, dump(t, e, false))
	must(t, err)
	if got := dump(t, e, true); got != first {
		t.Errorf("an import without secrets changed something:\n%s", got)
	}
}

// Many owners: more than a page of each.
func TestExportPages(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, many(2345))
	must(t, err)
	first := dump(t, e, true)
	if n := strings.Count(first, "\n"); n != 2+3*2345 {
		t.Errorf("%d lines", n)
	}
	other := newEngine(t)
	_, err = load(t, other, first)
	must(t, err)
	if dump(t, other, true) != first {
		t.Error("the second export differs")
	}
}
