package db

import (
	"context"
	"crypto/rand"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"topupd/billing"
)

// Store is a database; it implements billing.Store.
type Store struct {
	engine
	instance string
	beyond   atomic.Int64
	closing  sync.Once
	closed   error
}

var _ billing.Store = (*Store)(nil)

// engine is what differs between databases; the records and their SQL do not.
type engine interface {
	// update brings a member through a transaction and answers when it is durable.
	// Its error says that the member never ran; else the member has its own.
	update(m *member) error
	// view runs fn on one snapshot.
	view(ctx context.Context, fn func(*reader) error) error
	ping(ctx context.Context) error
	doubt() string
	backup(ctx context.Context, path string) error
	// tell has the other servers on the database wake for a topic; hear calls back for
	// what they tell, until ctx is done.
	tell(topic string)
	hear(ctx context.Context, heard func(topic string))
	// load, lastIDs and watch are for Copy.
	load(ctx context.Context, fn func(loader) error) error
	lastIDs(r *reader) (map[string]int64, error)
	// watch gives a function that says whether anybody changed the database since, where
	// that can be known, and one that ends the watching.
	watch(ctx context.Context) (changed func() (bool, error), end func(), err error)
	// hasRule is the query that finds a trigger or an index in force by its name.
	hasRule() string
	close() error
}

// Options say how a database is opened; the zero value is right for a command
// that works beside a server.
type Options struct {
	// Migrate brings an older schema up to date; without it one is refused. An
	// empty database is always brought to the current schema, unless Existing.
	Migrate bool
	// Existing refuses a database of PostgreSQL that has no schema yet: a question to an
	// empty one has a misleading answer. A SQLite file is looked for by who asks.
	Existing bool
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
	// Strict holds a function to the owners that it declared (UpdateOwners) on SQLite too,
	// where nothing depends on it: for tests of those who declare, which look at Beyond.
	Strict bool
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
// there; postgres://... is PostgreSQL. Errors: Invalid for an address that is no path, Conflict for a schema
// that is not this program's, Forbidden for a role without rights, Busy.
func Open(ctx context.Context, address string, o Options) (*Store, error) {
	switch scheme, _, found := strings.Cut(address, "://"); {
	case address == "":
		return nil, billing.Errorf(billing.Missing, "db", "a database is needed: a file's path")
	case found && (scheme == "postgres" || scheme == "postgresql"):
		return start(ctx, func() (engine, error) { return openPostgres(ctx, address, o.withDefaults()) })
	case found, strings.HasPrefix(address, ":"), strings.HasPrefix(address, "file:"):
		return nil, billing.Errorf(billing.Invalid, "db", "not the path of a SQLite file, and not postgres://...")
	}
	return start(ctx, func() (engine, error) { return openSQLite(ctx, address, o.withDefaults()) })
}

// start opens an engine and learns the database's name.
func start(ctx context.Context, open func() (engine, error)) (*Store, error) {
	e, err := open()
	if err != nil {
		return nil, err
	}
	s := &Store{engine: e}
	if s.instance, err = readInstance(ctx, s); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// Instance is the database's random name.
func (s *Store) Instance() string { return s.instance }

// Doubt is what was found when the database was opened; see billing.Store.
func (s *Store) Doubt() string { return s.doubt() }

// Update runs fn in a transaction and answers when its change is durable; see
// billing.Store. It must not be nested.
func (s *Store) Update(ctx context.Context, fn func(billing.Tx) error) error {
	return s.run(&member{ctx: ctx, fn: fn})
}

// UpdateOwners is Update for a function that changes only what is those owners'; see
// billing.Store.
func (s *Store) UpdateOwners(ctx context.Context, owners []billing.OwnerID, fn func(billing.Tx) error) error {
	return s.run(&member{ctx: ctx, owners: declared(owners), fn: fn})
}

func (s *Store) run(m *member) error {
	if err := s.update(m); err != nil {
		return err
	}
	if m.panic == nil && errors.Is(m.err, errBeyond) {
		s.beyond.Add(1)
		m = &member{ctx: m.ctx, fn: m.fn}
		if err := s.update(m); err != nil {
			return err
		}
	}
	if m.panic != nil {
		panic(m.panic)
	}
	return m.err
}

// Beyond is how many functions went beyond the owners that they declared, and were run
// again alone: right, and twice the work, which nobody else could do meanwhile.
func (s *Store) Beyond() int64 { return s.beyond.Load() }

// View runs fn on one consistent snapshot. It must not be nested: the
// connections are bounded.
func (s *Store) View(ctx context.Context, fn func(billing.Reader) error) error {
	return s.view(ctx, func(r *reader) error { return fn(r) })
}

// Ping reads one value; it fails for good once a commit could not be made durable.
func (s *Store) Ping(ctx context.Context) error { return s.ping(ctx) }

// Tell wakes the other servers on the database for a topic; on SQLite there are none.
func (s *Store) Tell(topic string) { s.tell(topic) }

// Hear calls heard for each topic that another server told, until ctx is done. A wake-up
// may be lost or come too often; the empty topic is that any may have been lost.
func (s *Store) Hear(ctx context.Context, heard func(topic string)) { s.hear(ctx, heard) }

// Close waits for what is under way and closes the database; each caller gets the same answer.
func (s *Store) Close() error {
	s.closing.Do(func() { s.closed = s.close() })
	return s.closed
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
