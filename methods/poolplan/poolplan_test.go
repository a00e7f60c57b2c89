package poolplan_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"topupd/billing"
	"topupd/methods/poolplan"
)

const micro = billing.Micro

func sample(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(b), "\n")
}

var uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// The source page's request, with a date to come, is acknowledged as the page prints it,
// to the byte but for the id; its effects are there once the worker has passed (F-1).
func TestAckAsPrinted(t *testing.T) {
	k := newKit(t, poolplan.Options{})
	body := strings.Replace(sample(t, "request.json"), "25042023", "26042035", 1)
	code, got := k.topUp("11", "500", body)
	want := sample(t, "ack.json")
	if code != 200 || uuid.ReplaceAllString(got, "ID") != regexp.MustCompile(`"[0-9a-f-]{36}"`).ReplaceAllString(want, `"ID"`) {
		t.Errorf("%d\n%s\nwant\n%s", code, got, want)
	}
	id := uuid.FindString(got)
	if s := k.state(id); s != "OPEN" || k.left(500, "SMS") != 0 || k.money(11) != 100*micro {
		t.Errorf("before its turn it is %s", s)
	}
	k.work()
	if s := k.state(strings.ToUpper(id)); s != "SUCCESS" {
		t.Errorf("then it is %s", s)
	}
	if k.left(500, "SMS") != 50*micro || k.money(11) != 79_500_000 || k.money(10) != 5*micro {
		t.Errorf("left %d, money %d", k.left(500, "SMS"), k.money(11))
	}
	if at := k.plan(500).ExpiresAt; !at.Equal(lastDay(2035, 4, 26)) {
		t.Errorf("it expires at %v", at)
	}
	k.work()
	if k.left(500, "SMS") != 50*micro || k.money(11) != 79_500_000 {
		t.Error("it was applied again")
	}
	k.verify()
}

// The source page's NAK has the subscriber twin's code by mistake (F-4); else it is as
// printed, to the byte.
func TestNakAsPrinted(t *testing.T) {
	k := newKit(t, poolplan.Options{})
	code, got := k.topUp("11", "502", `{"charge":1,"currency":"EUR","allowance":{"currency":"MB","value":1}}`)
	want := strings.Replace(sample(t, "nak.json"), "SUBSCRIBER_", "CUSTOMER_", 1)
	if code != 200 || got != want {
		t.Errorf("%d\n%s\nwant\n%s", code, got, want)
	}
}

