package poolplan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"go.uber.org/goleak"

	"topupd/billing"
	"topupd/billing/gateway/sandbox"
	"topupd/billing/seal"
	"topupd/db/dbtest"
	"topupd/methods/jsonl"
	"topupd/methods/poolplan"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(dbtest.Engines{M: m}) }

// The requester is acme (10); eu (11) is its customer, deep (12) is eu's.
const base = `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD","balance":"5"}
{"type":"customer","i_customer":11,"name":"Acme EU","i_parent":10,"currency":"EUR","balance":"100","email":"eu@acme.example"}
{"type":"customer","i_customer":12,"name":"Deep","i_parent":11,"currency":"EUR"}
{"type":"customer","i_customer":20,"name":"Zeta","currency":"EUR"}
{"type":"pool_plan","offer":500,"i_customer":11,"name":"Pool EU","currency":"EUR","expirationType":"FIXED","expires":"2035-04-25","subscribers":["310150123456789"],"balances":{"SMS":"0","KB":"0"}}
{"type":"pool_plan","offer":501,"i_customer":11,"name":"Empty","currency":"EUR","balances":{"SMS":"0"}}
{"type":"pool_plan","offer":502,"i_customer":11,"name":"Rolling","currency":"EUR","expirationType":"ALLOCATION","subscribers":["a"],"balances":{"SMS":"0"}}
{"type":"pool_plan","offer":503,"i_customer":10,"name":"Own","currency":"USD","subscribers":["a"],"balances":{"SMS":"0"}}
{"type":"pool_plan","offer":504,"i_customer":12,"name":"Deep","currency":"EUR","subscribers":["a"],"balances":{"SMS":"0"}}
{"type":"pool_plan","offer":505,"i_customer":20,"name":"Zeta","currency":"EUR","subscribers":["a"],"balances":{"SMS":"0"}}
{"type":"pool_plan","offer":506,"i_customer":11,"name":"Over","currency":"EUR","expirationType":"FIXED","expires":"2020-04-25","subscribers":["a"],"balances":{"SMS":"0"}}
`

type kit struct {
	testing.TB
	engine *billing.Engine
	mux    *http.ServeMux
	actor  billing.Actor
	router routers.Router
	logged []error
}

var acme = billing.Actor{Login: "acme", Customer: billing.Customer(10), API: "rest"}

