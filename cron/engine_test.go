package cron_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/sandbox"
	"topupd/cron"
	"topupd/db"
	"topupd/db/dbtest"
)

// A year of nights in New York with the real clock, engine and SQLite, through
// the spring gap and the doubled autumn hour (in the bubble it is the year
// 2000: 2 April and 29 October): every business date is run once, every period
// is charged once, whatever the schedule.
func TestNightsOfAYear(t *testing.T) {
	specs := []string{"30 1 * * *", "30 2 * * *"}
	if testing.Short() || dbtest.Fewer() {
		specs = specs[1:] // the race detector needs no more of the same, nor does the second engine
	}
	for _, spec := range specs {
		t.Run(spec, func(t *testing.T) {
			address := dbtest.Address(t)
			synctest.Test(t, func(t *testing.T) { nights(t, address, spec, 310) })
		})
	}
}

func nights(t *testing.T, address, spec string, days int) {
	newYork, err := time.LoadLocation("America/New_York")
	ok(t, err)
	store, err := db.Open(t.Context(), address, dbtest.Options())
	ok(t, err)
	defer store.Close()
	gateway := sandbox.New()
	settings := billing.DefaultSettings()
	settings.Location = newYork
	e := billing.New(billing.Config{Store: store, Gateways: []billing.Gateway{gateway}, Sealer: open{}, Settings: settings})
	ctx := billing.WithActor(t.Context(), billing.Actor{Customer: billing.Root, API: "job"})
	first := time.Date(2000, 1, 31, 0, 0, 0, 0, newYork)
	ok(t, e.Import(ctx, false, func(im *billing.Importer) error { return base(im, first) }))

	// Two clocks, as of two servers on one database, and a restart in the
	// middle of each season's night.
	begin := time.Now()
	for _, until := range []time.Time{
		time.Date(2000, 4, 2, 1, 45, 0, 0, newYork),
		time.Date(2000, 10, 29, 5, 40, 0, 0, time.UTC), // 01:40, the first of two
		begin.AddDate(0, 0, days),
	} {
		life, stop := context.WithDeadline(ctx, until)
		done := make(chan error, 2)
		for range 2 {
			c, err := cron.New([]cron.Job{{
				Name: "billing", Spec: spec, Setting: "--schedule-billing", Daily: true,
				Run: func(ctx context.Context, f cron.Firing) error {
					if err := e.Fire(ctx, billing.JobBilling, f.Key); err != nil {
						return err
					}
					return e.Drain(context.WithoutCancel(ctx))
				},
				Last: func(ctx context.Context) (string, error) { return e.LastKey(ctx, billing.JobBilling) },
			}}, cron.Options{Location: newYork})
			ok(t, err)
			go func() { done <- c.Run(life) }()
		}
		for range 2 {
			<-done
		}
		stop()
	}
	checkNights(t, e, ctx, gateway, days)
}

func base(im *billing.Importer, first time.Time) error {
	if err := im.Plan(billing.PlanLine{ID: 1, Name: billing.To("Monthly"), Price: billing.To(int64(20 * billing.Micro)), Currency: billing.To("USD")}); err != nil {
		return err
	}
	if err := im.Owner(billing.OwnerLine{Owner: billing.Customer(10), Currency: billing.To("USD")}); err != nil {
		return err
	}
	if err := im.Owner(billing.OwnerLine{
		Owner: billing.Account(100), Parent: billing.To(int64(10)), Currency: billing.To("USD"), Plan: billing.To(int64(1)),
		NextBillingAt: billing.To(first), AnchorDay: billing.To(int64(31)),
	}); err != nil {
		return err
	}
	if err := im.Card(billing.CardLine{ID: 1, Owner: billing.Account(100), Token: billing.To(billing.Secret("tok_ok")), Primary: billing.To(true)}); err != nil {
		return err
	}
	return im.LowBalance(billing.SetLowBalanceParams{Owner: billing.Account(100), BRChargeCard: billing.To(true)})
}

func checkNights(t *testing.T, e *billing.Engine, ctx context.Context, gateway *sandbox.Gateway, days int) {
	runs, err := e.Runs(ctx, billing.JobBilling, 0, 10000)
	ok(t, err)
	seen := map[string]int{}
	for _, r := range runs {
		if r.Key != "" {
			seen[r.Key]++
		}
		if r.FinishedAt.IsZero() {
			t.Errorf("run %s did not finish", r.Key)
		}
	}
	// The bubble begins on the evening of 31 December in New York.
	for i := 1; i < days; i++ {
		date := time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i).Format(time.DateOnly)
		if seen[date] != 1 {
			t.Errorf("the night of %s ran %d times", date, seen[date])
		}
	}
	wrong, err := e.Verify(ctx, 10)
	ok(t, err)
	if len(wrong) > 0 {
		t.Errorf("verify: %v", wrong)
	}
	charges, err := e.Charges(ctx, billing.ChargeFilter{Limit: 100})
	ok(t, err)
	periods := map[string]int{}
	for _, c := range charges {
		if c.Charge.State == billing.ChargeSucceeded {
			periods[c.Charge.Period]++
		}
	}
	for _, date := range []string{"2000-01-31", "2000-02-29", "2000-03-31", "2000-04-30", "2000-05-31", "2000-06-30", "2000-07-31", "2000-08-31", "2000-09-30", "2000-10-31"} {
		if periods[date] != 1 {
			t.Errorf("period %s was charged %d times", date, periods[date])
		}
	}
	if n := len(gateway.Captures()); n != 10 || len(charges) != 10 {
		t.Errorf("%d captures, %d charges, want 10", n, len(charges))
	}
}

// open is a Sealer for a test that keeps no secret.
type open struct{}

func (open) Seal(s billing.Secret, _ string) ([]byte, error) { return []byte(s.Reveal()), nil }
func (open) Open(b []byte, _ string) (billing.Secret, error) { return billing.Secret(b), nil }

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
