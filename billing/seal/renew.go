//go:build unix

package seal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"topupd/billing"
)

// Renew puts a new key in front of the file's, unless older ones are there: then
// an earlier Renew was not finished, and its key stays. When it returns without
// an error the file is on disk, and every value that any process seals from now
// on is sealed with its first key. Until DropOlder or Release no other process
// may change the file. Errors: Conflict while another one does.
func (f *File) Renew() error {
	err := f.renew()
	if err != nil {
		f.Release()
	}
	return err
}

func (f *File) renew() error {
	// A link leads to the file that is replaced.
	path, err := filepath.EvalSymlinks(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = f.make()
		return err
	}
	if err != nil {
		return err
	}
	text, err := f.takeLock(path)
	if err != nil {
		return err
	}
	if keys := split(text); len(keys) == 1 {
		if err := f.replace(path, Generate()+","+keys[0]+"\n"); err != nil {
			return fmt.Errorf("writing the key file %s: %w", path, err)
		}
	}
	_, err = f.refresh()
	return err
}

// DropOlder leaves only the first key in the file and ends what Renew began.
// Nothing may be sealed with an older one any more. Without Renew it does
// nothing.
func (f *File) DropOlder() error {
	defer f.Release()
	if f.lock == nil {
		return nil
	}
	path, err := filepath.EvalSymlinks(f.path)
	if err != nil {
		return err
	}
	text, _, err := load(path)
	if err != nil {
		return err
	}
	if keys := split(text); len(keys) > 1 {
		if err := f.replace(path, keys[0]+"\n"); err != nil {
			return fmt.Errorf("writing the key file %s: %w", path, err)
		}
	}
	_, err = f.refresh()
	return err
}

// Release lets another process change the file.
func (f *File) Release() {
	if f.lock != nil {
		_ = f.lock.Close()
		f.lock = nil
	}
}

// takeLock locks the file that has the name now, and reads it. The lock is on
// the file itself, so it goes with the process and leaves nothing behind.
func (f *File) takeLock(path string) (string, error) {
	for {
		file, err := os.Open(path)
		if err != nil {
			return "", err
		}
		if err := lockFile(path, file); err != nil {
			return "", errors.Join(err, file.Close())
		}
		text, info, err := read(file)
		if err == nil {
			_, err = parse(path, text)
		}
		if err != nil {
			return "", errors.Join(err, file.Close())
		}
		// Another process may have replaced it before the lock was ours.
		if now, err := os.Stat(path); err == nil && os.SameFile(info, now) {
			f.lock = file
			return text, nil
		}
		_ = file.Close()
	}
}

func lockFile(path string, file *os.File) error {
	err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return &billing.Error{Code: billing.Conflict, Field: "key", Message: "another process changes the key file " + path, Err: err}
	}
	return err
}

// replace gives the file another text: whole, on disk and locked before it gets
// the name. Owner and mode stay, so that a server of another user reads it on.
func (f *File) replace(path, text string) (err error) {
	old, err := f.lock.Stat()
	if err != nil {
		return err
	}
	// One name for all: what a process left that died here is used up.
	part := path + ".new"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	named := false
	defer func() {
		if !named {
			err = errors.Join(err, file.Close(), os.Remove(part))
		}
	}()
	f.step("made")
	_, err = file.WriteString(text)
	if err = errors.Join(err, keepOwner(file, old), file.Sync(), lockFile(path, file)); err != nil {
		return err
	}
	f.step("written")
	if err := os.Rename(part, path); err != nil {
		return err
	}
	named = true
	f.step("named")
	_ = f.lock.Close()
	f.lock = file
	return syncDir(filepath.Dir(path))
}

func keepOwner(file *os.File, old os.FileInfo) error {
	err := file.Chmod(old.Mode().Perm())
	if sys, ok := old.Sys().(*syscall.Stat_t); ok {
		err = errors.Join(err, file.Chown(int(sys.Uid), int(sys.Gid)))
	}
	return err
}

// split is the keys of a file as text, the first one first.
func split(text string) []string {
	keys := strings.Split(text, ",")
	for i := range keys {
		keys[i] = strings.TrimSpace(keys[i])
	}
	return keys
}
