package db_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"topupd/billing"
	"topupd/db"
	"topupd/db/dbtest"
)

// A function that goes beyond the owners that it declared is done once all the same, and
// counted; one that stays within them is not. What it swallows does not hide it.
func TestBeyondDeclaredOwners(t *testing.T) {
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	changes := []struct {
		name   string
		beyond bool
		do     func(tx billing.Tx, alice, bob billing.OwnerID) error
	}{
		{"its posting", false, func(tx billing.Tx, alice, _ billing.OwnerID) error { return tx.Post(posting(alice, "own", 5, at)) }},
		{"its block", false, func(tx billing.Tx, alice, _ billing.OwnerID) error { return tx.SetBlocked(alice, 0, at) }},
		{"an audit row", false, func(tx billing.Tx, alice, _ billing.OwnerID) error {
			return tx.AddAudit(&billing.AuditRow{At: at, Top: billing.Customer(10), Action: billing.AuditUpdate, Resource: "a:b=1"})
		}},
		{"the pace", false, func(tx billing.Tx, _, _ billing.OwnerID) error {
			p, err := tx.LockPace("hook")
			if err != nil {
				return err
			}
			return tx.SetPace(&p)
		}},
		{"another's posting", true, func(tx billing.Tx, _, bob billing.OwnerID) error { return tx.Post(posting(bob, "other", 5, at)) }},
		{"both, the other last", true, func(tx billing.Tx, alice, bob billing.OwnerID) error {
			if err := tx.Post(posting(alice, "first", 5, at)); err != nil {
				return err
			}
			return tx.Post(posting(bob, "second", 5, at))
		}},
		{"swallowed", true, func(tx billing.Tx, alice, bob billing.OwnerID) error {
			_ = tx.SetBlocked(bob, 0, at)
			return tx.Post(posting(alice, "swallowed", 5, at))
		}},
		{"in words of its own", true, func(tx billing.Tx, alice, bob billing.OwnerID) error {
			if err := tx.SetBlocked(bob, 0, at); err != nil {
				return errors.New("bob cannot be unblocked")
			}
			return nil
		}},
		{"a part", true, func(tx billing.Tx, alice, bob billing.OwnerID) error {
			return tx.Part(func() error { return tx.Post(posting(bob, "part", 5, at)) })
		}},
		{"its customer's block", true, func(tx billing.Tx, _, _ billing.OwnerID) error { return tx.SetBlocked(billing.Customer(10), 0, at) }},
		{"a plan", true, func(tx billing.Tx, _, _ billing.OwnerID) error {
			return tx.PutPlan(&billing.Plan{Name: "p", Currency: "USD", Cycle: billing.CycleMonthly, OnFailure: billing.FailBlock})
		}},
		{"a new card", true, func(tx billing.Tx, alice, _ billing.OwnerID) error {
			return tx.PutCard(&billing.Card{Owner: alice, Gateway: "sandbox", State: billing.CardUsable, CreatedAt: at, UpdatedAt: at})
		}},
		{"old rows", true, func(tx billing.Tx, _, _ billing.OwnerID) error {
			_, err := tx.DropAudit(at.AddDate(-1, 0, 0), 1)
			return err
		}},
	}
	for name, address := range map[string]func(testing.TB) string{"SQLite": dbtest.File, "PostgreSQL": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			s := opened(t, address(t), db.Options{NoSync: true, Strict: true})
			owners := accounts(t, s, 2)
			var want int64
			for _, c := range changes {
				begun, runs := s.Beyond(), 0
				err := s.UpdateOwners(context.Background(), owners[:1], func(tx billing.Tx) error {
					runs++
					return c.do(tx, owners[0], owners[1])
				})
				if err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
				if n := s.Beyond() - begun; (n == 1) != c.beyond || n > 1 {
					t.Errorf("%s: counted %d times", c.name, n)
				}
				if c.beyond && runs < 2 {
					t.Errorf("%s: it was not run again", c.name)
				}
			}
			for _, cause := range []string{"own", "other", "first", "second", "swallowed", "part"} {
				err := s.View(context.Background(), func(r billing.Reader) error {
					_, err := r.PostingByCause(cause)
					return err
				})
				if err != nil {
					t.Errorf("the posting %q: %v", cause, err)
				}
				want += 5
			}
			if got := balancesOf(t, s, owners); got != want {
				t.Errorf("the balances are %d, want %d: each is booked once", got, want)
			}
		})
	}
}

// What a transaction of declared owners may change are tables: a name that is none would
// send everything that changes the true one to run alone.
func TestOwnersTablesAreTables(t *testing.T) {
	raw := dbtest.Raw(t, dbtest.File(t))
	for table := range db.OwnersTables {
		if _, err := raw.Exec(`SELECT 1 FROM ` + table + ` LIMIT 1`); err != nil {
			t.Errorf("%s: %v", table, err)
		}
	}
}
