package tmf654_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/rs/zerolog"

	"topupd/billing"
	"topupd/billing/gateway/sandbox"
	"topupd/billing/hub"
	maillog "topupd/billing/mailer/log"
	"topupd/db"
	"topupd/db/dbtest"
	"topupd/methods/jsonl"
	"topupd/methods/tmf654"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Engines{M: m}.Run()) }

var update = flag.Bool("update", false, "write the golden files anew")

// t0 is the source page's moment, in its zone.
var t0 = time.Date(2021, 9, 29, 21, 15, 11, 0, time.UTC)

const (
	base  = "/brm/prepayBalanceManagement/v4"
	forum = "/tmf-api/prepayBalanceManagement/v4"
	// Of the source page.
	alice  = "0.0.0.1+-account+6340627"
	bucket = "0.0.0.1+-balance_group+6336883+840+0"
)

// seed has the source page's account, two beside it whose cards are declined, and one
// of another customer.
const seed = `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD"}
{"type":"customer","i_customer":20,"name":"Zeta","currency":"EUR"}
{"type":"account","i_account":6340627,"i_customer":10,"name":"Alice Rose","currency":"USD","balance":"192.00","balance_group":6336883}
{"type":"account","i_account":101,"i_customer":10,"name":"Bob Stone","currency":"USD","balance":"5.00"}
{"type":"account","i_account":102,"i_customer":10,"name":"Carol Reed","currency":"USD"}
{"type":"account","i_account":103,"i_customer":10,"name":"Dan Frost","currency":"USD"}
{"type":"account","i_account":104,"i_customer":10,"name":"Erin Vale","currency":"USD"}
{"type":"account","i_account":200,"i_customer":20,"name":"Zoe","currency":"EUR"}
{"type":"card","i_debit_credit_card":6337651,"i_account":6340627,"gateway":"sandbox","token":"tok_ok","brand":"Visa","last4":"4242","exp_mm":12,"exp_yy":2035,"holder":"Alice Rose","primary":true}
{"type":"card","i_debit_credit_card":1001,"i_account":101,"gateway":"sandbox","token":"tok_declined","brand":"Visa","last4":"0002","exp_mm":12,"exp_yy":2035,"primary":true}
{"type":"card","i_debit_credit_card":1002,"i_account":102,"gateway":"sandbox","token":"tok_lost","brand":"Visa","last4":"0069","exp_mm":12,"exp_yy":2035,"primary":true}
{"type":"card","i_debit_credit_card":1003,"i_account":103,"gateway":"sandbox","token":"tok_timeout","brand":"Visa","last4":"0003","exp_mm":12,"exp_yy":2035,"primary":true}
{"type":"card","i_debit_credit_card":2000,"i_account":200,"gateway":"sandbox","token":"tok_ok","brand":"Visa","last4":"4242","exp_mm":12,"exp_yy":2035,"primary":true}
{"type":"service","id":6337523,"i_account":6340627,"class":"/service/telco/gsm/sms"}
`

// kit is the interface over an engine with a real database and the sandbox gateway.
type kit struct {
	testing.TB
	e      *billing.Engine
	store  *db.Store
	bank   *sandbox.Gateway
	mux    *http.ServeMux
	router routers.Router
	mu     sync.Mutex
	now    time.Time
	log    bytes.Buffer
	// lost makes reads fail once the next change is committed.
	lost atomic.Bool
	// idle says that nobody works: a request does not wait for its payment.
	idle bool
}

// patience is how long a request waits for its payment: longer than a machine stalls.
const patience = 30 * time.Second

func newKit(t testing.TB) *kit { return newKitWith(t, tmf654.Options{}, nil) }

func newKitWith(t testing.TB, o tmf654.Options, settings func(*billing.Settings)) *kit {
	t.Helper()
	k := emptyKit(t, o, settings)
	if _, err := jsonl.Import(k.as("root"), k.e, jsonl.ImportOptions{Source: strings.NewReader(seed), Name: "seed"}); err != nil {
		t.Fatal(err)
	}
	return k
}

