package server

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"topupd/billing"
)

const bearer = "tpd_ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// restFixture is a fixture with one interface, whose refusals are JSON.
type restFixture struct {
	*fixture
	t       *testing.T
	runs    int // of the handler of POST
	revoked bool
	tokens  int // lookups
	kept    map[string]billing.KeptAnswer
	failing error
}

func shape(w http.ResponseWriter, _ *http.Request, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"status": status, "message": message})
}

func (f *restFixture) token(_ context.Context, hash [32]byte) (Login, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tokens++
	if f.down != nil {
		return Login{}, false, f.down
	}
	ok := hash == sha256.Sum256([]byte(bearer)) && !f.revoked
	return Login{Name: "token:crm", Customer: 10, Blocked: f.blocked}, ok, nil
}

// once is the engine's Once without a database.
func (f *restFixture) once(ctx context.Context, p billing.OnceParams, fn func(context.Context) (billing.Answer, error)) (billing.Answer, error) {
	if f.failing != nil {
		return billing.Answer{}, f.failing
	}
	if strings.Contains(p.Key, " ") {
		return billing.Answer{}, billing.Errorf(billing.Invalid, "Idempotency-Key", "wrong")
	}
	if k, ok := f.kept[p.Key]; ok {
		if string(k.Input) != string(p.Input[:]) {
			return billing.Answer{}, billing.Errorf(billing.KeyReused, "Idempotency-Key", "used")
		}
		k.Answer.Replayed = true
		return k.Answer, nil
	}
	if _, err := fn(ctx); err != nil { // as when the group runs again
		return billing.Answer{}, err
	}
	a, err := fn(ctx)
	if err == nil && a.Status < 400 {
		f.kept[p.Key] = billing.KeptAnswer{Input: p.Input[:], Answer: a}
	}
	return a, err
}

func newRESTFixture(t *testing.T, change func(*Options)) *restFixture {
	f := &restFixture{t: t, kept: map[string]billing.KeptAnswer{}}
	f.fixture = newFixture(t, func(o *Options) {
		o.Tokens, o.Once, o.MaxBody = f.token, f.once, 100
		if change != nil {
			change(o)
		}
	})
	if err := f.MountInterface(f.things()); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *restFixture) things() Interface {
	return Interface{
		Name: "things", Refuse: shape, OpenAPI: []byte(`{"openapi":"3.0.3","info":{"title":"Things","version":"1"},"paths":{}}`),
		Routes: []Route{
			{Pattern: "GET /v1/things/{id}", Use: billing.UseReads, Handler: func(w http.ResponseWriter, r *http.Request) {
				a := billing.ActorFrom(r.Context())
				fmt.Fprint(w, r.PathValue("id"), " ", a.Login, " ", a.Customer, " ", a.API)
			}},
			{Pattern: "POST /v1/things", Handler: func(w http.ResponseWriter, r *http.Request) {
				f.runs++
				b, err := io.ReadAll(r.Body)
				if err != nil {
					f.t.Error(err)
				}
				w.Header().Set("Location", "/v1/things/7")
				w.Header().Add("X-More", "a")
				w.Header().Add("X-More", "b")
				w.Header().Set("Content-Type", "text/x-things")
				if string(b) == "refuse" {
					w.WriteHeader(http.StatusUnprocessableEntity)
				} else {
					w.WriteHeader(http.StatusCreated)
				}
				w.Header().Set("X-Late", "lost")
				fmt.Fprintf(w, "run %d of %s%s", f.runs, b, r.FormValue("q"))
			}},
			{Pattern: "GET /v1/kinds", Use: billing.UseReads, Handler: func(http.ResponseWriter, *http.Request) {}},
			{Pattern: "POST /v1/look", Use: billing.UseReads, Handler: func(w http.ResponseWriter, _ *http.Request) {
				f.runs++
				fmt.Fprint(w, "look ", f.runs)
			}},
			{Pattern: "DELETE /v1/things/{id}", Handler: func(http.ResponseWriter, *http.Request) { panic("in the handler") }},
		},
	}
}

// send is a request with headers "Name: value".
func (f *restFixture) send(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := from(httptest.NewRequest(method, path, strings.NewReader(body)), "192.0.2.7")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return f.do(r)
}

