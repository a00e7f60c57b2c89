package server

import (
	"net/http"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the server's own; they live on a registry of their own, so that
// no library can add to them.
type metrics struct {
	registry      *prometheus.Registry
	requests      *prometheus.CounterVec
	durations     *prometheus.HistogramVec
	faults        *prometheus.CounterVec
	loginFailures *prometheus.CounterVec
	notesDropped  prometheus.Counter
}

func newMetrics(version, revision string, inFlight *atomic.Int64, more []prometheus.Collector) (*metrics, error) {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "topupd_http_requests_total", Help: "Requests answered, by interface, method and HTTP status.",
		}, []string{"api", "method", "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "topupd_http_request_duration_seconds", Help: "Time to answer a request, by interface and method.",
			// A call that charges a card may take as long as its gateway.
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"api", "method"}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "topupd_api_faults_total", Help: "Calls answered with a fault, by interface, method and the interface's own code.",
		}, []string{"api", "method", "code"}),
		loginFailures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "topupd_login_failures_total", Help: "Failed logins: denied (wrong name or password), locked (too many before), error (could not be checked).",
		}, []string{"reason"}),
		notesDropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "topupd_login_notes_dropped_total", Help: "Logins and refusals that the audit log was not told of: too many at once, or it could not be written.",
		}),
	}
	for _, reason := range []string{"denied", "locked", "error"} {
		m.loginFailures.WithLabelValues(reason)
	}
	own := []prometheus.Collector{
		m.requests, m.durations, m.faults, m.loginFailures, m.notesDropped,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "topupd_http_requests_in_flight", Help: "Requests being answered now.",
		}, func() float64 { return float64(inFlight.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "topupd_build_info", Help: "Always 1; the labels say what is running.",
			ConstLabels: prometheus.Labels{"version": version, "revision": revision, "goversion": runtime.Version()},
		}, func() float64 { return 1 }),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	for _, c := range append(own, more...) {
		if err := m.registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// request counts an answered request; the record is complete.
func (m *metrics) request(rec *record, took time.Duration) {
	m.requests.WithLabelValues(rec.api, rec.method, statusText(rec.status)).Inc()
	m.durations.WithLabelValues(rec.api, rec.method).Observe(took.Seconds())
	if rec.code != "" {
		m.faults.WithLabelValues(rec.api, rec.method, rec.code).Inc()
	}
}

// statusText spares the common case an allocation.
func statusText(status int) string {
	switch status {
	case http.StatusOK:
		return "200"
	case http.StatusUnauthorized:
		return "401"
	default:
		return strconv.Itoa(status)
	}
}
