//go:build unix

package db

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"topupd/billing"
)

// ServeLock is held by the one server of a SQLite file.
type ServeLock struct{ f *os.File }

// LockServe refuses a second server on one SQLite file (Conflict). The lock is
// on a file beside the database, because closing a descriptor of the database
// itself would drop SQLite's own locks; the kernel gives it back however the
// process ends, so the file that stays behind means nothing.
func LockServe(path string) (*ServeLock, error) {
	// Another name for the same file is the same file.
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	f, err := os.OpenFile(path+".serve", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, internal(err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return &ServeLock{f}, nil
	}
	_ = f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, &billing.Error{Code: billing.Conflict, Field: "db", Message: "another server works on " + path, Err: err}
	}
	return nil, internal(err)
}

// Release lets another server start.
func (l *ServeLock) Release() error { return l.f.Close() }