// What is wrong is told in one order, whatever else is wrong (F-5), and nothing changes.
func TestRefusals(t *testing.T) {
	good := `{"charge":1,"currency":"EUR","allowance":[{"currency":"SMS","value":1}]}`
	kb := strings.Replace(good, "SMS", "KB", 1)
	minutes := strings.Replace(good, "SMS", "MINUTES", 1)
	bad := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	kits := map[bool]*kit{}
	for _, statuses := range []bool{false, true} {
		kits[statuses] = newKit(t, poolplan.Options{Statuses: statuses})
	}
	fixed := func(date string) string { return strings.Replace(good, "{", `{"expirationDate":`+date+",", 1) }
	for name, c := range map[string]struct {
		customer, offer, body, code string
		status                      int // with Options.Statuses
	}{
		"unknown customer":       {"99", "500", good, "CUSTOMER_1002", 404},
		"no id":                  {"x", "500", good, "CUSTOMER_1002", 404},
		"a negative id":          {"-11", "500", good, "CUSTOMER_1002", 404},
		"an id too large":        {"9223372036854775807", "500", good, "CUSTOMER_1002", 404},
		"a stranger":             {"20", "505", good, "CUSTOMER_1002", 404},
		"itself":                 {"10", "503", good, "CUSTOMER_1002", 404},
		"below the first tier":   {"12", "504", good, "CUSTOMER_1002", 404},
		"customer before body":   {"99", "500", "{", "CUSTOMER_1002", 404},
		"unknown plan":           {"11", "999", good, "CUSTOMER_1010", 404},
		"another's plan":         {"11", "504", good, "CUSTOMER_1010", 404},
		"no plan's id":           {"11", "0", good, "CUSTOMER_1010", 404},
		"a plan's name":          {"11", "Pool", good, "CUSTOMER_1010", 404},
		"plan before body":       {"11", "999", "[]", "CUSTOMER_1010", 404},
		"no subscribers":         {"11", "501", good, "CUSTOMER_1011", 409},
		"subscribers before all": {"11", "501", minutes, "CUSTOMER_1011", 409},
		"no balance":             {"11", "502", kb, "CUSTOMER_1009", 404},
		"no unit":                {"11", "500", minutes, "CUSTOMER_1009", 404},
		"a unit's other case":    {"11", "500", bad("SMS", "sms"), "CUSTOMER_1009", 404},
		"balance before values":  {"11", "502", strings.Replace(kb, "1", "-1", 1), "CUSTOMER_1009", 404},
		"one of two balances":    {"11", "502", bad("[", `[{"currency":"GB","value":1},`), "CUSTOMER_1009", 404},
		"no JSON":                {"11", "500", "charge=1", "TOPUPD_400", 400},
		"no object":              {"11", "500", "[" + good + "]", "TOPUPD_400", 400},
		"half":                   {"11", "500", good[:20], "TOPUPD_400", 400},
		"nothing":                {"11", "500", "", "TOPUPD_400", 400},
		"more":                   {"11", "500", good + "{}", "TOPUPD_400", 400},
		"no charge":              {"11", "500", bad(`"charge":1,`, ""), "TOPUPD_422", 422},
		"a null charge":          {"11", "500", bad(":1", ":null"), "TOPUPD_422", 422},
		"charge as text":         {"11", "500", bad(":1", `:"1"`), "TOPUPD_422", 422},
		"charge as a list":       {"11", "500", bad(":1", ":[1]"), "TOPUPD_422", 422},
		"a negative charge":      {"11", "500", bad(":1", ":-0.01"), "TOPUPD_422", 422},
		"seven decimals":         {"11", "500", bad(":1", ":0.0000015"), "TOPUPD_422", 422},
		"a huge charge":          {"11", "500", bad(":1", ":1e30"), "TOPUPD_422", 422},
		"no currency":            {"11", "500", bad(`"currency":"EUR",`, ""), "TOPUPD_422", 422},
		"another currency":       {"11", "500", bad("EUR", "USD"), "TOPUPD_422", 422},
		"currency as a number":   {"11", "500", bad(`"EUR"`, "978"), "TOPUPD_422", 422},
		"a small currency":       {"11", "500", bad("EUR", "eur"), "TOPUPD_422", 422},
		"no allowance":           {"11", "500", `{"charge":1,"currency":"EUR"}`, "TOPUPD_422", 422},
		"an empty list":          {"11", "500", `{"charge":1,"currency":"EUR","allowance":[]}`, "TOPUPD_422", 422},
		"an empty object":        {"11", "500", `{"charge":1,"currency":"EUR","allowance":{}}`, "TOPUPD_422", 422},
		"allowance as text":      {"11", "500", `{"charge":1,"currency":"EUR","allowance":"SMS"}`, "TOPUPD_422", 422},
		"a list of numbers":      {"11", "500", `{"charge":1,"currency":"EUR","allowance":[1]}`, "TOPUPD_422", 422},
		"a unit as a number":     {"11", "500", bad(`"SMS"`, "5"), "TOPUPD_422", 422},
		"no value":               {"11", "500", bad(`,"value":1`, ""), "TOPUPD_422", 422},
		"value as text":          {"11", "500", bad(`"value":1`, `"value":"1"`), "TOPUPD_422", 422},
		"value 0":                {"11", "500", bad(`"value":1`, `"value":0`), "TOPUPD_422", 422},
		"a negative value":       {"11", "500", bad(`"value":1`, `"value":-1`), "TOPUPD_422", 422},
		"half a message":         {"11", "500", bad(`"value":1`, `"value":0.5`), "TOPUPD_422", 422},
		"a huge value":           {"11", "500", `{"charge":1,"currency":"EUR","allowance":{"currency":"GB","value":9000000000}}`, "TOPUPD_422", 422},
		"a date that is past":    {"11", "500", fixed(`"25042023"`), "TOPUPD_422", 422},
		"no such day":            {"11", "500", fixed(`"31022035"`), "TOPUPD_422", 422},
		"a date in ISO":          {"11", "500", fixed(`"2035-04-25"`), "TOPUPD_422", 422},
		"an empty date":          {"11", "500", fixed(`""`), "TOPUPD_422", 422},
		"a date as a number":     {"11", "500", fixed(`25042035`), "TOPUPD_422", 422},
		"an expired plan":        {"11", "506", good, "TOPUPD_422", 422},
	} {
		t.Run(name, func(t *testing.T) {
			for statuses, k := range kits {
				before := k.dump()
				status, body := k.topUp(c.customer, c.offer, c.body)
				want := c.status
				if !statuses && !strings.HasPrefix(c.code, "TOPUPD") {
					want = 200
				}
				if e := k.open(body); e.ErrorCode != c.code || e.ErrorMessage == "" || status != want {
					t.Errorf("%d %s, want %d %s\n%s", status, e.ErrorCode, want, c.code, body)
				}
				k.work()
				if after := k.dump(); after != before {
					t.Errorf("something changed:\n%s\n%s", before, after)
				}
			}
		})
	}
}

