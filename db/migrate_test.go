package db

import (
	"context"
	"database/sql"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"topupd/billing"
)

// withFile is the embedded migrations and changes to them.
func withFile(t *testing.T, changes map[string]string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(migrationFiles("sqlite"), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(migrationFiles("sqlite"), path)
		files[path] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range changes {
		if text == "" {
			delete(files, name)
			continue
		}
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

const (
	firstFile = "0001_low_balance_and_billing.sql"
	nextFile  = "9000_next.sql"
	nextText  = "-- +goose Up\nCREATE TABLE next_thing (id INTEGER PRIMARY KEY) STRICT;\n"
)

func TestSchemaVersions(t *testing.T) {
	ctx := t.Context()
	dsn := sqliteDSN(filepath.Join(t.TempDir(), "t.db"), Options{}.withDefaults())
	now := withFile(t, nil)
	next := withFile(t, map[string]string{nextFile: nextText})
	first, err := fs.ReadFile(now, firstFile)
	if err != nil {
		t.Fatal(err)
	}
	rolling := withFile(t, map[string]string{nextFile: nextText, "9001_rolling.sql": "-- +goose Up\n" +
		"INSERT INTO meta (key, value) VALUES ('works_with_9001', '9000') ON CONFLICT (key) DO UPDATE SET value = excluded.value;\n"})
	changed := withFile(t, map[string]string{firstFile: string(first) + "-- a comment\n"})
	wrong := withFile(t, map[string]string{nextFile: "-- +goose Up\nCREATE TABLE half (id INTEGER) STRICT;\nCREATE TABLE owners (id INTEGER);\n"})

	for i, step := range []struct {
		name    string
		files   fs.FS
		allowed bool
		want    string // in the error; empty: none
	}{
		{"an empty database", now, false, ""},
		{"again", now, false, ""},
		{"an older schema", next, false, "topupd migrate"},
		{"a migration that fails", wrong, true, "already exists"},
		{"after it failed", now, false, ""},
		{"a changed file", changed, false, "differs"},
		{"a changed file, migrating", changed, true, "differs"},
		{"an older schema, migrating", next, true, ""},
		{"a newer schema", now, true, "newer"},
		{"as it is", next, false, ""},
		{"a schema that the older program works on", rolling, true, ""},
		{"the older program", next, true, ""},
		{"one that is older still", now, true, "newer"},
	} {
		err := migrate(ctx, dsn, step.files, step.allowed)
		switch {
		case step.want == "" && err != nil:
			t.Fatalf("%d %s: %v", i, step.name, err)
		case step.want != "" && (err == nil || !strings.Contains(err.Error(), step.want)):
			t.Fatalf("%d %s: error is %v, which does not say %q", i, step.name, err, step.want)
		}
	}
	if n := count(t, dsn, `SELECT count(*) FROM sqlite_schema WHERE name = 'half'`); n != 0 {
		t.Error("half of a migration stayed")
	}
	if n := count(t, dsn, `SELECT count(*) FROM schema_files`); n != len(rolling) {
		t.Errorf("%d files are recorded", n)
	}
}

// A file that the database was made with must still be there, although the
// newest version is the same.
func TestMissingMigration(t *testing.T) {
	dsn := sqliteDSN(filepath.Join(t.TempDir(), "t.db"), Options{}.withDefaults())
	all := withFile(t, map[string]string{nextFile: nextText, "9001_last.sql": "-- +goose Up\nCREATE TABLE last_thing (id INTEGER PRIMARY KEY) STRICT;\n"})
	if err := migrate(t.Context(), dsn, all, true); err != nil {
		t.Fatal(err)
	}
	delete(all, nextFile)
	if err := migrate(t.Context(), dsn, all, true); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("error is %v", err)
	}
}

func TestOpenNeedsMigrate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	dsn := sqliteDSN(path, Options{}.withDefaults())
	if err := migrate(t.Context(), dsn, withFile(t, map[string]string{nextFile: nextText}), true); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), path, Options{Migrate: true})
	if billing.ErrorCode(err) != billing.Conflict || !strings.Contains(err.Error(), "newer") {
		t.Errorf("a newer schema: %v", err)
	}
}

func count(t *testing.T, dsn, query string) (n int) {
	t.Helper()
	raw, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if err := raw.QueryRowContext(context.Background(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A database of the second schema keeps its rows through the third, which replaces
// the text of checks, and the checks still hold.
func TestChecksAreReplacedOverRows(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "t.db")
	dsn := sqliteDSN(path, Options{}.withDefaults())
	second := withFile(t, map[string]string{"0003_quicker_checks.sql": ""})
	if err := migrate(ctx, dsn, second, false); err != nil {
		t.Fatal(err)
	}
	put := func(state string) error {
		raw, err := sql.Open("sqlite", "file:"+path)
		if err != nil {
			return err
		}
		defer raw.Close()
		_, err = raw.Exec(`INSERT INTO notices (owner_id, top_id, kind, cause, recipient, subject, body,
    state, tries, due_at, error, created_at) VALUES (2, 2, 'low_balance', '` + state + `', 'a@b', 's', 'b', '` + state + `', 0, NULL, '', 1)`)
		return err
	}
	if err := put("failed"); err != nil {
		t.Fatal(err)
	}
	if err := put("odd"); err == nil {
		t.Fatal("the second schema takes any state")
	}
	if err := migrate(ctx, dsn, migrationFiles("sqlite"), true); err != nil {
		t.Fatal(err)
	}
	if err := put("odd"); err == nil || !strings.Contains(err.Error(), "notices_state") {
		t.Errorf("the third schema takes any state: %v", err)
	}
	if n := count(t, dsn, `SELECT count(*) FROM notices WHERE state = 'failed'`); n != 1 {
		t.Errorf("%d rows", n)
	}
	if n := count(t, dsn, `SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'`); n != 1 {
		t.Error("the database is not sound")
	}
}

// A list of more than two values in a CHECK is a table that SQLite builds anew for
// each row that is written.
func TestChecksHaveNoLongLists(t *testing.T) {
	s := openStore(t, Options{})
	list := regexp.MustCompile(`\bIN \([^),]*,[^),]*,[^)]*\)`)
	err := s.View(t.Context(), func(r billing.Reader) error {
		return readerOf(r).each(func(row *row) error {
			name := row.text()
			if found := list.FindString(row.text()); found != "" {
				t.Errorf("table %s checks %s: compare each value by itself, joined by OR", name, found)
			}
			return nil
		}, `SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL`)
	})
	if err != nil {
		t.Error(err)
	}
}
