package jsonl_test

import (
	"strings"
	"testing"

	"topupd/billing"
)

const hubSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// Subscriptions survive into an empty database, with their secrets if those are written;
// deleted ones stay behind, and are not woken.
func TestHubsSurvive(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD"}
{"type":"hub_subscription","id":3,"i_customer":10,"callback":"https://acme.example/events?key=1","query":"eventType=TopupBalanceCreateEvent","events":"topup:create","secret":"`+hubSecret+`","created":"2026-11-22T12:00:00.000001Z"}
{"type":"hub_subscription","id":4,"i_customer":1,"callback":"http://ops.example"}`)
	must(t, err)
	plain, first := dump(t, e, false), dump(t, e, true)
	if strings.Contains(plain, "whsec_") || strings.Count(plain, `"type":"hub_subscription"`) != 2 || strings.Count(first, hubSecret) != 1 {
		t.Errorf("%s\n%s", plain, first)
	}
	for _, secrets := range []bool{false, true} {
		other := newEngine(t)
		_, err = load(t, other, dump(t, e, secrets))
		must(t, err)
		if again := dump(t, other, secrets); again != dump(t, e, secrets) {
			t.Errorf("not the same:\n%s\n%s", dump(t, e, secrets), again)
		}
		if !secrets { // a line with the secret makes it usable, and one without keeps it
			_, err = load(t, other, first)
			must(t, err)
			_, err = load(t, other, plain)
			must(t, err)
			if again := dump(t, other, true); again != first {
				t.Errorf("not the same:\n%s\n%s", first, again)
			}
		}
	}
	must(t, e.Unsubscribe(root(t), 3))
	_, err = load(t, e, first)
	must(t, err)
	if again := dump(t, e, true); strings.Contains(again, hubSecret) {
		t.Errorf("an import woke a deleted one:\n%s", again)
	}

	before := dump(t, e, true)
	for line, want := range map[string]string{
		`{"type":"hub_subscription","i_customer":10,"callback":"https://a"}`:                                        "id is missing",
		`{"type":"hub_subscription","id":9,"callback":"https://a"}`:                                                 "i_customer is missing",
		`{"type":"hub_subscription","id":9,"i_customer":10}`:                                                        "needs a callback",
		`{"type":"hub_subscription","id":9,"i_customer":99,"callback":"https://a"}`:                                 "customer 99",
		`{"type":"hub_subscription","id":0,"i_customer":10,"callback":"https://a"}`:                                 "id",
		`{"type":"hub_subscription","id":9,"i_customer":10,"callback":null}`:                                        "callback",
		`{"type":"hub_subscription","id":9,"i_customer":10,"callback":"https://a","events":"bucket:cancel"}`:        "resource:kind",
		`{"type":"hub_subscription","id":9,"i_customer":10,"callback":"https://a","events":"x,"}`:                   "resource:kind",
		`{"type":"hub_subscription","id":9,"i_customer":10,"callback":"https://a","secret":null}`:                   "secret",
		`{"type":"hub_subscription","id":9,"i_customer":10,"callback":"https://a","created":"yesterday"}`:           "created",
		`{"type":"hub_subscription","id":9,"i_customer":10,"callback":"https://a","hash":"x"}`:                      "hash is not a member",
		`{"type":"hub_subscription","id":9,"i_customer":1,"callback":"http://ops.example"}`:                         "already",
		`{"type":"hub_subscription","id":4,"i_customer":10,"callback":"http://ops.example"}`:                        "belongs to",
		`{"type":"hub_subscription","id":4,"i_customer":1,"callback":"http://other.example"}`:                       "never changed",
		`{"type":"hub_subscription","id":4,"i_customer":1,"query":"x"}`:                                             "never changed",
		`{"type":"hub_subscription","id":9,"i_customer":10,"callback":"https://` + strings.Repeat("a", 2000) + `"}`: "2000",
	} {
		if _, err := load(t, e, line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
	if after := dump(t, e, true); after != before {
		t.Errorf("a refused line changed something:\n%s\n%s", before, after)
	}
	list, err := e.Hubs(root(t))
	if must(t, err); len(list) != 1 || list[0].ID != billing.HubID(4) {
		t.Errorf("%+v", list)
	}
}