// The caller cannot tell a customer below the first tier from one that is not there; the
// log can (F-6).
func TestTrueReasonIsLogged(t *testing.T) {
	k := newKit(t, poolplan.Options{})
	good := `{"charge":1,"currency":"EUR","allowance":[{"currency":"SMS","value":1}]}`
	_, deep := k.topUp("12", "504", good)
	_, none := k.topUp("99", "504", good)
	if deep != none {
		t.Errorf("they differ:\n%s\n%s", deep, none)
	}
	if len(k.logged) != 2 || !strings.Contains(k.logged[0].Error(), "below the first tier of customer 10") {
		t.Errorf("logged: %v", k.logged)
	}
	// Root may top up anyone's plan but its own; the parent its customer's.
	k.actor = billing.Actor{Customer: billing.Root, API: "rest"}
	k.acked(k.topUp("12", "504", good))
	k.actor = billing.Actor{Customer: billing.Customer(11), API: "rest"}
	k.acked(k.topUp("12", "504", good))
}

// What is let pass, and what it comes to (F-7, F-8, F-9).
func TestAccepted(t *testing.T) {
	for name, c := range map[string]struct {
		offer   string
		body    string
		sms, kb int64 // millionths
		money   int64 // of the 100
		expires time.Time
	}{
		"a single object": {"500", `{"charge":0,"currency":"EUR","allowance":{"currency":"SMS","value":7}}`, 7 * micro, 0, 100 * micro, lastDay(2035, 4, 25)},
		"all units": {"500", `{"charge":0.000001,"currency":"EUR","expirationDate":null,"allowance":[{"currency":"KB","value":1},{"currency":"MB","value":1},{"currency":"GB","value":1},{"currency":"SMS","value":2},{"currency":"SMS","value":3}]}`,
			5 * micro, (1 + 1024 + 1024*1024) * micro, 99_999_999, lastDay(2035, 4, 25)},
		"exact decimals": {"500", `{"charge":0.30000000000000004,"currency":"EUR","allowance":{"currency":"GB","value":0.000001}}`, 0, 1_048_576, 99_700_000, lastDay(2035, 4, 25)},
		"an exponent":    {"500", `{"charge":2E1,"currency":"EUR","allowance":{"currency":"SMS","value":1.0e2}}`, 100 * micro, 0, 80 * micro, lastDay(2035, 4, 25)},
		"below zero":     {"500", `{"charge":150,"currency":"EUR","allowance":{"currency":"SMS","value":1}}`, micro, 0, -50 * micro, lastDay(2035, 4, 25)},
		"a nearer date":  {"500", `{"charge":0,"currency":"EUR","expirationDate":"29022032","allowance":{"currency":"SMS","value":1},"more":{}}`, micro, 0, 100 * micro, lastDay(2032, 2, 29)},
		"a date that counts for nothing": {"502", `{"charge":0,"currency":"EUR","expirationDate":"25042023","allowance":{"currency":"SMS","value":1}}`,
			micro, 0, 100 * micro, time.Time{}},
		"no date that counts for nothing": {"502", `{"charge":0,"currency":"EUR","expirationDate":{"x":1},"allowance":{"currency":"SMS","value":1}}`,
			micro, 0, 100 * micro, time.Time{}},
		"an expired plan with a new date": {"506", `{"charge":0,"currency":"EUR","expirationDate":"01012036","allowance":{"currency":"SMS","value":1}}`,
			micro, 0, 100 * micro, lastDay(2036, 1, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, poolplan.Options{})
			id := k.acked(k.topUp("11", c.offer, c.body))
			k.work()
			if s := k.state(id); s != "SUCCESS" {
				t.Fatal(s)
			}
			offer := k.plan(billing.OfferID(500 + int64(c.offer[2]-'0')))
			if sms, kb := k.left(offer.Offer, "SMS"), k.left(offer.Offer, "KB"); sms != c.sms || kb != c.kb || k.money(11) != c.money {
				t.Errorf("%d SMS, %d KB, money %d", sms, kb, k.money(11))
			}
			if !offer.ExpiresAt.Equal(c.expires) {
				t.Errorf("it expires at %v", offer.ExpiresAt)
			}
			k.verify()
		})
	}
}

