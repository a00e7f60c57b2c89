package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"topupd/billing"
	"topupd/methods"
	"topupd/server"
	"topupd/server/cli"
)

// creditInterface is a tiny interface over the real engine: one operation that moves
// money, and its own shape.
func creditInterface(e *billing.Engine) methods.Interface {
	refuse := func(w http.ResponseWriter, _ *http.Request, status int, message string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"refused":%q}`, message)
	}
	return methods.Interface{
		Name: "credit", Refuse: refuse,
		OpenAPI: []byte(`{"openapi":"3.0.3","info":{"title":"Credit","version":"1"},"paths":{"/test/v1/accounts/{id}/credit":{"post":{"summary":"Credit an account"}}}}`),
		Routes: []methods.Route{{Pattern: "POST /test/v1/accounts/{id}/credit", Handler: func(w http.ResponseWriter, r *http.Request) {
			var body struct{ Amount string }
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				refuse(w, r, http.StatusBadRequest, "not JSON")
				return
			}
			micros, err := billing.ParseMicros(body.Amount)
			if err != nil {
				refuse(w, r, http.StatusBadRequest, "not an amount")
				return
			}
			var account int64
			if _, err := fmt.Sscan(r.PathValue("id"), &account); err != nil {
				refuse(w, r, http.StatusNotFound, "no such account")
				return
			}
			moved, err := e.MoveFunds(r.Context(), billing.MoveFundsParams{
				Owner: billing.Account(account), Kind: billing.PostCredit, Amount: micros, Currency: "USD",
			})
			if err != nil {
				refuse(w, r, http.StatusNotFound, billing.ErrorCode(err).String())
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, `{"posting":%d}`, moved.Posting)
		}}},
	}
}

// lockedLog is what several goroutines write.
type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// restServer is topupd serve in this process, with the tiny interface.
type restServer struct {
	t     *testing.T
	parts cli.Parts
	url   string
	errs  *lockedLog
	stop  func()
}

func startREST(t *testing.T, args ...string) *restServer { return startWith(t, creditOnly, args...) }

func startWith(t *testing.T, of func(*billing.Engine, *cli.Config) []server.Interface, args ...string) *restServer {
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TOPUPD_LISTEN", address)
	t.Setenv("TOPUPD_DB", filepath.Join(t.TempDir(), "t.db"))
	s := &restServer{t: t, parts: parts(), url: "http://" + address, errs: &lockedLog{}}
	s.parts.Interfaces = of
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() {
		done <- cli.Main(ctx, s.parts, append([]string{"serve", "--demo"}, args...), strings.NewReader(""), io.Discard, s.errs)
	}()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if code := <-done; code != 0 {
			t.Errorf("serve ended with %d: %s", code, s.errs)
		}
	})
	t.Cleanup(s.stop)
	for limit := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if res, err := http.Get(s.url + "/readyz"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return s
			}
		}
		if time.Now().After(limit) {
			t.Fatal("not ready after a minute")
		}
	}
}

// run is a command beside the server.
func (s *restServer) run(args ...string) string {
	s.t.Helper()
	var out, errOut bytes.Buffer
	if code := cli.Main(s.t.Context(), s.parts, args, strings.NewReader(""), &out, &errOut); code != 0 {
		s.t.Fatalf("%v: %d %s", args, code, &errOut)
	}
	return out.String()
}

func (s *restServer) post(path, token, key, body string) (status int, answer string, header http.Header) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Error(err)
		return 0, "", nil
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Error(err)
	}
	return res.StatusCode, string(b), res.Header
}

func (s *restServer) balance(account int64) string {
	s.t.Helper()
	var balance string
	for line := range strings.Lines(s.run("export")) {
		var o struct {
			Type    string
			Account int64 `json:"i_account"`
			Balance string
		}
		if json.Unmarshal([]byte(line), &o) == nil && o.Type == "account" && o.Account == account {
			balance = o.Balance
		}
	}
	return balance
}

var printedToken = regexp.MustCompile(`(?m)^token: (tpd_[A-Z2-7]{32})$`)

// TestREST walks the whole way: a token from the command line, a request that is sent
// many times at once, refusals, the end of the token.
func TestREST(t *testing.T) {
	const admin = "an-operators-token-of-its-own"
	t.Setenv("TOPUPD_ADMIN_TOKEN", admin)
	s := startREST(t)
	out := s.run("token", "add", "crm", "--customer", "10")
	m := printedToken.FindStringSubmatch(out)
	if m == nil {
		t.Fatal(out)
	}
	token := m[1]
	const path = "/test/v1/accounts/100/credit"
	before := s.balance(100)

	var all sync.WaitGroup
	var carried atomic.Int64
	answers := make([]string, 20)
	for i := range answers {
		all.Go(func() {
			status, answer, header := s.post(path, token, "key-1", `{"amount":"7.5"}`)
			if status != http.StatusCreated || header.Get("Content-Type") != "application/json" {
				t.Errorf("%d %s", status, answer)
			}
			if header.Get("Idempotency-Replayed") == "" {
				carried.Add(1)
			}
			answers[i] = answer
		})
	}
	all.Wait()
	for _, a := range answers {
		if a != answers[0] {
			t.Errorf("%s and %s", a, answers[0])
		}
	}
	was, _ := billing.ParseMicros(before)
	is, _ := billing.ParseMicros(s.balance(100))
	if carried.Load() != 1 || is-was != 7_500_000 {
		t.Errorf("%d carried out, %s became %s", carried.Load(), before, s.balance(100))
	}
	for _, c := range []struct {
		token, path, key, body string
		status                 int
	}{
		{token, path, "key-1", `{"amount":"8"}`, 409},
		{admin, path, "key-1", `{"amount":"x"}`, 400}, // root's keys are its own
		{token, path, "key-2", `{"amount":"x"}`, 400},
		{token, path, "key\x80", `{}`, 400},
		{token, "/test/v1/accounts/99999/credit", "key-3", `{"amount":"1"}`, 404},
		{"wrong", path, "key-1", `{"amount":"7.5"}`, 401},
		{token, "/test/v1/accounts/100", "", "", 404},
	} {
		if status, answer, _ := s.post(c.path, c.token, c.key, c.body); status != c.status || !strings.HasPrefix(answer, `{"refused":`) {
			t.Errorf("%+v: %d %s", c, status, answer)
		}
	}
	if status, answer, _ := s.post(path, admin, "", `{"amount":"1"}`); status != 201 {
		t.Errorf("the setting's token: %d %s", status, answer)
	}
	if out := s.run("token", "list"); !strings.Contains(out, "TOPUPD_ADMIN_TOKEN") || strings.Contains(out, token) || strings.Contains(out, admin) {
		t.Error(out)
	}
	if out := s.run("token", "revoke", "2"); out != "token 2 crm: revoked\n" {
		t.Error(out)
	}
	for limit := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if status, _, _ := s.post(path, token, "key-1", `{"amount":"7.5"}`); status == http.StatusUnauthorized {
			break
		}
		if time.Now().After(limit) {
			t.Fatal("a revoked token works")
		}
	}
	s.stop()
	if log := s.errs.String(); strings.Contains(log, token) || strings.Contains(log, admin) || !strings.Contains(log, `"actor":"token:crm"`) {
		t.Error(log)
	}
	s.run("verify")
}

func creditOnly(e *billing.Engine, _ *cli.Config) []server.Interface {
	return []server.Interface{mountableOne(creditInterface(e))}
}

// restProgram is topupd with the tiny interface, as a process of its own.
const restProgram = "topupd-rest"

func restMain() {
	p := parts()
	p.Interfaces = creditOnly
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Main(ctx, p, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// TestKillUnderKeys kills the server under requests with keys, again and again; each
// client sends its request again until it has an answer. Whatever was lost on the way,
// each key has one effect.
func TestKillUnderKeys(t *testing.T) {
	const token, clients = "an-operators-token-of-its-own", 8
	dir := t.TempDir()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=" + os.Getenv("PATH"), "TOPUPD_LISTEN=" + address, "TOPUPD_ADMIN_TOKEN=" + token}
	rounds := 4
	if testing.Short() {
		rounds = 2
	}
	over := make(chan struct{})
	var all sync.WaitGroup
	var done atomic.Int64 // requests that were answered
	var resent atomic.Int64
	for n := range clients {
		all.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-over:
					return
				default:
				}
				key, first := fmt.Sprintf("client-%d-%d", n, i), true
				for !creditOnce(t, address, token, key) { // the server is dying or not up yet
					if first {
						resent.Add(1)
					}
					first = false
					time.Sleep(5 * time.Millisecond)
				}
				done.Add(1)
			}
		})
	}
	var p *process
	for range rounds {
		if p, err = startProgram(restProgram, dir, env, address, "--demo"); err != nil {
			close(over)
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
		if err := p.end(syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
	if p, err = startProgram(restProgram, dir, env, address, "--demo"); err != nil {
		close(over)
		t.Fatal(err)
	}
	close(over)
	all.Wait()
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	out, err := topupd(t, dir, env, "verify")
	if err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	if done.Load() == 0 || resent.Load() == 0 {
		t.Fatalf("%d answered, %d sent again: nothing was tried", done.Load(), resent.Load())
	}
	// Each request credits one millionth, which nothing else moves.
	if out, err = topupd(t, dir, env, "export"); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out) {
		if !strings.Contains(line, `"i_account":100,`) || !strings.Contains(line, `"type":"account"`) {
			continue
		}
		var o struct{ Balance string }
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatal(err)
		}
		micros, err := billing.ParseMicros(o.Balance)
		if err != nil || micros%billing.Micro != done.Load() {
			t.Errorf("%d requests were answered, the balance is %s (%v)", done.Load(), o.Balance, err)
		}
		t.Logf("%d requests, %d of them sent again", done.Load(), resent.Load())
		return
	}
	t.Error("the account is gone")
}

// creditOnce reports whether the request was answered.
func creditOnce(t *testing.T, address, token, key string) bool {
	r, err := http.NewRequest(http.MethodPost, "http://"+address+"/test/v1/accounts/100/credit", strings.NewReader(`{"amount":"0.000001"}`))
	if err != nil {
		t.Error(err)
		return true
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Idempotency-Key", key)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return false
	}
	if res.StatusCode != http.StatusCreated {
		// Before the token and the demo are there; and where the disk kept it waiting for too long.
		if !slices.Contains([]int{http.StatusUnauthorized, http.StatusNotFound, http.StatusServiceUnavailable}, res.StatusCode) {
			t.Errorf("%d %s", res.StatusCode, body)
		}
		return false
	}
	return true
}
