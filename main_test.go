package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"topupd/billing/seal"
	"topupd/db/dbtest"
	"topupd/testdata/need"
)

// update rewrites the files that scripts compare with.
var update = flag.Bool("update", false, "rewrite what cmp compares with")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"topupd": main, restProgram: restMain})
}

// TestScripts runs the scenarios of the command line. Beside the usual
// commands they have:
//
//	serve ARGS...         starts a server on $URL and waits until it is ready;
//	                      its output goes to serve.out and serve.err
//	halt [-KILL]          ends it and wants exit code 0 (not after -KILL)
//	until PATTERN ARGS... repeats a command until its output matches
//	password              puts the printed admin password into the environment
func TestScripts(t *testing.T) {
	p := scripts()
	p.Dir = "testdata/scripts"
	testscript.Run(t, p)
}

// TestScriptsOnPostgres runs those of its own, and those that are about no file, over an
// address of PostgreSQL.
func TestScriptsOnPostgres(t *testing.T) {
	files, err := filepath.Glob("testdata/scripts/postgres/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no scripts", err)
	}
	for _, name := range []string{"charges", "import", "profiles", "recurring", "run", "tokens", "users", "voucher"} {
		files = append(files, "testdata/scripts/"+name+".txtar")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			var address string
			if strings.HasSuffix(file, "/postgres/new.txtar") {
				address = dbtest.OwnServer(t).Database("new") // without a schema
			} else {
				address = dbtest.Postgres(t)
			}
			p := scripts()
			p.Files, p.UpdateScripts = []string{file}, false
			setup := p.Setup
			p.Setup = func(e *testscript.Env) error {
				e.Setenv("TOPUPD_DB", address)
				e.Setenv("TOPUPD_KEY", seal.Generate())
				return setup(e)
			}
			testscript.Run(t, p)
		})
	}
}

func scripts() testscript.Params {
	return testscript.Params{
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			address, err := freeAddress()
			e.Setenv("TOPUPD_LISTEN", address)
			e.Setenv("URL", "http://"+address)
			e.Setenv("TOPUPD_URL", "http://"+address+"/xmlapi/xmlapi")
			e.Setenv("TMPDIR", e.WorkDir)
			e.Values[serverKey{}] = &process{}
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": scriptServe, "halt": scriptHalt, "until": scriptUntil, "password": scriptPassword,
		},
	}
}

type serverKey struct{}

// process is a server that a test started.
type process struct {
	cmd  *exec.Cmd
	done chan error
}

// given are the addresses of freeAddress: none is given twice.
var given sync.Map

// freeAddress is below the ports that the kernel gives to whoever asks for any: none of
// these gets it before the server does, or between two of its lives.
func freeAddress() (string, error) {
	var err error
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000))
		if _, taken := given.LoadOrStore(address, true); taken {
			continue
		}
		var l net.Listener
		if l, err = net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", err
}

// startServer starts topupd serve in a folder and waits until it is ready.
func startServer(dir string, env []string, address string, args ...string) (*process, error) {
	return startProgram("topupd", dir, env, address, args...)
}

func startProgram(name, dir string, env []string, address string, args ...string) (*process, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, err
	}
	out, err := os.Create(filepath.Join(dir, "serve.out"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	errOut, err := os.Create(filepath.Join(dir, "serve.err"))
	if err != nil {
		return nil, err
	}
	defer errOut.Close()
	p := &process{cmd: exec.Command(path, append([]string{"serve"}, args...)...), done: make(chan error, 1)}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = dir, env, out, errOut
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.done <- p.cmd.Wait() }()
	for limit := time.Now().Add(60 * time.Second); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-p.done:
			text, _ := os.ReadFile(errOut.Name())
			return nil, fmt.Errorf("the server ended: %v\n%s", err, text)
		default:
		}
		res, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			continue
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return p, nil
		}
	}
	_ = p.end(syscall.SIGKILL)
	return nil, fmt.Errorf("the server is not ready after a minute")
}

// end signals the server and waits for it.
func (p *process) end(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return err
	}
	select {
	case err := <-p.done:
		if s == syscall.SIGKILL {
			return nil
		}
		return err
	case <-time.After(40 * time.Second):
		_ = p.cmd.Process.Kill()
		return fmt.Errorf("the server did not stop in 40 s")
	}
}

func scriptEnv(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TOPUPD_DB", "TOPUPD_LISTEN", "TOPUPD_ADMIN_USER", "TOPUPD_ADMIN_PASSWORD", "TOPUPD_KEY", "TOPUPD_PASSWORD", "TOPUPD_URL"} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

func scriptServe(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! serve")
	}
	p, err := startServer(ts.MkAbs("."), scriptEnv(ts), ts.Getenv("TOPUPD_LISTEN"), args...)
	ts.Check(err)
	*ts.Value(serverKey{}).(*process) = *p
	ts.Defer(func() { _ = p.cmd.Process.Kill() })
}

