package tmf654_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"topupd/billing"
)

// posted is what came to a callback.
type posted struct {
	id, at, signature, body string
}

// signedWith reports whether the message is signed with a secret, as Standard Webhooks say.
func (p posted) signedWith(t *testing.T, secret string) bool {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(p.id + "." + p.at + "." + p.body))
	return p.signature == "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// subscriber is a callback over HTTP on this machine: it answers what answer gives.
func subscriber(t *testing.T, answer func() int) (address string, got chan posted) {
	t.Helper()
	got = make(chan posted, 16)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		h := r.Header
		got <- posted{h.Get("Webhook-Id"), h.Get("Webhook-Timestamp"), h.Get("Webhook-Signature"), string(body)}
		w.WriteHeader(answer())
	}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return "http://panel.example.com:" + u.Port() + "/listener", got
}

func arrives(t *testing.T, what string, got chan posted) (p posted) {
	t.Helper()
	select {
	case p = <-got:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s got nothing in 10 s", what)
	}
	return p
}

// TestEventOfTwoSubscribers: one event goes to each who wants it, signed with its own
// secret. One that hangs and then fails delays and changes nothing for the other, and is
// tried again under the same id.
func TestEventOfTwoSubscribers(t *testing.T) {
	k := newKit(t)
	secret := func(letter string) string {
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32)))
	}
	hang, status := make(chan struct{}), &atomic.Int64{}
	status.Store(500)
	good, gotGood := subscriber(t, func() int { return 204 })
	bad, gotBad := subscriber(t, func() int { <-hang; return int(status.Load()) })
	release := sync.OnceFunc(func() { close(hang) })
	t.Cleanup(release) // before its server is closed, which waits for it
	quiet, gotQuiet := subscriber(t, func() int { return 204 })
	subscribe := func(who, callback, query, secret string) {
		t.Helper()
		k.must(201, who, "POST", base+"/hub", `{"callback":"`+callback+`","query":"`+query+`","secret":"`+secret+`"}`)
	}
	subscribe("root", bad, "", secret("b"))
	subscribe("10", good, "eventType=AdjustBalanceCreateEvent", secret("a"))
	subscribe("20", quiet, "", secret("c")) // it does not see the account
	k.must(201, "10", "POST", base+"/adjustBalance", usd("1", of("partyAccount", alice)))

	delivered := make(chan error, 1)
	go func() { delivered <- k.e.DeliverEvents(k.as("root")) }()
	a := arrives(t, "the one that answers", gotGood)
	var b posted
	for b = arrives(t, "the one that hangs", gotBad); !strings.Contains(b.body, "AdjustBalanceCreateEvent"); {
		b = arrives(t, "the one that hangs", gotBad) // it wants the balance too
	}
	state := func(callback, kind string) (d billing.Delivery) {
		t.Helper()
		rows, err := k.e.EventLog(k.as("root"), billing.DeliveryFilter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if strings.HasPrefix(callback, r.Host) && r.Event.EventType.String() == kind {
				return r.Delivery
			}
		}
		t.Fatalf("%s is told of no %s", callback, kind)
		return d
	}
	// Delivered to the one while the other still hangs.
	until(t, func() bool { return state(good, "adjustment:create").State == billing.DeliveryDelivered })
	if d := state(bad, "adjustment:create"); d.State != billing.DeliveryPending || d.Tries != 0 {
		t.Errorf("to the one that hangs: %+v", d)
	}
	if a.id == "" || a.id != b.id || a.body != b.body {
		t.Errorf("one event came as %q and %q:\n%s\n%s", a.id, b.id, a.body, b.body)
	}
	for name, c := range map[string]struct {
		p           posted
		own, others string
	}{"good": {a, secret("a"), secret("b")}, "bad": {b, secret("b"), secret("a")}} {
		if !c.p.signedWith(t, c.own) || c.p.signedWith(t, c.others) {
			t.Errorf("%s is not signed with its own secret: %q", name, c.p.signature)
		}
	}
	release()
	if err := <-delivered; err != nil {
		t.Fatal(err)
	}
	if d := state(bad, "adjustment:create"); d.State != billing.DeliveryPending || d.Tries != 1 || d.Status != 500 {
		t.Errorf("to the one that failed: %+v", d)
	}
	if d := state(good, "adjustment:create"); d.Tries != 1 || d.Status != 204 {
		t.Errorf("to the one that answered: %+v", d)
	}

	for len(gotBad) > 0 {
		<-gotBad
	}
	status.Store(204)
	event := state(bad, "adjustment:create")
	if n, err := k.e.Resend(k.as("root"), billing.ResendParams{Event: event.Event, Hub: event.Hub}); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	k.deliver()
	if again := arrives(t, "the one that failed", gotBad); again.id != a.id || again.body != a.body || !again.signedWith(t, secret("b")) {
		t.Errorf("again: %+v", again)
	}
	if d := state(bad, "adjustment:create"); d.State != billing.DeliveryDelivered {
		t.Errorf("again: %+v", d)
	}
	if len(gotGood) != 0 || len(gotQuiet) != 0 {
		t.Errorf("%d and %d more came", len(gotGood), len(gotQuiet))
	}
}
