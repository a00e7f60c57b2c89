package server

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/rs/zerolog"
)

// observe answers a request through next and sees to everything that each
// request gets: an id, recovery from panics, one log line, the metrics.
func (s *Server) observe(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	start := time.Now()
	s.inFlight.Add(1)
	rec := &record{ResponseWriter: w, id: newRequestID()}
	w.Header().Set("X-Request-Id", rec.id)
	// Whatever a client calls its request, ours is the only name in our logs.
	r.Header.Del("X-Request-Id")
	r = r.WithContext(context.WithValue(r.Context(), recordKey{}, rec))
	defer func() {
		whole := true
		if failure := recover(); failure != nil {
			whole = rec.panicked(r, failure)
		}
		s.inFlight.Add(-1)
		s.finish(rec, r, time.Since(start))
		if !whole {
			// A half-written answer must not look like a whole one.
			panic(http.ErrAbortHandler)
		}
	}()
	next(rec, r)
}

// panicked turns a handler's panic into an answer without details and a log
// line with all of them. It returns false when an answer was already begun,
// or when the handler wants the connection to be cut.
func (rec *record) panicked(r *http.Request, failure any) bool {
	rec.mu.Lock()
	if failure == http.ErrAbortHandler {
		rec.add("outcome", "cut")
		rec.mu.Unlock()
		return false
	}
	rec.err = fmt.Errorf("panic: %v\n%s", failure, debug.Stack())
	rec.mu.Unlock()
	if rec.status != 0 {
		return false
	}
	message := "internal error, request " + rec.id
	if rec.refuse != nil {
		rec.refuse(rec, r, http.StatusInternalServerError, message)
		return true
	}
	http.Error(rec, message, http.StatusInternalServerError)
	return true
}

// finish writes the log line and the metrics of an answered request.
func (s *Server) finish(rec *record, r *http.Request, took time.Duration) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	if rec.api == "" {
		rec.api = "http"
	}
	if rec.method == "" {
		rec.method = httpMethod(r.Method)
	}
	if rec.refuse != nil && rec.code == "" && rec.status >= http.StatusBadRequest {
		rec.code = statusText(rec.status) // an interface of REST has no other
	}
	s.metrics.request(rec, took)
	if e := s.event(rec, r); e != nil {
		rec.log(e, r, took)
	}
}

// event opens the log line at the level that the outcome deserves; nil when
// that level is off, so that nothing is made that nobody reads.
func (s *Server) event(rec *record, r *http.Request) *zerolog.Event {
	level := zerolog.InfoLevel
	switch {
	case rec.err != nil || rec.status >= 500 && rec.status != http.StatusServiceUnavailable:
		level = zerolog.ErrorLevel
	case rec.status >= 400 && rec.status != http.StatusUnauthorized && rec.status != http.StatusNotFound:
		// A 401 is the first half of most logins, a 404 what scanners get.
		level = zerolog.WarnLevel
	case rec.status < 400 && probe(r.URL.Path):
		level = zerolog.DebugLevel
	}
	return s.options.Logger.WithLevel(level)
}

// probe reports whether the path is asked every few seconds by machines.
func probe(path string) bool {
	return path == "/healthz" || path == "/readyz" || path == "/metrics"
}

func (rec *record) log(e *zerolog.Event, r *http.Request, took time.Duration) {
	e.Str("request_id", rec.id).Str("actor", rec.actor).Str("api", rec.api).Str("method", rec.method)
	if rec.api == "http" {
		e.Str("path", r.URL.Path)
	}
	if rec.code != "" {
		e.Str("code", rec.code)
	}
	e.Int("status", rec.status).Float64("ms", float64(took.Microseconds())/1000).Int64("bytes", rec.bytes)
	e.Str("address", r.RemoteAddr)
	for _, n := range rec.notes {
		e.Str(n.key, n.value)
	}
	if rec.err != nil {
		e.Err(rec.err)
	}
	e.Msg("request")
}

// newRequestID makes an id that is unlikely to meet itself in a log.
func newRequestID() string {
	var raw [8]byte
	n := rand.Uint64()
	for i := range raw {
		raw[i] = byte(n >> (8 * i))
	}
	return hex.EncodeToString(raw[:])
}

// httpMethod keeps methods that clients make up out of the metrics.
func httpMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions:
		return m
	default:
		return "other"
	}
}
