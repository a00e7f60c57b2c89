package subscription

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"topupd/billing"
)

// exchange is one request of a script.
type exchange struct {
	name    string
	actor   string // acme when empty
	method  string // POST when empty
	id      string // 1 when empty
	media   string
	body    string
	headers []string
}

func (x *exchange) fill() {
	for _, f := range []struct {
		at  *string
		def string
	}{{&x.actor, "acme"}, {&x.method, "POST"}, {&x.id, "1"}} {
		if *f.at == "" {
			*f.at = f.def
		}
	}
}

func (k *kit) play(x exchange) *httptest.ResponseRecorder {
	x.fill()
	return k.call(x.actor, x.method, "/api/subscriptions/"+x.id+"/autotopup", x.media, x.body, x.headers...)
}

const (
	pay1    = `{"PaymentId":1,"Amount":2.0,"Threshold":3.0}`
	pay1XML = `<SubscriptionsController.EnableAutoTopupRequest xmlns="` + requestNamespace + `"><Amount>2</Amount><PaymentId>1</PaymentId><Threshold>3</Threshold></SubscriptionsController.EnableAutoTopupRequest>`
	badXML  = `<SubscriptionsController.EnableAutoTopupRequest xmlns="` + requestNamespace + `"><Amount>-2</Amount><PaymentId>x</PaymentId></SubscriptionsController.EnableAutoTopupRequest>`
)

