package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"log"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
	"github.com/icholy/digest"
)

// secretWorld is what was planted and what came out.
type secretWorld struct {
	s     planted
	out   evidence
	found []secret // made by topupd itself, learned during the run
	mu    sync.Mutex
	mails *mailSink
	exe   string
}

func newSecretWorld(t *testing.T) *secretWorld {
	exe, err := exec.LookPath("topupd")
	if err != nil {
		t.Fatal(err)
	}
	w := &secretWorld{s: plant(), exe: exe}
	w.mails = startMailSink(t, &w.out)
	return w
}

func (w *secretWorld) learn(rows ...secret) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found = append(w.found, rows...)
}

// place is a folder with a database, and the environment of its commands.
type place struct {
	*testing.T
	*secretWorld
	name, dir string
	env       []string
	server    *process
	address   string
}

func (w *secretWorld) place(t *testing.T, name string) *place {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	return &place{T: t, secretWorld: w, name: name, dir: dir, env: []string{
		"PATH=" + os.Getenv("PATH"), "TMPDIR=" + filepath.Join(dir, "tmp"), "TOPUPD_LOG_LEVEL=trace",
	}}
}

// step is one command.
type step struct {
	args  []string
	stdin string
	env   []string
	fails bool
}

func (p *place) run(s step) string {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.exe, s.args...)
	var out, errOut bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdin = p.dir, append(p.env, s.env...), strings.NewReader(s.stdin)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	// The place names the command, not its arguments, which may hold secrets.
	name := "topupd"
	for _, a := range s.args {
		if strings.Trim(a, "abcdefghijklmnopqrstuvwxyz-") == "" {
			name += " " + a
		}
	}
	p.out.add("stdout of "+name+" in "+p.name, out.Bytes())
	p.out.add("stderr of "+name+" in "+p.name, errOut.Bytes())
	if ctx.Err() != nil || (err != nil) != s.fails {
		p.Errorf("%s: %v\n%s%s", name, err, out.Bytes(), errOut.Bytes())
	}
	return out.String()
}

func (p *place) serve(args ...string) {
	var err error
	if p.address, err = freeAddress(); err != nil {
		p.Fatal(err)
	}
	p.env = append(p.env, "TOPUPD_LISTEN="+p.address, "TOPUPD_URL=http://"+p.address+"/xmlapi/xmlapi")
	if p.server, err = startServer(p.dir, p.env, p.address, args...); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = p.server.cmd.Process.Kill() })
}

func (p *place) halt() {
	if err := p.server.end(syscall.SIGTERM); err != nil {
		p.Error(err)
	}
}

// keep adds every file of the folder as it is now.
func (p *place) keep(when string) {
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(p.dir, path)
		p.out.add(fmt.Sprintf("file: %s/%s %s", p.name, name, when), data)
		return nil
	})
	if err != nil {
		p.Error(err)
	}
}

// wait waits until the server's log has each text.
func (p *place) wait(texts ...string) {
	for limit := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		logged := p.read(filepath.Join(p.dir, "serve.err"))
		missing := ""
		for _, text := range texts {
			if !bytes.Contains(logged, []byte(text)) {
				missing = text
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(limit) {
			p.Fatalf("the log has no %s in 15 s:\n%s", missing, logged)
		}
	}
}

func (p *place) read(path string) []byte {
	text, err := os.ReadFile(path)
	if err != nil {
		p.Fatal(err)
	}
	return text
}

var printedPassword = regexp.MustCompile(`password: (\S{16,})`)

func (p *place) madePassword(out []byte) string {
	m := printedPassword.FindSubmatch(out)
	if m == nil {
		p.Fatalf("no password was printed: %q", out)
	}
	return string(m[1])
}

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

func xmlText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

func member(name, kind, text string) string {
	return "<member><name>" + name + "</name><value><" + kind + ">" + text + "</" + kind + "></value></member>"
}

func methodCall(name, members string) string {
	return `<?xml version="1.0"?><methodCall><methodName>` + name + `</methodName><params><param><value><struct>` +
		members + `</struct></value></param></params></methodCall>`
}

func (p *place) request(method, path, body string) *http.Request {
	r, err := http.NewRequest(method, "http://"+p.address+path, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	return r
}

// login sends a request with Digest.
func (p *place) login(user, password string, r *http.Request) {
	p.send(&digest.Transport{Username: user, Password: password, Transport: signed{p, http.DefaultTransport}}, r)
}

// send keeps the answer, as it came.
func (p *place) send(transport http.RoundTripper, r *http.Request) {
	res, err := transport.RoundTrip(r)
	if err != nil {
		p.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		return
	}
	defer res.Body.Close()
	text, err := httputil.DumpResponse(res, true)
	if err != nil {
		p.Error(err)
	}
	p.out.add("answer: "+r.Method+" "+r.URL.Path, text)
}

// signed learns the signatures of requests: nothing repeats them.
type signed struct {
	p     *place
	inner http.RoundTripper
}

var digestResponse = regexp.MustCompile(`response="([0-9a-f]{32})"`)

func (s signed) RoundTrip(r *http.Request) (*http.Response, error) {
	if m := digestResponse.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		s.p.learn(secret{name: "the signature of a request", value: m[1]})
	}
	return s.inner.RoundTrip(r)
}

// raw sends bytes that are no request.
func (p *place) raw(text string) {
	c, err := net.Dial("tcp", p.address)
	if err != nil {
		p.Error(err)
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		p.Error(err)
	}
	answer, _ := io.ReadAll(c) // it is cut, sooner or later
	p.out.add("answer: to no request", answer)
}

// mailSink is a mail server that keeps what it is sent, but not the logins.
type mailSink struct {
	out     *evidence
	address string
}

func startMailSink(t *testing.T, out *evidence) *mailSink {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailSink{out: out, address: l.Addr().String()}
	srv := gosmtp.NewServer(m)
	srv.Domain, srv.AllowInsecureAuth, srv.ErrorLog = "mail.example", true, log.New(io.Discard, "", 0)
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return m
}

// NewSession serves one connection.
func (m *mailSink) NewSession(*gosmtp.Conn) (gosmtp.Session, error) { return m, nil }

// AuthMechanisms offers the usual one.
func (m *mailSink) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth lets everybody in but "refused", whose password it repeats.
func (m *mailSink) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user == "refused" {
			return &gosmtp.SMTPError{Code: 535, Message: "wrong password " + password + " (" + base64.StdEncoding.EncodeToString([]byte(password)) + ")"}
		}
		return nil
	}), nil
}

// Reset ends a mail.
func (m *mailSink) Reset() {}

// Logout ends a session.
func (m *mailSink) Logout() error { return nil }

// Mail takes every sender.
func (m *mailSink) Mail(string, *gosmtp.MailOptions) error { return nil }

// Rcpt takes every address.
func (m *mailSink) Rcpt(string, *gosmtp.RcptOptions) error { return nil }

// Data keeps a mail.
func (m *mailSink) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m.out.add("mail", text)
	// Its lines are broken anywhere: whole ones can be searched.
	decoded, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(text)))
	m.out.add("mail, decoded", decoded)
	return err
}
