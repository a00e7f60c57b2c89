package dbtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
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
	free []string
	uses map[string]int
	// spoilt were changed behind the store's back; their schema may be another now.
	spoilt map[string]bool
}{uses: map[string]int{}, spoilt: map[string]bool{}}

// reused is like Postgres, but may be a database that another test had.
func reused(t testing.TB) string {
	t.Helper()
	databases.Lock()
	var name string
	if n := len(databases.free); n > 0 {
		name, databases.free = databases.free[n-1], databases.free[:n-1]
	}
	databases.Unlock()
	if name == "" {
		name = copyTemplate(t)
	} else if err := clear(name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		databases.Lock()
		databases.uses[name]++
		again := databases.uses[name] < mostUses && !databases.spoilt[name] && !t.Failed()
		if again {
			databases.free = append(databases.free, name)
		}
		databases.Unlock()
		if !again {
			drop(t, name)
		}
	})
	return addressOf(name)
}

// clear makes a database what its template is.
func clear(name string) error {
	fill, err := filling()
	if err != nil {
		return err
	}
	return connected(name, func(c *pgx.Conn) error {
		_, err := c.PgConn().Exec(context.Background(), clearing+fill).ReadAll()
		return err
	})
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
