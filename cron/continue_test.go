package cron_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/sandbox"
	"topupd/cron"
	"topupd/db"
)

// A server dies in the middle of a firing. Another, which runs all the while, goes on with
// it at the first minute after the lease is over.
func TestRunOfServerThatDiedIsContinued(t *testing.T) {
	path := filepath.Join(t.TempDir(), "servers.db")
	synctest.Test(t, func(t *testing.T) {
		store, err := db.Open(t.Context(), path, db.Options{Migrate: true, NoSync: true})
		ok(t, err)
		defer store.Close()
		e := billing.New(billing.Config{Store: store, Gateways: []billing.Gateway{sandbox.New()}, Sealer: open{}, Settings: billing.DefaultSettings()})
		ctx := billing.WithActor(t.Context(), billing.Actor{Customer: billing.Root, API: "job"})

		due := time.Now().UTC().Truncate(time.Hour).Add(15 * time.Minute)
		time.Sleep(time.Until(due.Add(-time.Second)))
		died := billing.Run{
			Job: billing.JobLowBalance, Key: due.Format("2006-01-02T15:04Z"), Trigger: "schedule", StartedAt: due, LeaseUntil: due.Add(2 * time.Minute),
		}
		ok(t, store.Update(ctx, func(tx billing.Tx) error { return tx.CreateRun(&died) }))

		c, err := cron.New([]cron.Job{{
			Name: "low-balance", Spec: "*/15 * * * *", Setting: "--schedule-low-balance",
			Run: func(ctx context.Context, f cron.Firing) error { return e.Fire(ctx, billing.JobLowBalance, f.Key) },
		}}, cron.Options{})
		ok(t, err)
		life, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- c.Run(life) }()
		finished := func() time.Time {
			var run billing.Run
			ok(t, store.View(ctx, func(r billing.Reader) (err error) {
				run, err = r.Run(died.ID)
				return err
			}))
			return run.FinishedAt
		}
		time.Sleep(time.Until(due.Add(119 * time.Second)))
		if at := finished(); !at.IsZero() {
			t.Errorf("it was taken over at %s, under its lease", at)
		}
		time.Sleep(2 * time.Minute)
		if finished().IsZero() {
			t.Error("four minutes after its server died nobody goes on with the run")
		}
		stop()
		ok(t, <-done)
	})
}
