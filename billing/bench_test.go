package billing_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"topupd/billing"
)

// benchKit is a kit over n accounts with a policy each.
func benchKit(b *testing.B, n int64) *kit {
	k := newKit(b)
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		if err := im.Owner(billing.OwnerLine{Owner: billing.Customer(10), Currency: billing.To("USD")}); err != nil {
			return err
		}
		for i := range n {
			l := accountLine(i + 1)
			l.Balance = billing.To(int64(1e6 * usd))
			if err := im.Owner(l); err != nil {
				return err
			}
			if err := im.LowBalance(billing.SetLowBalanceParams{Owner: billing.Account(i + 1), Threshold: billing.To(int64(usd)), NotifyByEmail: billing.To(true)}); err != nil {
				return err
			}
		}
		return nil
	}))
	return k
}

const benchAccounts = 10000

func BenchmarkGetLowBalance(b *testing.B) {
	k := benchKit(b, benchAccounts)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		ctx := root(t0)
		for pb.Next() {
			if _, err := k.engine.GetLowBalance(ctx, billing.Account(1+rand.Int64N(benchAccounts))); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkSetLowBalance(b *testing.B) {
	k := benchKit(b, benchAccounts)
	b.ResetTimer()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		ctx := root(t0)
		for pb.Next() {
			err := k.engine.SetLowBalance(ctx, billing.SetLowBalanceParams{Owner: billing.Account(1 + rand.Int64N(benchAccounts)), Threshold: billing.To(int64(usd))})
			if err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkDebit(b *testing.B) {
	k := benchKit(b, benchAccounts)
	b.ResetTimer()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		ctx := root(t0)
		for pb.Next() {
			_, err := k.engine.MoveFunds(ctx, billing.MoveFundsParams{Owner: billing.Account(1 + rand.Int64N(benchAccounts)), Kind: billing.PostDebit, Amount: 1, Currency: "USD"})
			if err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkDecideLowBalance(b *testing.B) {
	f := lowFacts()
	for b.Loop() {
		billing.DecideLowBalance(f)
	}
}

// A save that changes something writes a row of the audit log too.
func BenchmarkSetLowBalanceChanged(b *testing.B) {
	k := benchKit(b, benchAccounts)
	b.ResetTimer()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		ctx := root(t0)
		for pb.Next() {
			err := k.engine.SetLowBalance(ctx, billing.SetLowBalanceParams{Owner: billing.Account(1 + rand.Int64N(benchAccounts)), Threshold: billing.To(rand.Int64N(usd))})
			if err != nil {
				b.Error(err)
			}
		}
	})
}

// A list of as many payments as one answer holds.
func BenchmarkPayments(b *testing.B) {
	k := newKit(b, noWait)
	k.seed("tok_ok")
	k.ok(k.store.Update(b.Context(), func(tx billing.Tx) error {
		for i := range billing.MaxPayments {
			err := tx.Post(&billing.Posting{
				Top: billing.Customer(10), Kind: billing.PostDebit, Cause: fmt.Sprint("bench ", i), BookedAt: t0, EffectiveAt: t0.Add(time.Duration(i) * time.Second),
				Entries: []billing.Entry{{Owner: billing.Account(100), Unit: "USD", Micros: -1}, {Account: billing.AccountUsage, Unit: "USD", Micros: 1}},
			})
			if err != nil {
				return err
			}
		}
		return nil
	}))
	for b.Loop() {
		list, err := k.engine.Payments(root(t0), billing.PaymentFilter{Owner: billing.Account(100)})
		if err != nil || len(list) != billing.MaxPayments {
			b.Fatal(len(list), err)
		}
	}
}
