package db_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"topupd/billing"
	"topupd/db"
	"topupd/db/dbtest"
)

// look reads one balance, as a request does.
func look(s *db.Store, o billing.OwnerID) error {
	return s.View(context.Background(), func(r billing.Reader) error {
		_, err := r.Bucket(o, "USD")
		return err
	})
}

// A PostgreSQL that stands still, or from which nothing arrives: who reads and who writes
// is told in bounded time, and all goes on by itself.
func TestPostgresFrozen(t *testing.T) {
	server := dbtest.OwnServer(t)
	proxy := dbtest.NewProxy(t, server.Socket())
	for name, outage := range map[string]struct {
		address    string
		begin, end func()
	}{
		"stopped":   {server.Address(), server.Freeze, server.Thaw},
		"swallowed": {proxy.Address("postgres"), proxy.Silent, proxy.Mend},
	} {
		t.Run(name, func(t *testing.T) {
			s := opened(t, outage.address, db.Options{BusyTimeout: 500 * time.Millisecond})
			owners := accounts(t, s, 4)
			before := balancesOf(t, s, owners)
			if err := debit(s, owners[0], name); err != nil {
				t.Fatal(err)
			}
			outage.begin()
			var wg sync.WaitGroup
			for what, call := range map[string]func() error{
				"a look":       func() error { return look(s, owners[0]) },
				"another look": func() error { return look(s, owners[1]) },
				"a debit":      func() error { return debit(s, owners[1], name+" lost") },
				"readiness": func() error {
					ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
					defer cancel()
					return s.Ping(ctx)
				},
			} {
				wg.Go(func() {
					start := time.Now()
					answered := make(chan error, 1)
					go func() { answered <- call() }()
					select {
					case err := <-answered:
						if billing.ErrorCode(err) != billing.Busy {
							t.Errorf("%s is answered %v", what, err)
						}
						t.Logf("%s was answered after %v: %v", what, time.Since(start), err)
					case <-time.After(8 * time.Second):
						t.Errorf("%s is not answered", what)
					}
				})
			}
			wg.Wait()
			outage.end()
			var err error
			for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
				if err = s.Ping(context.Background()); err == nil {
					err = debit(s, owners[2], name+" again")
				}
				if err == nil {
					break
				}
			}
			if err != nil {
				t.Errorf("it is over: %v", err)
			}
			if sum := before - balancesOf(t, s, owners); sum != 2 {
				t.Errorf("2 were acknowledged, %d are booked", sum)
			}
		})
	}
}

// A statement may take longer than a caller waits for a lock: whoever reads a report is
// not cut off as long as PostgreSQL is there.
func TestPostgresLongReadIsNotCut(t *testing.T) {
	address := dbtest.Postgres(t)
	s := opened(t, address+"&lock_timeout=0", db.Options{BusyTimeout: 500 * time.Millisecond})
	owners := accounts(t, s, 1)
	if err := debit(s, owners[0], "bucket"); err != nil {
		t.Fatal(err)
	}
	held, err := dbtest.Raw(t, address).Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	for _, text := range []string{"BEGIN", "LOCK TABLE buckets IN ACCESS EXCLUSIVE MODE"} {
		if _, err := held.ExecContext(context.Background(), text); err != nil {
			t.Fatal(err)
		}
	}
	go func() {
		time.Sleep(3 * time.Second)
		_, _ = held.ExecContext(context.Background(), "ROLLBACK")
	}()
	start := time.Now()
	if err := look(s, owners[0]); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took < 2*time.Second {
		t.Errorf("it took only %v", took)
	}
}

// Readers that all connections are taken by are no PostgreSQL that cannot be reached.
func TestPostgresReadersAreAllAtWork(t *testing.T) {
	s := opened(t, dbtest.Postgres(t)+"&pool_max_conns=6", db.Options{BusyTimeout: time.Second})
	var reading sync.WaitGroup
	begun, end := make(chan struct{}), make(chan struct{})
	for range 3 {
		reading.Go(func() {
			err := s.View(context.Background(), func(billing.Reader) error {
				begun <- struct{}{}
				<-end
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	for range 3 {
		<-begun
	}
	err := look(s, billing.Account(1))
	if billing.ErrorCode(err) != billing.Busy || strings.Contains(err.Error(), "reached") {
		t.Errorf("the answer is %v", err)
	}
	close(end)
	reading.Wait()
	if err := look(s, billing.Account(1)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
