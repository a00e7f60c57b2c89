package db

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	// database/sql's name for the driver, which the migrations run through.
	_ "modernc.org/sqlite"

	"topupd/billing"
)

//go:embed migrations/sqlite/*.sql migrations/postgres/*.sql
var migrations embed.FS

// migrationFiles are an engine's. The same number is the same schema on both.
func migrationFiles(engine string) fs.FS {
	sub, err := fs.Sub(migrations, "migrations/"+engine)
	if err != nil {
		panic(err) // the embedded folder is there or the program does not compile
	}
	return sub
}

// dialect is what the migrations of an engine need beside their files.
type dialect struct {
	goose         goose.Dialect
	makeChecksums string
	// foreign counts the tables of somebody else, hasVersions those of versions.
	foreign, hasVersions string
	hasChecksums         string
	mayMake              string // whether tables may be made; empty is yes
	ours                 string // what a database with foreign tables is called
}

var (
	sqliteDialect = dialect{
		goose: goose.DialectSQLite3,
		makeChecksums: `CREATE TABLE IF NOT EXISTS schema_files (
    version INTEGER NOT NULL PRIMARY KEY,
    name    TEXT NOT NULL,
    sha256  TEXT NOT NULL
) STRICT`,
		// The table of versions is made before any other of ours.
		foreign: `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'
    AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'goose_db_version')`,
		hasVersions:  `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'goose_db_version'`,
		hasChecksums: `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_files'`,
		ours:         "the file is a database of another program",
	}
	postgresDialect = dialect{
		goose: goose.DialectPostgres,
		makeChecksums: `CREATE TABLE IF NOT EXISTS schema_files (
    version BIGINT NOT NULL PRIMARY KEY,
    name    TEXT NOT NULL,
    sha256  TEXT NOT NULL
)`,
		foreign: `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()
    AND NOT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'goose_db_version')`,
		hasVersions:  `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'goose_db_version'`,
		hasChecksums: `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'schema_files'`,
		mayMake:      `SELECT COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false)`,
		ours:         "the database is another program's: make an empty one for topupd",
	}
)

const (
	sqlChecksums   = `SELECT version, name, sha256 FROM schema_files ORDER BY version`
	sqlPutChecksum = `INSERT INTO schema_files (version, name, sha256) VALUES ($1, $2, $3) ON CONFLICT (version) DO NOTHING`
	sqlWorksWith   = `SELECT COALESCE(MAX(CAST(value AS BIGINT)), 0) FROM meta WHERE key = $1`
	sqlVersion     = `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version`
)

// migrate brings a SQLite file's schema to the newest of files: an empty database
// always, an older one only when allowed. It refuses one that is newer, that was
// migrated with other files, or that is not ours.
func migrate(ctx context.Context, dsn string, files fs.FS, allowed bool) error {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return internal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	return migrateWith(ctx, db, sqliteDialect, files, allowed)
}

// migratedPostgres reports whether a database has this program's schema, file by file:
// then nobody needs to be locked out. A connection that the pool keeps is asked.
func migratedPostgres(ctx context.Context, pool *pgxpool.Pool, files fs.FS) (bool, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return false, internal(err)
	}
	var kept []string // names and sums
	var version, last int64
	var name, sum string
	rows, err := pool.Query(ctx, `SELECT version, name, sha256, (`+sqlVersion+`) FROM schema_files ORDER BY version`)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&last, &name, &sum, &version}, func() error {
			kept = append(kept, name, sum)
			return nil
		})
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return false, nil // there is no such table, or whoever migrates will say what is wrong
	}
	if err != nil {
		return false, classifyPostgres(err)
	}
	var ours []string
	for _, name := range names {
		sum, err := fileSum(files, name)
		if err != nil {
			return false, internal(err)
		}
		ours = append(ours, name, sum)
	}
	return version == last && slices.Equal(kept, ours), nil
}

// migratePostgres does the same for PostgreSQL; servers that start together do it one
// after the other.
func migratePostgres(ctx context.Context, cfg *pgx.ConnConfig, files fs.FS, o Options) error {
	cfg = cfg.Copy()
	cfg.RuntimeParams["lock_timeout"] = "0"
	lock, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return classifyPostgres(err)
	}
	defer func() { _ = lock.Close(context.WithoutCancel(ctx)) }()
	if _, err := lock.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(pgMigrationLock)); err != nil {
		return classifyPostgres(err)
	}
	db := stdlib.OpenDB(*cfg)
	defer db.Close()
	if o.Existing {
		m := &migration{db: db, dialect: postgresDialect}
		if v, err := m.version(ctx); err != nil {
			return classify(err)
		} else if v == 0 {
			return billing.Errorf(billing.Conflict, "db", "there is no schema of topupd in the database; serve, import, run and migrate make one: is the address right?")
		}
	}
	return migrateWith(ctx, db, postgresDialect, files, o.Migrate)
}

const pgMigrationLock = pgWriteLock + 1

// migrationPatience is how long another process may be about the same.
const migrationPatience = 5 * time.Second

func migrateWith(ctx context.Context, db *sql.DB, d dialect, files fs.FS, allowed bool) error {
	p, err := goose.NewProvider(d.goose, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return internal(err)
	}
	m := &migration{db: db, dialect: d, files: files, provider: p}
	// Two processes may open an empty database at once; the slower one finds
	// the tables made and looks again.
	for try, giveUp := 0, time.Now().Add(migrationPatience); ; try++ {
		err := m.run(ctx, allowed)
		told := classify(err)
		var ours *billing.Error
		switch code := billing.ErrorCode(told); {
		case err == nil, code == billing.Forbidden, errors.As(err, &ours) && code != billing.Busy:
			return told
		case code == billing.Busy && time.Now().After(giveUp), code != billing.Busy && try >= 4:
			return told
		}
		time.Sleep(50 * time.Millisecond << min(try, 3))
	}
}

