package sippy_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// What rewriting the scripts cannot spoil: a refused call changes nothing, and
// what is unknown looks like what is out of scope.

func TestRefusedCallsChangeNothing(t *testing.T) {
	script, err := os.ReadFile(strings.Replace(scripts, "*", "refused", 1))
	must(t, err)
	var policies []string
	refused := 0
	for _, answer := range strings.Split(string(script), "\n<--\n")[1:] {
		answer, _, _ = strings.Cut(answer, "\n--> ")
		switch {
		case strings.Contains(answer, "<name>threshold</name>"):
			policies = append(policies, strings.TrimSpace(answer))
		case strings.Contains(answer, "<fault>"):
			refused++
		}
	}
	if len(policies) != 2 || policies[0] != policies[1] || refused < 8 {
		t.Errorf("%d refusals between\n%s", refused, strings.Join(policies, "\nand\n"))
	}
}

func TestForeignLooksUnknown(t *testing.T) {
	k := newKit(t)
	for _, c := range []struct{ method, member, unknown, foreign string }{
		{"getLowBalance", "i_account", "999", "200"},
		{"getLowBalance", "i_account", "999", "110"},
		{"getLowBalance", "i_customer", "999", "20"},
		{"getLowBalance", "i_customer", "999", "12"},
		{"setLowBalance", "i_account", "999", "200"},
		{"setLowBalance", "i_customer", "999", "12"},
		{"setLowBalance", "i_debit_credit_card", "999", "2000"},
		{"setLowBalance", "br_i_debit_credit_card", "999", "2000"},
		{"accountDebit", "i_account", "999", "200"},
		{"customerDebit", "i_customer", "999", "20"},
		{"customerDebit", "i_customer", "999", "12"},
	} {
		ask := func(id string) string { return k.step(t, "acme", request(c.method, c.member, id)) }
		unknown, foreign := ask(c.unknown), ask(c.foreign)
		if unknown != foreign || !strings.Contains(unknown, "<int>401</int>") || !strings.Contains(unknown, "Wrong "+c.member+"<") {
			t.Errorf("%s %s: unknown\n%sforeign\n%s", c.method, c.member, unknown, foreign)
		}
	}
}

// request is a call that is right but for one id.
func request(method, member, id string) string {
	members := map[string]string{"amount": "<double>1.0</double>", "currency": "USD", "threshold": "<double>1.0</double>"}
	if strings.HasSuffix(member, "card") {
		members["i_account"] = "<int>100</int>"
	}
	members[member] = "<int>" + id + "</int>"
	var b strings.Builder
	for name, value := range members {
		fmt.Fprintf(&b, "<member><name>%s</name><value>%s</value></member>", name, value)
	}
	return "<methodCall><methodName>" + method + "</methodName><params><param><value><struct>" + b.String() + "</struct></value></param></params></methodCall>"
}
