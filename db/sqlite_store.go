package db

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"topupd/billing"
)

// sqliteStore is a SQLite file: one writer with group commit, a pool of readers, and
// what copies the log into the file.
type sqliteStore struct {
	path        string
	disk        *durable
	log         logFile
	writer      *group
	readers     *pool
	checkpoints *checkpointer
}

func openSQLite(ctx context.Context, path string, o Options) (*sqliteStore, error) {
	// A directory that is not there is told before SQLite calls it "out of memory".
	if dir, err := os.Stat(filepath.Dir(path)); err != nil || !dir.IsDir() {
		return nil, billing.Errorf(billing.Invalid, "db", "%s: no such directory", filepath.Dir(path))
	}
	// A new file is its owner's only: it holds sealed tokens and logins, names and
	// addresses. SQLite gives its log the same mode.
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); err == nil {
		_ = f.Close()
	}
	// Statement journals in memory: a bulk import would write them to a file.
	writing := []string{"temp_store(MEMORY)"}
	if !o.NoSync {
		writing = append(writing, "synchronous(NORMAL)") // durable.go syncs its commits
	}
	var ses *sqliteSession
	err := patiently(o.BusyTimeout, func() (err error) {
		ses, err = openSession(sqliteURI(path), sqlitePragmas(o, writerCache, writing...))
		return err
	})
	if err != nil {
		return nil, err
	}
	// The writer is there before the migrations' connection goes: the last one to
	// close a database copies all of a log that a crash left, and the start waits.
	if err := migrate(ctx, sqliteDSN(path, o), migrationFiles("sqlite"), o.Migrate); err != nil {
		_ = ses.close()
		return nil, err
	}
	s := &sqliteStore{path: path, log: logFile{path: ses.conn.logPath()}}
	if s.disk = newDurable(nil); !o.NoSync {
		s.disk.sync = s.log.sync
	}
	s.writer = (&group{queue: queue{max: o.GroupMax, wait: o.BusyTimeout}, ses: ses, disk: s.disk, hook: o.CommitHook, strict: o.Strict, every: checkpointEvery}).started()
	s.checkpoints = (&checkpointer{
		writer: &s.writer.turn, noSync: o.NoSync, failed: s.disk.fail, usable: s.disk.usable,
		open: func() (*sqliteSession, error) {
			return openSession(sqliteURI(path), sqlitePragmas(o, checkpointCache, fmt.Sprintf("busy_timeout(%d)", restartPatience)))
		},
	}).start()
	s.writer.logged = s.checkpoints.wake
	s.readers = newPool(o.Readers, func() (*sqliteSession, error) {
		return openSession(sqliteURI(path), sqlitePragmas(o, readerCache, "query_only(ON)"))
	})
	return s, nil
}

// patiently runs again what was refused as busy, for as long as a caller waits: where
// several processes make one new file SQLite does not wait by itself, since two that turn
// its log on could wait for each other.
func patiently(wait time.Duration, do func() error) error {
	for giveUp := time.Now().Add(wait); ; time.Sleep(20 * time.Millisecond) {
		if err := do(); billing.ErrorCode(err) != billing.Busy || time.Now().After(giveUp) {
			return err
		}
	}
}

// The page caches of one connection, in KiB. They are small, since a server over a
// million accounts stays below 100 MiB; the operating system keeps the pages
// anyway, and a cache that the processor's holds is quicker than a larger one. SQLite
// pools them: what one connection may hold, another may use. A page of 4 KiB takes
// 8 KiB of memory, the allocator's next size.
const (
	writerCache     = 4 << 10
	readerCache     = 2 << 10
	checkpointCache = 256 // it copies pages past its cache
)

// sqlitePragmas holds for every connection; more are one's own.
func sqlitePragmas(o Options, cacheKiB int, more ...string) []string {
	return append([]string{
		fmt.Sprintf("busy_timeout(%d)", o.BusyTimeout.Milliseconds()),
		"journal_mode(WAL)",
		"synchronous(" + o.synchronous() + ")",
		"foreign_keys(ON)",
		fmt.Sprintf("journal_size_limit(%d)", logKept),
		fmt.Sprintf("wal_autocheckpoint(%d)", walLimit),
		"mmap_size(0)",
		fmt.Sprintf("cache_size(-%d)", cacheKiB),
	}, more...)
}

func (o Options) synchronous() string {
	if o.NoSync {
		return "OFF"
	}
	return "FULL"
}

// sqliteURI names a file so that no letter of its path means something else.
func sqliteURI(path string) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String()
}

// sqliteDSN is the same connection for database/sql, for the migrations.
func sqliteDSN(path string, o Options) string {
	q := url.Values{"_txlock": {"immediate"}, "_dqs": {"0"}, "_error_rc": {"1"}, "_pragma": sqlitePragmas(o, readerCache)}
	return sqliteURI(path) + "?" + q.Encode()
}

func (s *sqliteStore) update(m *member) error { return s.writer.run(m) }

func (s *sqliteStore) view(ctx context.Context, fn func(*reader) error) error {
	ses, err := s.readers.take(ctx)
	if err != nil {
		return err
	}
	r := &reader{s: ses, disk: s.disk}
	err = s.show(r, ses, fn)
	if lost := s.disk.wait(r.seen); lost != nil {
		return lost
	}
	return err
}

func (s *sqliteStore) show(r *reader, ses *sqliteSession, fn func(*reader) error) error {
	defer func() {
		// A connection that cannot end its transaction is not used again.
		s.readers.give(ses, r.end() == nil)
	}()
	return fn(r)
}

func (s *sqliteStore) doubt() string { return "" }

func (s *sqliteStore) ping(ctx context.Context) error {
	if err := s.disk.usable(); err != nil {
		return err
	}
	ses, err := s.readers.take(ctx)
	if err != nil {
		return err
	}
	r := &reader{s: ses}
	_, err = metaValue(r, "instance")
	s.readers.give(ses, r.end() == nil)
	return err
}

// Another process on the file polls.
const sqlHasRule = `SELECT name FROM sqlite_schema WHERE type IN ('trigger', 'index') AND name = $1`

func (s *sqliteStore) hasRule() string { return sqlHasRule }

func (s *sqliteStore) tell(string) {}

func (s *sqliteStore) hear(ctx context.Context, _ func(string)) { <-ctx.Done() }

func (s *sqliteStore) close() error {
	// The readers first: the last connection to close tidies the log away.
	rerr := s.readers.close()
	werr := s.writer.close()
	s.checkpoints.close()
	return errors.Join(werr, rerr, s.log.close())
}
