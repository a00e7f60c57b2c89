package bench

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	payments  = flag.Int("payments", 200_000, "how many payments the subscription benchmark may use")
	customers = flag.Int("customers", 100_000, "how many linked customers the profile job looks at")
)

// rest is a server over what the REST benchmarks need: a subscription with payments, a
// pool plan, and customers that are linked to a profile.
var (
	rest     *world
	restOnce sync.Once
)

func restWorld(b *testing.B) *world {
	b.Helper()
	restOnce.Do(func() {
		rest = newWorld(b)
		file := filepath.Join(rest.dir, "rest.jsonl")
		must(b, writeREST(file))
		rest.load(b, file)
		rest.start(b)
	})
	if rest == nil || rest.addr == "" {
		b.Fatal("the server did not start")
	}
	return rest
}

// firing is how many linked customers there are for one whose debt is above its threshold.
const firing = 100

func writeREST(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintln(w, `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD","balance":"1000000.00"}
{"type":"account","i_account":1,"i_customer":10,"username":"1555","name":"Subscriber","currency":"USD","balance":"10.00"}
{"type":"card","i_debit_credit_card":1,"i_account":1,"gateway":"sandbox","token":"tok_ok","brand":"Visa","last4":"4242","primary":true}
{"type":"subscription","id":1,"i_account":1,"phoneNumber":"1555"}
{"type":"pool_plan","offer":500,"i_customer":10,"name":"Pool","currency":"USD","subscribers":["310150123456789"],"balances":{"SMS":"0"}}
{"type":"auto_topup_profile","id":"1","name":"Standard","triggerValue":"50","topupValue":"100","autoCollect":"Yes","correspondenceTypeCard":"Auto Top-up Card"}`)
	for n := 1; n <= *payments; n++ {
		fmt.Fprintf(w, `{"type":"payment","id":%d,"i_account":1,"amount":"0.01","currency":"USD","i_debit_credit_card":1,"status":"paid"}`+"\n", n)
	}
	for n := range *customers {
		debt := 100
		if n%firing == 0 {
			debt = 460
			fmt.Fprintf(w, `{"type":"card","i_debit_credit_card":%d,"i_customer":%d,"gateway":"sandbox","token":"tok_ok","brand":"Visa","last4":"4242","primary":true}`+"\n", 1000+n, 1000+n)
		}
		fmt.Fprintf(w, `{"type":"customer","i_customer":%d,"name":"C","currency":"USD","autoTopupProfileID":"1","outstanding":"%d","limits":{"Credit Limit":"500"}}`+"\n", 1000+n, debt)
	}
	return w.Flush()
}

// posted measures POSTs to an address by 32 connections with a token, each answered after
// fsync, beside a bare handler that answers the same bytes.
func posted(b *testing.B, target float64, path, want string, status int, body func(*rand.Rand, []byte) []byte) {
	w := restWorld(b)
	ask, err := http.NewRequest(http.MethodPost, "http://"+w.addr+path, strings.NewReader(string(body(nil, nil))))
	must(b, err)
	ask.Header.Set("Content-Type", "application/json")
	ask.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(ask)
	must(b, err)
	if res.StatusCode != status {
		b.Fatal(res.Status)
	}
	addr, stop := w.bareAnswering(b, res)
	defer stop()
	plain := &load{addr: addr, path: path, connections: 32, body: body, want: want, media: "application/json", token: token}
	real := *plain
	real.addr, real.status = w.addr, status
	inTurns(b, plain, &real, target)
}

func BenchmarkProfilesPOST(b *testing.B) {
	var n atomic.Int64
	posted(b, 0.15, "/backend/api/v1/autoTopupProfiles", `"triggerBasis"`, http.StatusCreated, func(_ *rand.Rand, dst []byte) []byte {
		dst = append(dst, `{"triggerBasis":"Outstanding","triggerType":"Absolute Amount","triggerValue":50,"referenceLimit":"Credit Limit","topupMode":"Fixed Amount","topupValue":100,"autoCollect":"Yes","name":"P`...)
		return append(strconv.AppendInt(dst, n.Add(1), 10), `"}`...)
	})
}

// Each call uses a payment of its own, until there are no more: then they are repeated.
func BenchmarkSubscriptionPOST(b *testing.B) {
	var n atomic.Int64
	posted(b, 0.15, "/api/subscriptions/1/autotopup", `"OrderTypeId"`, http.StatusOK, func(_ *rand.Rand, dst []byte) []byte {
		dst = strconv.AppendInt(append(dst, `{"Amount":2.0,"Threshold":3.0,"PaymentId":`...), (n.Add(1)-1)%int64(*payments)+1, 10)
		return append(dst, '}')
	})
}

// The worker applies each request beside the load.
func BenchmarkPoolPlanPOST(b *testing.B) {
	posted(b, 0.15, "/api/v2/customer/10/offer/500/topup", `"requestId"`, http.StatusOK, func(_ *rand.Rand, dst []byte) []byte {
		return append(dst, `{"charge":0.01,"currency":"USD","allowance":[{"currency":"SMS","value":1}]}`...)
	})
}

// BenchmarkTMF654POST adjusts one bucket of an account: all calls are about the same owner.
// Each writes an adjustment and its line of the history beside what a debit writes.
func BenchmarkTMF654POST(b *testing.B) {
	posted(b, 0.08, "/brm/prepayBalanceManagement/v4/adjustBalance", `"AdjustBalance"`, http.StatusCreated, func(_ *rand.Rand, dst []byte) []byte {
		return append(dst, `{"amount":{"amount":0.01,"units":"USD"},"bucket":{"id":"0.0.0.1+-balance_group+1+840+0"}}`...)
	})
}

// BenchmarkProfileJob is the command, in a process of its own: one of a hundred linked
// customers is charged at a gateway that answers at once. It runs beside no server.
func BenchmarkProfileJob(b *testing.B) {
	w := restWorld(b)
	w.stop(b)
	defer w.start(b)
	start := time.Now()
	out, err := w.command("run", "profiles").CombinedOutput()
	took := time.Since(start)
	if err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	if want := strconv.Itoa((*customers + firing - 1) / firing); !strings.Contains(string(out), want) {
		b.Fatalf("not %s charges: %s", want, out)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(took.Seconds(), "job-s")
	b.ReportMetric(20, "target-s")
}
