package db

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sys/unix"

	"topupd/billing"
)

// postgresStore is a database of PostgreSQL, which any number of servers share.
type postgresStore struct {
	cfg              *pgxpool.Config
	readers, writing *pgxpool.Pool
	*writers
	signals *signals
	room    room
	doubts  string        // what the set-up may lose
	left    atomic.Int64  // when the connections were last left for another host
	wait    time.Duration // for a connection, or a word on it, before PostgreSQL is doubted
}

// A server's connections, unless the address says pool_max_conns. One in three writes.
const pgConnections = 24

// pgSpare are places for connections that replace broken ones, which keep theirs until the
// network has given them up. The lanes use no more than their own.
const pgSpare = 2

// What a connection asks of the server, unless the address does: nobody waits for a lock
// longer than a caller does, and what a server that was cut off had locked is free soon.
func pgSettings(o Options) map[string]string {
	return map[string]string{
		"application_name":                    "topupd",
		"lock_timeout":                        strconv.FormatInt(o.BusyTimeout.Milliseconds(), 10),
		"idle_in_transaction_session_timeout": "15000",
		"tcp_keepalives_idle":                 "5",
		"tcp_keepalives_interval":             "2",
		"tcp_keepalives_count":                "3",
		"tcp_user_timeout":                    "10000",
		// One plan for a statement, whatever its arguments: SQLite's are so, too.
		"plan_cache_mode": "force_generic_plan",
		"timezone":        "UTC",
	}
}

// pgConfig reads an address: TLS, password and pool sizes are its own.
func pgConfig(address string, o Options) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(address)
	if err != nil {
		// pgx leaves the password out of what it says, but not what cannot be parsed.
		return nil, billing.Errorf(billing.Invalid, "db", "not an address of PostgreSQL: postgres://user:password@host:5432/database?sslmode=verify-full")
	}
	for name, value := range pgSettings(o) {
		if _, set := cfg.ConnConfig.RuntimeParams[name]; !set {
			cfg.ConnConfig.RuntimeParams[name] = value
		}
	}
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = 2 * time.Second // of several hosts the second is reached while a caller waits
	}
	cfg.PingTimeout = 2 * time.Second
	dialer := &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3},
		Control: func(network, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) {
				// Best effort: without it a cut connection is found by its keep-alives.
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 10_000)
			})
		},
	}
	cfg.ConnConfig.DialFunc = dialer.DialContext
	return cfg, nil
}

func openPostgres(ctx context.Context, address string, o Options) (*postgresStore, error) {
	cfg, err := pgConfig(address, o)
	if err != nil {
		return nil, err
	}
	sizes := cfg.MaxConns
	if !strings.Contains(address, "pool_max_conns") {
		sizes = pgConnections
	}
	writing := max(2, sizes/3)
	s := &postgresStore{cfg: cfg, wait: o.BusyTimeout}
	if s.writing, err = pgPool(ctx, cfg, writing+pgSpare); err != nil {
		return nil, err
	}
	files := migrationFiles("postgres")
	err = s.encoding(ctx)
	var migrated bool
	if err == nil {
		migrated, err = migratedPostgres(ctx, s.writing, files)
	}
	if err == nil && !migrated {
		err = migratePostgres(ctx, cfg.ConnConfig, files, o)
	}
	if err == nil {
		s.readers, err = pgPool(ctx, pgReaders(cfg, address), max(2, sizes-writing-1))
	}
	if err == nil && !o.NoSync {
		err = s.durable(ctx)
	}
	if err == nil && o.Migrate {
		err = s.forgetOldMarks(ctx)
	}
	if err != nil {
		s.writing.Close()
		if s.readers != nil {
			s.readers.Close()
		}
		return nil, err
	}
	// One writer's connection is for what runs alone.
	s.writers = newWriters(s.writing, int(writing)-1, o, s.elsewhere)
	s.signals = newSignals(cfg.ConnConfig)
	return s, nil
}

// pgReaders is the configuration for reading: a snapshot locks nobody's row, and whoever
// reads an export may take long for a page.
func pgReaders(cfg *pgxpool.Config, address string) *pgxpool.Config {
	c := cfg.Copy()
	if !strings.Contains(address, "idle_in_transaction_session_timeout") {
		c.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	}
	return c
}

// encoding refuses a database that has no place for some characters, or counts bytes.
func (s *postgresStore) encoding(ctx context.Context) error {
	var name string
	if err := s.writing.QueryRow(ctx, `SELECT current_setting('server_encoding')`).Scan(&name); err != nil {
		return classifyPostgres(err)
	}
	if name != "UTF8" {
		return billing.Errorf(billing.Conflict, "db", "the encoding of the database is %s, which cannot hold every text: make it with ENCODING 'UTF8' TEMPLATE template0", name)
	}
	return nil
}

