package dbtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"topupd/db"
	"topupd/testdata/need"
)

// Server is a PostgreSQL of one test, which may kill it. What was answered to be
// committed survives that.
type Server struct {
	t    testing.TB
	bin  string
	dir  string
	cred *syscall.Credential
	held io.Closer // the script's standard input
	// settings are name=value.
	settings []string
	env      []string
	initial  []string // what initdb is told besides
	pid      int
}

// OwnServer starts one with an empty database of the current schema and settings like
// "fsync=on" beside the tests' own.
func OwnServer(t testing.TB, settings ...string) *Server {
	t.Helper()
	s := newServer(t, settings)
	s.make()
	return s
}

// newServer is a server without data.
func newServer(t testing.TB, settings []string) *Server {
	t.Helper()
	bin, err := programs()
	if errors.Is(err, errNoPostgres) {
		need.Missing(t, err.Error())
	}
	dir, err := os.MkdirTemp("", "topupd-pg-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, bin: bin, dir: dir, settings: settings}
	t.Cleanup(func() { s.stop(); _ = os.RemoveAll(dir) })
	if os.Getuid() == 0 {
		if s.cred, err = unprivileged(); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(dir, int(s.cred.Uid), int(s.cred.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// make starts it with an empty database.
func (s *Server) make() {
	s.t.Helper()
	args := append([]string{"-D", filepath.Join(s.dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"}, s.initial...)
	if out, err := s.command("initdb", args...).CombinedOutput(); err != nil {
		s.t.Fatalf("initdb: %v\n%s", err, out)
	}
	s.Start()
	store, err := db.Open(context.Background(), s.Address(), db.Options{Migrate: true})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, name), args...)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: s.cred}
	c.Dir = s.dir
	c.Env = append(append(os.Environ(), "LC_ALL=C"), s.env...)
	return c
}

// Address is the server's database; its socket is Socket.
func (s *Server) Address() string { return "postgres:///postgres?user=postgres&host=" + s.dir }

// Socket is where the server listens.
func (s *Server) Socket() string { return filepath.Join(s.dir, ".s.PGSQL.5432") }

// ownScript runs the server until the script's standard input ends.
const ownScript = `"$0" -D data -c listen_addresses= -c unix_socket_directories="$PWD" -c max_connections=100 -c fsync=off \
	-c shared_buffers=32MB -c jit=off "$@" >>log 2>&1 &
echo $!
cat >/dev/null
kill -QUIT $!
wait`

// Start starts the server, after Kill once more, and waits until it answers.
func (s *Server) Start() {
	s.t.Helper()
	for until := time.Now().Add(60 * time.Second); ; {
		script := s.command("postgres")
		script.Path, script.Args = "/bin/sh", []string{"sh", "-c", ownScript, filepath.Join(s.bin, "postgres")}
		for _, setting := range s.settings {
			script.Args = append(script.Args, "-c", setting)
		}
		in, err := script.StdinPipe()
		if err != nil {
			s.t.Fatal(err)
		}
		out, err := script.StdoutPipe()
		if err != nil {
			s.t.Fatal(err)
		}
		if err := script.Start(); err != nil {
			s.t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			s.t.Fatal(err)
		}
		if s.pid, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
			s.t.Fatal(err)
		}
		s.held = in
		go func() { _ = script.Wait() }()
		for syscall.Kill(s.pid, 0) == nil {
			if s.answers() {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		// What it left when it was killed may still be ending.
		_ = in.Close()
		if time.Now().After(until) {
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			s.t.Fatalf("PostgreSQL did not start:\n%s", log)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *Server) answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, s.Address())
	if err != nil {
		return false
	}
	return c.Close(ctx) == nil
}

// Kill is kill -9.
func (s *Server) Kill() {
	s.t.Helper()
	if err := syscall.Kill(s.pid, syscall.SIGKILL); err != nil {
		s.t.Fatal(err)
	}
	_ = s.held.Close()
	s.held = nil
}

// Revive waits until a server that failed by itself answers, and starts it where it is gone.
func (s *Server) Revive() {
	s.t.Helper()
	for !s.answers() {
		if syscall.Kill(s.pid, 0) != nil {
			_ = s.held.Close()
			s.Start()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Freeze stops the server's processes, whose kernel goes on answering for them; Thaw lets
// them go on.
func (s *Server) Freeze() {
	s.t.Helper()
	if err := s.signal(syscall.SIGSTOP); err != nil {
		s.t.Fatal(err)
	}
}

// Thaw ends a Freeze.
func (s *Server) Thaw() {
	s.t.Helper()
	if err := s.signal(syscall.SIGCONT); err != nil {
		s.t.Fatal(err)
	}
}

// signal signals the server, so that it makes no more processes, and then those it has.
func (s *Server) signal(what syscall.Signal) error {
	if err := syscall.Kill(s.pid, what); err != nil {
		return err
	}
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		// pid (name) state parent ...
		_, rest, _ := strings.Cut(string(text), ") ")
		if words := strings.Fields(rest); len(words) < 2 || words[1] != strconv.Itoa(s.pid) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			_ = syscall.Kill(pid, what) // or it ended meanwhile
		}
	}
	return err
}

// Do runs a statement as the server's administrator.
func (s *Server) Do(statement string) {
	s.t.Helper()
	if err := s.Try(statement); err != nil {
		s.t.Fatal(err)
	}
}

// Try is Do where the server may be down.
func (s *Server) Try(statement string) error {
	c, err := pgx.Connect(context.Background(), s.Address())
	if err == nil {
		_, err = c.Exec(context.Background(), statement)
		err = errors.Join(err, c.Close(context.Background()))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// Database makes another database, empty and without a schema, and gives its address.
func (s *Server) Database(name string) string {
	s.t.Helper()
	s.Do("CREATE DATABASE " + name)
	return "postgres:///" + name + "?user=postgres&host=" + s.dir
}

// Count is the number that a query gives.
func (s *Server) Count(address, query string) (n int64) {
	s.t.Helper()
	c, err := pgx.Connect(context.Background(), address)
	if err == nil {
		err = c.QueryRow(context.Background(), query).Scan(&n)
		err = errors.Join(err, c.Close(context.Background()))
	}
	if err != nil {
		s.t.Fatal(fmt.Errorf("%s: %w", query, err))
	}
	return n
}

func (s *Server) stop() {
	if s.pid == 0 {
		return // it was never started
	}
	_ = s.signal(syscall.SIGCONT) // a test may have failed meanwhile
	if s.held != nil {
		_ = s.held.Close()
	}
	for range 500 {
		if syscall.Kill(s.pid, 0) != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
