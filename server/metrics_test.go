package server

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestMetricNames pins names, types, labels and help: dashboards are built on
// them. Go's own vary with its version, so only their presence is checked.
func TestMetricNames(t *testing.T) {
	extra := prometheus.NewGauge(prometheus.GaugeOpts{Name: "topupd_extra", Help: "From main."})
	f := newFixture(t, func(o *Options) {
		o.Version, o.Revision, o.Collectors = "1.2.3", "abc", []prometheus.Collector{extra}
	})
	f.Mount("/fault", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		Note(r.Context(), "api", "xmlrpc")
		Note(r.Context(), "method", "getLowBalance")
		Note(r.Context(), "code", "401")
	}), Open)
	f.do(get("/fault", "127.0.0.1"))
	families, err := f.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	var others []string
	for _, family := range families {
		name := family.GetName()
		if !strings.HasPrefix(name, "topupd_") {
			others = append(others, name)
			continue
		}
		got.WriteString(strings.ToLower(family.GetType().String()) + " " + name)
		for _, label := range family.Metric[0].Label {
			got.WriteString(" " + label.GetName())
		}
		got.WriteString("\n    " + family.GetHelp() + "\n")
	}
	const golden = "testdata/metrics.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("metrics differ from %s (-update rewrites it):\n%s", golden, got.String())
	}
	for _, name := range []string{"go_goroutines", "go_memstats_heap_alloc_bytes", "process_resident_memory_bytes"} {
		if !slices.Contains(others, name) {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestMetricValues(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Version = "1.2.3" })
	f.do(sign(t, f, post("<x/>"), "acme", password))
	f.do(sign(t, f, post("<x/>"), "acme", "wrong"))
	r := get("/nothing", "127.0.0.1")
	r.Method = "INVENTED"
	f.do(r)
	page := f.do(get("/metrics", "127.0.0.1")).Body.String()
	for _, want := range []string{
		`topupd_http_requests_total{api="xmlrpc",code="200",method="echo"} 1`,
		`topupd_http_requests_total{api="xmlrpc",code="401",method="POST"} 1`,
		`topupd_http_requests_total{api="http",code="404",method="other"} 1`,
		`topupd_http_request_duration_seconds_count{api="xmlrpc",method="echo"} 1`,
		`topupd_http_requests_in_flight 1`, // the one that asks
		`topupd_login_failures_total{reason="denied"} 1`,
		`topupd_login_failures_total{reason="locked"} 0`,
		`version="1.2.3"`,
	} {
		if !strings.Contains(page, want+"\n") && !(want == `version="1.2.3"` && strings.Contains(page, want)) {
			t.Errorf("missing: %s", want)
		}
	}
	if strings.Contains(page, "topupd_api_faults_total{") {
		t.Error("a fault was counted")
	}
}

func TestCollectorsClash(t *testing.T) {
	clash := prometheus.NewGauge(prometheus.GaugeOpts{Name: "topupd_build_info", Help: "Another."})
	f := newFixture(t, nil)
	if _, err := New(Options{Realm: realm, Logins: f.lookup, Collectors: []prometheus.Collector{clash}}); err == nil {
		t.Error("two metrics of one name")
	}
}
