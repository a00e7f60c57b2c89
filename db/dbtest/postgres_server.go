package dbtest

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// serverVariable names a server of PostgreSQL that the tests may make databases on: an
// address. Without it a test binary starts one of its own.
const serverVariable = "TOPUPD_TEST_POSTGRES"

// errNoPostgres: there is nothing to start a server from.
var errNoPostgres = errors.New("PostgreSQL is not installed; install it with: apt-get install postgresql")

// server is the address of the server's own database, the same in all of a test binary.
var server = sync.OnceValues(func() (string, error) {
	if address := os.Getenv(serverVariable); address != "" {
		return address, nil
	}
	return startServer()
})

// serverScript makes a server in the folder $2 from the programs in $1 and ends it, with
// all it wrote, when its standard input ends: when the tests are over, or were killed.
//
// What a broken machine would lose may be lost: the data goes with the tests.
const serverScript = `
cd "$2" || exit
"$1/initdb" -D data -U postgres -A trust -E UTF8 --no-locale --no-sync >log 2>&1 &&
{
	"$1/postgres" -D data -c listen_addresses= -c unix_socket_directories="$2" -c max_connections=300 \
		-c fsync=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 \
		-c autovacuum=off -c shared_buffers=64MB -c checkpoint_timeout=1h -c jit=off >>log 2>&1 &
	pid=$!
	until grep -qs ready data/postmaster.pid || ! kill -0 $pid; do sleep 0.02; done
	kill -0 $pid && echo ready && cat >/dev/null
	kill -QUIT $pid
	wait $pid
}
rm -rf "$2"
`

// watched keeps the server's standard input open as long as the test binary lives.
var watched *os.File

// startServer starts a server that listens on a socket in a temporary folder.
func startServer() (address string, err error) {
	bin, err := programs()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "topupd-pg-")
	if err != nil {
		return "", err
	}
	// A session of its own: what ends the tests from a terminal must not end it half-way.
	attributes := &syscall.SysProcAttr{Setsid: true}
	if os.Getuid() == 0 {
		// PostgreSQL refuses to run as root.
		if attributes.Credential, err = unprivileged(); err != nil {
			return "", err
		}
		if err := os.Chown(dir, int(attributes.Credential.Uid), int(attributes.Credential.Gid)); err != nil {
			return "", err
		}
	}
	script := exec.Command("/bin/sh", "-c", serverScript, "sh", bin, dir)
	script.SysProcAttr = attributes
	script.Env = append(os.Environ(), "LC_ALL=C")
	stdin, held, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer stdin.Close()
	script.Stdin, watched = stdin, held
	out, told, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer out.Close()
	script.Stdout = told
	err = script.Start()
	_ = told.Close()
	if err != nil {
		return "", err
	}
	// Not a loop that sleeps: a caller's clock may be simulated.
	if word, _ := bufio.NewReader(out).ReadString('\n'); word != "ready\n" {
		_ = watched.Close()
		return "", fmt.Errorf("PostgreSQL of %s did not start in %s", bin, dir)
	}
	return "postgres:///postgres?user=postgres&host=" + dir, nil
}

// programs is the folder of the newest PostgreSQL that is installed.
func programs() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		// A link to it has not all the others beside it.
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return "", err
		}
		return filepath.Dir(path), nil
	}
	// Debian keeps them off the PATH, a folder for each version.
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errNoPostgres
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4]) // 0 for what is no number
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// unprivileged is the user that a server runs as where the tests run as root.
func unprivileged() (*syscall.Credential, error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
