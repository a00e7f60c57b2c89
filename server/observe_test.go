package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"topupd/server/digest"
)

// lines reads the log; every line must be an object.
func lines(t *testing.T, log string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(log) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, m)
	}
	return all
}

func TestOneLogLine(t *testing.T) {
	f := newFixture(t, nil)
	f.Mount("/fault", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		Note(ctx, "api", "sippy")
		Note(ctx, "method", "getLowBalance")
		Note(ctx, "code", "400")
		Note(ctx, "owner", "account 1")
		Note(ctx, "owner", "account 2")
		for _, k := range "abcdefghij" {
			Note(ctx, string(k), "x")
		}
		io.WriteString(w, "fault")
	}), Open)
	f.Mount("/broken", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		NoteError(r.Context(), errors.New("the cause"))
		io.WriteString(w, RequestID(r.Context()))
	}), Open)

	w := f.do(sign(t, f, post("<x/>"), "acme", password))
	f.do(get("/fault", "192.0.2.7"))
	broken := f.do(get("/broken", "192.0.2.7"))
	f.do(post(""))
	f.do(get("/nothing", "192.0.2.7"))
	f.do(get("/xmlapi/xmlapi", "192.0.2.7"))
	f.do(get("/healthz", "192.0.2.7"))
	all := lines(t, f.log.String())
	if len(all) != 7 {
		t.Fatalf("%d lines:\n%s", len(all), f.log)
	}
	for i, want := range []map[string]any{
		{"level": "info", "actor": "acme", "api": "xmlrpc", "method": "echo", "status": 200.0, "bytes": float64(w.Body.Len()),
			"request_id": w.Header().Get("X-Request-Id"), "message": "request", "address": "192.0.2.7:4711"},
		{"level": "info", "api": "sippy", "method": "getLowBalance", "code": "400", "status": 200.0, "owner": "account 2", "g": "x", "h": nil},
		{"level": "error", "error": "the cause", "request_id": broken.Body.String()},
		{"level": "info", "status": 401.0, "api": "xmlrpc", "actor": ""},
		{"level": "info", "status": 404.0, "path": "/nothing"},
		{"level": "warn", "status": 405.0},
		{"level": "debug", "path": "/healthz"},
	} {
		for key, value := range want {
			if all[i][key] != value {
				t.Errorf("line %d: %s is %v, want %v", i+1, key, all[i][key], value)
			}
		}
		if _, ok := all[i]["ms"].(float64); !ok {
			t.Errorf("line %d has no ms", i+1)
		}
	}
}

func TestRequestID(t *testing.T) {
	f := newFixture(t, nil)
	shape := regexp.MustCompile(`^[0-9a-f]{16}$`)
	seen := map[string]bool{}
	for range 100 {
		r := get("/open", "192.0.2.7")
		r.Header.Set("X-Request-Id", "mine")
		id := f.do(r).Header().Get("X-Request-Id")
		if !shape.MatchString(id) || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
	if strings.Contains(f.log.String(), "mine") {
		t.Error("an id from outside is in the log")
	}
}

func TestOutsideARequest(t *testing.T) {
	Note(context.Background(), "a", "b")
	NoteError(context.Background(), io.EOF)
	if RequestID(context.Background()) != "" {
		t.Error("an id without a request")
	}
}

func TestPanic(t *testing.T) {
	f := newFixture(t, nil)
	f.Mount("/panic", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("inner detail") }), Open)
	f.Mount("/half", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half") // in chunks, so no length gives it away
		http.NewResponseController(w).Flush()
		panic("inner detail")
	}), Open)
	f.Mount("/abort", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), Open)
	srv := f.start(t)

	resp, err := srv.Client().Get(srv.URL + "/panic")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != 500 || string(body) != "internal error, request "+resp.Header.Get("X-Request-Id")+"\n" {
		t.Errorf("%d %q %v", resp.StatusCode, body, err)
	}
	if resp, err := srv.Client().Post(srv.URL+"/half", "", nil); err == nil {
		if _, err = io.ReadAll(resp.Body); err == nil {
			t.Error("half an answer came as a whole one")
		}
		resp.Body.Close()
	}
	if _, err := srv.Client().Post(srv.URL+"/abort", "", nil); err == nil {
		t.Error("an aborted answer came")
	}
	srv.Close()
	all := lines(t, f.log.String())
	if len(all) != 3 || f.InFlight() != 0 {
		t.Fatalf("%d lines, %d in flight\n%s", len(all), f.InFlight(), f.log)
	}
	if all[2]["outcome"] != "cut" {
		t.Error(all[2])
	}
	for _, line := range all[:2] {
		text, _ := line["error"].(string)
		if line["level"] != "error" || !strings.Contains(text, "inner detail") || !strings.Contains(text, "observe_test.go") {
			t.Error(line)
		}
	}
}

// Whatever way a login goes, neither password nor HA1 nor header is logged.
func TestNoSecretIsLogged(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Logger = o.Logger.Level(zerolog.TraceLevel) })
	basic := get("/operators", "192.0.2.7")
	basic.SetBasicAuth("admin", password)
	wrong := get("/operators", "192.0.2.7")
	wrong.SetBasicAuth("admin", "wrong-"+password)
	signed := sign(t, f, post("<x/>"), "acme", password)
	header := signed.Header.Get("Authorization")
	for _, r := range []*http.Request{basic, wrong, signed, sign(t, f, post(""), "acme", "wrong-"+password)} {
		f.do(r)
	}
	f.do(httptest.NewRequest("GET", "/nothing?password="+password, nil))
	for _, secret := range []string{password, digest.HA1("acme", realm, password), header, basic.Header.Get("Authorization"), "response="} {
		if strings.Contains(f.log.String(), secret) {
			t.Errorf("%q is in the log:\n%s", secret, f.log)
		}
	}
}

// The wrapped writer must not hide what the connection can do.
func TestResponseController(t *testing.T) {
	f := newFixture(t, nil)
	f.Mount("/flush", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	}), Open)
	f.do(get("/flush", "192.0.2.7"))
}

type nowhere struct{ h http.Header }

func (n nowhere) Header() http.Header         { return n.h }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}

// BenchmarkRequest is one authenticated request through everything.
func BenchmarkRequest(b *testing.B) {
	for _, bb := range []struct {
		name  string
		level zerolog.Level
	}{{"logged", zerolog.InfoLevel}, {"quiet", zerolog.WarnLevel}} {
		b.Run(bb.name, func(b *testing.B) {
			f := newFixture(b, func(o *Options) { o.Logger = zerolog.New(io.Discard).Level(bb.level) })
			f.Mount("POST /x", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				Note(r.Context(), "method", "echo")
				w.WriteHeader(200)
			}), XMLRPC)
			const n = 1 << 12
			headers := make([]string, n)
			challenge := httptest.NewRecorder()
			f.digest.Challenge(challenge, false)
			r := httptest.NewRequest("POST", "/x", nil)
			for i := range headers {
				headers[i] = answer(b, challenge.Result(), r, "acme", password, i+1).Header.Get("Authorization")
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if i == n {
					b.StopTimer()
					challenge := httptest.NewRecorder()
					f.digest.Challenge(challenge, false)
					for i := range headers {
						headers[i] = answer(b, challenge.Result(), r, "acme", password, i+1).Header.Get("Authorization")
					}
					i = 0
					b.StartTimer()
				}
				r.Header["Authorization"][0] = headers[i]
				i++
				f.ServeHTTP(nowhere{http.Header{}}, r)
			}
		})
	}
}
