package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"topupd/billing"
	"topupd/server"
)

// serveCmd runs the server.
type serveCmd struct {
	Demo bool `help:"Load a small data set into an empty database and run the jobs once."`
}

// adminLogin is the login that a first start makes.
const adminLogin = "admin"

// stopTime is how long a stopping server waits for what is in flight.
const stopTime = 10 * time.Second

// stopSlack lets the server cut its last requests, which takes no time.
const stopSlack = 500 * time.Millisecond

// gcPercent lets the heap of a server grow further before it is collected: it is a
// few MiB, since SQLite's caches are not in it, and was collected seven times a second.
const gcPercent = 300

// diskWaiters are processors for Go's scheduler beyond the machine's: a goroutine that
// reads or syncs a file keeps its own for a while, waiting.
const diskWaiters = 2

// Run serves until the context ends.
func (c *serveCmd) Run(a *app) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + diskWaiters)
	}
	cfg, err := a.config()
	if err != nil {
		return err
	}
	log := a.logger(cfg)
	obs := newObserver(log)
	s := &serving{app: a, opened: &opened{cfg: cfg, log: log}, demo: c.Demo}
	if s.clock, err = a.parts.Clock(s.jobs(), cfg.TimeZone, s.logJob); err != nil {
		return err
	}
	if err := cfg.sharedKey(); err != nil {
		return err
	}
	if !cfg.PostgreSQL() { // there, any number of servers serve
		release, err := a.parts.LockServe(cfg.DB)
		if err != nil {
			return err
		}
		defer release()
	}
	if err := s.listen(obs); err != nil {
		return err
	}
	if s.opened, err = a.openWith(cfg, log, opening{migrate: true, create: true, observer: obs}); err != nil {
		return err
	}
	if err := s.mount(); err != nil {
		s.close()
		return err
	}
	err = s.run(a.ctx)
	if s.finished() {
		s.close()
	}
	return err
}

// serving is a server from start to stop.
type serving struct {
	app *app
	*opened
	demo  bool
	srv   *server.Server
	clock Clock
	// busy are the loops that a stop waits for; idle is closed when all returned.
	busy sync.WaitGroup
	idle chan struct{}
}

// listen makes the server and takes its address, before the database is
// touched: a setting that is wrong leaves nothing behind.
func (s *serving) listen(obs *observer) (err error) {
	s.srv, err = server.New(server.Options{
		Listen: s.cfg.Listen, TLSCert: s.cfg.TLSCert, TLSKey: s.cfg.TLSKey, Insecure: s.cfg.Insecure,
		Realm: s.cfg.Engine.Realm, NonceKeys: s.cfg.nonceKeys(), Trusted: s.cfg.Trusted, Logins: s.login, LoginNotes: s.noteLogins,
		Tokens: s.token, Once: s.once, RateLimit: s.cfg.RateLimit,
		Logger: s.log, Version: s.app.parts.Version, Revision: s.app.parts.Revision,
		Collectors: obs.collectors(), Gateways: s.cfg.Gateways,
		CheckDatabase: func(ctx context.Context) error { return s.store.Ping(ctx) },
	})
	if err != nil {
		return err
	}
	return s.srv.Listen()
}

// mount checks the key and puts the interfaces at their addresses.
func (s *serving) mount() error {
	if err := s.checkKey(as(s.app.ctx, "serve")); err != nil {
		return err
	}
	mounts, err := s.app.parts.Mounts(s.engine, s.cfg, s.log)
	if err != nil {
		return err
	}
	for _, m := range mounts {
		if m.TooMany != nil {
			s.srv.MountLimited(m.Pattern, m.Handler, m.Access, m.TooMany)
		} else {
			s.srv.Mount(m.Pattern, m.Handler, m.Access)
		}
	}
	for _, i := range s.app.parts.Interfaces(s.engine, s.cfg) {
		if err := s.srv.MountInterface(i); err != nil {
			return err
		}
	}
	return nil
}

// login is the server's view of a credential.
func (s *serving) login(ctx context.Context, name string) (server.Login, string, bool, error) {
	c, err := s.engine.Credential(ctx, name)
	if errors.Is(err, billing.NotFound) {
		return server.Login{}, "", false, nil
	}
	if err != nil {
		return server.Login{}, "", false, err
	}
	return server.Login{Name: c.Login, Customer: c.Customer.Number(), Blocked: c.Blocked}, c.HA1.Reveal(), true, nil
}

// noteLogins keeps what authentication tells in the audit log.
func (s *serving) noteLogins(ctx context.Context, notes []server.LoginNote) error {
	list := make([]billing.LoginNote, len(notes))
	for i, n := range notes {
		list[i] = billing.LoginNote(n)
	}
	return s.engine.NoteLogins(ctx, list)
}

// token is the server's view of a bearer token.
func (s *serving) token(ctx context.Context, hash [32]byte) (server.Login, bool, error) {
	c, err := s.engine.FindToken(ctx, hash)
	if errors.Is(err, billing.NotFound) {
		return server.Login{}, false, nil
	}
	return server.Login{Name: c.Login, Customer: c.Customer.Number(), Blocked: c.Blocked}, err == nil, err
}

// once carries a request with an Idempotency-Key out.
func (s *serving) once(ctx context.Context, p billing.OnceParams, fn func(context.Context) (billing.Answer, error)) (billing.Answer, error) {
	return s.engine.Once(ctx, p, fn)
}

