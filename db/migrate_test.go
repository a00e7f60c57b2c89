package db

import (
	"context"
	"database/sql"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"topupd/billing"
)

// withFile is the embedded migrations and changes to them.
func withFile(t *testing.T, changes map[string]string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(migrationFiles(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(migrationFiles(), path)
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
	if n := count(t, dsn, `SELECT count(*) FROM schema_files`); n != len(next) {
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
