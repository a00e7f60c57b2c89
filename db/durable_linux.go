package db

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData syncs a file's contents and its length, as SQLite does.
func syncData(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return err
		}
	}
}
