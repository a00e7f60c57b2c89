package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"topupd/db/dbtest"
)

// outage is the real program on a PostgreSQL that fails, under the calls of clients that
// count what they were answered.
type outage struct {
	t        *testing.T
	address  string // of the program
	database string
	dir      string
	env      []string
	program  *process
	// Debits without a key: done, refused so that nothing was changed, of unknown end.
	done, refused, unknown atomic.Int64
	keyed                  atomic.Int64 // debits with a key, each called until it was done
	slowest                atomic.Int64
	stop                   context.CancelFunc
	load                   context.Context
	wg                     sync.WaitGroup
}

const outageAccounts = 20

func startOutage(t *testing.T, database string) *outage {
	t.Helper()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	o := &outage{t: t, address: address, database: database, dir: t.TempDir()}
	o.load, o.stop = context.WithCancel(t.Context())
	o.env = []string{"PATH=" + os.Getenv("PATH"), "TOPUPD_LISTEN=" + address, "TOPUPD_TRUSTED=127.0.0.1/32", "TOPUPD_DB=" + database,
		"TOPUPD_KEY=bm90IGEgc2VjcmV0LCBvbmx5IGEgdGVzdCdzIGtleSE=", "TOPUPD_ADMIN_USER=ops", "TOPUPD_ADMIN_PASSWORD=a-password"}
	var lines strings.Builder
	lines.WriteString(`{"type":"customer","i_customer":10,"name":"Acme","currency":"USD","balance":"1000.00"}` + "\n")
	for i := 1; i <= outageAccounts; i++ {
		fmt.Fprintf(&lines, `{"type":"account","i_account":%d,"i_customer":10,"username":"u%d","currency":"USD","balance":"1000.00"}`+"\n", i, i)
	}
	accounts := filepath.Join(o.dir, "accounts.jsonl")
	if err := os.WriteFile(accounts, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := topupd(t, o.dir, o.env, "import", accounts); err != nil {
		t.Fatalf("import: %v\n%s", err, out)
	}
	if o.program, err = startServer(o.dir, o.env, address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.stop(); o.wg.Wait(); _ = o.program.cmd.Process.Kill() })
	for w := range 6 {
		o.wg.Go(func() { o.debits(w) })
	}
	o.wg.Go(o.keyedDebits)
	return o
}

var faultCode = regexp.MustCompile(`<name>faultCode</name>\s*<value><int>(-?\d+)</int>`)

