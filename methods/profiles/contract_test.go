package profiles_test

import (
	"encoding/json"
	"flag"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"topupd/methods/profiles"
)

var (
	fuzzCalls = flag.Int("calls", 1500, "how many generated requests TestGeneratedRequests sends")
	fuzzSeed  = flag.Uint64("seed", 1, "the seed of the generated requests")
)

// TestContractIsComplete: each route is in the contract and each operation of the
// contract has its route, with and without the trailing slash.
func TestContractIsComplete(t *testing.T) {
	i := profiles.New(newKit(t).e, profiles.Options{})
	doc, err := openapi3.NewLoader().LoadFromData(i.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	var routed, written []string
	for _, r := range i.Routes {
		routed = append(routed, r.Pattern)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			written = append(written, method+" "+path, method+" "+path+"/{$}")
			if op.Responses.Default() != nil || op.OperationID == "" || op.Summary == "" {
				t.Errorf("%s %s is not complete", method, path)
			}
		}
	}
	slices.Sort(routed)
	slices.Sort(written)
	if !slices.Equal(routed, written) {
		t.Errorf("routes\n%s\ncontract\n%s", strings.Join(routed, "\n"), strings.Join(written, "\n"))
	}
}

// generator makes requests out of the contract.
type generator struct {
	*rand.Rand
}

func pick[T any](g generator, list ...T) T { return list[g.IntN(len(list))] }

// value is a value for a schema, now and then one that it does not allow.
func (g generator) value(name string, s *openapi3.Schema, depth int) any {
	if g.IntN(30) == 0 || depth > 3 {
		return pick[any](g, nil, "", "x", -1, 0, 1e300, true, []any{}, map[string]any{}, "\u0000", strings.Repeat("é", 300), json.Number("0.1234567"))
	}
	if len(s.OneOf) > 0 {
		return g.value(name, pick(g, s.OneOf...).Value, depth+1)
	}
	switch {
	case s.Type == nil:
		return "x"
	case s.Type.Is("object"):
		object := map[string]any{}
		for _, member := range slices.Sorted(maps.Keys(s.Properties)) { // the seed alone decides
			if slices.Contains(s.Required, member) && g.IntN(10) != 0 || g.IntN(3) == 0 {
				object[member] = g.value(member, s.Properties[member].Value, depth+1)
			}
		}
		if s.AdditionalProperties.Schema != nil {
			for range g.IntN(3) {
				object[g.word("limit")] = g.value("", s.AdditionalProperties.Schema.Value, depth+1)
			}
		}
		return object
	case s.Type.Is("boolean"):
		return g.IntN(2) == 0
	case s.Type.Is("integer"):
		return pick(g, 1, 2, 10, 11, 20, 0, 99)
	case s.Type.Is("number"):
		return pick(g, json.Number("50.00"), "80", "0.01", "100", "19.99")
	}
	if len(s.Enum) > 0 {
		return pick(g, s.Enum...)
	}
	return g.word(name)
}

// word is a text that means something to a member.
func (g generator) word(name string) string {
	switch {
	case name == "name":
		return "Name " + strconv.Itoa(g.IntN(500))
	case name == "idAfter" || name == "limit":
		return pick(g, "1", "2", "10", "0", "x")
	case strings.HasSuffix(name, "Since"):
		return pick(g, "2026-11-22", "2026-11-22 10:00:00", "2026-11-22T10:00:00Z", "2030-01-01", "soon")
	case name == "complete" || name == "includeComplete" || strings.HasSuffix(name, "delivered"):
		return pick(g, "true", "false", "1", "maybe")
	case strings.HasSuffix(name, "ID"):
		return pick(g, "1", "2", "10", "11", "20", "3", "99")
	case name == "expectedPaymentType" || name == "expectedPaymentTypeName":
		return pick(g, "Invoice", "invoice", "Auto Top-up", "Deposit", "None")
	case strings.HasSuffix(name, "Date"):
		return pick(g, "2026-12-31", "2026-11-22", "soon")
	case strings.HasSuffix(name, "Basis"):
		return pick(g, "outstanding", "Overdue", "unbilled_calls")
	case name == "triggerType":
		return pick(g, "Absolute Amount", "percentoflimit")
	case name == "topupMode":
		return pick(g, "Fixed Amount", "To Percent Of Limit")
	case strings.Contains(strings.ToLower(name), "limit"):
		return pick(g, "Credit Limit", "overdue limit", "Outstanding Limit", "Sky")
	case strings.HasPrefix(name, "correspondenceType"):
		return pick(g, "Auto Top-up Card", "auto top-up expected", "None")
	case name == "paymentType":
		return pick(g, "card", "direct_debit", "other", "cash")
	}
	return pick(g, "50", "10.5", "Yes", "No", "Name", "Other name", "2026-11-22", "true", "false")
}

