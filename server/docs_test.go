package server

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documented is a fixture with the contract of testdata.
func documented(t *testing.T) *restFixture {
	f := newRESTFixture(t, nil)
	document, err := os.ReadFile("testdata/contract.json")
	if err != nil {
		t.Fatal(err)
	}
	i := f.things()
	i.Name, i.OpenAPI = "documented", document
	for n := range i.Routes {
		i.Routes[n].Pattern = strings.Replace(i.Routes[n].Pattern, "/v1/", "/v9/", 1)
	}
	if err := f.MountInterface(i); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestOpenAPI(t *testing.T) {
	f := documented(t)
	w := f.do(get("/openapi.json", "192.0.2.7"))
	expect(t, w, 200, `{"interfaces":[{"name":"things","title":"Things","version":"1","url":"/openapi/things.json"},`+
		`{"name":"documented","title":"Things \u003cscript\u003ealert(1)\u003c/script\u003e","version":"1.2","url":"/openapi/documented.json"}]}`+"\n")
	document, err := os.ReadFile("testdata/contract.json")
	if err != nil {
		t.Fatal(err)
	}
	w = f.do(get("/openapi/documented.json", "192.0.2.7"))
	expect(t, w, 200, string(document))
	tag := w.Header().Get("ETag")
	if w.Header().Get("Content-Type") != "application/json" || len(tag) < 10 {
		t.Error(w.Header())
	}
	r := get("/openapi/documented.json", "192.0.2.7")
	r.Header.Set("If-None-Match", tag)
	if w := f.do(r); w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, path := range []string{"/openapi/documented", "/openapi/none.json", "/openapi/", "/openapi/documented.json/", "/openapi/../main.go"} {
		if w := f.do(get(path, "192.0.2.7")); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

var (
	addresses = regexp.MustCompile(`(?i)(?:href|src|action|url|@import)\s*[=(]\s*["']?([^"'\s>)]*)`)
	tags      = regexp.MustCompile(`(?i)<(script|iframe|img|object|embed|form|base)\b|\son[a-z]+=`)
)

// harmless holds that a page runs nothing and fetches nothing from elsewhere.
func harmless(t *testing.T, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	text := w.Body.String()
	if found := tags.FindString(text); found != "" {
		t.Errorf("%s has %s", path, found)
	}
	for _, m := range addresses.FindAllStringSubmatch(text, -1) {
		if to := m[1]; !strings.HasPrefix(to, "#") && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//")) {
			t.Errorf("%s refers to %q", path, to)
		}
	}
	h := w.Header()
	if h.Get("Content-Security-Policy") != docsPolicy || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s: %v", path, h)
	}
}

func TestDocs(t *testing.T) {
	f := documented(t)
	for path, want := range map[string][]string{
		"/docs":           {`<a href="/docs/things">Things</a>`, "Idempotency-Key"},
		"/docs/things":    {"<h1>Things 1</h1>", `href="/openapi/things.json"`},
		"/docs/style.css": {"pre {"},
		"/docs/documented": {"&lt;script&gt;", "getThing", "&lt;Name&gt;x&lt;/Name&gt;",
			"&lt;Thing&gt;&lt;Name&gt;t&lt;/Name&gt;&lt;/Thing&gt;", "Example, its members as JSON"},
	} {
		w := f.do(get(path, "127.0.0.1"))
		if w.Code != 200 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		for _, text := range want {
			if !strings.Contains(w.Body.String(), text) {
				t.Errorf("%s does not have %s", path, text)
			}
		}
		harmless(t, path, w)
		expect(t, f.do(get(path, "192.0.2.7")), 401, "")
		r := get(path, "192.0.2.7")
		r.SetBasicAuth("acme", password)
		expect(t, f.do(r), 200, "")
	}
	expect(t, f.do(get("/docs/none", "127.0.0.1")), 404, "")
	w := f.do(get("/docs/documented", "127.0.0.1"))
	golden := filepath.Join("testdata", "docs.golden")
	if *update {
		if err := os.WriteFile(golden, w.Body.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if w.Body.String() != string(want) {
		t.Errorf("the page is not as in %s (-update rewrites it)", golden)
	}
	if got := newFixture(t, nil).do(get("/docs", "127.0.0.1")); !strings.Contains(got.Body.String(), "This server has none.") {
		t.Error(got.Body)
	}
}

// A contract that leads nowhere is found when it is mounted.
func TestBrokenContracts(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON":             `{`,
		"a list":               `[]`,
		"a text for a path":    `{"paths":{"/a":{"get":"x"}}}`,
		"no such parameter":    `{"paths":{"/a":{"get":{"parameters":[{"$ref":"#/components/parameters/x"}]}}}}`,
		"no such body":         `{"paths":{"/a":{"get":{"requestBody":{"$ref":"#/components/requestBodies/x"}}}}}`,
		"no such answer":       `{"paths":{"/a":{"get":{"responses":{"200":{"$ref":"#/components/responses/x"}}}}}}`,
		"no such header":       `{"paths":{"/a":{"get":{"responses":{"200":{"headers":{"A":{"$ref":"#/components/headers/x"}}}}}}}}`,
		"no such example":      `{"paths":{"/a":{"get":{"responses":{"200":{"content":{"a/b":{"examples":{"e":{"$ref":"#/components/examples/x"}}}}}}}}}}`,
		"elsewhere":            `{"paths":{"/a":{"get":{"parameters":[{"$ref":"https://elsewhere.example/p.json"}]}}}}`,
		"shared, not a list":   `{"paths":{"/a":{"parameters":7}}}`,
		"a parameter as a map": `{"paths":{"/a":{"get":{"parameters":{}}}}}`,
	} {
		if _, err := readContract([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := readContract(json.RawMessage(`{"openapi":"3.0.3"}`)); err != nil {
		t.Error(err)
	}
}