func (f *restFixture) refused(w *httptest.ResponseRecorder, status int) {
	f.t.Helper()
	var told struct {
		Status  int
		Message string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &told); err != nil || w.Code != status || told.Status != status || told.Message == "" {
		f.t.Errorf("%d %q, want %d in the interface's shape", w.Code, w.Body, status)
	}
}

const withToken = "Authorization: Bearer " + bearer

func TestRESTAccess(t *testing.T) {
	f := newRESTFixture(t, nil)
	expect(t, f.send("GET", "/v1/things/a", "", withToken), 200, "a token:crm customer 10 things")
	expect(t, f.send("GET", "/v1/things/a", "", "Authorization: bearer   "+bearer), 200, "")
	expect(t, f.send("GET", "/v1/things/a%2Fb", "", "Authorization: "+basic("acme", password)), 200, "a/b acme customer 10 things")
	expect(t, f.send("GET", "/v1/things/a", "", "Authorization: "+basic("admin", password)), 200, "a admin customer 1 things")
	for _, wrong := range [][]string{
		nil, {"Authorization: "}, {"Authorization: Bearer"}, {"Authorization: Bearer " + bearer + "x"}, {"Authorization: " + bearer},
		{"Authorization: " + basic("acme", "x")}, {"Authorization: " + basic("nobody", password)}, {"Authorization: " + basic("acme", bearer)},
		{withToken, withToken}, {"Authorization: Digest username=\"acme\""},
	} {
		w := f.send("GET", "/v1/things/a", "", wrong...)
		f.refused(w, 401)
		if got := w.Header().Values("WWW-Authenticate"); len(got) != 2 || got[0] != `Bearer realm="topupd"` || got[1] != `Basic realm="topupd", charset="UTF-8"` {
			t.Errorf("%v: %q", wrong, got)
		}
	}
	if log := f.log.String(); strings.Contains(log, bearer) || strings.Contains(log, password) {
		t.Error("a secret in the log")
	}
	// Trust and loopback are for others.
	f.refused(f.do(get("/v1/things/a", "127.0.0.1")), 401)
	f.set(func() { f.down = errors.New("no disk") })
	w := f.send("GET", "/v1/things/a", "", "Authorization: Bearer other")
	f.refused(w, 503)
	if strings.Contains(w.Body.String(), "disk") || w.Header().Get("Retry-After") == "" {
		t.Error(w.Body, w.Header())
	}
}