// id is an id of a path: mostly of something that may be there.
func (g generator) id(path string) string {
	switch {
	case g.IntN(8) == 0:
		return pick(g, "99", "x", "-1", "0", "1e3", "99999999999999999999")
	case strings.Contains(path, "/customers/"):
		return pick(g, "10", "11", "20", "1000")
	}
	return pick(g, "1", "2", "3", "4", "5", "6")
}

// TestGeneratedRequests: whatever the contract lets be sent, and what it does not, is
// answered as it says, and never by an error of ours.
func TestGeneratedRequests(t *testing.T) {
	k := newKit(t)
	g := generator{rand.New(rand.NewPCG(*fuzzSeed, 0))}
	doc, err := openapi3.NewLoader().LoadFromData(profiles.New(k.e, profiles.Options{}).OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	type operation struct {
		method, path string
		op           *openapi3.Operation
	}
	var operations []operation
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			operations = append(operations, operation{method, path, op})
		}
	}
	slices.SortFunc(operations, func(a, b operation) int { return strings.Compare(a.method+a.path, b.method+b.path) })
	for n := range 4 {
		k.must(201, "root", "POST", api+"/autoTopupProfiles", strings.Replace(standard, "Standard", "P"+strconv.Itoa(n), 1))
	}
	for _, customer := range []string{"10", "20"} {
		k.must(200, "root", "PATCH", api+"/customers/"+customer, `{"autoTopupProfileID":"1"}`)
	}
	k.run(k.now)
	statuses := map[int]int{}
	for n := range *fuzzCalls {
		o := pick(g, operations...)
		path, query := o.path, url.Values{}
		for _, p := range o.op.Parameters {
			switch {
			case p.Value.In == "path":
				path = strings.ReplaceAll(path, "{"+p.Value.Name+"}", g.id(o.path))
			case g.IntN(3) == 0:
				query.Set(p.Value.Name, g.word(p.Value.Name))
			}
		}
		if len(query) > 0 {
			path += "?" + query.Encode()
		}
		body := ""
		if o.op.RequestBody != nil {
			text, err := json.Marshal(g.value("", o.op.RequestBody.Value.Content.Get("application/json").Schema.Value, 0))
			if err != nil {
				t.Fatal(err)
			}
			body = string(text)
		}
		status, text := k.call(pick(g, "root", "root", "root", "10", "20"), o.method, path, body)
		statuses[status]++
		if status >= 500 {
			t.Fatalf("seed %d, request %d: %s %s %s: %d %s", *fuzzSeed, n, o.method, path, body, status, text)
		}
		if t.Failed() {
			t.Fatalf("seed %d, request %d: %s %s %s", *fuzzSeed, n, o.method, path, body)
		}
		if n%100 == 99 {
			k.run(k.now.AddDate(0, 0, 1))
		}
	}
	for _, want := range []int{200, 201, 204, 400, 403, 404, 409, 422} {
		if statuses[want] == 0 && *fuzzCalls >= 1500 {
			t.Errorf("no answer was %d: %v", want, statuses)
		}
	}
	if wrong, err := k.e.Verify(k.as("root"), 5); err != nil || len(wrong) > 0 {
		t.Errorf("verify: %v, %v", wrong, err)
	}
}

// BenchmarkCreate is a POST by the interface; BenchmarkBare the same request to a handler
// that does nothing, for the ratio.
func BenchmarkCreate(b *testing.B) {
	k := newKit(b)
	ctx := k.as("root")
	for n := 0; b.Loop(); n++ {
		body := strings.Replace(standard, "Standard", "P"+string(rune('a'+n%26))+strings.Repeat("x", n/26%200)+url.QueryEscape(string(rune(0x4e00+n/5200))), 1)
		r := httptest.NewRequest("POST", api+"/autoTopupProfiles", strings.NewReader(body)).WithContext(ctx)
		w := httptest.NewRecorder()
		k.mux.ServeHTTP(w, r)
		if w.Code != http.StatusCreated {
			b.Fatal(w.Code, w.Body)
		}
	}
}

func BenchmarkBare(b *testing.B) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+api+"/autoTopupProfiles", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	for b.Loop() {
		mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", api+"/autoTopupProfiles", strings.NewReader(standard)))
	}
}
