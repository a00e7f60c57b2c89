package dbtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"topupd/billing"
	"topupd/db"
	"topupd/testdata/need"
)

// Postgres is the address of an empty PostgreSQL database of the current schema, the
// test's own, which is dropped after it. All have one instance name.
func Postgres(t testing.TB) string {
	t.Helper()
	address, err := server()
	if errors.Is(err, errNoPostgres) {
		need.Missing(t, err.Error())
	}
	if err == nil {
		err = template()
	}
	if err != nil {
		t.Fatal(err)
	}
	name := "topupd_test_" + strings.ToLower(rand.Text())
	err = onServer(address, func(c *pgx.Conn) error {
		// Nobody is connected to the template while it is copied.
		if _, err := c.Exec(context.Background(), `SELECT pg_advisory_lock_shared($1)`, templateLock); err != nil {
			return err
		}
		_, err := c.Exec(context.Background(), `CREATE DATABASE `+name+` TEMPLATE `+templateName)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := onServer(address, func(c *pgx.Conn) error {
			_, err := c.Exec(context.Background(), `DROP DATABASE `+name+` WITH (FORCE)`)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	return addressOf(address, name)
}

// templateName is the database that the tests' are copies of. Several test binaries may
// share a server: who looks after it holds templateLock alone.
const (
	templateName = "topupd_test"
	templateLock = int64(0x746f70757064)
)

// template brings the template to this program's schema, once.
var template = sync.OnceValue(func() error {
	address, err := server()
	if err != nil {
		return err
	}
	return onServer(address, func(c *pgx.Conn) error {
		ctx := context.Background()
		if _, err := c.Exec(ctx, `SELECT pg_advisory_lock($1)`, templateLock); err != nil {
			return err
		}
		var made bool
		if err := c.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`, templateName).Scan(&made); err != nil {
			return err
		}
		if made {
			err := migrate(address)
			if billing.ErrorCode(err) != billing.Conflict {
				return err
			}
			// Another program's, or made with other migrations.
			if _, err := c.Exec(ctx, `DROP DATABASE `+templateName+` WITH (FORCE)`); err != nil {
				return err
			}
		}
		// An order of words that is not that of bytes shows a column that forgot its own.
		_, err := c.Exec(ctx, `CREATE DATABASE `+templateName+` TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'`)
		if err != nil {
			return err
		}
		return migrate(address)
	})
})

func migrate(address string) error {
	s, err := db.Open(context.Background(), addressOf(address, templateName), db.Options{Migrate: true})
	if err != nil {
		return err
	}
	return s.Close()
}

// onServer runs fn on a connection of its own: one that is kept would belong to the
// simulated clock of the test that made it.
func onServer(address string, fn func(*pgx.Conn) error) error {
	c, err := pgx.Connect(context.Background(), address)
	if err != nil {
		return err
	}
	return errors.Join(fn(c), c.Close(context.Background()))
}

// addressOf is the address of another database on the same server, with few connections,
// which live as long as their pool, however far a simulated clock runs.
func addressOf(address, name string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic(fmt.Errorf("%s: %w", serverVariable, err))
	}
	u.Path = "/" + name
	q := u.Query()
	q.Set("pool_max_conns", "9")
	for _, ever := range []string{"pool_max_conn_lifetime", "pool_max_conn_idle_time", "pool_health_check_period"} {
		q.Set(ever, "876000h")
	}
	u.RawQuery = q.Encode()
	return u.String()
}
