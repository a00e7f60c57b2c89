package jsonl_test

import (
	"strings"
	"testing"

	"topupd/billing"
)

// Tokens that work survive into an empty database with secrets, and work there;
// revoked ones stay behind.
func TestTokensSurvive(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD"}`)
	must(t, err)
	_, crm, err := e.AddToken(root(t), billing.Customer(10), "crm")
	must(t, err)
	gone, stopped, err := e.AddToken(root(t), billing.Customer(10), "gone")
	must(t, err)
	_, err = e.RevokeToken(root(t), gone.ID)
	must(t, err)
	if plain := dump(t, e, false); strings.Contains(plain, `"token"`) || strings.Contains(plain, "token_hash") {
		t.Errorf("tokens without secrets:\n%s", plain)
	}
	first := dump(t, e, true)
	if strings.Count(first, `"type":"token"`) != 1 || strings.Contains(first, crm.Reveal()) {
		t.Error(first)
	}
	other := newEngine(t)
	_, err = load(t, other, first)
	must(t, err)
	if again := dump(t, other, true); again != first {
		t.Errorf("not the same:\n%s\n%s", first, again)
	}
	found, err := other.FindToken(root(t), billing.TokenHash(crm))
	must(t, err)
	if found.Customer != billing.Customer(10) || found.Login != "token:crm" {
		t.Errorf("%+v", found)
	}
	if _, err := other.FindToken(root(t), billing.TokenHash(stopped)); billing.ErrorCode(err) != billing.NotFound {
		t.Errorf("a revoked token: %v", err)
	}
	_, err = load(t, other, `{"type":"token","id":1,"i_customer":10,"name":"renamed"}`)
	must(t, err)
	if found, err = other.FindToken(root(t), billing.TokenHash(crm)); err != nil || found.Login != "token:renamed" {
		t.Errorf("%+v %v", found, err)
	}
	// A revoked one is not woken by the file it was in.
	_, err = other.RevokeToken(root(t), 1)
	must(t, err)
	_, err = load(t, other, first)
	must(t, err)
	if _, err := other.FindToken(root(t), billing.TokenHash(crm)); billing.ErrorCode(err) != billing.NotFound {
		t.Errorf("an import woke it: %v", err)
	}

	hash := strings.Repeat("ab", 32)
	before := dump(t, e, true)
	for line, want := range map[string]string{
		`{"type":"token","i_customer":10,"name":"x","token_hash":"` + hash + `"}`:                              "id is missing",
		`{"type":"token","id":9,"name":"x","token_hash":"` + hash + `"}`:                                       "i_customer is missing",
		`{"type":"token","id":9,"i_customer":10,"name":"x"}`:                                                   "a new token needs name and token_hash",
		`{"type":"token","id":9,"i_customer":10,"token_hash":"` + hash + `"}`:                                  "a new token needs name and token_hash",
		`{"type":"token","id":9,"i_customer":99,"name":"x","token_hash":"` + hash + `"}`:                       "customer 99",
		`{"type":"token","id":9,"i_customer":10,"name":"x","token_hash":"tpd_ABC"}`:                            "64 hexadecimal digits",
		`{"type":"token","id":9,"i_customer":10,"name":"","token_hash":"` + hash + `"}`:                        "1 to 128 characters",
		`{"type":"token","id":9,"i_customer":10,"name":"x","hint":"ABCDE","token_hash":"` + hash + `"}`:        "at most 4",
		`{"type":"token","id":9,"i_customer":10,"name":"crm","token_hash":"` + hash + `"}`:                     "there is a token crm",
		`{"type":"token","id":1,"i_customer":10,"token_hash":"` + hash + `"}`:                                  "token 1 is another one",
		`{"type":"token","id":1,"i_customer":1,"name":"x"}`:                                                    "token 1 belongs to",
		`{"type":"token","id":9,"i_customer":10,"name":null,"token_hash":"` + hash + `"}`:                      "name",
		`{"type":"token","id":0,"i_customer":10,"name":"x","token_hash":"` + hash + `"}`:                       "id",
		`{"type":"token","id":9,"i_customer":10,"name":"x","token":"tpd_secret","token_hash":"` + hash + `"}`:  "token is not a member",
		`{"type":"token","id":9,"i_customer":10,"name":"x","created":"yesterday","token_hash":"` + hash + `"}`: "created",
	} {
		if _, err := load(t, e, line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
	if after := dump(t, e, true); after != before {
		t.Errorf("a refused line changed something:\n%s\n%s", before, after)
	}
}
