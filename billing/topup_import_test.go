package billing_test

import (
	"context"
	"testing"
	"time"

	"topupd/billing"
)

// An execution that an import brings is not made again, also where its rule's line says that
// its period is still to come: without that the run failed until the next one was due.
func TestImportedPeriodIsNotNext(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	day := func(n int) time.Time { return t0.AddDate(0, 0, n) }
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		err := im.TopupRule(billing.TopupRuleLine{
			ID: 70, Owner: billing.Account(100), Amount: billing.To(int64(10 * usd)), Currency: billing.To("USD"), Period: billing.To("daily"),
			Done: billing.To(int64(1)), Anchor: billing.To(day(-2)),
		})
		if err != nil {
			return err
		}
		return im.BalanceTopup(billing.BalanceTopupLine{
			ID: 71, Owner: billing.Account(100), Amount: 10 * usd, Currency: "USD", State: billing.TopupCompleted, Rule: 70, Period: 2,
			Created: t0, Settled: t0,
		})
	}))
	found, err := k.store.Verify(context.Background(), 0)
	if err != nil || len(found) != 0 {
		t.Errorf("verify: %v %v", found, err)
	}
	for n, want := range []int64{0, 1} {
		run, _, err := k.engine.RunRecurring(root(day(n).Add(time.Hour)), billing.RunParams{Trigger: "command"})
		if err != nil || run.Tally.Failed != 0 || run.Tally.Charges != want {
			t.Errorf("day %d: %+v (%v)", n, run.Tally, err)
		}
	}
}
