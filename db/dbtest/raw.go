package dbtest

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"

	// database/sql's names for the drivers.
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// Raw opens a test's database behind the store's back, over database/sql; it ends with
// the test. Its rules are in force, and its text is SQL of both engines: $n.
func Raw(t testing.TB, address string) *sql.DB {
	t.Helper()
	driver, dsn := "sqlite", "file:"+address+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(ON)"
	if strings.HasPrefix(address, "postgres://") {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		databases.Lock()
		databases.spoilt[strings.TrimPrefix(u.Path, "/")] = true
		databases.Unlock()
		q := u.Query()
		for name := range q {
			if strings.HasPrefix(name, "pool_") {
				q.Del(name)
			}
		}
		u.RawQuery = q.Encode()
		driver, dsn = "pgx", u.String()
	}
	raw, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	return raw
}