// A request is its requester's only (F-10).
func TestStatusIsTheRequesters(t *testing.T) {
	k := newKit(t, poolplan.Options{})
	id := k.acked(k.topUp("11", "500", `{"charge":1,"currency":"EUR","allowance":{"currency":"SMS","value":1}}`))
	_, unknown := k.do("GET", "/api/v2/global/call/"+strings.Repeat("0", 36), "", "")
	for _, a := range []billing.Actor{
		{Login: "root", Customer: billing.Root}, {Login: "eu", Customer: billing.Customer(11)}, {Login: "zeta", Customer: billing.Customer(20)}, {},
	} {
		k.actor = a
		if _, got := k.do("GET", "/api/v2/global/call/"+id, "", ""); got != unknown || k.open(got).ErrorCode != "GLOBAL_1003" {
			t.Errorf("%s: %s", a.Login, got)
		}
	}
	k.actor = billing.Actor{Login: "another login of acme", Customer: billing.Customer(10)}
	if s := k.state(id); s != "OPEN" {
		t.Error(s)
	}
	k.load(`{"type":"pool_plan","offer":500,"subscribers":[]}`)
	k.work()
	if s := k.state(id); s != "FAILURE" || k.money(11) != 100*micro || k.left(500, "SMS") != 0 {
		t.Errorf("without subscribers when it was its turn: %s", s)
	}
	if s := k.state("no-uuid"); s != "GLOBAL_1003" {
		t.Error(s)
	}
}

// Version 3 of the status takes the id of the Request-Id header, and says the same (F-17).
func TestStatusVersion3(t *testing.T) {
	k := newKit(t, poolplan.Options{})
	r := httptest.NewRequest("POST", "/api/v2/customer/11/offer/500/topup", strings.NewReader(`{"charge":1,"currency":"EUR","allowance":{"currency":"SMS","value":1}}`))
	w := httptest.NewRecorder()
	k.mux.ServeHTTP(w, r.WithContext(billing.WithActor(k.Context(), k.actor)))
	id := w.Header().Get("Request-Id")
	if id == "" || id != k.acked(w.Code, w.Body.String()) {
		t.Fatalf("Request-Id %q\n%s", id, w.Body)
	}
	for _, word := range []string{"OPEN", "SUCCESS"} {
		_, v2 := k.do("GET", "/api/v2/global/call/"+id, "", "")
		code, v3 := k.do("GET", "/api/v3/global/call/"+id, "", "")
		if code != 200 || v3 != v2 || !strings.Contains(v3, `"status": "`+word+`"`) {
			t.Errorf("%s: %d\n%s", word, code, v3)
		}
		k.work()
	}
	k.actor = billing.Actor{Login: "zeta", Customer: billing.Customer(20)}
	if _, got := k.do("GET", "/api/v3/global/call/"+id, "", ""); k.open(got).ErrorCode != "GLOBAL_1003" {
		t.Errorf("another's: %s", got)
	}
	w = httptest.NewRecorder()
	k.mux.ServeHTTP(w, httptest.NewRequest("POST", "/api/v2/customer/11/offer/500/topup", strings.NewReader("{")).WithContext(k.Context()))
	if w.Header().Get("Request-Id") != "" {
		t.Error("a refusal has a request")
	}
}

