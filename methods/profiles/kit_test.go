package profiles_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"topupd/billing"
	"topupd/billing/gateway/sandbox"
	maillog "topupd/billing/mailer/log"
	"topupd/db/dbtest"
	"topupd/methods/jsonl"
	"topupd/methods/profiles"

	"github.com/rs/zerolog"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Engines{M: m}.Run()) }

var update = flag.Bool("update", false, "write the golden files anew")

var t0 = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// base is a small reseller tree: 10 with its sub-customer 11, and 20 beside it.
const seed = `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD","balance":"20.00","email":"ops@acme.example","payment_type":"card","outstanding":"460","overdue":"30","limits":{"Credit Limit":"500"}}
{"type":"customer","i_customer":11,"i_parent":10,"name":"Acme EU","currency":"EUR"}
{"type":"customer","i_customer":20,"name":"Zeta","currency":"USD","outstanding":"490","limits":{"Credit Limit":"500"}}
{"type":"account","i_account":100,"i_customer":10,"currency":"USD"}
{"type":"card","i_debit_credit_card":1000,"i_customer":10,"gateway":"sandbox","token":"tok_ok","brand":"Visa","last4":"4242","exp_mm":12,"exp_yy":2035,"holder":"Ann Acme","primary":true}
`

// kit is the interface over an engine with a real database and the sandbox gateway.
type kit struct {
	testing.TB
	e      *billing.Engine
	mux    *http.ServeMux
	router routers.Router
	now    time.Time
	log    bytes.Buffer
}

func newKit(t testing.TB) *kit {
	t.Helper()
	k := &kit{TB: t, now: t0, mux: http.NewServeMux()}
	k.e = billing.New(billing.Config{
		Store: dbtest.Open(t), Gateways: []billing.Gateway{sandbox.New()}, Mailer: maillog.New(zerolog.Nop()), Sealer: plain{},
		Settings: billing.DefaultSettings(),
	})
	i := profiles.New(k.e, profiles.Options{})
	for _, r := range i.Routes {
		k.mux.HandleFunc(r.Pattern, func(w http.ResponseWriter, req *http.Request) {
			// What the server sees to.
			if billing.ActorFrom(req.Context()).May(r.Use) != nil {
				i.Refuse(w, req, http.StatusForbidden, "the customer is blocked")
				return
			}
			r.Handler(w, req)
		})
	}
	doc, err := openapi3.NewLoader().LoadFromData(i.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	doc.Servers = nil // any host
	if k.router, err = legacy.NewRouter(doc); err != nil {
		t.Fatal(err)
	}
	if _, err := jsonl.Import(k.as("root"), k.e, jsonl.ImportOptions{Source: strings.NewReader(seed), Name: "seed"}); err != nil {
		t.Fatal(err)
	}
	return k
}

// as is a context of an actor: root, or a customer's login by its number, with "!" blocked
// by a run.
func (k *kit) as(who string) context.Context {
	a := billing.Actor{Login: who, API: "rest", Customer: billing.Root}
	var n int64
	if _, err := fmt.Sscan(who, &n); err == nil {
		a.Customer = billing.Customer(n)
	}
	if strings.HasSuffix(who, "!") {
		a.Blocked = billing.BlockBilling // it may read
	}
	return billing.AsOf(billing.WithActor(context.Background(), a), k.now)
}

// call sends a request and holds that what comes back is as the contract says.
func (k *kit) call(who, method, path, body string) (int, string) {
	k.Helper()
	r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body)).WithContext(k.as(who))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	k.mux.ServeHTTP(w, r)
	text := w.Body.String()
	if w.Code != http.StatusMethodNotAllowed {
		k.contract(r, w)
	}
	return w.Code, text
}

func (k *kit) contract(r *http.Request, w *httptest.ResponseRecorder) {
	k.Helper()
	// The contract names paths without the trailing slash.
	plainPath := *r.URL
	plainPath.Path = strings.TrimSuffix(plainPath.Path, "/")
	asked := r.Clone(r.Context())
	asked.URL = &plainPath
	route, params, err := k.router.FindRoute(asked)
	if err != nil {
		if w.Code != http.StatusNotFound {
			k.Errorf("%s %s is not in the contract: %v", r.Method, r.URL, err)
		}
		return
	}
	in := &openapi3filter.RequestValidationInput{Request: asked, PathParams: params, Route: route}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: w.Code, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		k.Errorf("%s %s answers %d against the contract: %v\n%s", r.Method, r.URL, w.Code, err, w.Body)
	}
}

// must is call for what has to have a status.
func (k *kit) must(status int, who, method, path, body string) string {
	k.Helper()
	code, text := k.call(who, method, path, body)
	if code != status {
		k.Fatalf("%s %s %s: %d %s, want %d", method, path, body, code, text, status)
	}
	return text
}

// say is call, written down.
func (k *kit) say(who, method, path, body string) {
	k.Helper()
	code, text := k.call(who, method, path, body)
	if u, err := url.QueryUnescape(path); err == nil {
		path = u
	}
	fmt.Fprintf(&k.log, "%s %s as %s\n", method, path, who)
	if body != "" {
		fmt.Fprintf(&k.log, "%s\n", body)
	}
	// Mail is delivered by the real clock.
	fmt.Fprintf(&k.log, "%d %s\n", code, delivered.ReplaceAllString(text, `"deliveredAt":"REAL"`))
}

var delivered = regexp.MustCompile(`"deliveredAt":"[^"]*"`)

// golden compares what was written down.
func (k *kit) golden(name string) {
	k.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			k.Fatal(err)
		}
		if err := os.WriteFile(path, k.log.Bytes(), 0o644); err != nil {
			k.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		k.Fatal(err)
	}
	if got := k.log.String(); got != string(want) {
		k.Errorf("%s: what was said differs; run with -update and read it\n%s", path, got)
	}
}

// state is all that an export and the lists show: what a refused call must not change.
func (k *kit) state() string {
	k.Helper()
	var out strings.Builder
	if err := jsonl.Export(k.as("root"), k.e, &out, jsonl.ExportOptions{}); err != nil {
		k.Fatal(err)
	}
	for _, path := range []string{"/expectedPayments?includeComplete=true", "/correspondence", "/correspondenceTypes", "/expectedPaymentTypes"} {
		out.WriteString(k.must(200, "root", "GET", api+path, ""))
	}
	return out.String()
}

// pay is a payment of a customer that a panel reports; it is the payment's number.
func (k *kit) pay(customer, micros int64) billing.PaymentID {
	k.Helper()
	ctx := billing.WithActor(context.Background(), billing.Actor{Login: "root", Customer: billing.Root})
	res, err := k.e.MoveFunds(ctx, billing.MoveFundsParams{Owner: billing.Customer(customer), Kind: billing.PostAddFunds, Amount: micros, Currency: "USD"})
	if err != nil {
		k.Fatal(err)
	}
	return billing.PostingPayment(res.Posting)
}

func (k *kit) run(at time.Time) {
	k.Helper()
	k.now = at
	if _, _, err := k.e.RunProfiles(k.as("root"), billing.RunParams{Trigger: "command"}); err != nil {
		k.Fatal(err)
	}
	if err := k.e.Drain(k.as("root")); err != nil {
		k.Fatal(err)
	}
}

const api = "/backend/api/v1"

type plain struct{}

func (plain) Seal(p billing.Secret, aad string) ([]byte, error) {
	return []byte(aad + "\x00" + p.Reveal()), nil
}

func (plain) Open(b []byte, aad string) (billing.Secret, error) {
	return billing.Secret(strings.TrimPrefix(string(b), aad+"\x00")), nil
}