func scriptHalt(ts *testscript.TestScript, neg bool, args []string) {
	p := ts.Value(serverKey{}).(*process)
	if neg || p.cmd == nil {
		ts.Fatalf("usage: halt [-KILL], after serve")
	}
	signal := syscall.SIGTERM
	if len(args) == 1 && args[0] == "-KILL" {
		signal = syscall.SIGKILL
	}
	ts.Check(p.end(signal))
}

func scriptUntil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN COMMAND...")
	}
	pattern := regexp.MustCompile("(?m)" + args[0])
	var last bytes.Buffer
	for limit := time.Now().Add(60 * time.Second); time.Now().Before(limit); time.Sleep(50 * time.Millisecond) {
		path, err := exec.LookPath(args[1])
		ts.Check(err)
		cmd := exec.Command(path, args[2:]...)
		last.Reset()
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), scriptEnv(ts), &last, &last
		_ = cmd.Run() // the output says it
		if pattern.Match(last.Bytes()) {
			return
		}
	}
	ts.Fatalf("no match of %q in 15 s; the last output:\n%s", args[0], last.String())
}

var passwordLine = regexp.MustCompile(`^admin password: ([A-Za-z0-9_-]{16,})\n$`)

func scriptPassword(ts *testscript.TestScript, _ bool, _ []string) {
	text := ts.ReadFile("serve.out")
	m := passwordLine.FindStringSubmatch(text)
	if m == nil {
		ts.Fatalf("standard output is not one line with a password: %q", text)
	}
	ts.Setenv("TOPUPD_PASSWORD", m[1])
}

// topupd runs a command to its end.
func topupd(t *testing.T, dir string, env []string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("topupd")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestCompletionInBash asks the script as bash does when somebody presses tab.
func TestCompletionInBash(t *testing.T) {
	bash := need.Program(t, "bash", "apt-get install bash")
	script, err := topupd(t, t.TempDir(), os.Environ(), "completion", "bash")
	if err != nil {
		t.Fatal(err)
	}
	for words, want := range map[string]string{
		"topupd run l":             "low-balance",
		"topupd charges why --acc": "--account --accept-card-numbers",
		"topupd th":                "thresholds",
	} {
		ask := fmt.Sprintf("cd /\n%s\nCOMP_WORDS=(%s)\nCOMP_CWORD=$((${#COMP_WORDS[@]}-1))\n_topupd\necho \"${COMPREPLY[@]}\"", script, words)
		out, err := exec.Command(bash, "--norc", "-c", ask).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", words, got, err, want)
		}
	}
}

// TestKillLosesNothing: what was acknowledged is there after kill -9 (W1).
func TestKillLosesNothing(t *testing.T) {
	dir := t.TempDir()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"), "TOPUPD_LISTEN=" + address, "TOPUPD_ADMIN_USER=ops", "TOPUPD_ADMIN_PASSWORD=a-password",
		"TOPUPD_USER=ops", "TOPUPD_PASSWORD=a-password", "TOPUPD_URL=http://" + address + "/RPC2",
	}
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	acknowledged := 0
	for round := range rounds {
		p, err := startServer(dir, env, address, "--demo")
		if err != nil {
			t.Fatal(err)
		}
		if round > 0 {
			checkThreshold(t, dir, env, acknowledged)
		}
		for range 3 {
			acknowledged++
			out, err := topupd(t, dir, env, "call", "setLowBalance", "i_account:=100", fmt.Sprintf("threshold:=-%d.5", acknowledged))
			if err != nil {
				t.Fatalf("setLowBalance: %v\n%s", err, out)
			}
		}
		if err := p.end(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if out, err := topupd(t, dir, env, "verify"); err != nil {
			t.Fatalf("verify after kill: %v\n%s", err, out)
		}
	}
}

func checkThreshold(t *testing.T, dir string, env []string, want int) {
	t.Helper()
	out, err := topupd(t, dir, env, "call", "getLowBalance", "i_account:=100", "--format", "json")
	if err != nil {
		t.Fatalf("getLowBalance: %v\n%s", err, out)
	}
	var reply struct{ Threshold json.Number }
	if err := json.Unmarshal([]byte(out), &reply); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("-%d.5", want); reply.Threshold.String() != got {
		t.Errorf("after kill -9 the threshold is %s, acknowledged was %s", reply.Threshold, got)
	}
}
