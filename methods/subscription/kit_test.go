package subscription

import (
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"topupd/billing"
	"topupd/billing/gateway/sandbox"
	"topupd/billing/seal"
	"topupd/db/dbtest"
	"topupd/methods/jsonl"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(dbtest.Engines{M: m}) }

var update = flag.Bool("update", false, "rewrite the golden files")

// world has what the scripts need. Customer 10 has account 100 with two subscriptions and
// payments; customer 20 has account 200.
const world = `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD","balance":"100"}
{"type":"customer","i_customer":20,"name":"Other","currency":"USD"}
{"type":"account","i_account":100,"i_customer":10,"currency":"USD","balance":"1.50"}
{"type":"account","i_account":200,"i_customer":20,"currency":"USD","balance":"1.50"}
{"type":"card","i_debit_credit_card":1000,"i_account":100,"token":"tok_ok","last4":"4242","primary":true}
{"type":"card","i_debit_credit_card":1001,"i_account":100,"token":"tok_ok","last4":"1881"}
{"type":"card","i_debit_credit_card":2000,"i_account":200,"token":"tok_ok","last4":"4242","primary":true}
{"type":"subscription","id":1,"i_account":100,"phoneNumber":"15551230100","categoryId":1,"wholeSalesPartnerId":9,"salesCode":"A&B <1>"}
{"type":"subscription","id":2,"i_account":100,"phoneNumber":"15551230101"}
{"type":"subscription","id":3,"i_account":100,"phoneNumber":"15551230102","state":"terminated"}
{"type":"subscription","id":20,"i_account":200,"phoneNumber":"15551230200"}
{"type":"payment","id":1,"i_account":100,"amount":"2.00","currency":"USD","i_debit_credit_card":1000,"status":"paid"}
{"type":"payment","id":2,"i_account":100,"amount":"7.50","currency":"USD","i_debit_credit_card":1001,"status":"paid"}
{"type":"payment","id":3,"i_account":100,"amount":"2.00","currency":"USD","i_debit_credit_card":1000,"status":"pending"}
{"type":"payment","id":4,"i_account":100,"amount":"2.00","currency":"USD","status":"paid"}
{"type":"payment","id":5,"i_account":100,"amount":"2.00","currency":"EUR","i_debit_credit_card":1000,"status":"paid"}
{"type":"payment","id":20,"i_account":200,"amount":"2.00","currency":"USD","i_debit_credit_card":2000,"status":"paid"}
`

// moment is that of all scripts: the source page's samples tell it.
var moment = time.Date(2025, 12, 15, 12, 11, 47, 478697000, time.UTC)

// cet is the server's zone.
var cet = time.FixedZone("CET", 3600)

var actors = map[string]billing.Actor{
	"root":  {Login: "root", Customer: billing.Root, API: Name},
	"acme":  {Login: "acme", Customer: billing.Customer(10), API: Name},
	"other": {Login: "other", Customer: billing.Customer(20), API: Name},
}

func as(name string) context.Context {
	return billing.AsOf(billing.WithActor(context.Background(), actors[name]), moment)
}

// kit is the interface over a real engine.
type kit struct {
	testing.TB
	engine  *billing.Engine
	handler http.Handler
}

func newKit(t testing.TB) *kit {
	t.Helper()
	ring, err := seal.ParseRing(seal.Generate())
	must(t, err)
	settings := billing.DefaultSettings()
	settings.Location = cet
	k := &kit{TB: t, engine: billing.New(billing.Config{
		Store: dbtest.Open(t), Gateways: []billing.Gateway{sandbox.New()}, Sealer: ring, Settings: settings,
	})}
	_, err = jsonl.Import(as("root"), k.engine, jsonl.ImportOptions{Source: strings.NewReader(world), Name: "world"})
	must(t, err)
	k.handler = mounted(k.engine, func(err error) { t.Errorf("an error of our own: %v", err) })
	return k
}

// mounted is the interface behind a router, as a server mounts it.
func mounted(e Engine, failed func(error)) http.Handler {
	in := New(e, Options{Failed: func(_ context.Context, err error) { failed(err) }})
	mux := http.NewServeMux()
	for _, r := range in.Routes {
		mux.HandleFunc(r.Pattern, func(w http.ResponseWriter, req *http.Request) {
			// What the server sees to.
			if billing.ActorFrom(req.Context()).May(r.Use) != nil {
				in.Refuse(w, req, http.StatusForbidden, "the customer is blocked")
				return
			}
			r.Handler(w, req)
		})
	}
	return mux
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// call sends one request as an actor.
func (k *kit) call(actor, method, path, contentType, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(as(actor), method, path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	k.handler.ServeHTTP(w, r)
	return w
}

const address = "/api/subscriptions/1/autotopup"

func (k *kit) enable(body string) *httptest.ResponseRecorder {
	return k.call("acme", "POST", address, "application/json", body)
}

// state is everything that a call could have changed.
func (k *kit) state() string {
	k.Helper()
	var b strings.Builder
	must(k, jsonl.Export(as("root"), k.engine, &b, jsonl.ExportOptions{}))
	must(k, k.engine.Snapshot(as("root"), func(r billing.Reader) error {
		rows, err := r.AuditRows(billing.AuditFilter{From: time.Unix(0, 0), To: time.Now().Add(time.Hour), Limit: 1000})
		for _, row := range rows {
			b.WriteString(string(row.Action) + " " + row.Resource + " " + row.Info + "\n")
		}
		return err
	}))
	return b.String()
}

func (k *kit) balance(o billing.OwnerID) string {
	k.Helper()
	var text string
	must(k, k.engine.Snapshot(as("root"), func(r billing.Reader) error {
		b, err := r.Bucket(o, "USD")
		text = billing.FixedMicros(b.Balance, 2)
		return err
	}))
	return text
}

// scripts is where the golden files are, and below it the source page's own samples.
const scripts = "../../testdata/wire/subscription"

// golden compares with a file, or rewrites it.
func golden(t testing.TB, name, got string) {
	t.Helper()
	file := filepath.Join(scripts, name)
	if *update {
		must(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if string(want) != got {
		t.Errorf("%s differs:\n%s", file, cmp.Diff(string(want), got))
	}
}
