package cron

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"
)

// Two servers fire for the same keys; the book lets one of them work.
func TestTwoClocksOnOneBook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		claimed, refused := map[string]int{}, 0
		claim := func(_ context.Context, f Firing) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			row := [2]string{f.Job, f.Key}
			if f.Key != "" && b.rows[row] {
				refused++
				return nil
			}
			b.rows[row] = true
			claimed[f.Job+" "+f.Key]++
			return nil
		}
		billing, low := b.daily("billing", "30 1 * * *"), b.other("low-balance", "*/15 * * * *")
		billing.Run, low.Run = claim, claim
		o := Options{Location: zone(t, "America/New_York")}
		want := map[string]int{}
		for _, up := range [][2]string{{"2000-03-30T12:00:30Z", "2000-04-05T12:00:00Z"}, {"2000-10-26T12:00:30Z", "2000-11-02T12:00:00Z"}} {
			sleepTo(t, up[0])
			stopA := start(t, o, billing, low)
			stopB := start(t, o, low, billing)
			sleepTo(t, up[1])
			stopA()
			stopB()
			want["billing "] += 2
			want["low-balance "] += 2
			for m := instant(t, up[0]).Truncate(time.Hour).Add(15 * time.Minute); !m.After(time.Now()); m = m.Add(15 * time.Minute) {
				want["low-balance "+m.Format(keyMinute)] = 1
			}
		}
		for _, d := range fromTo(t, "2000-03-31", "2000-11-02") {
			want["billing "+d] = 1
		}
		if diff := cmp.Diff(want, claimed); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if refused == 0 {
			t.Error("the two never met: the test shows nothing")
		}
	})
}

// The same over a database file with the unique row of the real one, a pool for
// each server, and restarts.
func TestTwoClocksOnOneSQLiteFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "book.db")
	synctest.Test(t, func(t *testing.T) {
		sleepTo(t, "2000-03-25T12:00:00Z")
		a, b := openBook(t, file), openBook(t, file)
		defer a.Close()
		defer b.Close()
		if _, err := a.Exec(`CREATE TABLE run (job TEXT NOT NULL, key TEXT NOT NULL, server TEXT NOT NULL, UNIQUE (job, key)) STRICT;
			CREATE TABLE work (job TEXT NOT NULL, key TEXT NOT NULL) STRICT;`); err != nil {
			t.Fatal(err)
		}
		o := Options{Location: zone(t, "America/New_York"), Log: func(job string, f Firing, err error, _ time.Duration) {
			if err != nil {
				t.Errorf("%s %s: %v", job, f.Key, err)
			}
		}}
		stopA := start(t, o, sqlJobs(a, "a")...)
		stopB := start(t, o, sqlJobs(b, "b")...)
		sleepTo(t, "2000-04-02T06:59:00Z") // a minute before the gap
		stopA()
		sleepTo(t, "2000-04-10T12:00:00Z")
		stopB()
		sleepTo(t, "2000-04-13T12:00:00Z") // nobody for three nights
		stopA, stopB = start(t, o, sqlJobs(a, "a")...), start(t, o, sqlJobs(b, "b")...)
		sleepTo(t, "2000-04-15T12:00:00Z")
		stopA()
		stopB()

		got := read(t, a, `SELECT key FROM work WHERE job = 'billing' ORDER BY rowid`)
		if diff := cmp.Diff(fromTo(t, "2000-03-26", "2000-04-15"), got); diff != "" {
			t.Errorf("billing (-want +got):\n%s", diff)
		}
		if got := read(t, a, `SELECT key FROM work WHERE job = 'hourly' GROUP BY key HAVING count(*) > 1`); got != nil {
			t.Errorf("worked twice: %q", got)
		}
		// 16 days with a server, less the 72 hours without one.
		if got := read(t, a, `SELECT key FROM work WHERE job = 'hourly'`); len(got) != 18*24 {
			t.Errorf("%d hours, want %d", len(got), 18*24)
		}
		if got := read(t, a, `SELECT DISTINCT server FROM run ORDER BY server`); len(got) != 2 {
			t.Errorf("servers that ran anything: %q, want both", got)
		}
	})
}

func openBook(t *testing.T, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)&_pragma=synchronous(off)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func sqlJobs(db *sql.DB, server string) []Job {
	run := func(ctx context.Context, f Firing) error {
		if f.Key == "" {
			return nil
		}
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		res, err := tx.ExecContext(ctx, `INSERT INTO run (job, key, server) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, f.Job, f.Key, server)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO work (job, key) VALUES ($1, $2)`, f.Job, f.Key); err != nil {
			return err
		}
		return tx.Commit()
	}
	last := func(ctx context.Context) (key string, err error) {
		err = db.QueryRowContext(ctx, `SELECT coalesce(max(key), '') FROM run WHERE job = 'billing'`).Scan(&key)
		return key, err
	}
	return []Job{
		{Name: "billing", Spec: "30 2 * * *", Daily: true, Run: run, Last: last},
		{Name: "hourly", Spec: "0 * * * *", Run: run},
	}
}

func read(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
