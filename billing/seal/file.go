package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"topupd/billing"
)

// maxKeyFile is more than any ring needs.
const maxKeyFile = 16 << 10

// File is the ring in the key file beside a SQLite database. It follows the
// file: a rekey in another process is seen before the next value is sealed.
// Safe for concurrent use.
type File struct {
	path  string
	fresh func() error
	// step is told before and after each change of the disk, by tests.
	step func(string)

	making sync.Mutex // one goroutine makes the file
	mu     sync.Mutex
	ring   *Ring       // nil: there was no file yet
	seen   os.FileInfo // of the file that ring was read from
	lock   *os.File    // held between Renew and DropOlder or Release
}

var _ billing.KeyFile = (*File)(nil)

// OpenFile reads the key file at path. A file that others may read or write is
// refused: what it sealed is no longer secret, and a person has to know.
//
// One that is not there is made when the first value is sealed, unless fresh
// reports an error: a lost key cannot be made again, so fresh says whether the
// database holds sealed values already. Until then nothing opens.
func OpenFile(path string, fresh func() error) (*File, error) {
	f := &File{path: path, fresh: fresh, step: func(string) {}}
	if _, err := f.refresh(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return f, nil
}

// Seal seals with the key that is first in the file now. It is called inside
// the transaction that stores the value, so that Rekey misses none (see the
// package's invariants). Errors: what fresh reported; the file is gone.
func (f *File) Seal(plain billing.Secret, context string) ([]byte, error) {
	r, err := f.refresh()
	if errors.Is(err, fs.ErrNotExist) {
		r, err = f.make()
	}
	if err != nil {
		return nil, err
	}
	return r.Seal(plain, context)
}

// Open is the secret that was sealed for a context. Errors: ErrUnknownKey,
// ErrTampered.
func (f *File) Open(sealed []byte, context string) (billing.Secret, error) {
	if r := f.known(); r != nil {
		plain, err := r.Open(sealed, context)
		if !errors.Is(err, ErrUnknownKey) {
			return plain, err
		}
	}
	r, err := f.refresh()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnknownKey, err)
	}
	return r.Open(sealed, context)
}

// KeyID names the key that seals; empty before there is one.
func (f *File) KeyID() string {
	if r := f.known(); r != nil {
		return r.KeyID()
	}
	return ""
}

// NeedsReseal reports whether a value was sealed with another key than the one
// that seals.
func (f *File) NeedsReseal(sealed []byte) bool {
	r := f.known()
	return r == nil || r.NeedsReseal(sealed)
}

// Format prints the key's id for every verb.
func (f *File) Format(s fmt.State, verb rune) { f.known().Format(s, verb) }

// MarshalText keeps the keys out of encoders.
func (f *File) MarshalText() ([]byte, error) { return fmt.Append(nil, f), nil }

func (f *File) known() *Ring {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ring
}

// refresh is the file's ring as it is now. Keys that were dropped from the file
// still open: a value may have been read before it was sealed anew.
func (f *File) refresh() (*Ring, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if info, err := os.Stat(f.path); err == nil && f.seen != nil && same(info, f.seen) {
		return f.ring, nil
	}
	text, info, err := load(f.path)
	if err != nil {
		return nil, err
	}
	ring, err := parse(f.path, text)
	if err != nil {
		return nil, err
	}
	if f.ring != nil {
		ring.keepOpening(f.ring)
	}
	f.ring, f.seen = ring, info
	return ring, nil
}

// same reports whether a file was not replaced meanwhile.
func same(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// make makes the file with a new key, and reads it: another process may have
// been faster.
func (f *File) make() (*Ring, error) {
	f.making.Lock()
	defer f.making.Unlock()
	if r, err := f.refresh(); !errors.Is(err, fs.ErrNotExist) {
		return r, err // another goroutine was faster
	}
	if f.known() != nil {
		// Sealing on would lose what is sealed when this process ends.
		return nil, fmt.Errorf("the key file %s is gone: bring it back", f.path)
	}
	if err := f.fresh(); err != nil {
		return nil, err
	}
	if err := create(f.path); err != nil {
		return nil, fmt.Errorf("making the key file %s: %w", f.path, err)
	}
	return f.refresh()
}

// load reads a key file with what tells it from another one.
func load(path string) (string, os.FileInfo, error) {
	// Looked at before it is opened, so that a pipe does not block the start.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return "", nil, fmt.Errorf("the key file %s is not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = f.Close() }()
	return read(f)
}

func read(f *os.File) (string, os.FileInfo, error) {
	info, err := f.Stat()
	if err != nil {
		return "", nil, err
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return "", nil, fmt.Errorf("the key file %s may be used by others than its owner (mode %04o); set it to 0600", f.Name(), info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	return string(text), info, err
}

func parse(path, text string) (*Ring, error) {
	r, err := ParseRing(text)
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
