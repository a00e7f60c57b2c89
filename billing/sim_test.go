package billing_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"topupd/db/dbtest"
)

var (
	simSeeds = flag.Int("seeds", 60, "how many seeds the simulator runs (or TOPUPD_TEST_SEEDS), a tenth of them on PostgreSQL")
	simSeed  = flag.Uint64("seed", 0, "the one seed that the simulator runs; 0 is all of them")
)

// simSteps is how many operations a seed makes.
const simSteps = 45

// TestSimulator runs the engine against a bank that lies and processes that
// die, one seed after the other. The oracle is the bank's own list of payments.
//
//	go test ./billing -run TestSimulator -seeds 500
//	go test ./billing -run TestSimulator -seed 17
func TestSimulator(t *testing.T) {
	if *simSeed != 0 {
		simulate(t, *simSeed)
		return
	}
	n := *simSeeds
	if text := os.Getenv("TOPUPD_TEST_SEEDS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
		if dbtest.Fewer() {
			n = max(1, n/10)
		}
	}
	if testing.Short() {
		n = min(n, 10)
	}
	seen := &coverage{}
	t.Cleanup(func() { seen.report(t, n) })
	for seed := range uint64(n) {
		t.Run(strconv.FormatUint(seed+1, 10), func(t *testing.T) {
			t.Parallel()
			seen.add(simulate(t, seed+1))
		})
	}
}

func simulate(t *testing.T, seed uint64) *simulation {
	t.Helper()
	s, found := played(t, seed, breakage{})
	if len(found) > 0 {
		t.Errorf("seed %d:\n  %s\n\nthe last operations:\n  %s\n\nonce more:\n  go test ./billing -run TestSimulator -seed %d",
			seed, strings.Join(found, "\n  "), strings.Join(s.tail, "\n  "), seed)
	}
	return s
}

func played(t *testing.T, seed uint64, broken breakage) (s *simulation, found []string) {
	// In a bubble time costs nothing: every wait is the real one.
	synctest.Test(t, func(t *testing.T) {
		s = newSimulation(t, seed, broken)
		found = s.play(simSteps)
	})
	return s, found
}

// A seed that does one thing at a time does the same again: what it prints can
// be repeated.
func TestSimulatorRepeats(t *testing.T) {
	dbtest.SQLiteOnly(t, "it is about the simulator, not about the store")
	story := func(seed uint64) (parallel bool, told string) {
		s, _ := played(t, seed, breakage{})
		told = fmt.Sprintln(s.tail, s.counts)
		for _, p := range s.bank.list {
			told += fmt.Sprintln(p.first.ChargeID, p.n, p.state, p.at, p.refunded, p.withdrawn, p.calls)
		}
		return s.parallel, told
	}
	compared, want := 0, 3
	if testing.Short() {
		want = 1
	}
	for seed := uint64(1); compared < want; seed++ {
		parallel, first := story(seed)
		if parallel {
			continue
		}
		compared++
		if _, second := story(seed); first != second {
			t.Errorf("seed %d does not repeat itself:\n%s\nand then\n%s", seed, first, second)
		}
	}
}

// coverage counts what happened in all seeds together: a simulator that never
// meets a fault proves nothing.
type coverage struct {
	mu   sync.Mutex
	seen map[string]int
}

func (c *coverage) add(s *simulation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]int{}
	}
	for what, n := range s.counts {
		c.seen[what] += n
	}
}

// mustHappen lists what enough seeds meet, each at least once.
var mustHappen = []string{
	"charge succeeded", "charge failed", "charge cancelled", "charge unresolved", "charge low_balance", "charge billing_run", "charge profile", "several attempts",
	"decline soft", "decline hard", "decline authentication_required",
	"fault slow", "fault silentAfter", "fault silentBefore", "fault cutAfter", "fault cutBefore", "fault lateEffect", "fault failed",
	"fault limited", "fault eventFirst", "fault mute",
	"posting charge", "posting service_charge", "posting refund", "posting dispute", "posting debit", "posting credit", "posting add_funds",
	"reason interval", "reason daily_count", "reason cap_day", "reason suspended", "reason blocked", "reason open_charge",
	"died before its commit", "died after its commit", "died before a gateway call", "died after the gateway's effect",
	"died after the gateway's answer", "died before a mail", "died after a mail", "died between two calls",
	"charge manual", "payment ok, repeated false", "payment ok, repeated true", "payment failed, repeated false", "payment failed, repeated true",
	"payment pending, repeated false", "payment pending, repeated true", "payment with a card of its own",
	"card added", "card changed", "card deleted", "card deleted under a charge", "reason card_gone",
	"voucher redeemed", "voucher refused", "owner created", "owner deleted", "owner not deleted", "deleted and unknown",
	"expected and paid", "expected and open", "expected and withdrawn", "expected by card", "expected by none", "debt judged", "notice topup",
	"posting gateway_payment", "posting pool_topup", "subscription order", "pool top-up",
	"action adjustment", "action transfer", "action reservation", "action refused", "posting transfer", "posting adjustment",
	"charge recurring", "execution succeeded", "execution failed", "rule active", "rule finished", "rule cancelled", "rule failed",
	"top-up completed", "top-up failed", "top-up cancelled", "top-up by voucher", "top-up ended by its client",
	"notice receipt", "notice declined", "notice suspended", "notice low_balance", "mail twice",
}

// enough is how many seeds it takes to meet everything.
const enough = 200

func (c *coverage) report(t *testing.T, seeds int) {
	for _, what := range slices.Sorted(maps.Keys(c.seen)) {
		t.Logf("%6d %s", c.seen[what], what)
	}
	for _, what := range mustHappen {
		if seeds >= enough && c.seen[what] == 0 {
			t.Errorf("in %d seeds there was no %q", seeds, what)
		}
	}
}
