package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"topupd/billing"
	"topupd/db"
	"topupd/db/dbtest"
)

// A deadlock is resolved by running the whole transaction again, also where it runs
// carefully and the statement that lost has a savepoint of its own.
func TestPostgresDeadlockIsRunAgain(t *testing.T) {
	for name, careful := range map[string]bool{"quick": false, "careful": true} {
		t.Run(name, func(t *testing.T) {
			address := dbtest.Postgres(t)
			s := opened(t, address+"&deadlock_timeout=20ms", db.Options{}) // who looks first loses
			owners := accounts(t, s, 1)
			if err := debit(s, owners[0], "bucket"); err != nil {
				t.Fatal(err)
			}
			raw := dbtest.Raw(t, address)
			other, err := raw.Conn(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			var met atomic.Int32
			over := make(chan error, 1)
			err = s.UpdateOwners(context.Background(), owners, func(tx billing.Tx) error {
				if careful {
					if err := tx.Post(posting(owners[0], "bucket", -1, time.Now())); err == nil || billing.ErrorCode(err) != billing.Exists {
						return err // quick: the rule has it run again
					}
				}
				if met.Add(1) == 1 {
					if err := standInTheWay(raw, other, owners[0], over); err != nil {
						return err
					}
				}
				return tx.Post(posting(owners[0], "debit", -1, time.Now()))
			})
			if err != nil {
				t.Errorf("a change that met a deadlock is answered %v", err)
			}
			if err := <-over; err != nil {
				t.Errorf("the other transaction: %v", err)
			}
			if n := met.Load(); n < 2 {
				t.Errorf("it ran %d times: there was no deadlock", n)
			}
			if sum := balancesOf(t, s, owners); sum != -2 {
				t.Errorf("the balance is %d, not -2", sum)
			}
		})
	}
}

// standInTheWay has another transaction hold the owner's bucket and wait for the owner,
// whom the caller holds; over is sent to when that transaction has ended.
func standInTheWay(watch *sql.DB, other *sql.Conn, o billing.OwnerID, over chan<- error) error {
	ctx := context.Background()
	var pid int
	if err := other.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		return err
	}
	for _, text := range []string{"BEGIN", "SET LOCAL deadlock_timeout = '1min'", fmt.Sprintf("SELECT 1 FROM buckets WHERE owner_id = %d FOR UPDATE", o)} {
		if _, err := other.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	go func() {
		_, err := other.ExecContext(ctx, fmt.Sprintf("SELECT 1 FROM owners WHERE id = %d FOR UPDATE", o))
		if _, cerr := other.ExecContext(ctx, "COMMIT"); err == nil {
			err = cerr
		}
		over <- err
	}()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var stands bool
		if err := watch.QueryRow("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND pid = $1", pid).Scan(&stands); err != nil || stands {
			return err
		}
	}
	return errors.New("the other transaction does not wait")
}

// So is one that PostgreSQL refuses to serialize, at a statement or at the COMMIT.
func TestPostgresSerializationFailureIsRunAgain(t *testing.T) {
	for name, c := range map[string]struct {
		trigger string
		careful bool
	}{
		"at a statement":            {trigger: `CREATE TRIGGER refuses BEFORE INSERT ON postings`},
		"at a statement, carefully": {trigger: `CREATE TRIGGER refuses BEFORE INSERT ON postings`, careful: true},
		"at the commit":             {trigger: `CREATE CONSTRAINT TRIGGER refuses AFTER INSERT ON postings DEFERRABLE INITIALLY DEFERRED`},
	} {
		t.Run(name, func(t *testing.T) {
			address := dbtest.Postgres(t)
			s := opened(t, address, db.Options{})
			owners := accounts(t, s, 1)
			if err := debit(s, owners[0], "bucket"); err != nil {
				t.Fatal(err)
			}
			raw := dbtest.Raw(t, address)
			// A sequence counts also what is undone.
			for _, text := range []string{
				`CREATE SEQUENCE refusals`,
				`CREATE FUNCTION not_now() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
					IF nextval('refusals') <= 3 THEN RAISE EXCEPTION 'not now' USING ERRCODE = '40001'; END IF;
					RETURN NEW;
				END $$`,
				c.trigger + ` FOR EACH ROW WHEN (NEW.cause = 'debit') EXECUTE FUNCTION not_now()`,
			} {
				if _, err := raw.Exec(text); err != nil {
					t.Fatal(err)
				}
			}
			err := s.UpdateOwners(context.Background(), owners, func(tx billing.Tx) error {
				if c.careful {
					if err := tx.Post(posting(owners[0], "bucket", -1, time.Now())); billing.ErrorCode(err) != billing.Exists {
						return err
					}
				}
				return tx.Post(posting(owners[0], "debit", -1, time.Now()))
			})
			if err != nil {
				t.Errorf("a change that could not be serialized is answered %v", err)
			}
			var refusals int64
			if err := raw.QueryRow(`SELECT last_value FROM refusals`).Scan(&refusals); err != nil || refusals != 4 {
				t.Errorf("it was tried %d times: %v", refusals, err)
			}
			if sum := balancesOf(t, s, owners); sum != -2 {
				t.Errorf("the balance is %d, not -2", sum)
			}
		})
	}
}