// script is the life of a subscription, each answer in a form of its own.
var script = []exchange{
	{name: "never set", method: "GET"},
	{name: "the top-up", media: "application/json", body: pay1},
	{name: "again, in XML", media: "application/xml", body: pay1XML},
	{name: "again, from a browser", media: "application/x-www-form-urlencoded", body: "paymentid=1&amount=2.0&THRESHOLD=3.0&x=1", headers: []string{"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}},
	{name: "as text/json", media: "text/json", body: pay1},
	{name: "JSON that says it is HTML", media: "text/html; charset=utf-8", body: pay1},
	{name: "as text/xml", media: "text/xml", body: pay1XML},
	{name: "as it is", method: "GET"},
	{name: "as it is, in XML", method: "GET", headers: []string{"Accept", "application/xml"}},
	{name: "another payment, amounts as text", media: "application/json", body: `{"paymentID":"2","AMOUNT":"12.50","threshold":"0.000001","Unknown":{"a":[1,2]}}`},
	{name: "the paid amount", media: "application/json", body: `{"PaymentId":2,"Threshold":0}`},
	{name: "as it became", method: "GET", headers: []string{"Accept", "text/xml"}},
	{name: "off", method: "DELETE"},
	{name: "off again", method: "DELETE"},
	{name: "what is off", method: "GET"},
	{name: "a subscription that nobody knows", id: "99", media: "application/json", body: pay1},
	{name: "one of somebody else", id: "20", media: "application/json", body: pay1},
	{name: "one of somebody else, read", id: "20", method: "GET", headers: []string{"Accept", "application/xml"}},
	{name: "one of somebody else, ended", id: "20", method: "DELETE"},
	{name: "no number", id: "abc", method: "GET"},
	{name: "too high a number", id: "9223372036854775808", media: "application/json", body: pay1},
	{name: "a terminated subscription", id: "3", media: "application/json", body: pay1},
	{name: "a used payment", id: "2", media: "application/json", body: pay1},
	{name: "a payment of somebody else", media: "application/json", body: `{"PaymentId":20,"Amount":2.0,"Threshold":3.0}`},
	{name: "a payment that is not paid", media: "application/json", body: `{"PaymentId":3,"Amount":2.0,"Threshold":3.0}`},
	{name: "a payment without a card", media: "application/json", body: `{"PaymentId":4,"Amount":2.0,"Threshold":3.0}`},
	{name: "a payment in another currency", media: "application/json", body: `{"PaymentId":5,"Amount":2.0,"Threshold":3.0}`},
	{name: "no payment", media: "application/json", body: `{}`},
	{name: "too precise an amount", media: "application/json", body: `{"PaymentId":1,"Amount":2.001,"Threshold":3.0}`},
	{name: "all wrong", media: "application/json", body: `{"PaymentId":"x","Amount":null,"Threshold":-1}`},
	{name: "all wrong, in XML", media: "text/xml", body: badXML},
	{name: "no body", media: "application/json"},
	{name: "no type", body: pay1},
	{name: "another type", media: "text/plain", body: pay1},
	{name: "half a body", media: "application/json", body: `{"PaymentId":1,`},
}

// TestWire plays the script against the golden file, and every answer against the
// OpenAPI document.
func TestWire(t *testing.T) {
	k := newKit(t)
	check := newContract(t)
	var b strings.Builder
	for _, x := range script {
		w := k.play(x)
		x.fill()
		fmt.Fprintf(&b, "== %s\n%s %s\n", x.name, x.method, x.id)
		for i := 0; i+1 < len(x.headers); i += 2 {
			fmt.Fprintf(&b, "%s: %s\n", x.headers[i], x.headers[i+1])
		}
		if x.body != "" {
			fmt.Fprintf(&b, "%s\n%s\n", x.media, x.body)
		}
		fmt.Fprintf(&b, "-- %d %s\n%s\n\n", w.Code, w.Header().Get("Content-Type"), w.Body)
		check.answer(t, x, w)
	}
	golden(t, "autotopup.txt", b.String())
	if got := k.balance(billing.Account(100)); got != "11.00" { // 1.50 + 2.00 + 7.50
		t.Errorf("the balance is %s", got)
	}
	wrong, err := k.engine.Verify(as("root"), 10)
	must(t, err)
	if len(wrong) > 0 {
		t.Errorf("verify: %v", wrong)
	}
}

func source(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(scripts, "source", name))
	must(t, err)
	return strings.TrimSuffix(string(b), "\n")
}

// The source page's own samples. It prints JSON with line breaks and XML with spaces
// between elements; text/html shows what is on the wire.
func TestSourceSamples(t *testing.T) {
	at := moment
	one, six, seven, nine := int64(1), "sample string 6", "sample string 7", int64(9)
	o := billing.Order{
		ID: 4, Subscription: 1, Type: 5, Status: 8, CreatedAt: at, EffectiveAt: at,
		PhoneNumber: six, Category: &one, WholesalePartner: &nine, SalesCode: &seven,
	}
	r := (&api{engine: failing{}}).order(&o)
	if got, want := string(r.appendJSON(nil)), source(t, "order.html"); got != want {
		t.Errorf("JSON\n%s\n%s", got, want)
	}
	lines := regexp.MustCompile(`([{,]|^)\n|": |\n}`)
	flat := lines.ReplaceAllStringFunc(source(t, "order.json"), func(s string) string {
		return strings.NewReplacer("\n", "", " ", "").Replace(s)
	})
	if got := string(r.appendJSON(nil)); got != flat {
		t.Errorf("JSON\n%s\n%s", got, flat)
	}
	if got, want := string(r.appendXML(nil)), strings.ReplaceAll(source(t, "order.xml"), "> <", "><"); got != want {
		t.Errorf("XML\n%s\n%s", got, want)
	}
}

// The source page's requests are taken as they are printed.
func TestSourceRequests(t *testing.T) {
	for name, media := range map[string][]string{
		"request.json": {"application/json", "text/json"},
		"request.html": {"text/html"},
		"request.xml":  {"application/xml", "text/xml", "text/xml; charset=utf-8"},
	} {
		for _, m := range media {
			k := newKit(t)
			if w := k.play(exchange{media: m, body: source(t, name)}); w.Code != 200 || k.balance(billing.Account(100)) != "3.50" {
				t.Errorf("%s as %s: %d %s", name, m, w.Code, w.Body)
			}
			s, err := k.engine.AutoTopup(as("acme"), 1)
			must(t, err)
			if !s.Enabled || s.Amount != 2*billing.Micro || *s.Threshold != 3*billing.Micro || s.Payment != 1 {
				t.Errorf("%s as %s: %+v", name, m, s)
			}
		}
	}
}

// What a POST sets getLowBalance shows.
func TestSetsTheLowBalancePolicy(t *testing.T) {
	k := newKit(t)
	if w := k.enable(`{"PaymentId":2,"Amount":12.5,"Threshold":0}`); w.Code != 200 {
		t.Fatal(w.Body)
	}
	p, err := k.engine.GetLowBalance(as("acme"), billing.Account(100))
	must(t, err)
	if p.Threshold == nil || *p.Threshold != 0 || !p.ChargeCard || p.ChargeAmount != 12_500_000 || p.Card == nil || *p.Card != 1001 || p.NotifyByEmail {
		t.Errorf("%+v", p)
	}
}

func TestDates(t *testing.T) {
	for micros, want := range map[int]string{
		0: "2026-07-01T14:00:00+02:00", 1: "2026-07-01T14:00:00.000001+02:00", 500_000: "2026-07-01T14:00:00.5+02:00",
	} {
		at := time.Date(2026, 7, 1, 12, 0, 0, micros*1000, time.UTC)
		if got := date("Date", at, time.FixedZone("CEST", 7200)).json; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := date("Date", time.Date(2026, 7, 1, 12, 0, 0, 123456700, time.UTC), time.UTC).xml; got != "2026-07-01T12:00:00.1234567+00:00" {
		t.Error(got)
	}
}

func TestTexts(t *testing.T) {
	s := "a\"\\\n\u0001\u2028<&>é\r"
	r := record{"R", []field{text("T", &s), text("N", nil)}}
	if got, want := string(r.appendJSON(nil)), `{"T":"a\"\\\n\u0001\u2028<&>é\r","N":null}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	want := `<R xmlns:i="` + xmlSchemaInstance + `"><T>a"\` + "\n\uFFFD\u2028" + `&lt;&amp;&gt;é&#xD;</T><N i:nil="true"/></R>`
	if got := string(r.appendXML(nil)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
