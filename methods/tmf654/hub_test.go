package tmf654_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"topupd/methods/tmf654"
)

// names leads every name to this machine.
type names struct{}

func (names) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

// listener is a callback over HTTP that keeps what it gets.
type listener struct {
	mu     sync.Mutex
	bodies []string
	heads  []http.Header
	url    string
}

func newListener(t testing.TB) *listener {
	l := &listener{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.bodies, l.heads = append(l.bodies, string(b)), append(l.heads, r.Header)
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	l.url = "http://panel.example.com:" + u.Port() + "/listener"
	return l
}

// types are the eventTypes that came, in their order.
func (l *listener) types() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []string
	for _, b := range l.bodies {
		var e struct{ EventType string }
		_ = json.Unmarshal([]byte(b), &e)
		list = append(list, e.EventType)
	}
	return strings.Join(list, " ")
}

func (k *kit) deliver() {
	k.Helper()
	if err := k.e.DeliverEvents(k.as("root")); err != nil {
		k.Fatal(err)
	}
}

// TestHub is the life of a subscription on the wire: 201 with where it is, 409, the list,
// 204, 404; at both addresses.
func TestHub(t *testing.T) {
	k := newKit(t)
	body := `{"callback":"https://panel.example.com/events?key=1","query":"eventType=TopupBalanceCreateEvent,BucketAttributeValueChangeEvent","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`
	k.say("10", "POST", base+"/hub", body)
	k.say("10", "POST", base+"/hub", body)
	k.say("20", "POST", forum+"/hub", `{"callback":"http://other.example.com/","query":null}`)
	k.say("10", "GET", base+"/hub", "")
	k.say("root", "GET", base+"/hub?fields=id,query&limit=1", "")
	k.say("10", "GET", forum+"/hub/1", "")
	for _, at := range []string{"/hub/2", "/hub/01", "/hub/x", "/hub/99999999999999999999", "/hub/0"} {
		k.say("10", "GET", base+at, "")
		k.say("10", "DELETE", base+at, "")
	}
	k.say("10", "DELETE", base+"/hub/1", "")
	k.say("10", "DELETE", base+"/hub/1", "")
	k.say("10", "GET", base+"/hub", "")
	if secret := "whsec_"; strings.Count(k.log.String(), secret) != 3 {
		t.Errorf("secrets occur %d times: those that were sent twice, and the one that was made", strings.Count(k.log.String(), secret))
	}
	// What was made here differs each time.
	made := k.log.String()
	at := strings.LastIndex(made, "whsec_")
	k.log = *bytes.NewBufferString(made[:at] + "MADE" + made[at+strings.IndexByte(made[at:], '"'):])
	k.golden("hub.txt")
}

// TestHubRefused: what is wrong with a body is 400 in the shape of errors, by its member
// and never by its value, and leaves nothing.
func TestHubRefused(t *testing.T) {
	k := newKit(t)
	for body, want := range map[string]string{
		`{}`:                      "callback",
		`{"callback":null}`:       "callback",
		`{"callback":""}`:         "callback",
		`{"callback":5}`:          "callback",
		`{"callback":"ftp://x"}`:  "callback",
		`{"callback":"https://"}`: "callback",
		`{"callback":"https://169.254.169.254/latest"}`:                                          "callback",
		`{"callback":"https://user:hidden@panel.example.com/"}`:                                  "callback",
		`{"callback":"https://` + strings.Repeat("a", 2000) + `"}`:                               "callback",
		`{"callback":"https://a.example","query":5}`:                                             "query",
		`{"callback":"https://a.example","query":"eventType="}`:                                  "query",
		`{"callback":"https://a.example","query":"eventType=TopupBalanceEvent"}`:                 "query",
		`{"callback":"https://a.example","query":"eventType=BucketCancelEvent"}`:                 "query",
		`{"callback":"https://a.example","query":"status=hidden"}`:                               "query",
		`{"callback":"https://a.example","query":"eventType=TopupBalanceCreateEvent&fields=id"}`: "query",
		`{"callback":"https://a.example","query":"%zz"}`:                                         "query",
		`{"callback":"https://a.example","secret":"hidden"}`:                                     "secret",
		`{"callback":"https://a.example","secret":"whsec_aGlkZGVu"}`:                             "secret",
		`{"callback":"https://a.example","secret":null}`:                                         "secret",
		`{"callback":"https://a.example","secret":7}`:                                            "secret",
		`[]`:  "body",
		`{`:   "body",
		`nil`: "body",
	} {
		code, text := k.call("10", "POST", base+"/hub", body)
		if code != 400 || !strings.Contains(text, `"message":"`+want) || strings.Contains(text, "hidden") || strings.Contains(text, "aGlkZGVu") {
			t.Errorf("%.100s: %d %s", body, code, text)
		}
	}
	if list, counts := k.list("root", base+"/hub"); len(list) != 0 || counts != "0 of 0" {
		t.Errorf("a refused call left %v", list)
	}
	// With an Idempotency-Key, whose answer is kept, no secret is made: see billing's tests.
	for _, query := range []string{``, `,"query":null`, `,"query":""`, `,"query":"?eventType=topupBalanceCreateEvent"`, `,"query":"eventType=TopupBalanceCreateEvent&eventType=TopupBalanceFailureEvent"`} {
		if code, text := k.call("10", "POST", base+"/hub", `{"callback":"https://a.example/`+url.QueryEscape(query)+`"`+query+`}`); code != 201 || !strings.Contains(text, `"secret":"whsec_`) {
			t.Errorf("%s: %d %s", query, code, text)
		}
	}
}

