package billing_test

import (
	"context"
	"testing"
	"time"

	"topupd/billing"
)

// TestWeeklyPeriodHeldMissedNone: of a weekly rule with missed-periods none, a period that a
// block or a hold keeps for a day is passed over, is told as missed once, and does not
// count; one that is free within its day is executed.
func TestWeeklyPeriodHeldMissedNone(t *testing.T) {
	const day = 24 * time.Hour
	account := billing.Account(100)
	holds := map[string]struct {
		set func(*kit, time.Time, bool)
		why billing.Reason
	}{
		"blocked": {(*kit).block, billing.ReasonBlocked},
		"held": {func(k *kit, at time.Time, on bool) {
			k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error {
				_, err := tx.SetHeld(account, on, at)
				return err
			}))
		}, billing.ReasonHeld},
	}
	done, gone := billing.TopupCompleted, billing.TopupCancelled
	for name, hold := range holds {
		for _, c := range []struct {
			name         string
			after, until time.Duration // of the start of period 1
			made         bool          // the charge was made before
			executed     []billing.TopupState
			missed       int // decisions
			ends         []billing.TopupState
		}{
			{"free within the day", -time.Hour, 23 * time.Hour, false, []billing.TopupState{done, done}, 0, []billing.TopupState{done, done, done}},
			{"free after the day", -time.Hour, 3 * day, false, []billing.TopupState{done}, 1, []billing.TopupState{done, done, done}},
			{"over two periods", -time.Hour, 9 * day, false, []billing.TopupState{done}, 2, []billing.TopupState{done, done, done}},
			{"its charge waits, free within the day", time.Minute, 23 * time.Hour, true, []billing.TopupState{done, done}, 0, []billing.TopupState{done, done, done}},
			{"its charge waits, free after the day", time.Minute, 3 * day, true, []billing.TopupState{done, gone}, 0, []billing.TopupState{done, gone, done, done}},
		} {
			t.Run(name+", "+c.name, func(t *testing.T) {
				k := newKit(t, func(cfg *billing.Config) {
					cfg.Settings.MissedPeriods, cfg.Settings.PaymentWait = billing.MissedNone, 0
				})
				k.seed("tok_ok")
				periods := int64(3)
				_, err := k.engine.CreateBalanceTopup(root(t0), billing.CreateBalanceTopupParams{
					Owner: account, Amount: 10 * usd, Currency: "USD", Rule: &billing.NewTopupRule{Period: billing.TopupWeekly, Periods: &periods},
				})
				k.ok(err)
				k.drain(t0)
				start := t0.Add(7 * day)
				if c.made {
					_, _, err := k.engine.RunRecurring(root(start), billing.RunParams{Trigger: "command"})
					k.ok(err)
				}
				hold.set(k, start.Add(c.after), true)
				for at := time.Duration(0); at < c.until; at += 6 * time.Hour {
					k.later(start.Add(at + time.Minute))
					k.recurring(start.Add(at + time.Minute))
				}
				hold.set(k, start.Add(c.until), false)
				k.later(start.Add(c.until))
				k.recurring(start.Add(c.until))
				k.recurring(start.Add(c.until + time.Hour))
				k.wantExecutions("free again", c.executed...)
				told := map[billing.Reason]int{}
				list, err := k.engine.Why(root(t0), account, 0, 1000)
				k.ok(err)
				for _, d := range list {
					if d.Purpose == billing.PurposeRecurring {
						told[d.Reason]++
					}
				}
				kept := max(1, c.missed) // once for each period
				if told[billing.ReasonMissedPeriod] != c.missed || told[hold.why] != kept {
					t.Errorf("%d decisions say that a period was missed, %d that it is %s; want %d, %d", told[billing.ReasonMissedPeriod], told[hold.why], hold.why, c.missed, kept)
				}
				if r := k.rule(); r.Reason != "" {
					t.Errorf("period %d, which has not started, waits: %s", r.Next, r.Reason)
				}
				// What was missed does not count: the weeks after make up the number.
				for week := range 5 {
					k.recurring(start.Add(time.Duration(week+1) * 7 * day).Add(time.Minute))
				}
				k.wantExecutions("at the end", c.ends...)
				if r := k.rule(); r.Done != 3 || r.State != billing.RuleFinished {
					t.Errorf("%d are done, %s", r.Done, r.State)
				}
				k.wantBalance(50 * usd)
				k.verify()
			})
		}
	}
}