func TestMediaTypes(t *testing.T) {
	good := `{"charge":1,"currency":"EUR","allowance":{"currency":"SMS","value":1}}`
	for media, want := range map[string]int{
		"": 200, "application/json": 200, "application/json; charset=utf-8": 200, "Application/JSON": 200,
		"text/xml": 415, "application/x-www-form-urlencoded": 415, "a;b;c": 415,
	} {
		k := newKit(t, poolplan.Options{})
		code, body := k.do("POST", "/api/v2/customer/11/offer/500/topup", media, good)
		if code != want || (want == 415) != (k.open(body).ErrorCode == "TOPUPD_415") {
			t.Errorf("%s: %d\n%s", media, code, body)
		}
	}
	k := newKit(t, poolplan.Options{})
	if code, body := k.topUp("11", "500", strings.Repeat(" ", 1<<20)+good); code != 413 || k.open(body).ErrorCode != "TOPUPD_413" {
		t.Errorf("%d\n%s", code, body)
	}
}

// A block of the requester's customer keeps its logins from topping up; what a run or a
// bank blocked may still ask.
func TestBlockedRequester(t *testing.T) {
	good := `{"charge":1,"currency":"EUR","allowance":{"currency":"SMS","value":1}}`
	for block, asks := range map[billing.Block]string{billing.BlockOperator: "TOPUPD_403", billing.BlockFraud: "TOPUPD_403", billing.BlockBilling: "OPEN"} {
		k := newKit(t, poolplan.Options{})
		id := k.acked(k.topUp("11", "500", good))
		k.actor.Blocked = block
		if code, body := k.topUp("11", "500", good); code != 403 || k.open(body).ErrorCode != "TOPUPD_403" {
			t.Errorf("%s: %d\n%s", block, code, body)
		}
		if got := k.state(id); got != asks {
			t.Errorf("%s: %s", block, got)
		}
		k.work()
		if k.left(500, "SMS") != micro {
			t.Errorf("%s: %d are left", block, k.left(500, "SMS"))
		}
	}
}

type broken struct{ err error }

func (b broken) TopUpPoolPlan(context.Context, billing.TopUpPoolPlanParams) (billing.PoolTopUpID, error) {
	return "", b.err
}

func (b broken) PoolTopUpStatus(context.Context, billing.PoolTopUpID) (billing.PoolTopUp, error) {
	return billing.PoolTopUp{}, b.err
}

// Every engine code has an answer that the contract knows; a fault of ours is 503 and
// tells nothing (F-3).
func TestEveryCodeHasAnAnswer(t *testing.T) {
	k := newKit(t, poolplan.Options{})
	for _, err := range append([]error{errors.New("secret cause")}, engineErrors()...) {
		in := poolplan.New(broken{err}, poolplan.Options{})
		k.mux = http.NewServeMux()
		for _, r := range in.Routes {
			k.mux.Handle(r.Pattern, r.Handler)
		}
		code, body := k.topUp("11", "500", "{}")
		fault := billing.ErrorCode(err) == billing.Internal || billing.ErrorCode(err) == billing.Busy
		if e := k.open(body); e.ErrorCode == "" || (code == 503) != fault || (e.ErrorCode == "GLOBAL_1001") != fault || strings.Contains(body, "secret") {
			t.Errorf("%v: %d\n%s", err, code, body)
		}
	}
}

func engineErrors() (list []error) {
	for _, c := range billing.Codes() {
		list = append(list, &billing.Error{Code: c, Field: "charge", Message: "words", Err: errors.New("secret cause")})
	}
	return list
}

// What is before the interface is refused in its shape.
func TestRefuse(t *testing.T) {
	k := newKit(t, poolplan.Options{})
	in := poolplan.New(k.engine, poolplan.Options{})
	for _, status := range []int{400, 401, 403, 404, 405, 409, 413, 415, 429, 500, 503} {
		w := httptest.NewRecorder()
		w.Header().Set("WWW-Authenticate", "Bearer")
		in.Refuse(w, httptest.NewRequest("POST", "/", nil), status, "no")
		e := k.open(w.Body.String())
		if w.Code != status || w.Header().Get("WWW-Authenticate") == "" || e.ErrorCode == "" || e.ErrorMessage == "" || string(e.Content) != `""` {
			t.Errorf("%d: %d %s", status, w.Code, w.Body)
		}
	}
}