// newEmptyKit has an empty database.
func newEmptyKit(t testing.TB) *kit { return emptyKit(t, tmf654.Options{}, nil) }

func emptyKit(t testing.TB, o tmf654.Options, settings func(*billing.Settings)) *kit {
	t.Helper()
	k := &kit{TB: t, store: dbtest.Open(t), bank: sandbox.New(), now: t0, mux: http.NewServeMux()}
	set := billing.DefaultSettings()
	set.Location = time.FixedZone("IST", 5*3600+1800)
	set.PaymentWait = patience
	if settings != nil {
		settings(&set)
	}
	k.e = billing.New(billing.Config{
		Store: &losing{Store: k.store, lost: &k.lost}, Gateways: []billing.Gateway{k.bank}, Mailer: maillog.New(zerolog.Nop()), Sealer: plain{}, Settings: set,
		Courier: hub.New(hub.Options{AllowPrivate: true, Resolver: names{}}),
	})
	k.e.RenderEvents(tmf654.Events(k.e))
	i := tmf654.New(k.e, o)
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
	return k
}

// as is a context of an actor: root, or a customer's login by its number, with "!" blocked
// by a run.
func (k *kit) as(who string) context.Context {
	a := billing.Actor{Login: who, API: "rest", Customer: billing.Root, Address: "192.0.2.1"}
	var n int64
	if _, err := fmt.Sscan(who, &n); err == nil {
		a.Customer = billing.Customer(n)
	}
	if strings.HasSuffix(who, "!") {
		a.Blocked = billing.BlockBilling // it may read and pay
	}
	if k.idle { // as if it had come before the whole wait
		a.At = time.Now().Add(-patience)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return billing.AsOf(billing.WithActor(context.Background(), a), k.now)
}

// working lets workers send charges by the kit's clock until the test, or stop, ends.
func (k *kit) working() (stop func()) {
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
				if err := k.e.Drain(k.as("root")); err != nil {
					k.Error(err)
					return
				}
			}
		}
	}()
	var once sync.Once
	stop = func() { once.Do(func() { close(done); <-over }) }
	k.Cleanup(stop)
	return stop
}

// send sends a request; headers are name, value.
func (k *kit) send(who, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	k.Helper()
	r := httptest.NewRequest(method, "http://host:8080"+path, strings.NewReader(body)).WithContext(k.as(who))
	if body != "" {
		r.Header.Set("Content-Type", "application/json;charset=utf-8")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	k.mux.ServeHTTP(w, r)
	if w.Code != http.StatusMethodNotAllowed {
		k.contract(r, w)
	}
	return w
}

// call is send for those who need no headers.
func (k *kit) call(who, method, path, body string) (int, string) {
	k.Helper()
	w := k.send(who, method, path, body)
	return w.Code, w.Body.String()
}

// contract holds that what comes back is as the contract says.
func (k *kit) contract(r *http.Request, w *httptest.ResponseRecorder) {
	k.Helper()
	asked := r.Clone(r.Context())
	at := *r.URL
	at.Path = strings.Replace(at.Path, forum, base, 1) // the contract has one of the two
	at.RawPath = ""
	asked.URL = &at
	route, params, err := k.router.FindRoute(asked)
	if err != nil {
		if w.Code != http.StatusNotFound {
			k.Errorf("%s %s is not in the contract: %v", r.Method, r.URL, err)
		}
		return
	}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: asked, PathParams: params, Route: route},
		Status:                 w.Code, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
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

// object is must, decoded.
func (k *kit) object(status int, who, method, path, body string) map[string]any {
	k.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(k.must(status, who, method, path, body)), &v); err != nil {
		k.Fatal(err)
	}
	return v
}

