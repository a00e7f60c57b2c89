package dbtest

import (
	"bytes"
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	// database/sql's names for the drivers.
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// Raw opens a test's database behind the store's back, over database/sql; it ends with
// the test. The rules of the schema are in force.
func Raw(t testing.TB, address string) *sql.DB {
	t.Helper()
	driver, dsn := "sqlite", "file:"+address+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(ON)"
	if name := postgresName(address); name != "" {
		databases.Lock()
		databases.spoilt[name] = true
		databases.Unlock()
		driver, dsn = "pgx", withoutPool(address)
	}
	raw, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	return raw
}

// Contents is all that a database keeps, as it keeps it: to look for what must not be there.
func Contents(t testing.TB, address string) []byte {
	t.Helper()
	var all bytes.Buffer
	name := postgresName(address)
	if name == "" {
		files, err := filepath.Glob(address + "*")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
		return all.Bytes()
	}
	err := connected(name, func(c *pgx.Conn) error {
		tables, err := tablesOf(c)
		for _, table := range tables {
			if _, err := c.PgConn().CopyTo(context.Background(), &all, "COPY "+table+" TO STDOUT (FORMAT binary)"); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.Bytes()
}

// postgresName is the database of an address of PostgreSQL, else "".
func postgresName(address string) string {
	if !strings.HasPrefix(address, "postgres://") {
		return ""
	}
	u, err := url.Parse(address)
	if err != nil {
		panic(err) // it is ours
	}
	return strings.TrimPrefix(u.Path, "/")
}

// withoutPool leaves out what only a pool of connections understands.
func withoutPool(address string) string {
	before, query, _ := strings.Cut(address, "?")
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		if !strings.HasPrefix(part, "pool_") {
			kept = append(kept, part)
		}
	}
	return before + "?" + strings.Join(kept, "&")
}