func basic(user, password string) string {
	r := httptest.NewRequest("GET", "/", nil)
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

// A revoked token stops within a second, and is looked up once a second only.
func TestRevokedTokenStops(t *testing.T) {
	c := newClock()
	f := newRESTFixture(t, func(o *Options) { o.now = c.now })
	for range 5 {
		expect(t, f.send("GET", "/v1/things/a", "", withToken), 200, "")
	}
	if f.tokens != 1 {
		t.Errorf("%d lookups", f.tokens)
	}
	f.set(func() { f.revoked = true })
	c.advance(time.Second)
	f.refused(f.send("GET", "/v1/things/a", "", withToken), 401)
}

// Wrong tokens are slowed like wrong passwords; a right one beside them is let in.
func TestWrongTokensAreSlowed(t *testing.T) {
	c := newClock()
	f := newRESTFixture(t, func(o *Options) {
		o.now = c.now
		slow := quick
		slow.burst, slow.longest = 1, 20*time.Millisecond
		slow.every = 10 * time.Millisecond
		o.slowness = &slow
	})
	began := time.Now()
	for range 6 {
		f.refused(f.send("GET", "/v1/things/a", "", "Authorization: Bearer wrong"), 401)
	}
	if took := time.Since(began); took < 60*time.Millisecond {
		t.Errorf("six failures took %s", took)
	}
	expect(t, f.send("GET", "/v1/things/a", "", withToken), 200, "")
}

// What only reads is carried out each time: it needs no transaction that all wait for.
func TestRESTReadingIgnoresTheKey(t *testing.T) {
	f := newRESTFixture(t, nil)
	for _, want := range []string{"look 1", "look 2"} {
		expect(t, f.send("POST", "/v1/look", "a", withToken, "Idempotency-Key: k"), 200, want)
	}
}

// A blocked customer is kept from changes; one that owes may read and pay.
func TestRESTBlocked(t *testing.T) {
	for block, want := range map[billing.Block][3]int{
		0: {200, 201, 201}, billing.BlockBilling: {200, 403, 201}, billing.BlockDispute: {200, 403, 201},
		billing.BlockOperator: {403, 403, 403}, billing.BlockFraud: {403, 403, 403}, billing.BlockOperator | billing.BlockBilling: {403, 403, 403},
	} {
		f := newRESTFixture(t, nil)
		paying := f.things()
		paying.Name = "paying"
		paying.Routes = []Route{{Pattern: "POST /v2/pay", Handler: paying.Routes[1].Handler, Use: billing.UsePays}}
		if err := f.MountInterface(paying); err != nil {
			t.Fatal(err)
		}
		f.blocked = block
		got := [3]int{
			f.send("GET", "/v1/things/a", "", withToken).Code, f.send("POST", "/v1/things", "a", withToken, "Idempotency-Key: k").Code,
			f.send("POST", "/v2/pay", "a", withToken).Code,
		}
		if got != want {
			t.Errorf("blocked %s: %v, want %v", block, got, want)
		}
		if want[1] == 403 {
			f.refused(f.send("POST", "/v1/things", "a", withToken), 403)
		}
	}
}

// A page of another origin may not use the password that a browser kept.
func TestRESTCrossOrigin(t *testing.T) {
	f := newRESTFixture(t, nil)
	with := "Authorization: " + basic("acme", password)
	f.refused(f.send("POST", "/v1/things", "a", with, "Sec-Fetch-Site: cross-site"), 403)
	f.refused(f.send("POST", "/v1/things", "a", with, "Origin: https://evil.example"), 403)
	expect(t, f.send("POST", "/v1/things", "a", with, "Sec-Fetch-Site: same-origin"), 201, "")
	expect(t, f.send("POST", "/v1/things", "a", withToken, "Sec-Fetch-Site: cross-site"), 201, "")
	expect(t, f.send("GET", "/v1/things/a", "", with, "Sec-Fetch-Site: cross-site"), 200, "")
}

// What the mux or the server refuse is told in the interface's shape.
func TestRESTShape(t *testing.T) {
	f := newRESTFixture(t, nil)
	for _, path := range []string{"/v1/things/a/b", "/v1/other", "/v1/things/", "/v1/", "/v1", "/v1//things", "/v1/../v1/things"} {
		r := get("/", "192.0.2.7")
		r.URL.Path = path
		w := f.do(r)
		f.refused(w, 404)
		if w.Header().Get("Location") != "" {
			t.Errorf("%s redirects", path)
		}
	}
	for method, at := range map[string][2]string{
		"PUT": {"/v1/things/a", "DELETE, GET, HEAD"}, "GET": {"/v1/things", "POST"}, "OPTIONS": {"/v1/things", "POST"}, "BREW": {"/v1/things", "POST"},
	} {
		w := f.send(method, at[0], "")
		f.refused(w, 405)
		if got := w.Header().Get("Allow"); got != at[1] {
			t.Errorf("%s %s: Allow %q", method, at[0], got)
		}
	}
	// Elsewhere all is as it was.
	if w := f.send("GET", "/v2", ""); w.Code != 404 || strings.Contains(w.Body.String(), "{") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := f.send("PUT", "/xmlapi/xmlapi", ""); w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	f.refused(f.send("POST", "/v1/things", strings.Repeat("x", 101), withToken), 413)
	f.refused(f.send("POST", "/v1/things", strings.Repeat("x", 101), withToken, "Idempotency-Key: big"), 413)
	expect(t, f.send("POST", "/v1/things", strings.Repeat("x", 100), withToken), 201, "")
	w := f.send("DELETE", "/v1/things/a", "", withToken)
	f.refused(w, 500)
	if !strings.Contains(f.log.String(), "in the handler") || strings.Contains(w.Body.String(), "in the handler") {
		t.Error(w.Body)
	}
	if !strings.Contains(f.log.String(), `"api":"things","method":"DELETE /v1/things/{id}","code":"500"`) {
		t.Error(f.log.String())
	}
	broken := httptest.NewRequest("POST", "/v1/things", io.MultiReader(strings.NewReader("a"), failingReader{}))
	broken.Header.Set("Authorization", "Bearer "+bearer)
	f.refused(f.do(broken), 400)
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestIdempotencyKey(t *testing.T) {
	f := newRESTFixture(t, nil)
	const key = "Idempotency-Key: k1"
	first := f.send("POST", "/v1/things?q=1", "body", withToken, key)
	expect(t, first, 201, "run 2 of body1")
	again := f.send("POST", "/v1/things?q=1", "body", withToken, key)
	expect(t, again, 201, "run 2 of body1")
	if f.runs != 2 {
		t.Errorf("%d runs", f.runs)
	}
	if first.Header().Get("Idempotency-Replayed") != "" || again.Header().Get("Idempotency-Replayed") != "true" {
		t.Error(first.Header(), again.Header())
	}
	for _, w := range []*httptest.ResponseRecorder{first, again} {
		h := w.Header()
		if h.Get("Location") != "/v1/things/7" || h.Get("Content-Type") != "text/x-things" || fmt.Sprint(h["X-More"]) != "[a b]" || h.Get("X-Late") != "" {
			t.Error(h)
		}
	}
	// Another request under the key: whatever differs.
	f.refused(f.send("POST", "/v1/things?q=2", "body", withToken, key), 409)
	f.refused(f.send("POST", "/v1/things?q=1", "bodY", withToken, key), 409)
	f.refused(f.send("POST", "/v1/things?q=1", "body", withToken, key, "Content-Type: text/plain"), 409)
	f.refused(f.send("DELETE", "/v1/things/a", "", withToken, key), 409)
	f.refused(f.send("POST", "/v1/things", "body", withToken, "Idempotency-Key: a b"), 400)
	f.refused(f.send("POST", "/v1/things", "body", withToken, key, key), 400)
	// A refusal is given, not kept.
	for range 2 {
		w := f.send("POST", "/v1/things", "refuse", withToken, "Idempotency-Key: k2")
		if w.Code != 422 || w.Header().Get("Idempotency-Replayed") != "" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	}
	// A question needs none.
	expect(t, f.send("GET", "/v1/things/a", "", withToken, key), 200, "a token:crm customer 10 things")
	f.refused(f.send("DELETE", "/v1/things/a", "", withToken, "Idempotency-Key: k3"), 500)
	f.failing = billing.Errorf(billing.Busy, "", "busy")
	if w := f.send("POST", "/v1/things", "body", withToken, key); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	f.failing = errors.New("no disk")
	w := f.send("POST", "/v1/things", "body", withToken, key)
	f.refused(w, 500)
	if strings.Contains(w.Body.String(), "disk") || !strings.Contains(f.log.String(), "no disk") {
		t.Error(w.Body)
	}
}

func TestMountInterfaceRefuses(t *testing.T) {
	f := newRESTFixture(t, nil)
	good := func() Interface {
		return Interface{
			Name: "others", Refuse: shape, OpenAPI: []byte(`{}`),
			Routes: []Route{{Pattern: "GET /others", Use: billing.UseReads, Handler: func(http.ResponseWriter, *http.Request) {}}},
		}
	}
	for name, change := range map[string]func(*Interface){
		"no name":          func(i *Interface) { i.Name = "" },
		"a path":           func(i *Interface) { i.Name = "a/b" },
		"a name again":     func(i *Interface) { i.Name = "things" },
		"refuses nothing":  func(i *Interface) { i.Refuse = nil },
		"no routes":        func(i *Interface) { i.Routes = nil },
		"no contract":      func(i *Interface) { i.OpenAPI = nil },
		"no method":        func(i *Interface) { i.Routes[0].Pattern = "/others" },
		"a host":           func(i *Interface) { i.Routes[0].Pattern = "GET example.com/others" },
		"a made-up method": func(i *Interface) { i.Routes[0].Pattern = "BREW /others" },
	} {
		i := good()
		change(&i)
		if f.MountInterface(i) == nil {
			t.Errorf("%s: mounted", name)
		}
	}
	if err := newFixture(t, nil).MountInterface(good()); err == nil {
		t.Error("without tokens: mounted")
	}
	if err := f.MountInterface(good()); err != nil {
		t.Error(err)
	}
}

// Many at once, for the race detector.
func TestRESTInParallel(t *testing.T) {
	f := newRESTFixture(t, nil)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			expect(t, f.send("GET", "/v1/things/a", "", withToken), 200, "")
			f.refused(f.send("GET", "/v1/nothing", "", withToken), 404)
		})
	}
	all.Wait()
}