func newKit(t testing.TB, o poolplan.Options) *kit {
	t.Helper()
	ring, err := seal.ParseRing(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	k := &kit{TB: t, mux: http.NewServeMux(), actor: acme}
	k.engine = billing.New(billing.Config{
		Store: dbtest.Open(t), Gateways: []billing.Gateway{sandbox.New()}, Sealer: ring, Settings: billing.DefaultSettings(),
	})
	o.Log = func(_ context.Context, err error) { k.logged = append(k.logged, err) }
	in := poolplan.New(k.engine, o)
	for _, r := range in.Routes {
		k.mux.HandleFunc(r.Pattern, func(w http.ResponseWriter, req *http.Request) {
			// What the server sees to.
			if billing.ActorFrom(req.Context()).May(r.Use) != nil {
				in.Refuse(w, req, http.StatusForbidden, "the customer is blocked")
				return
			}
			r.Handler(w, req)
		})
	}
	k.router = contract(t, in.OpenAPI)
	k.load(base)
	return k
}

// contract is the document as an independent reader understands it.
func contract(t testing.TB, text []byte) routers.Router {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Fatal(err)
	}
	r, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (k *kit) ok(err error) {
	k.Helper()
	if err != nil {
		k.Fatal(err)
	}
}

func (k *kit) root() context.Context {
	return billing.WithActor(k.Context(), billing.Actor{Customer: billing.Root, API: "test"})
}

func (k *kit) load(text string) {
	k.Helper()
	_, err := jsonl.Import(k.root(), k.engine, jsonl.ImportOptions{Source: strings.NewReader(text), Name: "x.jsonl"})
	k.ok(err)
}

func (k *kit) dump() string {
	k.Helper()
	var b bytes.Buffer
	k.ok(jsonl.Export(k.root(), k.engine, &b, jsonl.ExportOptions{Realm: "topupd"}))
	return b.String()
}

func (k *kit) work() { k.Helper(); k.ok(k.engine.Drain(k.root())) }

// do sends a request as the kit's actor and holds that the answer keeps the contract.
func (k *kit) do(method, path, media, body string) (int, string) {
	k.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	w := httptest.NewRecorder()
	k.mux.ServeHTTP(w, r.WithContext(billing.WithActor(k.Context(), k.actor)))
	k.keeps(r, w)
	return w.Code, w.Body.String()
}

func (k *kit) keeps(r *http.Request, w *httptest.ResponseRecorder) {
	k.Helper()
	route, params, err := k.router.FindRoute(r)
	if err != nil {
		return // the contract has no such address, and neither has the interface
	}
	err = openapi3filter.ValidateResponse(k.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 w.Code, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		k.Errorf("%s %s: the answer breaks the contract: %v\n%s", r.Method, r.URL, err, w.Body)
	}
}

func (k *kit) topUp(customer, offer, body string) (int, string) {
	k.Helper()
	return k.do("POST", "/api/v2/customer/"+customer+"/offer/"+offer+"/topup", "application/json", body)
}

type envelope struct {
	ErrorCode    string          `json:"errorCode"`
	ErrorMessage string          `json:"errorMessage"`
	Content      json.RawMessage `json:"content"`
}

func (k *kit) open(body string) (e envelope) {
	k.Helper()
	k.ok(json.Unmarshal([]byte(body), &e))
	return e
}

// acked wants an acknowledgement and returns its request id.
func (k *kit) acked(code int, body string) string {
	k.Helper()
	var content []struct{ RequestID string }
	e := k.open(body)
	if code != 200 || e.ErrorCode != "" || json.Unmarshal(e.Content, &content) != nil || len(content) != 1 {
		k.Fatalf("not acknowledged: %d\n%s", code, body)
	}
	return content[0].RequestID
}

// state asks after a request.
func (k *kit) state(id string) string {
	k.Helper()
	code, body := k.do("GET", "/api/v2/global/call/"+id, "", "")
	var content []struct{ Status string }
	e := k.open(body)
	if e.ErrorCode != "" {
		return e.ErrorCode
	}
	if code != 200 || json.Unmarshal(e.Content, &content) != nil || len(content) != 1 {
		k.Fatalf("%d\n%s", code, body)
	}
	return content[0].Status
}

// left is what a pool has of a unit, and money what its customer has.
func (k *kit) left(offer billing.OfferID, unit billing.Unit) (micros int64) {
	k.Helper()
	k.ok(k.engine.Snapshot(k.root(), func(r billing.Reader) error {
		list, err := r.PoolBalances(offer)
		for _, b := range list {
			if b.Unit == unit {
				micros = b.Left
			}
		}
		return err
	}))
	return micros
}

func (k *kit) money(customer int64) (micros int64) {
	k.Helper()
	k.ok(k.engine.Snapshot(k.root(), func(r billing.Reader) error {
		o, err := r.Owner(billing.Customer(customer))
		if err != nil {
			return err
		}
		b, err := r.Bucket(o.ID, o.Currency)
		micros = b.Balance
		return err
	}))
	return micros
}

func (k *kit) plan(offer billing.OfferID) (p billing.PoolPlan) {
	k.Helper()
	k.ok(k.engine.Snapshot(k.root(), func(r billing.Reader) (err error) {
		p, err = r.PoolPlan(offer)
		return err
	}))
	return p
}

func (k *kit) verify() {
	k.Helper()
	wrong, err := k.engine.Verify(k.root(), 10)
	k.ok(err)
	if len(wrong) > 0 {
		k.Errorf("verify: %v", wrong)
	}
}

func lastDay(y int, m time.Month, d int) time.Time { return time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC) }
