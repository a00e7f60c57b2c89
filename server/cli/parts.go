package cli

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"topupd/billing"
	"topupd/server"
)

// Parts are what main builds the commands from: everything that lives in a
// package which the commands do not import. Each function gets the checked
// settings it needs.
type Parts struct {
	Version  string
	Revision string

	// OpenStore opens the database; migrate brings an older schema up to date, create
	// makes that of a new one.
	OpenStore func(ctx context.Context, address string, migrate, create bool) (billing.Store, error)
	// Copy brings everything of one database into another, which is new, and compares them.
	Copy func(ctx context.Context, from, to string, progress func(rows int64)) (CopyResult, error)
	// LockServe keeps a second server off a SQLite file until release.
	LockServe func(address string) (release func() error, err error)
	// Keys makes the ring of keys from TOPUPD_KEY, or from the key file beside
	// the database. A file that is not there is made when the first value is
	// sealed, unless fresh reports an error.
	Keys func(c *Config, fresh func() error) (billing.KeyRing, error)
	// Gateways makes the gateways of --gateway, the first for new cards. paused is
	// told when one is spared because it is down, and when it is called again.
	Gateways func(c *Config, paused func(gateway string, paused bool)) ([]billing.Gateway, error)
	// Mailer makes the mailer of --smtp, or one that writes to the log.
	Mailer func(c *Config, log zerolog.Logger) (billing.Mailer, error)
	// Courier makes what posts events.
	Courier func(c *Config) billing.Courier
	// Events makes what writes them.
	Events func(e *billing.Engine) billing.EventRenderer
	// Mounts are the interfaces.
	Mounts func(e *billing.Engine, c *Config, log zerolog.Logger) ([]Mount, error)
	// Interfaces are the REST interfaces.
	Interfaces func(e *billing.Engine, c *Config) []server.Interface
	// Clock checks the schedules of jobs and makes what calls them.
	Clock func(jobs []Job, location *time.Location, log JobLog) (Clock, error)

	// Import puts a file; Summary counts its lines by type.
	Import func(ctx context.Context, e *billing.Engine, in ImportInput) (map[string]int64, error)
	// Spool copies a stream to a file that can be read again.
	Spool func(r io.Reader) (f io.ReadSeeker, remove func(), err error)
	// Export writes everything.
	Export func(ctx context.Context, e *billing.Engine, w io.Writer, o ExportOptions) error
}

// Mount is one interface's handler at an address.
type Mount struct {
	Pattern string
	Handler http.Handler
	Access  server.Access
	// TooMany answers a login that sends too many requests; nil is the server's answer.
	TooMany http.HandlerFunc
}

// ImportInput is what is imported.
type ImportInput struct {
	Source   io.ReadSeeker
	Name     string
	Hold     bool
	Progress func(lines int64)
}

// ExportOptions say what is exported.
type ExportOptions struct {
	Realm    string
	Secrets  bool
	Progress func(owners int64)
	// Warn is told of what is left out.
	Warn func(text string)
}

// Job is a scheduled job as the clock needs it.
type Job struct {
	Name    string
	Spec    string
	Setting string
	// Daily jobs are keyed by business date, and missed nights are made up.
	Daily bool
	Run   func(ctx context.Context, key string) error
	Last  func(ctx context.Context) (string, error)
}

// JobLog is told of each call of a job.
type JobLog func(job, key string, err error, took time.Duration)

// Clock calls jobs until its context is done.
type Clock interface {
	Run(ctx context.Context) error
}