// run starts everything, says that it is ready, and stops it in order: no
// request, firing or charge is begun after ctx is done, and what is in flight
// is waited for.
func (s *serving) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	s.busy.Go(func() {
		served <- s.srv.Serve(ctx)
		cancel()
	})
	s.busy.Go(func() { s.engine.Work(as(ctx, "job")) })
	err := s.start(ctx)
	if err == nil {
		s.busy.Go(func() {
			if err := s.clock.Run(ctx); err != nil {
				s.log.Error().Err(err).Msg("the clock stopped")
			}
		})
		s.srv.SetReady(true)
		s.ready()
		<-ctx.Done()
		s.log.Info().Msg("stopping")
	}
	cancel()
	s.wait()
	if errors.Is(err, context.Canceled) {
		err = nil // stopped before it was ready
	}
	select {
	case serveErr := <-served:
		if err == nil {
			err = serveErr
		}
	default:
	}
	return err
}

// start makes the logins and the demonstration before the server is ready.
func (s *serving) start(ctx context.Context) error {
	if err := s.ensureAdmin(ctx); err != nil {
		return err
	}
	if s.cfg.AdminToken != "" {
		if err := s.engine.EnsureToken(as(ctx, "serve"), s.cfg.AdminToken); err != nil {
			return fmt.Errorf("%s: %w", setAdminToken.variable, err)
		}
	}
	if s.demo {
		return s.loadDemo(ctx)
	}
	return nil
}

// ensureAdmin makes or updates the root login of the settings; with none there
// and no login in the database it makes one and prints its password, once.
func (s *serving) ensureAdmin(ctx context.Context) error {
	ctx = as(ctx, "serve")
	if s.cfg.AdminUser != "" {
		err := s.engine.EnsureLogin(ctx, s.cfg.AdminUser, s.cfg.AdminPassword)
		if err != nil && !errors.Is(err, billing.Busy) {
			return fmt.Errorf("%s %q: %w", setAdminUser.variable, s.cfg.AdminUser, err)
		}
		return err
	}
	password := billing.NewPassword()
	made, err := s.engine.FirstLogin(ctx, adminLogin, password)
	if err != nil || !made {
		return err
	}
	_, err = fmt.Fprintln(s.app.out, "admin password: "+password.Reveal())
	return err
}

// ready says where the server is, and that its gateway moves no money.
func (s *serving) ready() {
	scheme := "http://"
	if s.cfg.TLSCert != "" {
		scheme = "https://"
	}
	e := s.log.Info().Str("address", scheme+s.srv.Addr().String()).Str("db", s.cfg.ShownDB()).
		Strs("gateways", s.engine.GatewayNames()).Str("version", s.app.parts.Version)
	if s.engine.Sandboxed() {
		e.Bool("sandbox", true).Str("note", "the gateway is the sandbox: no money moves")
	}
	e.Msg("ready")
	if doubt := s.store.Doubt(); doubt != "" {
		s.log.Warn().Msg(doubt)
	}
}

// wait waits for the loops, for a bounded time: what is still out stays
// submitted, and is asked for at the next start.
func (s *serving) wait() {
	s.idle = make(chan struct{})
	go func() {
		s.busy.Wait()
		close(s.idle)
	}()
	select {
	case <-s.idle:
	case <-time.After(stopTime + stopSlack):
		s.log.Warn().Msg("stopped before everything in flight was finished")
	}
}

// finished reports whether every loop returned, so that nothing uses the
// database any more.
func (s *serving) finished() bool {
	select {
	case <-s.idle:
		return true
	default:
		return false
	}
}

// jobs are the scheduled jobs of this server.
func (s *serving) jobs() []Job {
	return []Job{
		s.job(billing.JobLowBalance, s.cfg.ScheduleLowBalance, "--schedule-low-balance", false),
		s.job(billing.JobBilling, s.cfg.ScheduleBilling, "--schedule-billing", true),
		s.job(billing.JobProfiles, s.cfg.ScheduleProfiles, "--schedule-profiles", true),
		s.job(billing.JobRecurring, s.cfg.ScheduleRecurring, "--schedule-recurring", false),
	}
}

// errElsewhere leaves a firing to be looked at again: the process that is on
// it may die.
var errElsewhere = errors.New("another process is on this run")

func (s *serving) job(job billing.Job, spec, setting string, daily bool) Job {
	return Job{
		Name: string(job), Spec: spec, Setting: setting, Daily: daily,
		Run: func(ctx context.Context, key string) error {
			trigger := "schedule"
			if key == "" {
				trigger = "start"
			}
			run, mine, err := jobOf(s.engine, string(job))(as(ctx, "job"), billing.RunParams{Key: key, Trigger: trigger})
			if err == nil && !mine && run.FinishedAt.IsZero() {
				return errElsewhere
			}
			return err
		},
		Last: func(ctx context.Context) (string, error) { return s.engine.LastKey(ctx, job) },
	}
}

// logJob writes a line for a firing that failed; one that went has the run's line.
func (s *serving) logJob(job, key string, err error, took time.Duration) {
	var e *zerolog.Event
	switch {
	case err == nil, errors.Is(err, errElsewhere), errors.Is(err, context.Canceled):
		e = s.log.Debug()
	default:
		e = s.log.Error()
	}
	e.Str("job", job).Str("key", key).Err(err).Int64("ms", took.Milliseconds()).Msg("firing")
}
