package bench

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"topupd/billing"
	"topupd/db"
)

const (
	rounds = 5
	slice  = 2 * time.Second
)

// ratio measures bare and real in turns and reports the medians and their ratio.
func ratio(b *testing.B, connections int, body func(*rand.Rand, []byte) []byte, login *digest, target float64) {
	w := theWorld(b)
	addr, stop := w.bareServer(b, body(rand.New(rand.NewPCG(1, 1)), nil))
	defer stop()
	plain := &load{addr: addr, path: path, connections: connections, body: body, want: "methodResponse"}
	real := &load{addr: w.addr, path: path, connections: connections, body: body, want: "<string>OK</string>", login: login}
	inTurns(b, plain, real, target)
}

// inTurns measures one after the other.
func inTurns(b *testing.B, plain, real *load, target float64) {
	var bares, reals, ratios []float64
	for range rounds {
		x, err := plain.run(slice)
		must(b, err)
		y, err := real.run(slice)
		must(b, err)
		bares, reals, ratios = append(bares, x), append(reals, y), append(ratios, y/x)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(bares), "bare/s")
	b.ReportMetric(median(reals), "real/s")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(target, "target")
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

func BenchmarkGetLowBalanceTrusted(b *testing.B) {
	ratio(b, 32, call("getLowBalance", ""), nil, 0.35)
}

func BenchmarkGetLowBalanceDigest(b *testing.B) {
	ratio(b, 32, call("getLowBalance", ""), &digest{user: "admin", password: password}, 0.25)
}

func BenchmarkSetLowBalanceDurable(b *testing.B) {
	ratio(b, 64, call("setLowBalance", `<member><name>threshold</name><value><double>4.5</double></value></member>`), nil, 0.25)
}

func BenchmarkAccountDebitDurable(b *testing.B) {
	ratio(b, 64, call("accountDebit", `<member><name>amount</name><value><double>0.01</double></value></member>`+
		`<member><name>currency</name><value><string>USD</string></value></member>`), nil, 0.12)
}

// The figures of one process: import, start, memory. Run after the others, so
// that the memory is that of a server that worked.
func BenchmarkProcess(b *testing.B) {
	w := theWorld(b)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(w.imported.Seconds(), "import-s")
	b.ReportMetric(w.peak(b), "peak-MiB")
	w.stop(b)
	var starts []float64
	for range rounds {
		w.start(b)
		starts = append(starts, w.ready.Seconds())
		w.stop(b)
	}
	b.ReportMetric(median(starts), "ready-s")
}

// engineOn opens the benchmark's database in this process; the server is stopped.
func engineOn(b *testing.B, path string, hook func(), max int) (*billing.Engine, *db.Store) {
	b.Helper()
	store, err := db.Open(context.Background(), path, db.Options{Migrate: true, CommitHook: hook, GroupMax: max})
	must(b, err)
	b.Cleanup(func() { store.Close() })
	return billing.New(billing.Config{Store: store, Settings: billing.DefaultSettings()}), store
}

func root() context.Context {
	return billing.WithActor(context.Background(), billing.Actor{Login: "bench", Customer: billing.Root, API: "bench"})
}

// A sweep costs what is due, not what there is.
func BenchmarkSweep(b *testing.B) {
	w := theWorld(b)
	if w.serve != nil {
		w.stop(b)
		defer w.start(b)
	}
	e, store := engineOn(b, w.db, nil, 0)
	sweep := func() time.Duration {
		start := time.Now()
		_, _, err := e.RunLowBalance(root(), billing.RunParams{Trigger: "command"})
		must(b, err)
		return time.Since(start)
	}
	sweep() // what the import left for the next judgement
	var none []float64
	for range 21 {
		none = append(none, float64(sweep().Microseconds())/1000)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(none), "none-due-ms")
	for _, n := range []int{1000, 10000} {
		must(b, store.Update(root(), func(tx billing.Tx) error {
			for i := 1; i <= n; i++ {
				if err := tx.JudgeWithin(billing.Account(int64(i)), time.Now()); err != nil {
					return err
				}
			}
			return nil
		}))
		ms := float64(sweep().Microseconds()) / 1000
		if n == 1000 {
			b.ReportMetric(ms, "1000-due-ms")
		} else {
			b.ReportMetric(ms, "10000-due-ms")
		}
	}
}
