package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxKeyFile is more than any ring needs.
const maxKeyFile = 16 << 10

// LoadOrCreate reads the key file beside a SQLite database, or makes it with a
// new key. A file that others may read or write is refused: what it sealed is
// no longer secret, and a person has to know.
//
// A lost key file cannot be made again; then a new key is made here and opening
// what is in the database says ErrUnknownKey.
func LoadOrCreate(path string) (*Ring, error) {
	r, err := load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	if err := create(path); err != nil {
		return nil, fmt.Errorf("making the key file %s: %w", path, err)
	}
	return load(path)
}

func load(path string) (*Ring, error) {
	// Looked at before it is opened, so that a pipe does not block the start.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("the key file %s is not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return nil, fmt.Errorf("the key file %s may be used by others than its owner (mode %04o); set it to 0600", path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, err
	}
	r, err := ParseRing(string(text))
	if err != nil {
		return nil, fmt.Errorf("the key file %s: %w", path, err)
	}
	return r, nil
}

// create makes the file under another name, whole and on disk, before it gets
// its own name by a link, which fails if another process was faster.
func create(path string) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.WriteString(Generate() + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a new name durable: a key that is lost in a crash takes
// everything sealed with it along.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
