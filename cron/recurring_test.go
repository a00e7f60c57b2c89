package cron_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/sandbox"
	"topupd/cron"
	"topupd/db"
	"topupd/db/dbtest"
)

// uptime is when servers run; between them there is nobody.
type uptime struct{ from, until time.Time }

// A year of recurring top-ups in New York, of each period, with two servers, outages of
// hours, days and weeks, through both changes of the clock: each period that begins while
// a server runs is executed once, at the next firing; of those that an outage swallowed the latest of
// each rule is made up, once.
func TestRecurringOfAYear(t *testing.T) {
	address := dbtest.Address(t)
	synctest.Test(t, func(t *testing.T) { recurringYear(t, address) })
}

func recurringYear(t *testing.T, address string) {
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
	// In the bubble it is the year 2000. 09:20 is a time that every day has.
	anchor := time.Date(2000, 1, 31, 9, 20, 0, 0, newYork)
	ok(t, e.Import(ctx, false, func(im *billing.Importer) error { return recurringBase(im, anchor) }))

	at := func(month time.Month, day, hour int) time.Time {
		return time.Date(2000, month, day, hour, 0, 0, 0, newYork)
	}
	up := []uptime{
		{time.Now(), at(2, 3, 8)}, {at(2, 3, 10), at(2, 14, 9)}, // hours, over a daily and a weekly period
		{at(2, 17, 12), at(4, 2, 1)}, {at(4, 2, 4), at(6, 29, 12)}, // days; the spring gap
		{at(7, 20, 12), at(10, 29, 0)}, {at(10, 29, 6), time.Now().AddDate(1, 0, 0)}, // weeks, over a month's end; the doubled hour
	}
	if testing.Short() || dbtest.Fewer() {
		up = up[:3] // the race detector needs no more of the same, nor does the second engine
	}
	for _, u := range up {
		time.Sleep(time.Until(u.from))
		life, stop := context.WithDeadline(ctx, u.until)
		done := make(chan error, 2)
		for range 2 {
			c, err := cron.New([]cron.Job{{
				Name: "recurring", Spec: "5 */2 * * *", Setting: "--schedule-recurring",
				Run: func(ctx context.Context, f cron.Firing) error {
					if err := e.Fire(ctx, billing.JobRecurring, f.Key); err != nil {
						return err
					}
					return e.Drain(context.WithoutCancel(ctx))
				},
			}}, cron.Options{Location: newYork})
			ok(t, err)
			go func() { done <- c.Run(life) }()
		}
		for range 2 {
			<-done
		}
		stop()
	}
	for account, period := range recurringPeriods {
		want := executions(period, anchor, up, newYork)
		var got []string
		ok(t, store.View(ctx, func(r billing.Reader) error {
			list, err := r.BalanceTopups(billing.BalanceTopupFilter{Owner: billing.Account(account)})
			slices.SortFunc(list, func(a, b billing.BalanceTopup) int { return a.CreatedAt.Compare(b.CreatedAt) })
			for i, b := range list {
				if b.State != billing.TopupCompleted {
					t.Errorf("%s: period %d is %s", period, b.Period, b.State)
				}
				if i == 0 && b.ID != b.Rule || i > 0 && b.Period <= list[i-1].Period {
					t.Errorf("%s: period %d follows another", period, b.Period)
				}
				got = append(got, b.SettledAt.In(newYork).Format(time.DateOnly))
			}
			return err
		}))
		if !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %v\nwant %v", period, got, want)
		}
	}
	wrong, err := e.Verify(ctx, 10)
	ok(t, err)
	if len(wrong) > 0 {
		t.Errorf("verify: %v", wrong)
	}
}

var recurringPeriods = map[int64]billing.TopupPeriod{
	100: billing.TopupDaily, 101: billing.TopupWeekly, 102: billing.TopupFortnightly, 103: billing.TopupMonthly,
}

func recurringBase(im *billing.Importer, anchor time.Time) error {
	if err := im.Owner(billing.OwnerLine{Owner: billing.Customer(10), Currency: billing.To("USD")}); err != nil {
		return err
	}
	for account, period := range recurringPeriods {
		owner := billing.Account(account)
		if err := im.Owner(billing.OwnerLine{Owner: owner, Parent: billing.To(int64(10)), Currency: billing.To("USD")}); err != nil {
			return err
		}
		card := billing.CardLine{ID: billing.CardID(account), Owner: owner, Token: billing.To(billing.Secret("tok_ok")), Primary: billing.To(true)}
		if err := im.Card(card); err != nil {
			return err
		}
		err := im.TopupRule(billing.TopupRuleLine{
			ID: billing.TopupID(account), Owner: owner, Amount: billing.To(int64(2 * billing.Micro)), Currency: billing.To("USD"),
			Period: billing.To(string(period)), Anchor: billing.To(anchor),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// executions are the dates on which a rule is to be executed, told in another way than the
// engine counts: by the calendar's own words, from one period to the next.
func executions(period billing.TopupPeriod, anchor time.Time, up []uptime, loc *time.Location) (dates []string) {
	end := up[len(up)-1].until
	waiting := false
	next := 0
	for at := anchor; at.Before(end); {
		// Firings are at five past every second hour.
		fires := at.Truncate(time.Hour).Add(5 * time.Minute)
		for fires.Before(at) || fires.In(loc).Hour()%2 != 0 {
			fires = fires.Add(time.Hour)
		}
		for !up[next].until.After(fires) {
			next++
			waiting = false
		}
		switch {
		case !up[next].from.After(fires):
			dates = append(dates, fires.In(loc).Format(time.DateOnly))
		case !waiting: // made up when the servers are back, whatever else was missed
			waiting = true
			dates = append(dates, up[next].from.In(loc).Format(time.DateOnly))
		}
		n := 1
		switch period {
		case billing.TopupWeekly:
			n = 7
		case billing.TopupFortnightly:
			n = 14
		case billing.TopupMonthly:
			y, m, _ := at.In(loc).Date()
			last := time.Date(y, m+2, 0, 0, 0, 0, 0, loc).Day() // of the month that follows
			at = time.Date(y, m+1, last, anchor.Hour(), anchor.Minute(), 0, 0, loc)
			continue
		}
		y, m, d := at.In(loc).Date()
		at = time.Date(y, m, d+n, anchor.Hour(), anchor.Minute(), 0, 0, loc)
	}
	return dates
}
