package dbtest

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"topupd/testdata/need"
)

//go:embed testdata/full_disk.c
var fullDisk string

// Disk is where a server of one test keeps its files.
type Disk struct {
	t   testing.TB
	dir string
}

// What may have no room.
const (
	Tables = "base"
	Log    = "pg_wal"
)

// OwnDisk is OwnServer on a disk that may be filled. The segments of its log are small, so
// that it soon needs another.
func OwnDisk(t testing.TB, settings ...string) (*Server, *Disk) {
	t.Helper()
	gcc := need.Program(t, "gcc", "apt-get install gcc libc6-dev")
	s := newServer(t, append(settings, "min_wal_size=2MB", "max_wal_size=32MB"))
	s.initial = []string{"--wal-segsize=1"}
	library, flags := filepath.Join(s.dir, "full_disk.so"), filepath.Join(s.dir, "full")
	build := exec.Command(gcc, "-x", "c", "-shared", "-fPIC", "-O1", "-o", library, "-", "-ldl")
	build.Stdin = strings.NewReader(fullDisk)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	if err := os.Mkdir(flags, 0o755); err != nil {
		t.Fatal(err)
	}
	s.env = []string{"LD_PRELOAD=" + library, "TOPUPD_FULL=" + flags}
	s.make()
	return s, &Disk{t, flags}
}

// Fill leaves no room for what is named.
func (d *Disk) Fill(what string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, what), nil, 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// Free makes room.
func (d *Disk) Free() {
	d.t.Helper()
	for _, name := range []string{Tables, Log} {
		if err := os.RemoveAll(filepath.Join(d.dir, name)); err != nil {
			d.t.Fatal(err)
		}
	}
}
