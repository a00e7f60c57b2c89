package db

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
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
}

// A server's connections, unless the address says pool_max_conns. One in three writes.
const pgConnections = 24

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
		cfg.ConnConfig.ConnectTimeout = 5 * time.Second
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
	if err := migratePostgres(ctx, cfg.ConnConfig, migrationFiles("postgres"), o.Migrate); err != nil {
		return nil, err
	}
	sizes := cfg.MaxConns
	if !strings.Contains(address, "pool_max_conns") {
		sizes = pgConnections
	}
	writing := max(2, sizes/3)
	s := &postgresStore{cfg: cfg}
	if s.writing, err = pgPool(ctx, cfg, writing); err != nil {
		return nil, err
	}
	if s.readers, err = pgPool(ctx, cfg, max(2, sizes-writing-1)); err != nil {
		s.writing.Close()
		return nil, err
	}
	// One writer's connection is for what runs alone.
	s.writers = newWriters(s.writing, int(writing)-1, o)
	s.signals = newSignals(cfg.ConnConfig)
	return s, nil
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
	for try := 0; ; try++ {
		heard, err := s.show(ctx, fn)
		if heard || err == nil || try == 2 || billing.ErrorCode(err) != billing.Busy || ctx.Err() != nil {
			return err
		}
		s.readers.Reset()
	}
}

// show runs fn; heard says that PostgreSQL answered at least one statement.
func (s *postgresStore) show(ctx context.Context, fn func(*reader) error) (heard bool, err error) {
	pooled, err := s.readers.Acquire(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return false, cancelled(ctx.Err())
		}
		return false, classifyPostgres(err)
	}
	ses := pgSessionOf(pooled.Conn().PgConn())
	ses.before = sqlBeginSnapshot
	defer func() {
		// A connection that could not end its transaction is not used again.
		if ses.settle() == nil && ses.conn.TxStatus() != 'I' && !ses.conn.IsClosed() {
			_, _ = ses.run(sqlRollback)
		}
		pooled.Release()
	}()
	err = fn(&reader{s: ses, mode: begun})
	return !ses.conn.IsClosed() || ses.heard, err
}

func (s *postgresStore) ping(ctx context.Context) error {
	// A server that answers and cannot write is not ready.
	var readOnly bool
	if err := s.readers.QueryRow(ctx, `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean`).Scan(&readOnly); err != nil {
		return classifyPostgres(err)
	}
	if readOnly {
		return unreachable(errors.New("PostgreSQL is read-only"))
	}
	return nil
}

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
	s.signals.close()
	s.writing.Close()
	s.readers.Close()
	return nil
}