// TestEventsOnTheWire: a top-up's events arrive signed, in the shape of the contract and
// with the resource as GET shows it; those of another customer's account do not.
func TestEventsOnTheWire(t *testing.T) {
	k := newKit(t)
	all, other := newListener(t), newListener(t)
	k.must(201, "10", "POST", base+"/hub", `{"callback":"`+all.url+`"}`)
	k.must(201, "20", "POST", base+"/hub", `{"callback":"`+other.url+`"}`)
	stop := k.working()
	made := k.object(201, "10", "POST", base+"/topupBalance", `{"amount":{"amount":"2","units":"USD"},"bucket":{"id":"`+bucket+`"}}`)
	until(t, func() bool {
		return strings.Contains(k.must(200, "10", "GET", base+"/topupBalance/"+made["id"].(string), ""), "CONFIRMED")
	})
	stop()
	k.deliver()
	if got := other.types(); got != "" {
		t.Errorf("another customer got %s", got)
	}
	for _, want := range []string{"TopupBalanceCreateEvent", "TopupBalanceStatusChangeEvent", "BucketAttributeValueChangeEvent"} {
		if !strings.Contains(all.types(), want) {
			t.Errorf("no %s among %s", want, all.types())
		}
	}
	schema := k.schema("Event")
	for i, body := range all.bodies {
		var value any
		if err := json.Unmarshal([]byte(body), &value); err != nil {
			t.Fatal(err)
		}
		if err := schema.VisitJSON(value); err != nil {
			t.Errorf("%v\n%s", err, body)
		}
		if id := value.(map[string]any)["eventId"]; all.heads[i].Get("webhook-id") != id || all.heads[i].Get("webhook-signature") == "" {
			t.Errorf("event %v came as %v", id, all.heads[i])
		}
	}
	now := strings.ReplaceAll(strings.TrimSpace(k.must(200, "10", "GET", base+"/topupBalance/"+made["id"].(string), "")), "http://host:8080", "")
	found := false
	for _, body := range all.bodies {
		found = found || strings.Contains(body, `{"event":{"topupBalance":`+now+`}`)
	}
	if !found {
		t.Errorf("no event has the top-up as it is now:\n%s\n%s", now, strings.Join(all.bodies, "\n"))
	}
}

func until(t testing.TB, done func() bool) {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("it did not happen in 10 s")
		}
	}
}

// schema is one of the contract's.
func (k *kit) schema(name string) *openapi3.Schema {
	k.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(tmf654.New(k.e, tmf654.Options{}).OpenAPI)
	if err != nil {
		k.Fatal(err)
	}
	return doc.Components.Schemas[name].Value
}

// TestHubOfOthers: a callback may hold a key, so it is shown whole to its own customer only.
func TestHubOfOthers(t *testing.T) {
	k := newKit(t)
	k.must(201, "10", "POST", base+"/hub", `{"callback":"https://panel.example.com/events?key=1"}`)
	for who, want := range map[string]string{"10": "https://panel.example.com/events?key=1", "root": "https://panel.example.com"} {
		list, _ := k.list(who, base+"/hub")
		one := k.object(200, who, "GET", base+"/hub/1", "")
		if len(list) != 1 || list[0]["callback"] != want || one["callback"] != want {
			t.Errorf("%s is shown %v and %v, want %s", who, list, one, want)
		}
	}
}
