package hook_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/hook"
)

const (
	unk = billing.OutcomeUnknown
	suc = billing.OutcomeSucceeded
	dec = billing.OutcomeDeclined
	not = billing.OutcomeNotAttempted

	none  = billing.TroubleNone
	fault = billing.TroubleFault
	limit = billing.TroubleLimited
)

// brief is what a table says of a result.
type brief struct {
	Outcome billing.Outcome
	Trouble billing.Trouble
	Class   billing.DeclineClass
	Code    string
}

func briefly(r billing.GatewayResult) brief { return brief{r.Outcome, r.Trouble, r.Class, r.Code} }

// What each signed answer means to each of the three calls.
func TestSignedAnswers(t *testing.T) {
	const soft, hard, auth = billing.DeclineSoft, billing.DeclineHard, billing.DeclineAuthentication
	bad := brief{unk, fault, 0, "bad_answer"}
	for _, tc := range []struct {
		name                   string
		status                 int
		body                   string
		charge, lookup, refund brief
	}{
		{"success", 200, `{"outcome":"succeeded","ref":"p"}`, brief{suc, none, 0, ""}, brief{suc, none, 0, ""}, brief{suc, none, 0, ""}},
		{"success_without_ref", 200, `{"outcome":"succeeded"}`, bad, bad, bad},
		{"status_decides_nothing", 500, `{"outcome":"succeeded","ref":"p"}`, brief{suc, none, 0, ""}, brief{suc, none, 0, ""}, brief{suc, none, 0, ""}},
		{"not_even_429", 429, `{"outcome":"succeeded","ref":"p"}`, brief{suc, none, 0, ""}, brief{suc, none, 0, ""}, brief{suc, none, 0, ""}},
		{"decline", 200, `{"outcome":"declined"}`, brief{dec, none, soft, "declined"}, brief{dec, none, soft, "declined"}, brief{dec, none, hard, "declined"}},
		{"soft", 402, `{"outcome":"declined","class":"soft","code":"x"}`, brief{dec, none, soft, "x"}, brief{dec, none, soft, "x"}, brief{dec, none, soft, "x"}},
		{"hard", 200, `{"outcome":"declined","class":"hard","code":"x"}`, brief{dec, none, hard, "x"}, brief{dec, none, hard, "x"}, brief{dec, none, hard, "x"}},
		{"authentication", 200, `{"outcome":"declined","class":"authentication_required","code":"x"}`, brief{dec, none, auth, "x"}, brief{dec, none, auth, "x"}, brief{dec, none, auth, "x"}},
		{"decline_with_a_wait", 429, `{"outcome":"declined","class":"soft","code":"x","retry_after":60}`, brief{dec, none, soft, "x"}, brief{dec, none, soft, "x"}, brief{dec, none, soft, "x"}},
		{"another_class", 200, `{"outcome":"declined","class":"medium"}`, bad, bad, bad},
		{"class_without_decline", 200, `{"outcome":"succeeded","ref":"p","class":"hard"}`, brief{suc, none, 0, ""}, brief{suc, none, 0, ""}, brief{suc, none, 0, ""}},
		{"not_attempted", 503, `{"outcome":"not_attempted","code":"down"}`, brief{not, fault, 0, "down"}, brief{not, none, 0, "down"}, brief{not, fault, 0, "down"}},
		{"not_found", 404, `{"outcome":"not_found"}`, bad, brief{not, none, 0, ""}, bad},
		{"unknown", 200, `{"outcome":"unknown","code":"down","ref":"p"}`, brief{unk, fault, 0, "down"}, brief{unk, fault, 0, "down"}, brief{unk, fault, 0, "down"}},
		{"pending", 200, `{"outcome":"unknown","code":"pending","ref":"p"}`, brief{unk, none, 0, "pending"}, brief{unk, none, 0, "pending"}, brief{unk, none, 0, "pending"}},
		{"pending_is_no_outcome", 200, `{"outcome":"not_attempted","code":"pending"}`, brief{not, fault, 0, "pending"}, brief{not, none, 0, "pending"}, brief{not, fault, 0, "pending"}},
		// A lookup that was turned away has not looked.
		{"limited", 429, `{"outcome":"not_attempted"}`, brief{not, limit, 0, ""}, brief{unk, limit, 0, ""}, brief{not, limit, 0, ""}},
		{"limited_not_found", 429, `{"outcome":"not_found"}`, bad, brief{unk, limit, 0, ""}, bad},
		{"limited_by_member", 200, `{"outcome":"not_attempted","retry_after":1}`, brief{not, limit, 0, ""}, brief{unk, limit, 0, ""}, brief{not, limit, 0, ""}},
		{"limited_unknown", 429, `{"outcome":"unknown"}`, brief{unk, limit, 0, ""}, brief{unk, limit, 0, ""}, brief{unk, limit, 0, ""}},
		{"another_outcome", 200, `{"outcome":"captured","ref":"p"}`, bad, bad, bad},
		{"outcome_in_capitals", 200, `{"outcome":"SUCCEEDED","ref":"p"}`, bad, bad, bad},
		{"no_outcome", 200, `{"ref":"p"}`, bad, bad, bad},
		{"null", 200, `null`, bad, bad, bad},
		{"list", 200, `[{"outcome":"succeeded","ref":"p"}]`, bad, bad, bad},
		{"two_values", 200, `{"outcome":"succeeded","ref":"p"}{}`, bad, bad, bad},
		{"empty", 200, ``, bad, bad, bad},
		{"not_json", 200, `OK`, bad, bad, bad},
		{"ref_is_a_number", 200, `{"outcome":"succeeded","ref":17}`, bad, bad, bad},
		{"wait_is_text", 200, `{"outcome":"not_attempted","retry_after":"5"}`, bad, bad, bad},
		{"card_is_text", 200, `{"outcome":"succeeded","ref":"p","card":"4242"}`, bad, bad, bad},
		{"long_ref", 200, `{"outcome":"succeeded","ref":"` + strings.Repeat("p", 256) + `"}`, bad, bad, bad},
		{"unknown_members", 200, `{"outcome":"succeeded","ref":"p","fee":1.5,"x":{"y":[]}}`, brief{suc, none, 0, ""}, brief{suc, none, 0, ""}, brief{suc, none, 0, ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			url := serve(t, &far{status: tc.status, body: tc.body})
			want := map[string]brief{"charge": tc.charge, "lookup": tc.lookup, "refund": tc.refund}
			for name := range want {
				g := newGateway(t, hook.Options{URL: url})
				if got := briefly(calls(g)[name](t.Context())); got != want[name] {
					t.Errorf("%s: %+v, want %+v", name, got, want[name])
				}
			}
		})
	}
}