// durable refuses a database that answers before its disk has a commit (W1), and has doubts
// about one whose disk may only say so: that is the machine's setting, not topupd's.
func (s *postgresStore) durable(ctx context.Context) error {
	var commit, fsync string
	if err := s.writing.QueryRow(ctx, `SELECT current_setting('synchronous_commit'), current_setting('fsync')`).Scan(&commit, &fsync); err != nil {
		return classifyPostgres(err)
	}
	if fsync != "on" {
		s.doubts = "fsync is off in PostgreSQL: when its machine fails, changes that were answered may be lost"
	}
	if commit == "off" {
		return billing.Errorf(billing.Conflict, "db", "synchronous_commit is off in PostgreSQL, so a crash takes back what was answered: switch it on for this role or database")
	}
	return nil
}

// pgPool opens a pool whose idle connections are kept.
func pgPool(ctx context.Context, cfg *pgxpool.Config, size int32) (*pgxpool.Pool, error) {
	c := cfg.Copy()
	c.MaxConns = size
	c.MinConns = min(c.MinConns, size)
	c.MinIdleConns = min(c.MinIdleConns, size)
	p, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, classifyPostgres(err)
	}
	return p, nil
}

const sqlBeginSnapshot = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`

// view runs fn once, but again when its connection turned out to be dead before it heard
// anything: after PostgreSQL was started anew those that lay idle are.
func (s *postgresStore) view(ctx context.Context, fn func(*reader) error) error {
	giveUp := time.Now().Add(s.wait)
	for try := 0; ; try++ {
		dead, err := s.show(ctx, fn)
		if !dead || err == nil || try == 2 || billing.ErrorCode(err) != billing.Busy || ctx.Err() != nil || time.Now().After(giveUp) {
			return atWork(err)
		}
		s.readers.Reset()
	}
}

// show runs fn; dead says that its connection answered nothing, not one statement.
func (s *postgresStore) show(ctx context.Context, fn func(*reader) error) (dead bool, err error) {
	pooled, err := s.reading(ctx)
	if err != nil {
		return false, err
	}
	ses := pgSessionOf(pooled.Conn().PgConn())
	defer watchOver(ses.conn.Conn(), s.wait).end()
	ses.before = sqlBeginSnapshot
	defer func() {
		// A connection that could not end its transaction is not used again.
		if ses.settle() == nil && ses.conn.TxStatus() != 'I' && !ses.conn.IsClosed() {
			_, _ = ses.run(sqlRollback)
		}
		pooled.Release()
	}()
	err = fn(&reader{s: ses, mode: begun})
	return ses.conn.IsClosed() && !ses.heard, err
}

// reading takes a connection to read on; a caller waits for one as long as for a lock.
func (s *postgresStore) reading(ctx context.Context) (*pgxpool.Conn, error) {
	soon, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	pooled, err := s.readers.Acquire(soon)
	switch {
	case err == nil:
		return pooled, nil
	case ctx.Err() != nil:
		return nil, cancelled(ctx.Err())
	case soon.Err() != nil: // all are in use
		return nil, &billing.Error{Code: billing.Busy, Message: "busy, try again", Err: err}
	}
	return nil, classifyPostgres(err)
}

func (s *postgresStore) ping(ctx context.Context) error {
	// A server that answers and cannot write is not ready.
	var readOnly bool
	if err := s.readers.QueryRow(ctx, `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean`).Scan(&readOnly); err != nil {
		return atWork(classifyPostgres(err))
	}
	if readOnly {
		s.elsewhere()
		return unreachable(errors.New("PostgreSQL is read-only"))
	}
	return s.short(ctx)
}

func (s *postgresStore) doubt() string { return s.doubts }

func (s *postgresStore) backup(context.Context, string) error {
	return billing.Errorf(billing.Invalid, "db", "PostgreSQL has its own tools: pg_dump, or pg_basebackup with its log")
}

const sqlPostgresHasRule = `SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE t.tgname = $1 AND t.tgenabled <> 'D' AND c.relnamespace = current_schema()::regnamespace
UNION ALL SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relname = $1 AND i.indisvalid AND c.relnamespace = current_schema()::regnamespace`

func (s *postgresStore) hasRule() string { return sqlPostgresHasRule }

func (s *postgresStore) tell(topic string) { s.signals.tell(topic) }

func (s *postgresStore) hear(ctx context.Context, heard func(string)) { s.signals.hear(ctx, heard) }

func (s *postgresStore) close() error {
	s.writers.close()
	s.forgetMarks()
	s.signals.close()
	s.writing.Close()
	s.readers.Close()
	return nil
}
