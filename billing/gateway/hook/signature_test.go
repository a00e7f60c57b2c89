package hook_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"topupd/billing"
	"topupd/billing/gateway/hook"
)

func reference(t *testing.T, s string) *standardwebhooks.Webhook {
	t.Helper()
	w, err := standardwebhooks.NewWebhook(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// The scheme's own library reads what we sign, and we read what it signs.
func TestSignaturesAgreeWithTheReference(t *testing.T) {
	bodies := []string{"", "{}", `{"outcome":"succeeded"}`, "with.dots.and\nlines", "\x00\xff", strings.Repeat("x", 1<<16)}
	for i, body := range bodies {
		h, id, at := http.Header{}, fmt.Sprintf("msg_%d", i), time.Now()
		hook.Sign(h, secret, id, at, []byte(body))
		if err := reference(t, secret).Verify([]byte(body), h); err != nil {
			t.Errorf("body %d: the reference refuses ours: %v", i, err)
		}
		theirs, err := reference(t, otherSecret).Sign(id, at, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		h.Set("webhook-signature", theirs)
		if err := hook.Verify(h, otherSecret, []byte(body), at); err != nil {
			t.Errorf("body %d: we refuse the reference's: %v", i, err)
		}
		if err := hook.Verify(h, secret, []byte(body), at); err == nil {
			t.Errorf("body %d: another secret passes", i)
		}
	}
}

// With two secrets both sign, and either is accepted.
func TestRotation(t *testing.T) {
	both, body := secret+" , "+strings.TrimPrefix(otherSecret, "whsec_"), []byte(`{}`)
	h := http.Header{}
	hook.Sign(h, both, "msg_1", time.Now(), body)
	if n := len(strings.Fields(h.Get("webhook-signature"))); n != 2 {
		t.Errorf("%d signatures", n)
	}
	for _, one := range []string{secret, otherSecret} {
		if err := reference(t, one).Verify(body, h); err != nil {
			t.Errorf("signed with both, read with one: %v", err)
		}
		single := http.Header{}
		hook.Sign(single, one, "msg_1", time.Now(), body)
		if err := hook.Verify(single, both, body, time.Now()); err != nil {
			t.Errorf("signed with one, read with both: %v", err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	at, body := time.Now(), []byte(`{}`)
	for name, tc := range map[string]struct {
		spoil func(h http.Header)
		now   time.Time
		want  string
	}{
		"nothing_wrong":       {func(http.Header) {}, at, ""},
		"just_in_time":        {func(http.Header) {}, at.Truncate(time.Second).Add(5 * time.Minute), ""},
		"no_id":               {func(h http.Header) { h.Del("webhook-id") }, at, "no signature"},
		"no_timestamp":        {func(h http.Header) { h.Del("webhook-timestamp") }, at, "no signature"},
		"no_signature":        {func(h http.Header) { h.Del("webhook-signature") }, at, "no signature"},
		"another_id":          {func(h http.Header) { h.Set("webhook-id", "msg_2") }, at, "the signature does not match"},
		"timestamp_no_number": {func(h http.Header) { h.Set("webhook-timestamp", "now") }, at, "the signature does not match"},
		"no_version":          {func(h http.Header) { h.Set("webhook-signature", h.Get("webhook-signature")[3:]) }, at, "the signature does not match"},
		"half":                {func(h http.Header) { h.Set("webhook-signature", h.Get("webhook-signature")[:20]) }, at, "the signature does not match"},
		"only_the_version":    {func(h http.Header) { h.Set("webhook-signature", "v1,") }, at, "the signature does not match"},
		"too_late":            {func(http.Header) {}, at.Add(5*time.Minute + time.Second), "the timestamp is more than five minutes off"},
		"too_early":           {func(http.Header) {}, at.Add(-5*time.Minute - time.Second), "the timestamp is more than five minutes off"},
		"among_others":        {func(h http.Header) { h.Set("webhook-signature", "v1a,x v1,y  "+h.Get("webhook-signature")) }, at, ""},
	} {
		h := http.Header{}
		hook.Sign(h, secret, "msg_1", at, body)
		tc.spoil(h)
		err := hook.Verify(h, secret, body, tc.now)
		if got := fmt.Sprint(err); (err == nil) != (tc.want == "") || err != nil && got != tc.want {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
	// An id with a dot could be cut elsewhere; one that is no header text or
	// without end is refused as well, also if it is signed.
	for _, id := range []string{"msg.1", "msg 1", "msg\x001", "m\u00e9", strings.Repeat("m", 256)} {
		h := http.Header{}
		hook.Sign(h, secret, id, at, body)
		if err := hook.Verify(h, secret, body, at); err == nil {
			t.Errorf("id %q passes", id)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, tc := range []struct {
		url, secret, field string
	}{
		{"https://bridge.example/hook", secret, ""},
		{"https://bridge.example:8443/hook?tenant=1", secret[6:], ""},
		{"http://127.0.0.1:9090", secret + "," + otherSecret, ""},
		{"http://127.9.9.9:9090", secret, ""},
		{"http://localhost:9090/x", secret, ""},
		{"http://[::1]:9090/x", secret, ""},
		{"", secret, "url"},
		{"bridge.example", secret, "url"},
		{"https://", secret, "url"},
		{"https:bridge.example", secret, "url"},
		{"ftp://bridge.example", secret, "url"},
		{"http://bridge.example", secret, "url"},
		{"http://10.0.0.1", secret, "url"},
		{"http://0.0.0.0", secret, "url"},
		{"http://localhost.example", secret, "url"},
		{"http://127.0.0.1.example", secret, "url"},
		{"https://user:hunter2@bridge.example", secret, "url"},
		{"https://bridge.example/#hunter2", secret, "url"},
		{"https://bridge.example/%zz", secret, "url"},
		{"https://bridge.example", "", "secret"},
		{"https://bridge.example", "whsec_", "secret"},
		{"https://bridge.example", "hunter2", "secret"},
		{"https://bridge.example", "whsec_aHVudGVyMg==", "secret"}, // short
		{"https://bridge.example", "whsec_" + strings.Repeat("aaaa", 22), "secret"},
		{"https://bridge.example", secret + ",", "secret"},
		{"https://bridge.example", secret + ",hunter2", "secret"},
	} {
		g, err := hook.New(hook.Options{URL: tc.url, Secret: billing.Secret(tc.secret)})
		if (err == nil) != (tc.field == "") || (g == nil) != (err != nil) {
			t.Errorf("%q, %q: %v", tc.url, tc.secret, err)
			continue
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, billing.Invalid) || billing.ErrorField(err) != tc.field {
			t.Errorf("%q, %q: %v (%s)", tc.url, tc.secret, err, billing.ErrorField(err))
		}
		for _, word := range []string{"hunter2", "aHVudGVyMg", secret[6:]} {
			if strings.Contains(err.Error(), word) {
				t.Errorf("the error shows %s: %v", word, err)
			}
		}
	}
}

func TestPrintsNoSecret(t *testing.T) {
	o := hook.Options{URL: "http://127.0.0.1:1", Secret: secret}
	for _, shown := range []any{o, newGateway(t, o), struct{ G billing.Gateway }{newGateway(t, o)}} {
		text := fmt.Sprintf("%v %+v %#v %s", shown, shown, shown, shown)
		if strings.Contains(text, secret[6:]) || strings.Contains(text, "116 104 105 115") || strings.Contains(text, "0x74, 0x68") {
			t.Errorf("%T shows a key: %s", shown, text)
		}
	}
}

func TestTraits(t *testing.T) {
	g := newGateway(t, hook.Options{URL: "http://127.0.0.1:1", Timeout: time.Second, Rate: 5, RenewsCards: true})
	if want := (billing.GatewayTraits{Timeout: time.Second, Rate: 5, RenewsCards: true}); g.Traits() != want || g.Name() != "hook" {
		t.Errorf("%s, %+v", g.Name(), g.Traits())
	}
}

func TestChargeable(t *testing.T) {
	g := newGateway(t, hook.Options{URL: "http://127.0.0.1:1"})
	for _, tc := range []struct {
		micros int64
		unit   billing.Unit
		fine   bool
	}{
		{10_000, "USD", true}, {1_000_000, "JPY", true}, {1_000, "KWD", true}, {100, "CLF", true},
		{0, "USD", false}, {-10_000, "USD", false}, {1_000, "USD", false}, {500_000, "JPY", false},
		{1_000_000, "SMS", false}, {1_000_000, "", false}, {1_000_000, "usd", false},
	} {
		if err := g.Chargeable(billing.Money(tc.micros, tc.unit)); (err == nil) != tc.fine || err != nil && !errors.Is(err, billing.Invalid) {
			t.Errorf("%d %s: %v", tc.micros, tc.unit, err)
		}
	}
}
