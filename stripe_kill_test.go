package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"topupd/billing/gateway/stripe/stripefake"
)

// hanging is a Stripe that hangs and cuts, now before the money moves and now
// after, for the first call of each kind of each payment.
func hanging(seed uint64) func(stripefake.Call) stripefake.Fault {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, 1))
	kinds := []stripefake.Kind{
		stripefake.HangBefore, stripefake.HangAfter, stripefake.CutBefore, stripefake.CutAfter, stripefake.ErrorBefore,
		stripefake.ErrorAfter, stripefake.Unavailable, stripefake.RateLimited,
	}
	return func(c stripefake.Call) stripefake.Fault {
		mu.Lock()
		defer mu.Unlock()
		if c.N > 1 || r.IntN(100) >= 30 {
			return stripefake.Fault{Delay: time.Duration(r.IntN(20)) * time.Millisecond}
		}
		return stripefake.Fault{Kind: kinds[r.IntN(len(kinds))]}
	}
}

// TestKillWhileCharging: the real server charges low accounts at a Stripe that
// hangs and cuts, and is killed in the middle, again and again, until all is done.
// Stripe's own list of captures is what was credited, for every account.
func TestKillWhileCharging(t *testing.T) {
	t.Parallel()
	accounts, kills := 120, 5
	if testing.Short() {
		accounts, kills = 20, 1
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	fake, err := stripefake.New(stripefake.Options{Plan: hanging(seed)})
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	dir := t.TempDir()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"), "TOPUPD_LISTEN=" + address, "TOPUPD_ADMIN_USER=ops", "TOPUPD_ADMIN_PASSWORD=a-password",
		"TOPUPD_GATEWAY=stripe", "TOPUPD_STRIPE_KEY=" + stripefake.Key, "TOPUPD_STRIPE_URL=" + fake.URL,
		"TOPUPD_GATEWAY_TIMEOUT=300ms", "TOPUPD_CHARGE_RATE=10000", "TOPUPD_SCHEDULE_BILLING=",
	}
	if out, err := topupd(t, dir, env, "import", lowAccounts(t, dir, accounts)); err != nil {
		t.Fatalf("import: %v\n%s", err, out)
	}
	r := rand.New(rand.NewPCG(seed, 2))
	for range kills {
		p, err := startServer(dir, env, address)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(50+r.IntN(500)) * time.Millisecond)
		if err := p.end(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	p, err := startServer(dir, env, address)
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(3 * time.Minute)
	for charges := chargesOf(t, dir, env); !allSucceeded(charges, accounts); charges = chargesOf(t, dir, env) {
		if time.Now().After(deadline) {
			t.Fatalf("not done: %v", states(charges))
		}
		time.Sleep(time.Second)
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	captures := map[string]int64{}
	for _, c := range fake.Captures() {
		captures[c.Owner] += c.Amount
	}
	if len(captures) != accounts {
		t.Errorf("%d accounts were captured from", len(captures))
	}
	for owner, cents := range captures {
		if cents != 1000 {
			t.Errorf("%s: %d cents were captured", owner, cents)
		}
	}
	out, err := topupd(t, dir, env, "thresholds", "--format", "csv")
	if err != nil {
		t.Fatalf("thresholds: %v\n%s", err, out)
	}
	if n := strings.Count(out, ",11.00,5.00,USD,ok,"); n != accounts {
		t.Errorf("%d accounts have 11.00:\n%s", n, out)
	}
	if out, err := topupd(t, dir, env, "verify"); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

// lowAccounts writes accounts with 1.00, below their threshold of 5.00, each with
// a card that is charged 10.00.
func lowAccounts(t *testing.T, dir string, n int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`{"type":"customer","i_customer":10,"name":"Acme","currency":"USD"}` + "\n")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, `{"type":"account","i_account":%d,"i_customer":10,"name":"A","currency":"USD","balance":"1.00"}`+"\n", i)
		fmt.Fprintf(&b, `{"type":"card","i_debit_credit_card":%d,"i_account":%d,"gateway":"stripe","gateway_customer":"cus_%d","token":"pm_card_visa-%d","brand":"Visa","last4":"4242","primary":true}`+"\n", i, i, i, i)
		fmt.Fprintf(&b, `{"type":"low_balance","i_account":%d,"threshold":"5.00","charge_card":true,"charge_amount":"10.00"}`+"\n", i)
	}
	path := filepath.Join(dir, "accounts.jsonl")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type chargeLine struct {
	Charge  int64
	Account int64 `json:"i_account"`
	State   string
}

func chargesOf(t *testing.T, dir string, env []string) (list []chargeLine) {
	t.Helper()
	out, err := topupd(t, dir, append(env, "TOPUPD_LOG_LEVEL=error"), "charges", "--limit", "0", "--format", "json")
	if err != nil {
		t.Fatalf("charges: %v\n%s", err, out)
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return list
}

func allSucceeded(list []chargeLine, n int) bool {
	for _, c := range list {
		if c.State != "succeeded" {
			return false
		}
	}
	return len(list) == n
}

func states(list []chargeLine) map[string]int {
	m := map[string]int{}
	for _, c := range list {
		m[c.State]++
	}
	return m
}
