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

// copyTemplate makes a database and returns its name.
func copyTemplate(t testing.TB) string {
	t.Helper()
	_, err := server()
	if errors.Is(err, errNoPostgres) {
		need.Missing(t, err.Error())
	}
	if err == nil {
		err = template()
	}
	if err != nil {
		t.Fatal(err)
	}
	name := templateName + "_" + strings.ToLower(rand.Text())
	err = connected("", func(c *pgx.Conn) error {
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
	return name
}

func drop(t testing.TB, name string) {
	t.Helper()
	err := connected("", func(c *pgx.Conn) error { return dropDatabase(c, name) })
	if err != nil {
		t.Error(err)
	}
}

func dropDatabase(c *pgx.Conn, name string) error {
	_, err := c.Exec(context.Background(), `DROP DATABASE `+name+` WITH (FORCE)`)
	return err
}

// templateName is the database that the tests' are copies of. Several test binaries may
// share a server: who looks after it holds templateLock alone.
const (
	templateName = "topupd_test"
	templateLock = int64(0x746f70757064)
)

// template brings the template to this program's schema, once.
var template = sync.OnceValue(func() error {
	return connected("", func(c *pgx.Conn) error {
		ctx := context.Background()
		if _, err := c.Exec(ctx, `SELECT pg_advisory_lock($1)`, templateLock); err != nil {
			return err
		}
		var made bool
		if err := c.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`, templateName).Scan(&made); err != nil {
			return err
		}
		if made {
			err := migrate()
			if billing.ErrorCode(err) != billing.Conflict {
				return err
			}
			// Made with other migrations.
			if err := dropDatabase(c, templateName); err != nil {
				return err
			}
		}
		// An order of words that is not that of bytes shows a column that forgot its own.
		_, err := c.Exec(ctx, `CREATE DATABASE `+templateName+` TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'`)
		if err != nil {
			return err
		}
		return migrate()
	})
})

func migrate() error {
	s, err := db.Open(context.Background(), addressOf(templateName), db.Options{Migrate: true})
	if err != nil {
		return err
	}
	return s.Close()
}

// connected runs fn on a connection of its own to a database, "" for the server's: one
// that is kept would belong to the simulated clock of the test that made it.
func connected(name string, fn func(*pgx.Conn) error) error {
	c, err := connect(name)
	if err != nil {
		return err
	}
	return errors.Join(fn(c), c.Close(context.Background()))
}

func connect(name string) (*pgx.Conn, error) {
	address, err := server()
	if err != nil {
		return nil, err
	}
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", serverVariable, err)
	}
	if name != "" {
		cfg.Database = name
	}
	return pgx.ConnectConfig(context.Background(), cfg)
}

// addressOf is the address of a database of the server, with few connections, which live
// as long as their pool, however far a simulated clock runs.
func addressOf(name string) string {
	address, _ := server()
	u, err := url.Parse(address)
	if err != nil {
		panic(err) // it was connected to
	}
	u.Path = "/" + name
	q := u.Query()
	q.Set("pool_max_conns", "9")
	q.Set("connect_timeout", "60") // a busy machine is no outage: tests of those have a server or a proxy of their own
	for _, ever := range []string{"pool_max_conn_lifetime", "pool_max_conn_idle_time", "pool_health_check_period"} {
		q.Set(ever, "876000h")
	}
	u.RawQuery = q.Encode()
	return u.String()
}
