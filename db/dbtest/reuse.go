package dbtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// mostUses is how many tests a database lives through: nobody cleans up after the rows
// that they deleted.
const mostUses = 50

// databases are those of PostgreSQL that tests have done with. To empty one costs a
// fraction of making it.
var databases = struct {
	sync.Mutex
	uses map[string]int
	// spoilt were changed behind the store's back; their schema may be another now.
	spoilt map[string]bool
}{uses: map[string]int{}, spoilt: map[string]bool{}}

// Those that come back are emptied while the next test runs, by a goroutine that no
// simulated clock holds up. Of used ones as many come out of free as went in; "" is one
// that is no more.
var (
	used = make(chan string, 1000)
	free = make(chan string, 1000)
	on   atomic.Int64 // their way from used to free
)

// Postgres is the address of an empty PostgreSQL database of the current schema, the
// test's own for its time. All have one instance name.
func Postgres(t testing.TB) string {
	t.Helper()
	name := another()
	if name == "" {
		name = copyTemplate(t)
	}
	t.Cleanup(func() {
		databases.Lock()
		databases.uses[name]++
		again := databases.uses[name] < mostUses && !databases.spoilt[name] && !t.Failed()
		databases.Unlock()
		if !again || !emptying.Load() {
			drop(t, name)
			return
		}
		used <- name
		on.Add(1)
	})
	return addressOf(name)
}

// another is a database that was used before; "" when there is none.
func another() string {
	for n := on.Load(); n > 0; n = on.Load() {
		if on.CompareAndSwap(n, n-1) {
			return <-free
		}
	}
	return ""
}

// emptying is whether somebody empties databases.
var emptying atomic.Bool

// Emptying lets databases of PostgreSQL go from test to test while run runs.
func Emptying(run func() int) int {
	emptying.Store(true)
	over := make(chan struct{})
	go func() {
		defer close(over)
		kept := map[string]*pgx.Conn{} // that know the schema
		for name := range used {
			c, err := clear(kept[name], name)
			if err != nil {
				fmt.Println("a database of a test could not be emptied:", err)
				name = ""
			} else {
				kept[name] = c
			}
			free <- name
		}
		for _, c := range kept {
			_ = c.Close(context.Background())
		}
	}()
	code := run()
	emptying.Store(false)
	close(used)
	<-over
	return code
}

// Exec runs a statement on rows of a PostgreSQL database behind the store's back. What
// changes the schema is for Raw, whose databases no other test gets.
func Exec(address, query string) error {
	return connected(postgresName(address), func(c *pgx.Conn) error {
		_, err := c.Exec(context.Background(), query)
		return err
	})
}

// clear makes a database what its template is, over a connection that it returns.
func clear(c *pgx.Conn, name string) (*pgx.Conn, error) {
	fill, err := filling()
	if err != nil {
		return c, err
	}
	if c == nil {
		if c, err = connect(name); err != nil {
			return nil, err
		}
	}
	_, err = c.PgConn().Exec(context.Background(), clearing+fill).ReadAll()
	return c, err
}

// clearing deletes every row, and what it numbered begins again. No trigger or foreign
// key is asked.
const clearing = `
SET session_replication_role = replica;
DO $$
DECLARE
    t regclass;
    has boolean;
BEGIN
    FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT LIKE 'goose%' LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s)', t) INTO has;
        IF has THEN
            EXECUTE format('DELETE FROM %s', t);
        END IF;
    END LOOP;
    PERFORM setval(seqrelid::regclass, seqstart, false) FROM pg_sequence
    WHERE pg_sequence_last_value(seqrelid) IS NOT NULL AND seqrelid::regclass::text NOT LIKE 'goose%';
END
$$;
`

// filling is what makes the rows of an empty database again.
var filling = sync.OnceValues(func() (string, error) {
	var text strings.Builder
	err := connected(templateName, func(c *pgx.Conn) error {
		ctx := context.Background()
		tables, err := tablesOf(c)
		if err != nil {
			return err
		}
		for _, table := range tables {
			var insert *string
			err := c.QueryRow(ctx, fmt.Sprintf(`SELECT format('INSERT INTO %[1]s SELECT * FROM json_populate_recordset(NULL::%[1]s, %%L);', json_agg(r)) FROM %[1]s r HAVING count(*) > 0`, table)).Scan(&insert)
			if err == pgx.ErrNoRows {
				continue
			}
			if err != nil {
				return err
			}
			text.WriteString(*insert)
		}
		var numbered string
		err = c.QueryRow(ctx, `SELECT coalesce(string_agg(format('SELECT setval(%L, %s);', seqrelid::regclass, pg_sequence_last_value(seqrelid)), ''), '')
FROM pg_sequence WHERE pg_sequence_last_value(seqrelid) IS NOT NULL AND seqrelid::regclass::text NOT LIKE 'goose%'`).Scan(&numbered)
		text.WriteString(numbered)
		return err
	})
	return text.String(), err
})

// tablesOf lists the tables of the schema.
func tablesOf(c *pgx.Conn) ([]string, error) {
	rows, err := c.Query(context.Background(), `SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT LIKE 'goose%' ORDER BY relname`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
