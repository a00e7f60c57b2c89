package db

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"topupd/billing"
)

// Store is a database; it implements billing.Store.
type Store struct {
	path        string
	disk        *durable
	log         logFile
	writer      *group
	readers     *pool
	checkpoints *checkpointer
	instance    string
}

var _ billing.Store = (*Store)(nil)

// Options say how a database is opened; the zero value is right for a command
// that works beside a server.
type Options struct {
	// Migrate brings an older schema up to date; without it one is refused. An
	// empty database is always brought to the current schema.
	Migrate bool
	// CommitHook is called before each commit, by tests and benchmarks: a slow
	// disk, a failing one.
	CommitHook func()
	// GroupMax is how many callers share one commit at most; 0 is 256. With 1 each
	// has a sync of its own too, and all others wait for it.
	GroupMax int
	// Readers is how many connections read at once; 0 follows the processors.
	Readers int
	// NoSync leaves out the fsync of each commit: for tests of rules, which do
	// not ask whether a machine's disk is quick. A server never sets it (W1).
	NoSync bool
	// BusyTimeout is how long a write waits for another process or, in the
	// queue, for this one; 0 is 5 s.
	BusyTimeout time.Duration
}

func (o Options) withDefaults() Options {
	if o.GroupMax == 0 {
		o.GroupMax = 256
	}
	if o.Readers == 0 {
		o.Readers = max(4, min(2*runtime.NumCPU(), 16))
	}
	if o.BusyTimeout == 0 {
		o.BusyTimeout = 5 * time.Second
	}
	return o
}

// Open opens a database by its address: a path is SQLite, made when it is not
// there. Errors: Invalid for an address that is no path, Conflict for a schema
// that is not this program's, Busy.
func Open(ctx context.Context, address string, o Options) (*Store, error) {
	switch scheme, _, found := strings.Cut(address, "://"); {
	case address == "":
		return nil, billing.Errorf(billing.Missing, "db", "a database is needed: a file's path")
	case found && (scheme == "postgres" || scheme == "postgresql"):
		return nil, billing.Errorf(billing.Invalid, "db", "PostgreSQL is not supported yet: it comes with an engine of its own; give the path of a SQLite file")
	case found, strings.HasPrefix(address, ":"), strings.HasPrefix(address, "file:"):
		return nil, billing.Errorf(billing.Invalid, "db", "not the path of a SQLite file")
	}
	return openSQLite(ctx, address, o.withDefaults())
}

func openSQLite(ctx context.Context, path string, o Options) (_ *Store, err error) {
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
	ses, err := openSession(sqliteURI(path), sqlitePragmas(o, writerCache, writing...))
	if err != nil {
		return nil, err
	}
	// The writer is there before the migrations' connection goes: the last one to
	// close a database copies all of a log that a crash left, and the start waits.
	if err := migrate(ctx, sqliteDSN(path, o), migrationFiles(), o.Migrate); err != nil {
		_ = ses.close()
		return nil, err
	}
	s := &Store{path: path, log: logFile{path: ses.conn.logPath()}}
	if s.disk = newDurable(nil); !o.NoSync {
		s.disk.sync = s.log.sync
	}
	s.writer = &group{ses: ses, disk: s.disk, max: o.GroupMax, wait: o.BusyTimeout, hook: o.CommitHook}
	s.checkpoints = (&checkpointer{
		writer: &s.writer.turn, noSync: o.NoSync, failed: s.disk.fail, usable: s.disk.usable,
		open: func() (*session, error) {
			return openSession(sqliteURI(path), sqlitePragmas(o, checkpointCache, fmt.Sprintf("busy_timeout(%d)", restartPatience)))
		},
	}).start()
	s.writer.logged = s.checkpoints.wake
	s.readers = newPool(o.Readers, func() (*session, error) {
		return openSession(sqliteURI(path), sqlitePragmas(o, readerCache, "query_only(ON)"))
	})
	if s.instance, err = readInstance(ctx, s); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
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
		"journal_size_limit(67108864)",
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

// Instance is the database's random name.
func (s *Store) Instance() string { return s.instance }

// Ping reads one value; it fails for good once a commit could not be made durable.
func (s *Store) Ping(ctx context.Context) error {
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

// Close waits for what is under way and closes the database.
func (s *Store) Close() error {
	// The readers first: the last connection to close tidies the log away; but not what
	// may be nowhere else.
	if s.disk.usable() != nil {
		s.writer.ses.conn.keepLog()
	}
	rerr := s.readers.close()
	werr := s.writer.close()
	s.checkpoints.close()
	return errors.Join(werr, rerr, s.log.close())
}

const (
	sqlMeta    = `SELECT value FROM meta WHERE key = $1`
	sqlPutMeta = `INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING`
)

func metaValue(r *reader, key string) (string, error) {
	return one(r, key, func(row *row, s *string) { *s = row.text() }, sqlMeta, key)
}

// readInstance reads the database's name and makes it the first time. Of two
// that open it at once the first one's stays.
func readInstance(ctx context.Context, s *Store) (string, error) {
	var name string
	read := func(r billing.Reader) error {
		var err error
		name, err = metaValue(readerOf(r), "instance")
		return err
	}
	err := s.View(ctx, read)
	if billing.ErrorCode(err) != billing.NotFound {
		return name, err
	}
	err = s.Update(ctx, func(w billing.Tx) error {
		if _, err := w.(*tx).exec(sqlPutMeta, "instance", newInstance()); err != nil {
			return err
		}
		return read(w)
	})
	return name, err
}

func readerOf(r billing.Reader) *reader {
	if t, ok := r.(*tx); ok {
		return &t.reader
	}
	return r.(*reader)
}

// newInstance is a database's name: 26 random lower-case letters and digits.
func newInstance() string { return strings.ToLower(rand.Text()) }
