package hook_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topupd/billing"
	"topupd/billing/gateway/gwtest"
	"topupd/billing/gateway/hook"
	"topupd/billing/gateway/sandbox"
	"topupd/testdata/need"
)

// block is a code block of docs/GATEWAYS.md with the comment above it.
type block struct{ kind, name, text string }

var blockPattern = regexp.MustCompile("(?s)<!-- (\\w+): ([^\n]+) -->\n```\\w*\n(.*?)```\n")

func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/GATEWAYS.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks are the page's blocks of a kind; n is how many there have to be.
func blocks(t *testing.T, kind string, n int) []block {
	t.Helper()
	var list []block
	for _, m := range blockPattern.FindAllStringSubmatch(page(t), -1) {
		if m[1] == kind {
			list = append(list, block{m[1], m[2], m[3]})
		}
	}
	if len(list) != n {
		t.Fatalf("%d blocks of kind %s, want %d", len(list), kind, n)
	}
	return list
}

func asJSON(t *testing.T, text string) any {
	t.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// The requests of the page are what is really sent.
func TestRequestsOfThePage(t *testing.T) {
	f := &far{body: captured}
	clock := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	g := newGateway(t, hook.Options{URL: serve(t, f), Now: func() time.Time { return clock }})
	for _, b := range blocks(t, "request", 2) {
		switch b.name {
		case "charge":
			c := charge()
			c.Token = "tok_ok"
			g.Charge(t.Context(), c)
		case "refund":
			clock = clock.Add(5 * time.Minute)
			g.Refund(t.Context(), refund())
		default:
			t.Fatalf("a request %s", b.name)
		}
		if d := cmp.Diff(asJSON(t, b.text), asJSON(t, string(f.asked))); d != "" {
			t.Errorf("%s: the page (-) and what is sent (+):\n%s", b.name, d)
		}
	}
}

// What the page says of members that its examples do not show.
func TestOtherRequests(t *testing.T) {
	f := &far{body: captured}
	g := newGateway(t, hook.Options{URL: serve(t, f), Now: func() time.Time { return now }})
	sent := func() map[string]any { return asJSON(t, string(f.asked)).(map[string]any) }
	c := charge()
	g.Charge(t.Context(), c)
	want := sent()
	if want["sent_at"] != "2026-11-22T10:00:00.123456Z" {
		t.Errorf("sent_at %v", want["sent_at"])
	}
	g.Lookup(t.Context(), c)
	want["type"] = "lookup"
	if d := cmp.Diff(want, sent()); d != "" {
		t.Errorf("a lookup is not its charge: %s", d)
	}
	c.Owner, c.Recurring, c.MandateID, c.GatewayCustomer, c.GatewayRef = billing.Customer(10), true, 0, "", "pay_1"
	c.Amount = billing.Money(10*billing.Micro, "JPY")
	g.Charge(t.Context(), c)
	got := sent()
	for name, value := range map[string]any{
		"owner": map[string]any{"i_customer": json.Number("10")}, "use": "recurring", "ref": "pay_1",
		"amount": "10", "minor_units": json.Number("10"), "exponent": json.Number("0"), "currency": "JPY",
	} {
		if d := cmp.Diff(value, got[name]); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	for _, name := range []string{"mandate_id", "gateway_customer"} {
		if _, there := got[name]; there {
			t.Errorf("%s is there", name)
		}
	}
	c.Amount = billing.Money(10*billing.Micro, "KWD")
	g.Charge(t.Context(), c)
	if got := sent(); got["amount"] != "10.000" || got["minor_units"] != json.Number("10000") || got["exponent"] != json.Number("3") {
		t.Errorf("KWD: %v", got)
	}
	r := refund()
	r.GatewayRef, r.ChargeRef = "re_1", ""
	g.Refund(t.Context(), r)
	if got := sent(); got["ref"] != "re_1" || got["charge_ref"] != nil {
		t.Errorf("refund: %v", got)
	}
	if ct := f.headers.Get("Content-Type"); ct != "application/json" {
		t.Errorf("content type %s", ct)
	}
}

// The answers of the page mean what it says: CALL OUTCOME stands above each.
func TestAnswersOfThePage(t *testing.T) {
	for _, b := range blocks(t, "answer", 3) {
		g := newGateway(t, hook.Options{URL: serve(t, &far{body: b.text})})
		call, outcome, _ := strings.Cut(b.name, " ")
		r := calls(g)[call](t.Context())
		if r.Outcome.String() != outcome || r.Trouble != none {
			t.Errorf("%s: %+v", b.name, r)
		}
		if outcome == "succeeded" && (r.Card == nil || r.Card.Fingerprint != "fp_61" || r.Card.ExpYear != 2030) {
			t.Errorf("the card: %+v", r.Card)
		}
	}
}

func TestEventsOfThePage(t *testing.T) {
	for _, b := range blocks(t, "event", 6) {
		in := &inbox{}
		if w := post(in.handler(t), b.text, nil); w.Code != 200 || len(in.events) != 1 || string(in.events[0].Kind) != b.name {
			t.Errorf("%s: %d %s, %+v", b.name, w.Code, w.Body, in.events)
		}
	}
}

// The worked example, by our code and by the reference library.
func TestSignatureOfThePage(t *testing.T) {
	said := map[string]string{}
	for line := range strings.Lines(blocks(t, "signature", 1)[0].text) {
		said[strings.TrimSpace(line[:19])] = strings.TrimSpace(line[19:])
	}
	seconds := json.Number(said["webhook-timestamp"])
	unix, err := seconds.Int64()
	if err != nil {
		t.Fatal(err)
	}
	at, id, body := time.Unix(unix, 0), said["webhook-id"], []byte(said["body"])
	h := http.Header{}
	hook.Sign(h, said["secret"], id, at, body)
	theirs, err := reference(t, said["secret"]).Sign(id, at, body)
	if err != nil {
		t.Fatal(err)
	}
	for who, got := range map[string]string{"ours": h.Get("webhook-signature"), "the reference": theirs} {
		if got != said["4 signature"] {
			t.Errorf("%s: %s, the page says %s", who, got, said["4 signature"])
		}
	}
	key, mac := hook.Steps(said["secret"], said["2 text"])
	if hex.EncodeToString(key) != said["1 key (hex)"] || hex.EncodeToString(mac) != said["3 HMAC (hex)"] {
		t.Errorf("key %x, HMAC %x", key, mac)
	}
	if text := fmt.Sprintf("%s.%s.%s", id, seconds, body); text != said["2 text"] {
		t.Errorf("the text is %s", text)
	}
}

// The table of the sandbox has all of its tokens and no others.
func TestSandboxTokensOfThePage(t *testing.T) {
	_, section, _ := strings.Cut(page(t), "\n## The sandbox\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(tok_\\w+)` \\|").FindAllStringSubmatch(section, -1) {
		listed = append(listed, m[1])
	}
	want := []string{
		sandbox.TokenOK, sandbox.TokenDeclined, sandbox.TokenLost, sandbox.TokenAuthenticationRequired,
		sandbox.TokenTimeout, sandbox.TokenTimeoutLost, sandbox.TokenError, sandbox.TokenSlow,
	}
	if d := cmp.Diff(want, listed); d != "" {
		t.Error(d)
	}
}

// python is the bridge of the page, running.
type python struct {
	url, log string // log is a file with what it prints
	dir      string
	stop     func()
}

func startPython(t *testing.T, dir string, env ...string) *python {
	t.Helper()
	program := need.Program(t, "python3", "apt-get install python3")
	for _, b := range blocks(t, "file", 2) {
		if err := os.WriteFile(filepath.Join(dir, b.name), []byte(b.text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.CreateTemp(dir, "log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "bridge.py")
	cmd.Dir, cmd.Stdout = dir, log
	var problems bytes.Buffer
	cmd.Stderr = &problems
	cmd.Env = pythonEnv(append(env, "BRIDGE_LISTEN=127.0.0.1:0")...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &python{log: log.Name(), dir: dir}
	stopped := false
	p.stop = func() {
		if !stopped {
			cancel()
			cmd.Wait()
			stopped = true
		}
	}
	t.Cleanup(p.stop)
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if line, _, whole := strings.Cut(p.printed(), "\n"); whole {
			p.url = strings.TrimPrefix(line, "bridge on ")
			return p
		}
	}
	p.stop()
	t.Fatalf("bridge.py does not start: %s", problems.String())
	return nil
}

func pythonEnv(more ...string) []string {
	return append(append(os.Environ(), "BRIDGE_SECRET="+secret, "PYTHONDONTWRITEBYTECODE=1"), more...)
}

func (p *python) printed() string {
	text, _ := os.ReadFile(p.log)
	return string(text)
}

func (p *python) captures(key string) int { return strings.Count(p.printed(), "captured "+key+" ") }

// The Python bridge of the page, run as it stands, passes the suite of every gateway.
func TestPythonBridge(t *testing.T) {
	p := startPython(t, t.TempDir(), "BRIDGE_DB=:memory:") // its time-outs should not hang on a slow disk
	target, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	t.Cleanup(transport.CloseIdleConnections)
	network := serve(t, lossy(&httputil.ReverseProxy{
		Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
	}))
	gwtest.Run(t, func(t *testing.T) gwtest.Harness {
		return gwtest.Harness{
			Gateway: newGateway(t, hook.Options{URL: network}), Tokens: tokens,
			Captures: p.captures, KnowsUnsent: true, Timeout: time.Second,
			Secrets: []string{secret, secret[len("whsec_"):]},
		}
	})
	if strings.Contains(p.printed(), "tok_") {
		t.Error("the bridge prints tokens")
	}
}

func TestPythonBridgeKeepsItsWord(t *testing.T) {
	dir := t.TempDir()
	p := startPython(t, dir)
	clock := time.Now()
	options := hook.Options{URL: p.url, Now: func() time.Time { return clock }}
	g := newGateway(t, options)
	c := charge()
	c.Token = "tok_ok"

	// A lookup that finds nothing bars what was sent before it.
	if r := g.Lookup(t.Context(), c); r.Outcome != not || r.Trouble != none {
		t.Fatalf("lookup: %+v", r)
	}
	clock = clock.Add(-time.Second)
	if r := g.Charge(t.Context(), c); r.Outcome != not || r.Code != "late" || p.captures(c.Key) != 0 {
		t.Errorf("an older charge: %+v", r)
	}
	clock = clock.Add(2 * time.Second)
	first := g.Charge(t.Context(), c)
	if first.Outcome != suc || p.captures(c.Key) != 1 || !strings.Contains(p.printed(), "captured "+c.Key+" 1000 USD\n") {
		t.Fatalf("charge: %+v, printed %s", first, p.printed())
	}

	refunds := func(key string, cents int64, want billing.Outcome) billing.GatewayResult {
		t.Helper()
		r := refund()
		r.Key, r.ChargeRef, r.Amount = key, first.Ref, billing.Money(cents*10_000, "USD")
		got := g.Refund(t.Context(), r)
		if got.Outcome != want {
			t.Errorf("refund %s of %d: %+v", key, cents, got)
		}
		return got
	}
	one := refunds("r1", 600, suc)
	if again := refunds("r1", 600, suc); again.Ref != one.Ref || one.Ref == "" {
		t.Errorf("refunded twice: %s, %s", one.Ref, again.Ref)
	}
	refunds("r2", 401, dec)
	refunds("r3", 400, suc)
	refunds("r1", 500, unk) // the key of another refund

	// Badly signed is refused, and is no answer.
	options.Secret = otherSecret
	if r := newGateway(t, options).Charge(t.Context(), c); r.Outcome != unk || r.Code != "bad_signature" || !strings.Contains(r.Message, "401") {
		t.Errorf("another secret: %+v", r)
	}

	// After kill -9 it knows what it answered.
	p.stop()
	p = startPython(t, dir)
	options.URL, options.Secret = p.url, secret
	g = newGateway(t, options)
	for name, r := range map[string]billing.GatewayResult{"lookup": g.Lookup(t.Context(), c), "charge": g.Charge(t.Context(), c)} {
		if r.Outcome != suc || r.Ref != first.Ref || p.captures(c.Key) != 0 {
			t.Errorf("%s after a restart: %+v", name, r)
		}
	}
}

func TestPythonEvent(t *testing.T) {
	program := need.Program(t, "python3", "apt-get install python3")
	dir := t.TempDir()
	for _, b := range blocks(t, "file", 2) {
		if err := os.WriteFile(filepath.Join(dir, b.name), []byte(b.text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := &inbox{}
	target := serve(t, newGateway(t, hook.Options{URL: "http://127.0.0.1:1"}).Webhook(in.sink, in.report))
	cmd := exec.CommandContext(t.Context(), program, "event.py", target, "evt_1", `{"event":"fraud_warning","ref":"pay_8812"}`)
	cmd.Dir, cmd.Env = dir, pythonEnv()
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "200\n" || len(in.events) != 1 || in.events[0].ID != "evt_1" || in.events[0].Ref != "pay_8812" {
		t.Errorf("%v, %s, %+v", err, out, in.events)
	}
}
