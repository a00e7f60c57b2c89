package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/sandbox"
	"topupd/db"
)

// quiet is a mailer that takes every mail: what is measured is charging.
type quiet struct{}

func (quiet) Send(context.Context, billing.Mail) error { return nil }

type plain struct{}

func (plain) Seal(p billing.Secret, aad string) ([]byte, error) { return []byte(p.Reveal()), nil }
func (plain) Open(b []byte, aad string) (billing.Secret, error) { return billing.Secret(b), nil }

// chargeRun makes n owners that are low and measures one run over them, from the
// decision to the last settled charge.
func chargeRun(b *testing.B, n int, latency time.Duration) (perSecond, growthMiB float64) {
	store, err := db.Open(context.Background(), filepath.Join(b.TempDir(), "charges.db"), db.Options{Migrate: true})
	must(b, err)
	defer store.Close()
	e := billing.New(billing.Config{
		Store: store, Gateways: []billing.Gateway{sandbox.New(sandbox.WithLatency(latency))}, Mailer: quiet{}, Sealer: plain{},
		Settings: billing.DefaultSettings(),
	})
	must(b, e.Import(root(), false, func(im *billing.Importer) error {
		if err := im.Owner(billing.OwnerLine{Owner: billing.Customer(10), Currency: billing.To("USD")}); err != nil {
			return err
		}
		for i := int64(1); i <= int64(n); i++ {
			o := billing.Account(i)
			if err := im.Owner(billing.OwnerLine{Owner: o, Parent: billing.To(int64(10)), Currency: billing.To("USD")}); err != nil {
				return err
			}
			if err := im.Card(billing.CardLine{ID: billing.CardID(i), Owner: o, Token: billing.To(billing.Secret("tok_ok")), Brand: billing.To("Visa"), Primary: billing.To(true)}); err != nil {
				return err
			}
			err := im.LowBalance(billing.SetLowBalanceParams{
				Owner: o, Threshold: billing.To(int64(5 * billing.Micro)), ChargeCard: billing.To(true), ChargeAmount: billing.To(int64(10 * billing.Micro)),
			})
			if err != nil {
				return err
			}
		}
		return nil
	}))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, _, err = e.RunLowBalance(root(), billing.RunParams{Trigger: "command"})
	must(b, err)
	start := time.Now()
	must(b, e.Drain(root()))
	took := time.Since(start)
	runtime.GC()
	runtime.ReadMemStats(&after)
	charges, err := e.Charges(root(), billing.ChargeFilter{State: billing.ChargeSucceeded})
	must(b, err)
	if len(charges) != n {
		b.Fatalf("%d of %d charges succeeded", len(charges), n)
	}
	if wrong, err := e.Verify(root(), 1); err != nil || len(wrong) > 0 {
		b.Fatal(fmt.Sprint(wrong, err))
	}
	return float64(n) / took.Seconds(), (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / (1 << 20)
}

// 32 in flight at 200 ms each are 160 charges a second at most.
func BenchmarkChargesSlowGateway(b *testing.B) {
	rate, _ := chargeRun(b, *charges, 200*time.Millisecond)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rate, "charges/s")
	b.ReportMetric(rate/160, "ratio")
	b.ReportMetric(0.95, "target")
}

func BenchmarkChargesInstantGateway(b *testing.B) {
	rate, growth := chargeRun(b, *charges, 0)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rate, "charges/s")
	b.ReportMetric(2000, "target")
	b.ReportMetric(growth, "heap-growth-MiB")
}
