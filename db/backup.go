package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"topupd/billing"
)

const (
	sqlVacuumInto = `VACUUM INTO $1`
	sqlIntegrity  = `PRAGMA integrity_check`
)

// Backup writes a consistent copy of the database while others read and write:
// a normal SQLite database, which opens by its path. It is checked and synced
// before it gets its name, so that a file that is there is whole. What seals
// tokens and logins (the key file beside the database, or the setting) is not
// in it and must be kept apart. Errors: Exists (field "path") when the file is
// there already.
func (s *Store) Backup(ctx context.Context, path string) error {
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
	return syncPath(dirOf(path))
}

func existing(path string) error {
	return &billing.Error{Code: billing.Exists, Field: "path", Message: path + " exists already"}
}

func (s *Store) copyTo(ctx context.Context, part string) error {
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return internal(err)
	}
	o := Options{}.withDefaults()
	ses, err := openSession(sqliteURI(s.path), sqlitePragmas(o, false))
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
	if err := checkCopy(part); err != nil {
		return err
	}
	return syncPath(part)
}

// checkCopy reads the whole copy and asks SQLite whether it is sound.
func checkCopy(path string) error {
	ses, err := openSession(sqliteURI(path), sqlitePragmas(Options{}.withDefaults(), false))
	if err != nil {
		return err
	}
	r := &reader{s: ses}
	verdict, err := one(r, "integrity", func(r *row, s *string) { *s = r.text() }, sqlIntegrity)
	err = errors.Join(err, r.end(), ses.close())
	if err == nil && verdict != "ok" {
		err = internal(fmt.Errorf("the copy is not sound: %s", verdict))
	}
	return err
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
