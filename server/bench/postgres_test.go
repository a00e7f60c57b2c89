package bench

import (
	"context"
	"errors"
	mathrand "math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"topupd/billing"
	"topupd/db"
	"topupd/db/dbtest"
)

// onPostgres is the shared world once more in PostgreSQL, brought there by copy. The
// server waits for its disk, as an operator's does.
func onPostgres(b *testing.B) (*world, *dbtest.Server) {
	b.Helper()
	w := theWorld(b)
	pg := dbtest.OwnServer(b, "fsync=on", "shared_buffers=256MB", "max_wal_size=4GB")
	w.stop(b)
	start := time.Now()
	out, err := w.command("copy", "--from", w.db, "--to", pg.Address()).CombinedOutput()
	if err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	b.ReportMetric(time.Since(start).Seconds(), "copy-s")
	b.ReportMetric(float64(pg.Count(pg.Address(), `SELECT pg_database_size(current_database())`))/(1<<20), "postgres-MiB")
	file, err := os.Stat(w.db)
	must(b, err)
	b.ReportMetric(float64(file.Size())/(1<<20), "sqlite-MiB")
	// What the copy left to be done is not the servers' load.
	pg.Do(`VACUUM ANALYZE`)
	pg.Do(`CHECKPOINT`)
	syscall.Sync()
	w.start(b)
	return w.twin(b, pg.Address()), pg
}

// twin is another server of the same program on an address.
func (w *world) twin(b *testing.B, address string) *world {
	b.Helper()
	key := w.key
	if key == "" {
		text, err := os.ReadFile(w.db + ".key")
		must(b, err)
		key = strings.TrimSpace(string(text))
	}
	t := &world{dir: w.dir, binary: w.binary, db: address, key: key}
	b.Cleanup(func() {
		if t.serve != nil {
			t.stop(b)
		}
	})
	return t
}

var debit = call("accountDebit", `<member><name>amount</name><value><double>0.01</double></value></member>`+
	`<member><name>currency</name><value><string>USD</string></value></member>`)

// One server on PostgreSQL against one on SQLite, and two against one; random accounts
// of a million, over HTTP, answered when the disk has it.
func BenchmarkPostgres(b *testing.B) {
	one, pg := onPostgres(b)
	one.start(b)
	two := one.twin(b, pg.Address())
	two.start(b)
	b.ReportMetric(0, "ns/op")
	for _, m := range []struct {
		name string
		body func(*mathrand.Rand, []byte) []byte
	}{
		{"get", call("getLowBalance", "")},
		{"set", call("setLowBalance", `<member><name>threshold</name><value><double>4.5</double></value></member>`)},
		{"debit", debit},
	} {
		at := func(w *world, connections int) *load {
			return &load{addr: w.addr, path: path, connections: connections, body: m.body, want: "methodResponse"}
		}
		var against, more []float64
		for range 3 {
			file, err := at(shared, 64).run(slice)
			must(b, err)
			single, err := at(one, 64).run(slice)
			must(b, err)
			var pair [2]float64
			var errs [2]error
			var wg sync.WaitGroup
			for i, w := range []*world{one, two} {
				wg.Go(func() { pair[i], errs[i] = at(w, 32).run(slice) })
			}
			wg.Wait()
			must(b, errors.Join(errs[:]...))
			against, more = append(against, single/file), append(more, (pair[0]+pair[1])/single)
		}
		b.ReportMetric(median(against), m.name+"-of-sqlite")
		b.ReportMetric(median(more), m.name+"-two-of-one")
	}
}

// Debits by 64 callers, through the engine: to a thousand accounts and to one; those to
// one in a transaction each, and batched.
func BenchmarkPostgresDebits(b *testing.B) {
	pg := dbtest.OwnServer(b, "fsync=on")
	perSecond := func(accounts int64, max int) float64 {
		store, err := db.Open(context.Background(), pg.Address(), db.Options{GroupMax: max})
		must(b, err)
		defer store.Close()
		e := billing.New(billing.Config{Store: store, Settings: billing.DefaultSettings()})
		must(b, e.Import(root(), false, func(im *billing.Importer) error {
			if err := im.Owner(billing.OwnerLine{Owner: billing.Customer(10), Currency: billing.To("USD")}); err != nil {
				return err
			}
			for i := range int64(1000) {
				if err := im.Owner(billing.OwnerLine{Owner: billing.Account(i + 1), Parent: billing.To(int64(10)), Currency: billing.To("USD")}); err != nil {
					return err
				}
			}
			return nil
		}))
		var mu sync.Mutex
		var wg sync.WaitGroup
		total, start := 0, time.Now()
		for c := range 64 {
			wg.Go(func() {
				r := mathrand.New(mathrand.NewPCG(uint64(c), 1))
				n := 0
				for time.Since(start) < slice {
					_, err := e.MoveFunds(root(), billing.MoveFundsParams{Owner: billing.Account(1 + r.Int64N(accounts)), Kind: billing.PostDebit, Amount: 10, Currency: "USD"})
					if err != nil {
						b.Error(err)
						return
					}
					n++
				}
				mu.Lock()
				total += n
				mu.Unlock()
			})
		}
		wg.Wait()
		return float64(total) / time.Since(start).Seconds()
	}
	single, batched, spread := perSecond(1, 1), perSecond(1, 0), perSecond(1000, 0)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(single, "hot-single/s")
	b.ReportMetric(batched, "hot-batched/s")
	b.ReportMetric(spread, "spread/s")
	b.ReportMetric(batched/single, "ratio")
	b.ReportMetric(3, "target")
}

// A sweep over a million policies of which none is due.
func BenchmarkPostgresSweep(b *testing.B) {
	_, pg := onPostgres(b)
	store, err := db.Open(context.Background(), pg.Address(), db.Options{})
	must(b, err)
	defer store.Close()
	e := billing.New(billing.Config{Store: store, Settings: billing.DefaultSettings()})
	var none []float64
	for i := range 22 {
		start := time.Now()
		_, _, err := e.RunLowBalance(root(), billing.RunParams{Trigger: "command"})
		must(b, err)
		if i > 0 { // the first judges what the import left
			none = append(none, float64(time.Since(start).Microseconds())/1000)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(none), "none-due-ms")
	b.ReportMetric(10, "target-ms")
}
