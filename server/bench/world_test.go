package bench

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var accounts = flag.Int("accounts", 1_000_000, "how many accounts the benchmarks work over")

var charges = flag.Int("charges", 10_000, "how many charges the charging benchmarks make")

// bareEnv makes this test binary the bare server: its value names the reply's file.
const bareEnv = "TOPUPD_BENCH_BARE"

func TestMain(m *testing.M) {
	if file := os.Getenv(bareEnv); file != "" {
		bare(file)
		return
	}
	flag.Parse()
	code := m.Run()
	for _, w := range []*world{shared, rest} {
		if w != nil {
			w.close()
		}
	}
	os.Exit(code)
}

// bare is the net/http server that everything is compared with: it reads the
// body and answers bytes that it has.
func bare(file string) {
	reply, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	panic(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/xml")
		w.Header().Set("Content-Length", strconv.Itoa(len(reply)))
		_, _ = w.Write(reply)
	})))
}

// world is the built binary with its database, and the servers that run.
type world struct {
	dir, binary, db string
	key             string // TOPUPD_KEY; empty is the file beside the database
	imported        time.Duration
	ready           time.Duration
	serve           *exec.Cmd
	addr            string
}

var (
	shared     *world
	sharedOnce sync.Once
)

const (
	password = "benchmark-password"
	token    = "tpd_benchmark-token-benchmark"
)

// theWorld builds, imports and serves once for all benchmarks.
func theWorld(b *testing.B) *world {
	b.Helper()
	sharedOnce.Do(func() {
		shared = newWorld(b)
		file := filepath.Join(shared.dir, "base.jsonl")
		must(b, writeBase(file, *accounts))
		shared.load(b, file)
		shared.start(b)
	})
	if shared == nil || shared.addr == "" {
		b.Fatal("the server did not start")
	}
	return shared
}

// newWorld builds the binary in a folder of its own.
func newWorld(b *testing.B) *world {
	b.Helper()
	dir, err := os.MkdirTemp("", "topupd-bench-")
	must(b, err)
	w := &world{dir: dir, binary: filepath.Join(dir, "topupd"), db: filepath.Join(dir, "bench.db")}
	out, err := exec.Command("go", "build", "-o", w.binary, "topupd").CombinedOutput()
	if err != nil {
		w.close()
		b.Fatalf("%v: %s", err, out)
	}
	return w
}

// load imports a file and deletes it.
func (w *world) load(b *testing.B, file string) {
	b.Helper()
	start := time.Now()
	out, err := w.command("import", file).CombinedOutput()
	if err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	w.imported = time.Since(start)
	must(b, os.Remove(file))
	syscall.Sync() // what the import left to be written is not the server's load
}

func (w *world) command(args ...string) *exec.Cmd {
	c := exec.Command(w.binary, args...)
	c.Dir = w.dir
	c.Env = append(os.Environ(), "TOPUPD_DB="+w.db, "TOPUPD_LOG_LEVEL=warn",
		"TOPUPD_ADMIN_USER=admin", "TOPUPD_ADMIN_PASSWORD="+password, "TOPUPD_ADMIN_TOKEN="+token)
	if w.key != "" {
		c.Env = append(c.Env, "TOPUPD_KEY="+w.key)
	}
	return c
}

// start serves and waits until /readyz says yes.
func (w *world) start(b *testing.B) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	w.addr = l.Addr().String()
	must(b, l.Close())
	w.serve = w.command("serve", "--listen", w.addr, "--trusted", "127.0.0.1/32")
	w.serve.Stderr = os.Stderr
	begin := time.Now()
	must(b, w.serve.Start())
	for {
		res, err := http.Get("http://" + w.addr + "/readyz")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Since(begin) > 30*time.Second {
			b.Fatal("not ready in 30 s")
		}
		time.Sleep(time.Millisecond)
	}
	w.ready = time.Since(begin)
}

func (w *world) stop(b *testing.B) {
	b.Helper()
	must(b, w.serve.Process.Signal(syscall.SIGTERM))
	must(b, w.serve.Wait())
	w.serve = nil
}

func (w *world) close() {
	if w.serve != nil {
		_ = w.serve.Process.Kill()
		_ = w.serve.Wait()
	}
	_ = os.RemoveAll(w.dir)
}

// peak is the most memory that the server had resident, in MiB.
func (w *world) peak(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.serve.Process.Pid))
	must(b, err)
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	must(b, err)
	return kb / 1024
}

// writeBase writes accounts with a policy each, none of them low.
func writeBase(path string, n int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintln(w, `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD","balance":"1000000.00"}`)
	for i := 1; i <= n; i++ {
		fmt.Fprintf(w, `{"type":"account","i_account":%d,"i_customer":10,"username":"1555%08d","name":"Subscriber %d","currency":"USD","balance":"1000.00","email":"u%d@acme.example"}`+"\n", i, i, i, i)
		fmt.Fprintf(w, `{"type":"low_balance","i_account":%d,"threshold":"5.00","notify_by_email":true,"charge_card":true,"charge_amount":"10.00"}`+"\n", i)
	}
	return w.Flush()
}

// bareServer answers the bytes that the real server answers to body.
func (w *world) bareServer(b *testing.B, body []byte) (addr string, stop func()) {
	b.Helper()
	res, err := http.Post("http://"+w.addr+path, "text/xml", strings.NewReader(string(body)))
	must(b, err)
	return w.bareAnswering(b, res)
}

// bareAnswering answers the bytes of an answer.
func (w *world) bareAnswering(b *testing.B, res *http.Response) (addr string, stop func()) {
	b.Helper()
	defer res.Body.Close()
	reply, err := io.ReadAll(res.Body)
	must(b, err)
	file := filepath.Join(w.dir, "reply.xml")
	must(b, os.WriteFile(file, reply, 0o600))
	ctx, cancel := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, os.Args[0])
	c.Env = append(os.Environ(), bareEnv+"="+file)
	out, err := c.StdoutPipe()
	must(b, err)
	must(b, c.Start())
	addr, err = bufio.NewReader(out).ReadString('\n')
	must(b, err)
	return strings.TrimSpace(addr), func() {
		cancel()
		_ = c.Wait()
	}
}

const path = "/xmlapi/xmlapi"

// call is a body for a random account.
func call(method, members string) func(*rand.Rand, []byte) []byte {
	head := `<?xml version="1.0"?><methodCall><methodName>` + method +
		`</methodName><params><param><value><struct><member><name>i_account</name><value><int>`
	tail := `</int></value></member>` + members + `</struct></value></param></params></methodCall>`
	return func(r *rand.Rand, dst []byte) []byte {
		dst = append(dst, head...)
		dst = strconv.AppendInt(dst, 1+r.Int64N(int64(*accounts)), 10)
		return append(dst, tail...)
	}
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