// list is the answer to a GET of a list, with its two counts.
func (k *kit) list(who, path string) (list []map[string]any, counts string) {
	k.Helper()
	w := k.send(who, "GET", path, "")
	if w.Code != 200 {
		k.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
		k.Fatal(err)
	}
	return list, w.Header().Get("X-Result-Count") + " of " + w.Header().Get("X-Total-Count")
}

// say is send, written down.
func (k *kit) say(who, method, path, body string, headers ...string) {
	k.Helper()
	w := k.send(who, method, path, body, headers...)
	fmt.Fprintf(&k.log, "%s %s as %s\n", method, path, who)
	if body != "" {
		fmt.Fprintf(&k.log, "%s\n", body)
	}
	fmt.Fprintf(&k.log, "%d\n", w.Code)
	for _, name := range []string{"Location", "X-Total-Count", "X-Result-Count", "Idempotency-Replayed"} {
		if v := w.Header().Get(name); v != "" {
			fmt.Fprintf(&k.log, "%s: %s\n", name, v)
		}
	}
	var indented bytes.Buffer
	if json.Indent(&indented, w.Body.Bytes(), "", "    ") == nil {
		k.log.Write(indented.Bytes())
	}
	k.log.WriteString("\n")
}

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

// state is all that an export, the payments and the charges show: what a refused call must
// not change.
func (k *kit) state() string {
	k.Helper()
	var out strings.Builder
	if err := jsonl.Export(k.as("root"), k.e, &out, jsonl.ExportOptions{}); err != nil {
		k.Fatal(err)
	}
	err := k.store.View(context.Background(), func(r billing.Reader) error {
		charges, err := r.Charges(billing.ChargeFilter{})
		if err != nil {
			return err
		}
		topups, err := r.BalanceTopups(billing.BalanceTopupFilter{Deleted: true})
		for i := range topups { // the export has them
			topups[i].Before, topups[i].After = nil, nil
		}
		fmt.Fprintf(&out, "%+v\n%+v\n", charges, topups)
		return err
	})
	if err != nil {
		k.Fatal(err)
	}
	return out.String()
}

// balance is what an account has, in millionths.
func (k *kit) balance(account int64) int64 {
	k.Helper()
	var b billing.Bucket
	err := k.store.View(context.Background(), func(r billing.Reader) (err error) {
		o, err := r.Owner(billing.Account(account))
		if err != nil {
			return err
		}
		b, err = r.Bucket(o.ID, o.Currency)
		return err
	})
	if err != nil {
		k.Fatal(err)
	}
	return b.Balance
}

// verify checks the ledger.
func (k *kit) verify() {
	k.Helper()
	if wrong, err := k.store.Verify(context.Background(), 5); err != nil || len(wrong) > 0 {
		k.Errorf("verify: %v, %v", wrong, err)
	}
}

// run moves the clock, runs the recurring top-ups and works until nothing is due.
func (k *kit) run(at time.Time) {
	k.Helper()
	k.mu.Lock()
	k.now = at
	k.mu.Unlock()
	if _, _, err := k.e.RunRecurring(k.as("root"), billing.RunParams{Trigger: "command"}); err != nil {
		k.Fatal(err)
	}
	if err := k.e.Drain(k.as("root")); err != nil {
		k.Fatal(err)
	}
}

func escaped(id string) string { return url.QueryEscape(id) }

type plain struct{}

func (plain) Seal(p billing.Secret, aad string) ([]byte, error) {
	return []byte(aad + "\x00" + p.Reveal()), nil
}

func (plain) Open(b []byte, aad string) (billing.Secret, error) {
	return billing.Secret(strings.TrimPrefix(string(b), aad+"\x00")), nil
}

// debit books usage of an account, in whole dollars.
func (k *kit) debit(account, dollars int64) {
	k.Helper()
	_, err := k.e.MoveFunds(k.as("root"), billing.MoveFundsParams{
		Kind: billing.PostDebit, Owner: billing.Account(account), Amount: dollars * billing.Micro, Currency: "USD",
	})
	if err != nil {
		k.Fatal(err)
	}
}
