package db_test

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"topupd/billing"
	"topupd/db"
	"topupd/db/dbtest"
)

var sweepPolicies = flag.Int("policies", 20_000, "policies in BenchmarkSweepNoneDue and accounts in BenchmarkImportBulk")

const usd = billing.Unit("USD")

var acme = billing.Customer(10)

func open(t testing.TB, o db.Options) *db.Store {
	t.Helper()
	s, err := db.Open(context.Background(), dbtest.File(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func update(t testing.TB, s billing.Store, fn func(billing.Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// fill makes the customer acme with accounts 1 to n, each with a balance and a
// policy, as an import does.
func fill(w billing.Tx, n int) error {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	err := w.PutOwner(&billing.Owner{ID: acme, Parent: billing.Root, Top: acme, Path: "/1/10/", Name: "Acme", Currency: usd})
	zero, threshold := int64(0), int64(5*billing.Micro)
	for i := int64(1); i <= int64(n) && err == nil; i++ {
		o := billing.Owner{
			ID: billing.Account(i), Parent: acme, Top: acme, Path: "/1/10/", Name: "Alice Rose",
			Username: fmt.Sprintf("1555%07d", i), Email: "alice@acme.example", Currency: usd, BalanceGroup: i,
			CreditLimit: &zero, TimeZone: "UTC", CreatedAt: at, UpdatedAt: at,
		}
		if err = w.PutOwner(&o); err != nil {
			break
		}
		if err = w.Post(posting(o.ID, fmt.Sprintf("import:balance:%d", i), 10*billing.Micro, at)); err != nil {
			break
		}
		err = w.PutLowBalance(&billing.LowBalance{
			Owner: o.ID, Threshold: &threshold, NotifyByEmail: true, ChargeCard: true, ChargeAmount: 10 * billing.Micro,
		})
		if err == nil {
			err = w.PutMandate(&billing.Mandate{
				Owner: o.ID, Top: acme, Purpose: billing.PurposeLowBalance, Text: billing.MandateAsserted,
				Amount: 10 * billing.Micro, Actor: "import", At: at,
			})
		}
	}
	return err
}

func posting(o billing.OwnerID, cause string, micros int64, at time.Time) *billing.Posting {
	return &billing.Posting{
		Top: acme, Kind: billing.PostAdjustment, Cause: cause, Actor: "import", BookedAt: at, EffectiveAt: at,
		Entries: []billing.Entry{
			{Owner: o, Unit: usd, Micros: micros},
			{Account: billing.AccountAdjustment, Unit: usd, Micros: -micros},
		},
	}
}

func BenchmarkOwnerPolicy(b *testing.B) {
	s := open(b, db.Options{})
	const accounts = 10_000
	update(b, s, func(w billing.Tx) error { return fill(w, accounts) })
	ctx := context.Background()
	b.ReportAllocs()
	var i int64
	for b.Loop() {
		i++
		err := s.View(ctx, func(r billing.Reader) error {
			_, err := r.OwnerPolicy(billing.Account(i%accounts + 1))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJudged(b *testing.B) {
	s := open(b, db.Options{})
	const accounts = 10_000
	update(b, s, func(w billing.Tx) error { return fill(w, accounts) })
	ctx := context.Background()
	b.ReportAllocs()
	var i int64
	for b.Loop() {
		i++
		err := s.View(ctx, func(r billing.Reader) error {
			_, err := r.Judged(billing.Account(i%accounts + 1))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// concurrent runs fn b.N times from n callers and reports calls per second.
func concurrent(b *testing.B, n int, fn func(i int64) error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range n {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := fn(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

func benchmarkUpdate(b *testing.B, callers int, o db.Options) {
	s := open(b, o)
	const accounts = 1000
	update(b, s, func(w billing.Tx) error { return fill(w, accounts) })
	ctx := context.Background()
	concurrent(b, callers, func(i int64) error {
		return s.Update(ctx, func(w billing.Tx) error {
			o := billing.Account(i%accounts + 1)
			if _, err := w.Bucket(o, usd); err != nil {
				return err
			}
			// Another value each time: SQLite does not write what is the same.
			return w.PutLowBalanceState(o, billing.LowBalanceState{Episode: i})
		})
	})
}

func BenchmarkUpdate1(b *testing.B)  { benchmarkUpdate(b, 1, db.Options{}) }
func BenchmarkUpdate64(b *testing.B) { benchmarkUpdate(b, 64, db.Options{}) }

// The gain of sharing commits shows on a disk that takes its time.
func BenchmarkUpdate64SlowDisk(b *testing.B) {
	benchmarkUpdate(b, 64, db.Options{CommitHook: func() { time.Sleep(2 * time.Millisecond) }})
}

func BenchmarkUpdate64SlowDiskAlone(b *testing.B) {
	benchmarkUpdate(b, 64, db.Options{GroupMax: 1, CommitHook: func() { time.Sleep(2 * time.Millisecond) }})
}

func BenchmarkPost64(b *testing.B) {
	s := open(b, db.Options{})
	const accounts = 1000
	update(b, s, func(w billing.Tx) error { return fill(w, accounts) })
	ctx := context.Background()
	at := time.Now()
	concurrent(b, 64, func(i int64) error {
		return s.Update(ctx, func(w billing.Tx) error {
			o := billing.Account(i%accounts + 1)
			if _, err := w.Judged(o); err != nil {
				return err
			}
			return w.Post(posting(o, fmt.Sprintf("debit:%d", i), -1, at))
		})
	})
}

// With -policies 1000000 it is the size that the sweep is made for.
func BenchmarkSweepNoneDue(b *testing.B) {
	s := open(b, db.Options{})
	update(b, s, func(w billing.Tx) error { return fill(w, *sweepPolicies) })
	ctx := context.Background()
	now := time.Now()
	for b.Loop() {
		err := s.View(ctx, func(r billing.Reader) error {
			due, err := r.DueJudgements(now, 100)
			if len(due) != 0 {
				b.Fatal("something is due")
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkImportBulk(b *testing.B) {
	for b.Loop() {
		s := open(b, db.Options{})
		start := time.Now()
		update(b, s, func(w billing.Tx) error { return fill(w, *sweepPolicies) })
		b.ReportMetric(float64(time.Since(start).Microseconds())/float64(*sweepPolicies), "us/account")
		runtime.GC()
	}
}