func (o *outage) debits(w int) {
	for i := w; o.load.Err() == nil; i++ {
		body := fmt.Sprintf(`<?xml version="1.0"?><methodCall><methodName>accountDebit</methodName><params><param><value><struct>`+
			`<member><name>i_account</name><value><int>%d</int></value></member><member><name>amount</name><value><double>0.01</double></value></member>`+
			`<member><name>currency</name><value><string>USD</string></value></member></struct></value></param></params></methodCall>`, 1+i%outageAccounts)
		_, answer := o.call("/RPC2", "text/xml", "", body)
		fault := ""
		if m := faultCode.FindStringSubmatch(answer); m != nil {
			fault = m[1]
		}
		switch {
		case strings.Contains(answer, "<string>OK</string>"):
			o.done.Add(1)
			continue
		case fault == "503":
			o.refused.Add(1)
		case fault == "501" && strings.Contains(answer, "Fatal error"):
			o.unknown.Add(1)
		default:
			o.t.Errorf("a debit is answered %s", answer)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (o *outage) keyedDebits() {
	for n := 0; o.load.Err() == nil; n++ {
		body := fmt.Sprintf(`{"amount":{"amount":"-0.01","units":"USD"},"partyAccount":{"id":"0.0.0.1+-account+%d"}}`, 1+n%outageAccounts)
		for status := 0; status != http.StatusCreated && !o.t.Failed(); {
			var answer string
			status, answer = o.call("/brm/prepayBalanceManagement/v4/adjustBalance", "application/json", fmt.Sprint("debit-", n), body)
			switch status {
			case http.StatusCreated:
				o.keyed.Add(1)
			case http.StatusServiceUnavailable, http.StatusInternalServerError:
			default:
				o.t.Errorf("a debit with a key is answered %d %s", status, answer)
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// call asks the program, which answers whatever its database does.
func (o *outage) call(path, kind, key, body string) (int, string) {
	r, err := http.NewRequest(http.MethodPost, "http://"+o.address+path, strings.NewReader(body))
	if err != nil {
		o.t.Error(err)
		return 0, ""
	}
	r.Header.Set("Content-Type", kind)
	if key != "" {
		r.SetBasicAuth("ops", "a-password")
		r.Header.Set("Idempotency-Key", key)
	}
	start := time.Now()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		o.t.Error(err)
		return 0, ""
	}
	defer res.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(res.Body); err != nil {
		o.t.Error(err)
	}
	if took := int64(time.Since(start)); took > o.slowest.Load() {
		o.slowest.Store(took)
	}
	return res.StatusCode, answer.String()
}

// ready is the status of /readyz, which is there in any case, soon.
func (o *outage) ready() int {
	o.t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	res, err := client.Get("http://" + o.address + "/readyz")
	if err != nil {
		o.t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// until waits for what is described.
func (o *outage) until(patience time.Duration, what string, met func() bool) {
	o.t.Helper()
	for end := time.Now().Add(patience); !met(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			o.t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// more waits until so many debits of both kinds were done.
func (o *outage) more(n int64) {
	o.t.Helper()
	done, keyed := o.done.Load()+n, o.keyed.Load()+n/10
	o.until(60*time.Second, "more debits", func() bool { return o.done.Load() >= done && o.keyed.Load() >= keyed })
}

// settle ends the load and holds what is booked against what was answered.
func (o *outage) settle(pg *dbtest.Server) {
	o.t.Helper()
	o.stop()
	o.wg.Wait()
	if err := o.program.end(syscall.SIGTERM); err != nil {
		o.t.Errorf("the program: %v", err)
	}
	if out, err := topupd(o.t, o.dir, o.env, "verify"); err != nil {
		o.t.Errorf("verify: %v\n%s", err, out)
	}
	booked := pg.Count(pg.Address(), `SELECT COUNT(*) FROM postings WHERE kind = 'debit'`)
	if done, unknown := o.done.Load(), o.unknown.Load(); booked < done || booked > done+unknown {
		o.t.Errorf("%d debits were acknowledged and %d are unknown, %d are booked", done, unknown, booked)
	}
	if keyed := pg.Count(pg.Address(), `SELECT COUNT(*) FROM adjustments`); keyed != o.keyed.Load() {
		o.t.Errorf("%d debits with a key were acknowledged, %d are booked", o.keyed.Load(), keyed)
	}
	if slowest := time.Duration(o.slowest.Load()); slowest > 20*time.Second {
		o.t.Errorf("one call took %v", slowest)
	}
	o.t.Logf("done %d, keyed %d, refused %d, unknown %d, slowest %v", o.done.Load(), o.keyed.Load(), o.refused.Load(), o.unknown.Load(), time.Duration(o.slowest.Load()))
}

// The disk of PostgreSQL is full: what needs room is refused and the server is not ready,
// until there is room again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	pg, disk := dbtest.OwnDisk(t)
	o := startOutage(t, pg.Address())
	o.more(50)

	disk.Fill(dbtest.Tables)
	refused := o.refused.Load()
	o.until(60*time.Second, "a debit to be refused", func() bool { return o.refused.Load() > refused+10 })
	o.until(20*time.Second, "readyz to say no", func() bool { return o.ready() == http.StatusServiceUnavailable })
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if status := o.ready(); status != http.StatusServiceUnavailable {
			t.Fatalf("on a full disk readyz says %d", status)
		}
	}
	if n := o.unknown.Load(); n > 0 {
		t.Errorf("the end of %d debits is unknown, although PostgreSQL answered", n)
	}
	disk.Free()
	o.until(30*time.Second, "readyz to say yes", func() bool { return o.ready() == http.StatusOK })
	o.more(50)

	// Without room for its log PostgreSQL dies.
	disk.Fill(dbtest.Log)
	o.until(60*time.Second, "readyz to say no", func() bool {
		_ = pg.Try(`SELECT pg_switch_wal()`) // it needs a new file soon
		return o.ready() == http.StatusServiceUnavailable
	})
	disk.Free()
	pg.Revive()
	o.until(60*time.Second, "readyz to say yes", func() bool { return o.ready() == http.StatusOK })
	o.more(50)
	o.settle(pg)
}
