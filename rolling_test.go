package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"topupd/db/dbtest"
	"topupd/testdata/need"
)

// olderProgram builds the program as it was before the newest migration.
func olderProgram(t *testing.T) string {
	t.Helper()
	git := func(args ...string) (string, error) {
		out, err := exec.Command("git", args...).Output()
		return strings.TrimSpace(string(out)), err
	}
	files, err := filepath.Glob("db/migrations/postgres/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no migrations", err)
	}
	const history = "the commit before the newest migration is not here: the test needs the project's history (git fetch --unshallow)"
	added, err := git("log", "--diff-filter=A", "--format=%H", "-n", "1", "--", files[len(files)-1])
	if err != nil || added == "" {
		need.Missing(t, history)
	}
	dir := t.TempDir()
	archive, err := exec.Command("git", "archive", added+"^").Output()
	if err != nil {
		need.Missing(t, history)
	}
	untar := exec.Command("tar", "-x", "-C", dir)
	untar.Stdin = bytes.NewReader(archive)
	if out, err := untar.CombinedOutput(); err != nil {
		t.Fatalf("tar: %v %s", err, out)
	}
	path := filepath.Join(dir, "older-topupd")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// panel is a client that debits accounts over XML-RPC and counts what was acknowledged.
type panel struct{ acknowledged, refused atomic.Int64 }

func (p *panel) debit(address string, account int) {
	body := fmt.Sprintf(`<?xml version="1.0"?><methodCall><methodName>accountDebit</methodName><params><param><value><struct>`+
		`<member><name>i_account</name><value><int>%d</int></value></member><member><name>amount</name><value><double>0.01</double></value></member>`+
		`<member><name>currency</name><value><string>USD</string></value></member></struct></value></param></params></methodCall>`, account)
	res, err := http.Post("http://"+address+"/RPC2", "text/xml", strings.NewReader(body))
	if err != nil {
		p.refused.Add(1)
		return
	}
	defer res.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(res.Body); err != nil || !strings.Contains(answer.String(), "<string>OK</string>") {
		p.refused.Add(1)
		return
	}
	p.acknowledged.Add(1)
}

// Servers are replaced one by one: the older program goes on working on the newer schema,
// beside the newer one, and starts again on it.
func TestRollingUpgrade(t *testing.T) {
	t.Parallel()
	older := olderProgram(t)
	pg := dbtest.OwnServer(t)
	database := pg.Database("rolling")
	accounts := filepath.Join(t.TempDir(), "accounts.jsonl")
	var lines strings.Builder
	lines.WriteString(`{"type":"customer","i_customer":10,"name":"Acme","currency":"USD","balance":"1000.00"}` + "\n")
	for i := 1; i <= 20; i++ {
		fmt.Fprintf(&lines, `{"type":"account","i_account":%d,"i_customer":10,"username":"u%d","currency":"USD","balance":"1000.00"}`+"\n", i, i)
	}
	if err := os.WriteFile(accounts, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	server := func(program string) (run func() *process, address string, dir string, env []string) {
		address, err := freeAddress()
		if err != nil {
			t.Fatal(err)
		}
		dir = t.TempDir()
		env = []string{"PATH=" + os.Getenv("PATH"), "TOPUPD_LISTEN=" + address, "TOPUPD_TRUSTED=127.0.0.1/32", "TOPUPD_DB=" + database,
			"TOPUPD_KEY=bm90IGEgc2VjcmV0LCBvbmx5IGEgdGVzdCdzIGtleSE=", "TOPUPD_ADMIN_USER=ops", "TOPUPD_ADMIN_PASSWORD=a-password"}
		return func() *process {
			p, err := startProgram(program, dir, env, address)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}, address, dir, env
	}
	oldRun, oldAddress, oldDir, oldEnv := server(older)
	imported := exec.Command(older, "import", accounts)
	imported.Dir, imported.Env = oldDir, oldEnv
	if out, err := imported.CombinedOutput(); err != nil {
		t.Fatalf("import by the older program: %v\n%s", err, out)
	}
	old := oldRun()
	newRun, newAddress, newDir, newEnv := server("topupd")

	var onOld, onNew panel
	stop := make(chan struct{})
	var wg sync.WaitGroup
	debits := func(p *panel, address string) {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					p.debit(address, 1+i%20)
				}
			}
		})
	}
	more := func(p *panel, n int64) {
		t.Helper()
		before := p.acknowledged.Load()
		for until := time.Now().Add(60 * time.Second); p.acknowledged.Load() < before+n; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(until) {
				t.Fatalf("only %d of %d debits in a minute", p.acknowledged.Load()-before, n)
			}
		}
	}
	debits(&onOld, oldAddress)
	more(&onOld, 50)
	current := newRun() // it migrates, under the older one's feet
	debits(&onNew, newAddress)
	more(&onNew, 100)
	more(&onOld, 100)
	if n := onOld.refused.Load() + onNew.refused.Load(); n > 0 {
		t.Errorf("%d debits were refused while the newer server came", n)
	}
	if err := old.end(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	old = oldRun()
	more(&onOld, 100)
	more(&onNew, 100)
	close(stop)
	wg.Wait()
	if err := old.end(syscall.SIGTERM); err != nil {
		t.Errorf("the older server: %v", err)
	}
	if err := current.end(syscall.SIGTERM); err != nil {
		t.Errorf("the newer server: %v", err)
	}
	if out, err := topupd(t, newDir, newEnv, "verify"); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	booked := pg.Count(database, `SELECT COUNT(*) FROM postings WHERE kind = 'debit'`)
	// One that was under way at the kill may be booked and not acknowledged.
	if n := onOld.acknowledged.Load() + onNew.acknowledged.Load(); booked < n || booked > n+1 {
		t.Errorf("%d debits were acknowledged, %d are booked", n, booked)
	}
}
