package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"topupd/billing"
)

const (
	sqlVacuumInto = `VACUUM INTO $1`
	sqlIntegrity  = `PRAGMA integrity_check`

	sqlRenameInstance = `UPDATE meta SET value = $1 WHERE key = 'instance'`
)

// Backup writes a consistent copy of a SQLite file; Invalid for PostgreSQL, which has
// tools of its own.
func (s *Store) Backup(ctx context.Context, path string) error { return s.backup(ctx, path) }

// backup writes a consistent copy of the database while others read and write:
// a normal SQLite database, which opens by its path. It is checked and synced
// before it gets its name, so that a file that is there is whole. What seals
// tokens and logins (the key file beside the database, or the setting) is not
// in it and must be kept apart. Errors: Exists (field "path") when the file is
// there already.
func (s *sqliteStore) backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return existing(path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return internal(err)
	}
	part := path + ".partial"
	if err := s.copyTo(ctx, part); err != nil {
		_ = os.Remove(part)
		return err
	}
	// A link, unlike a rename, never replaces a file that came meanwhile.
	err := os.Link(part, path)
	_ = os.Remove(part)
	if errors.Is(err, fs.ErrExist) {
		return existing(path)
	}
	if err != nil {
		return internal(err)
	}
	return syncPath(filepath.Dir(path))
}

func existing(path string) error {
	return &billing.Error{Code: billing.Exists, Field: "path", Message: path + " exists already"}
}

func (s *sqliteStore) copyTo(ctx context.Context, part string) error {
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return internal(err)
	}
	o := Options{}.withDefaults()
	ses, err := openSession(sqliteURI(s.path), sqlitePragmas(o, readerCache))
	if err != nil {
		return err
	}
	_, err = ses.exec(sqlVacuumInto, part)
	if cerr := ses.close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return classify(err)
	}
	if err := finishCopy(part); err != nil {
		return err
	}
	if err := os.Chmod(part, 0o600); err != nil {
		return internal(err)
	}
	return syncPath(part)
}

// finishCopy reads the whole copy, asks SQLite whether it is sound, and gives it
// an instance name of its own: a restored copy gives the ids of charges that it
// does not know of again, and the gateway must not take their keys for the old ones.
func finishCopy(path string) (err error) {
	ses, err := openSession(sqliteURI(path), sqlitePragmas(Options{}.withDefaults(), readerCache))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ses.close()) }()
	r := &reader{s: ses}
	verdict, err := one(r, "integrity", func(r *row, s *string) { *s = r.text() }, sqlIntegrity)
	if err := errors.Join(err, r.end()); err != nil {
		return err
	}
	if verdict != "ok" {
		return internal(fmt.Errorf("the copy is not sound: %s", verdict))
	}
	_, err = ses.exec(sqlRenameInstance, newInstance())
	return classify(err)
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return internal(err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return internal(err)
	}
	return nil
}
