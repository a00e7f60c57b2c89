package cli

import (
	"context"
	"io"
	"os"

	"github.com/alecthomas/kong"
	"github.com/rs/zerolog"

	"topupd/billing"
)

// app is what a command runs with.
type app struct {
	ctx   context.Context
	parts Parts
	cmd   commands
	model *kong.Application
	file  settingsFile
	in    io.Reader
	out   io.Writer
	err   io.Writer
}

// opened is a database with an engine over it.
type opened struct {
	cfg    *Config
	log    zerolog.Logger
	store  billing.Store
	engine *billing.Engine
	sealer *lazySealer
}

// opening says how a command opens the database.
type opening struct {
	// migrate brings an older schema up to date.
	migrate bool
	// create makes a database that is not there; without it that is an error,
	// since a question to an empty database has a misleading answer.
	create   bool
	observer billing.Observer
}

// config is what the settings mean.
func (a *app) config() (*Config, error) { return a.cmd.check(a.file) }

// open opens the database and builds the engine.
func (a *app) open(o opening) (*opened, error) {
	cfg, err := a.config()
	if err != nil {
		return nil, err
	}
	return a.openWith(cfg, a.logger(cfg), o)
}

func (a *app) openWith(cfg *Config, log zerolog.Logger, o opening) (*opened, error) {
	if !o.create && !cfg.PostgreSQL() {
		if _, err := os.Stat(cfg.DB); err != nil {
			return nil, wrong("--db", cfg.DB, "a database that is there; serve, import, run and migrate make one")
		}
	}
	paused := func(string, bool) {}
	if obs, ok := o.observer.(*observer); ok {
		paused = obs.gatewayPaused
	}
	gateways, err := a.parts.Gateways(cfg, paused)
	if err != nil {
		return nil, err
	}
	mailer, err := a.parts.Mailer(cfg, log)
	if err != nil {
		return nil, err
	}
	store, err := a.parts.OpenStore(a.ctx, cfg.DB, o.migrate, o.create)
	if err != nil {
		return nil, err
	}
	if obs, ok := o.observer.(*observer); ok {
		obs.watch(store)
	}
	var engine *billing.Engine
	sealer := &lazySealer{make: func() (billing.KeyRing, error) {
		if err := cfg.sharedKey(); err != nil {
			return nil, err
		}
		s, err := a.parts.Keys(cfg, func() error { return engine.NothingSealed(a.ctx) })
		if err != nil && cfg.Key != "" {
			return nil, wrongSecret(setKey.variable, err.Error(), keyForm)
		}
		return s, err
	}}
	engine = billing.New(billing.Config{
		Store: store, Gateways: gateways, Mailer: mailer, Observer: o.observer,
		Sealer: sealer, Settings: cfg.Engine, Courier: a.parts.Courier(cfg),
	})
	engine.RenderEvents(a.parts.Events(engine))
	return &opened{cfg: cfg, log: log, store: store, engine: engine, sealer: sealer}, nil
}

// close closes the database.
func (o *opened) close() { _ = o.store.Close() } // what was acknowledged is durable already

// as is a context that acts as root through an interface's name.
func as(ctx context.Context, api string) context.Context {
	return billing.WithActor(ctx, billing.Actor{Customer: billing.Root, API: api})
}