type migration struct {
	db       *sql.DB
	dialect  dialect
	files    fs.FS
	provider *goose.Provider
}

func (m *migration) run(ctx context.Context, allowed bool) error {
	current, err := m.version(ctx)
	if err != nil {
		return err
	}
	sources := m.provider.ListSources()
	target := sources[len(sources)-1].Version
	switch {
	case current > target:
		// While servers are replaced one by one, the older ones go on, and may start again.
		works, err := m.worksWith(ctx, current)
		if err != nil {
			return err
		}
		if works == 0 || works > target {
			return billing.Errorf(billing.Conflict, "db", "the database's schema (%d) is newer than this program's (%d): use the newer program", current, target)
		}
		return m.check(ctx, target)
	case current > 0:
		if err := m.check(ctx, current); err != nil {
			return err
		}
	default:
		if err := m.empty(ctx); err != nil {
			return err
		}
	}
	if current == target {
		return nil
	}
	if current > 0 && !allowed {
		// Another process may be making an empty database: then it grows.
		time.Sleep(growing)
		if now, err := m.version(ctx); err != nil || now != current {
			return cmp.Or(err, error(&billing.Error{Code: billing.Busy, Message: "busy, try again"}))
		}
		return billing.Errorf(billing.Conflict, "db", "the database's schema (%d) is older than this program's (%d): run `topupd migrate` or `topupd serve`", current, target)
	}
	if _, err := m.provider.Up(ctx); err != nil {
		return err
	}
	return m.check(ctx, target)
}

// version is the schema's version, 0 for an empty database. It makes no table.
func (m *migration) version(ctx context.Context) (v int64, err error) {
	var has int
	if err := m.db.QueryRowContext(ctx, m.dialect.hasVersions).Scan(&has); err != nil || has == 0 {
		return 0, classify(err)
	}
	err = m.db.QueryRowContext(ctx, sqlVersion).Scan(&v)
	return v, classify(err)
}

// worksWith is the oldest schema whose program may work on the current one, as the
// migration that made it says; 0 when it does not.
func (m *migration) worksWith(ctx context.Context, current int64) (v int64, err error) {
	err = m.db.QueryRowContext(ctx, sqlWorksWith, fmt.Sprintf("works_with_%d", current)).Scan(&v)
	return v, classify(err)
}

// empty refuses a database that belongs to somebody else.
func (m *migration) empty(ctx context.Context) error {
	var n int
	if err := m.db.QueryRowContext(ctx, m.dialect.foreign).Scan(&n); err != nil {
		return classify(err)
	}
	if n > 0 {
		return billing.Errorf(billing.Conflict, "db", "%s", m.dialect.ours)
	}
	if m.dialect.mayMake == "" {
		return nil
	}
	// What the first table's error says depends on how often it was tried.
	var may bool
	if err := m.db.QueryRowContext(ctx, m.dialect.mayMake).Scan(&may); err != nil {
		return classify(err)
	}
	if !may {
		return withoutRights(errors.New("no CREATE on the schema"))
	}
	return nil
}

// check compares the files up to a version with those that the database was
// made with, and keeps the sums of those it sees for the first time.
func (m *migration) check(ctx context.Context, upTo int64) error {
	// Only when it is not there: a replica can be looked at, not written to.
	var has int
	if err := m.db.QueryRowContext(ctx, m.dialect.hasChecksums).Scan(&has); err != nil {
		return classify(err)
	}
	if has == 0 {
		if _, err := m.db.ExecContext(ctx, m.dialect.makeChecksums); err != nil {
			return classify(err)
		}
	}
	kept, err := m.kept(ctx)
	if err != nil {
		return err
	}
	sources := m.provider.ListSources()
	newest := sources[len(sources)-1].Version
	for _, src := range sources {
		if src.Version > upTo {
			// Another process may be making it at this moment.
			delete(kept, src.Version)
			continue
		}
		name := path.Base(src.Path)
		sum, err := fileSum(m.files, name)
		if err != nil {
			return internal(err)
		}
		was, ok := kept[src.Version]
		delete(kept, src.Version)
		switch {
		case !ok:
			if _, err := m.db.ExecContext(ctx, sqlPutChecksum, src.Version, name, sum); err != nil {
				return classify(err)
			}
		case was.sum != sum:
			return billing.Errorf(billing.Conflict, "db", "migration %s differs from the one that this database was made with", was.name)
		}
	}
	for version, was := range kept {
		if version > newest {
			continue // a newer program's, which says that this one may work on
		}
		return billing.Errorf(billing.Conflict, "db", "migration %s, which this database was made with, is missing from this program", was.name)
	}
	return nil
}

// growing is how soon a schema that is being made shows it.
const growing = 200 * time.Millisecond

type fileRecord struct{ name, sum string }

func (m *migration) kept(ctx context.Context) (map[int64]fileRecord, error) {
	rows, err := m.db.QueryContext(ctx, sqlChecksums)
	if err != nil {
		return nil, classify(err)
	}
	defer rows.Close()
	kept := map[int64]fileRecord{}
	for rows.Next() {
		var v int64
		var f fileRecord
		if err := rows.Scan(&v, &f.name, &f.sum); err != nil {
			return nil, classify(err)
		}
		kept[v] = f
	}
	return kept, classify(rows.Err())
}

func fileSum(files fs.FS, name string) (string, error) {
	b, err := fs.ReadFile(files, name)
	if err != nil {
		return "", fmt.Errorf("migration %s: %w", name, err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
