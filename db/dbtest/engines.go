package dbtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"topupd/db"
)

// engineVariable names the one engine to test: sqlite or postgres.
const engineVariable = "TOPUPD_TEST_ENGINE"

var (
	// onPostgres is the engine that a test finds.
	onPostgres bool
	// opened are the tests that asked for a database.
	opened = map[string]bool{}
	mu     sync.Mutex // of opened
)

// Address is an empty database of the current schema, the test's own: a SQLite file, or
// in the second run of the tests (Engines) a database of PostgreSQL.
func Address(t testing.TB) string {
	t.Helper()
	name, _, _ := strings.Cut(t.Name(), "/")
	mu.Lock()
	opened[name] = true
	mu.Unlock()
	// What Run read before the tests began is not known to go test, which would show a
	// result of other engines again.
	for _, variable := range []string{engineVariable, serverVariable, "CI"} {
		os.Getenv(variable)
	}
	if onPostgres {
		return Postgres(t)
	}
	return File(t)
}

// SQLiteOnly ends a test that is about SQLite: why says what PostgreSQL has
// not, or need not.
func SQLiteOnly(t testing.TB, why string) {
	t.Helper()
	if onPostgres {
		t.Skip("SQLite only: " + why)
	}
}

// Options are those of a store under test: it does not wait for the disk, and holds
// functions to the owners that they declare.
func Options() db.Options { return db.Options{NoSync: true, Strict: true} }

// Open opens an empty store, which ends with the test.
func Open(t testing.TB) *db.Store {
	t.Helper()
	s, err := db.Open(context.Background(), Address(t), Options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Engines is the tests of a package on every engine: all on SQLite, then those that
// opened a database (Address) once more on PostgreSQL. For TestMain.
type Engines struct{ M interface{ Run() int } }

// Run runs the tests and returns what the process exits with.
func (e Engines) Run() int {
	if !flag.Parsed() {
		flag.Parse()
	}
	switch one := os.Getenv(engineVariable); one {
	case "postgres":
		onPostgres = true
		asked := map[string]bool{}
		flag.Visit(func(f *flag.Flag) { asked[f.Name] = true })
		thin(asked)
		return Emptying(e.M.Run)
	case "":
	default:
		return e.M.Run()
	}
	code := e.M.Run()
	if !again() {
		return code
	}
	fmt.Println("=== PostgreSQL (" + engineVariable + "=postgres for it alone)")
	if _, err := server(); errors.Is(err, errNoPostgres) && os.Getenv("CI") != "true" {
		fmt.Println("skipped:", err)
		return code
	}
	onPostgres = true
	thin(nil)
	return max(code, Emptying(e.M.Run))
}

// thin has random tests make a tenth of what they make on SQLite: what they look for is
// found there, and PostgreSQL takes ten times as long for a transaction. The flags that
// were asked for stay.
func thin(asked map[string]bool) {
	for _, name := range []string{"rapid.checks", "seeds", "contract.runs"} {
		f := flag.Lookup(name)
		if f == nil || asked[name] {
			continue
		}
		if n, err := strconv.Atoi(f.Value.String()); err == nil {
			_ = f.Value.Set(strconv.Itoa(max(1, n/10)))
		}
	}
}

// Fewer reports whether an exhaustive test tries one point in many: on PostgreSQL, for the
// same reason.
func Fewer() bool { return onPostgres }

// again has the flags ask for those tests that opened a database, and no others. It is
// false when there are none.
func again() bool {
	for _, other := range []string{"test.list", "test.fuzz", "test.bench"} {
		if flag.Lookup(other).Value.String() != "" {
			return false
		}
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(opened)) {
		if strings.HasPrefix(name, "Test") {
			names = append(names, regexp.QuoteMeta(name))
		}
	}
	if len(names) == 0 {
		return false
	}
	// A pattern of subtests already asks for few.
	if asked := flag.Lookup("test.run"); !strings.Contains(asked.Value.String(), "/") {
		_ = asked.Value.Set("^(" + strings.Join(names, "|") + ")$")
	}
	// What was just written is compared.
	if update := flag.Lookup("update"); update != nil {
		_ = update.Value.Set("false")
	}
	return true
}
