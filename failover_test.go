package main

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"topupd/db"
	"topupd/db/dbtest"
)

// The primary dies under load and its standby is made the primary: all goes on there by
// itself, with everything that was acknowledged, and nothing twice.
func TestFailOver(t *testing.T) {
	t.Parallel()
	primary := dbtest.OwnServer(t)
	standby := primary.Standby()
	hosts := dbtest.NewProxy(t, primary.Socket()).Host() + "," + dbtest.NewProxy(t, standby.Socket()).Host()
	database := "postgres://postgres@" + hosts + "/postgres?sslmode=disable&target_session_attrs=read-write"
	o := startOutage(t, database)
	// Two more servers, of whom one tells the other.
	telling, hearing := listeners(t, database)
	o.more(100)
	primary.Kill()
	o.until(20*time.Second, "readyz to say no", func() bool { return o.ready() == http.StatusServiceUnavailable })
	standby.Promote()
	o.until(60*time.Second, "readyz to say yes", func() bool { return o.ready() == http.StatusOK })
	o.more(100)
	o.until(20*time.Second, "a word from another server", func() bool {
		telling.Tell("after")
		return hearing.Load() > 0
	})
	o.settle(standby)
}

// listeners are two servers on a database; the counter is how often the second heard
// "after" from the first.
func listeners(t *testing.T, database string) (telling *db.Store, heard *atomic.Int64) {
	t.Helper()
	var stores [2]*db.Store
	for i := range stores {
		var err error
		if stores[i], err = db.Open(t.Context(), database, db.Options{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = stores[i].Close() })
	}
	heard = new(atomic.Int64)
	ctx, cancel := context.WithCancel(context.Background())
	var listening sync.WaitGroup
	listening.Go(func() {
		stores[1].Hear(ctx, func(topic string) {
			if topic == "after" {
				heard.Add(1)
			}
		})
	})
	t.Cleanup(func() { cancel(); listening.Wait() })
	return stores[0], heard
}
