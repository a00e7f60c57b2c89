package poolplan_test

import (
	"encoding/json"
	"flag"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"topupd/billing"
	"topupd/methods/poolplan"
)

var (
	fuzzRuns = flag.Int("contract.runs", 400, "requests that are generated from the contract")
	fuzzSeed = flag.Uint64("contract.seed", 1, "their seed")
)

// The document's own examples are what the interface answers.
func TestContractNamesEveryAnswer(t *testing.T) {
	text := string(poolplan.New(nil, poolplan.Options{}).OpenAPI)
	for _, code := range []string{"CUSTOMER_1002", "CUSTOMER_1009", "CUSTOMER_1010", "CUSTOMER_1011", "GLOBAL_1001", "GLOBAL_1003",
		"TOPUPD_400", "TOPUPD_401", "TOPUPD_403", "TOPUPD_409", "TOPUPD_413", "TOPUPD_415", "TOPUPD_422", "TOPUPD_429"} {
		if !strings.Contains(text, code) {
			t.Errorf("the contract does not name %s", code)
		}
	}
	contract(t, []byte(text))
}

// Requests made from the contract, right and wrong ones: never a 5xx, every answer as the
// contract says (kit.do), and the ledger stays whole.
func TestContractFuzz(t *testing.T) {
	k := newKit(t, poolplan.Options{Statuses: true})
	doc, err := openapi3.NewLoader().LoadFromData(poolplan.New(nil, poolplan.Options{}).OpenAPI)
	k.ok(err)
	body := doc.Paths.Find("/api/v2/customer/{customerId}/offer/{offerId}/topup").Post.RequestBody.Value.Content.Get("application/json").Schema
	g := generator{Rand: rand.New(rand.NewPCG(*fuzzSeed, 0))}
	acked := 0
	for range *fuzzRuns {
		g.tame = g.IntN(3) == 0
		v, err := json.Marshal(g.value(body, 0))
		k.ok(err)
		customer, offer := "11", "500"
		if g.IntN(4) == 0 {
			customer = g.pick("10", "12", "x", "-1", "%20", "99999999999999999999").(string)
		}
		if g.IntN(4) == 0 {
			offer = g.pick("502", "501", "999", "0", "%00").(string)
		}
		code, text := k.topUp(customer, offer, string(v))
		if code >= 500 {
			t.Errorf("%d for %s\n%s", code, v, text)
		}
		if code == 200 {
			acked++
			k.state(uuid.FindString(text))
		}
	}
	if acked == 0 {
		t.Error("no request was right")
	}
	k.work()
	k.verify()
}

// generator makes values of schemas; a tame one only right ones.
type generator struct {
	*rand.Rand
	tame bool
}

func (g generator) pick(values ...any) any { return values[g.IntN(len(values))] }

// value makes a value of a schema, now and then of another.
func (g generator) value(s *openapi3.SchemaRef, depth int) any {
	if !g.tame && (g.IntN(12) == 0 || depth > 5) {
		return g.pick(nil, true, "", -1, 0.5, []any{}, map[string]any{}, "\x00\ufffd", json.Number("1e400"), json.Number("-0"), []any{nil}, strings.Repeat("9", 500))
	}
	v := s.Value
	switch {
	case len(v.OneOf) > 0:
		return g.value(v.OneOf[g.IntN(len(v.OneOf))], depth+1)
	case len(v.Enum) > 0:
		return v.Enum[g.IntN(len(v.Enum))]
	case v.Type.Is("object"):
		o := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(v.Properties)) { // the seed alone decides
			if g.tame || g.IntN(10) > 0 {
				o[name] = g.value(v.Properties[name], depth+1)
			}
		}
		return o
	case v.Type.Is("array"):
		list := make([]any, g.IntN(3)+int(v.MinItems))
		for i := range list {
			list[i] = g.value(v.Items, depth+1)
		}
		return list
	case v.Type.Is("number") && g.tame:
		return 1 + g.IntN(100)
	case v.Type.Is("number"):
		return g.pick(g.IntN(100), 1, 20.5, json.Number("0.000001"), json.Number("12345678901234567890"), 0, json.Number("1E2"))
	case v.Example != nil && (g.tame || g.IntN(4) > 0):
		return v.Example
	}
	return g.pick("USD", "EUR", "29022028", "31129999", "x")
}

// A top-up over HTTP by 64 clients, against a handler that reads the body and answers the
// same length.
func BenchmarkTopUp(b *testing.B) {
	body := `{"charge":0.01,"currency":"EUR","allowance":[{"currency":"SMS","value":1}]}`
	post := func(b *testing.B, h http.HandlerFunc) {
		srv := httptest.NewServer(h)
		defer srv.Close()
		transport := &http.Transport{MaxIdleConnsPerHost: 64}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		b.SetParallelism(32)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				res, err := client.Post(srv.URL+"/api/v2/customer/11/offer/500/topup", "application/json", strings.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if res.StatusCode != http.StatusOK {
					b.Error(res.Status)
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
	}
	b.Run("topup", func(b *testing.B) {
		k := newKit(b, poolplan.Options{})
		post(b, func(w http.ResponseWriter, r *http.Request) {
			k.mux.ServeHTTP(w, r.WithContext(billing.WithActor(r.Context(), acme)))
		})
	})
	b.Run("bare", func(b *testing.B) {
		post(b, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(make([]byte, 200))
		})
	})
}