func TestWhatAnAnswerTells(t *testing.T) {
	url := serve(t, &far{body: `{"outcome":"declined","ref":"pay_1","class":"hard","code":"stolen_card","advice":"do_not_try_again",
		"message":"stolen","card":{"fingerprint":"fp_1","brand":"Visa","last4":"4242","exp_month":12,"exp_year":2030}}`})
	got := newGateway(t, hook.Options{URL: url}).Charge(t.Context(), charge())
	want := billing.GatewayResult{
		Outcome: dec, Ref: "pay_1", Class: billing.DeclineHard, Code: "stolen_card", Advice: "do_not_try_again", Message: "stolen",
		Card: &billing.GatewayCard{Fingerprint: "fp_1", Brand: "Visa", Last4: "4242", ExpMonth: 12, ExpYear: 2030},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

// What cannot be true of a card is dropped, and the payment stands.
func TestImpossibleCards(t *testing.T) {
	for members, want := range map[string]billing.GatewayCard{
		`"last4":"42424"`:                       {},
		`"last4":"x242"`:                        {},
		`"exp_month":13,"exp_year":2030`:        {},
		`"exp_month":1,"exp_year":30`:           {},
		`"fingerprint":"4242424242424242"`:      {},
		`"fingerprint":"fp of tok_secret_1"`:    {},
		`"brand":"Visa 4242 4242 4242 4242"`:    {Brand: "Visa redacted"},
		`"brand":"Visa","last4":"","other":"x"`: {Brand: "Visa"},
	} {
		url := serve(t, &far{body: `{"outcome":"succeeded","ref":"p","card":{` + members + `}}`})
		r := newGateway(t, hook.Options{URL: url}).Charge(t.Context(), charge())
		if r.Outcome != suc || r.Card == nil || *r.Card != want {
			t.Errorf("%s: %+v, %+v", members, r, r.Card)
		}
	}
}

// Whatever a bridge writes anywhere, the token and our secret are not in it.
func TestResultsShowNoSecret(t *testing.T) {
	key := secret[len("whsec_"):]
	for _, hidden := range []string{"tok_secret_1", key, "4242424242424242", "4242 4242 4242 4242"} {
		text := "before " + hidden + " after " + strings.Repeat("x", 480) + hidden
		members := `"code":%[1]q,"advice":%[1]q,"message":%[1]q,"card":{"fingerprint":%[1]q,"brand":%[1]q,"last4":%[1]q}`
		if !strings.HasPrefix(hidden, "4242") { // a reference stays what it is, numbers too
			members += `,"ref":"pay ` + hidden + `"`
		}
		for _, outcome := range []string{"succeeded", "declined", "not_attempted", "unknown", hidden} {
			url := serve(t, &far{body: fmt.Sprintf(`{"outcome":%q,`+members+`}`, outcome, text)})
			g := newGateway(t, hook.Options{URL: url})
			for name, call := range calls(g) {
				if name == "refund" && strings.HasPrefix(hidden, "tok") {
					continue // a refund knows no token
				}
				r := call(t.Context())
				shown := fmt.Sprintf("%+v %+v", r, r.Card)
				if strings.Contains(shown, hidden) || strings.Contains(shown, hidden[:len(hidden)-1]) {
					t.Errorf("%s, %s: %s", name, outcome, shown)
				}
			}
		}
	}
}

func TestClean(t *testing.T) {
	for _, tc := range []struct {
		text, want string
		most       int
	}{
		{"plain", "plain", 10},
		{"", "", 10},
		{"äöü€", "äöü", 3},
		{"two\r\nlines\tand\x00more\u2028", "two  lines and more ", 50},
		{"card 4242424242424242 12/30", "card redacted 12/30", 50},
		{"card 4242-4242-4242-4242", "card redacted", 50},
		{"amex 3782 822463 10005", "amex redacted", 50},
		{"trace 4242424242424243", "trace 4242424242424243", 50},
		{"trace 20261122100000123456789", "trace 20261122100000123456789", 50},
		{"tok_1 and tok_1", "redacted and redacted", 50},
		{"12345tok_1", "12345reda", 9}, // hidden first, cut afterwards
	} {
		if got := hook.Clean(tc.text, "tok_1", tc.most); got != tc.want {
			t.Errorf("%q: %q, want %q", tc.text, got, tc.want)
		}
	}
}

func TestMessagesAreCut(t *testing.T) {
	url := serve(t, &far{body: `{"outcome":"declined","code":"` + strings.Repeat("c", 3000) + `","message":"` + strings.Repeat("é", 3000) + `"}`})
	r := newGateway(t, hook.Options{URL: url}).Charge(t.Context(), charge())
	if n := len([]rune(r.Message)); n != 500 || len(r.Code) != 100 {
		t.Errorf("%d characters, a code of %d", n, len(r.Code))
	}
}

// A bridge that asks for a pause gets one: nothing is sent until it is over.
func TestPause(t *testing.T) {
	for _, tc := range []struct {
		name string
		far  *far
		want time.Duration
	}{
		{"member", &far{body: `{"outcome":"not_attempted","retry_after":30}`}, 30 * time.Second},
		{"of_an_unknown", &far{body: `{"outcome":"unknown","retry_after":30}`}, 30 * time.Second},
		{"header", &far{status: 429, header: map[string][]string{"Retry-After": {"7"}}, secret: otherSecret}, 7 * time.Second},
		{"too_long", &far{body: `{"outcome":"not_attempted","retry_after":30000}`}, 5 * time.Minute},
		{"negative", &far{body: `{"outcome":"not_attempted","retry_after":-1}`}, 0},
		{"date", &far{status: 429, header: map[string][]string{"Retry-After": {"Sun, 22 Nov 2026 10:00:07 GMT"}}, secret: otherSecret}, 0},
		{"no_word_of_it", &far{status: 429, secret: otherSecret}, 0},
		{"header_of_a_500", &far{status: 500, header: map[string][]string{"Retry-After": {"7"}}, secret: otherSecret}, 0},
		{"of_a_decline", &far{body: `{"outcome":"declined","retry_after":30}`}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clock := time.Now()
			g := newGateway(t, hook.Options{URL: serve(t, tc.far), Now: func() time.Time { return clock }})
			g.Charge(t.Context(), charge())
			want := time.Time{}
			if tc.want > 0 {
				want = clock.Add(tc.want)
			}
			if got := g.PausedUntil(); !got.Equal(want) {
				t.Fatalf("paused until %v, want %v", got, want)
			}
			if tc.want == 0 {
				return
			}
			tc.far.asked = nil
			for name, call := range calls(g) {
				r, outcome := call(context.WithoutCancel(t.Context())), not
				if name == "lookup" {
					outcome = unk
				}
				if r.Outcome != outcome || r.Trouble != limit || tc.far.asked != nil {
					t.Errorf("%s in the pause: %+v", name, r)
				}
			}
			clock = clock.Add(tc.want)
			if !g.PausedUntil().IsZero() {
				t.Error("the pause does not end")
			}
			if g.Charge(t.Context(), charge()); tc.far.asked == nil {
				t.Error("nothing was sent after the pause")
			}
		})
	}
}
