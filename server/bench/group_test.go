package bench

import (
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"topupd/billing"
)

// With a disk that takes 2 ms for each commit, group commit against one commit
// for each call; 64 callers.
func BenchmarkGroupCommit(b *testing.B) {
	perSecond := func(max int) float64 {
		e, _ := engineOn(b, filepath.Join(b.TempDir(), "commit.db"), func() { time.Sleep(2 * time.Millisecond) }, max)
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
		total, deadline, start := 0, time.Now().Add(slice), time.Now()
		for c := range 64 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(c), 1))
				n := 0
				for time.Now().Before(deadline) {
					err := e.SetLowBalance(root(), billing.SetLowBalanceParams{
						Owner: billing.Account(1 + r.Int64N(1000)), Threshold: billing.To(r.Int64N(1e9)),
					})
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
	one, group := perSecond(1), perSecond(0)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(one, "single/s")
	b.ReportMetric(group, "group/s")
	b.ReportMetric(group/one, "ratio")
	b.ReportMetric(8, "target")
}
