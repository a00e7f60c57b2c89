package cron

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	robfig "github.com/robfig/cron/v3"
)

// Firing is one call of a job.
type Firing struct {
	// Job is the job's name.
	Job string
	// Key makes the firing unique within its job: the business date
	// ("2026-11-22") of a daily job, the scheduled UTC minute
	// ("2026-11-22T10:15Z") of any other, "" for the start sweep.
	Key string
	// At is the scheduled instant; for the start sweep, when the clock started.
	At time.Time
	// MadeUp marks the start sweep and each missed night: one whose time came
	// before the clock started, or that a later one has overtaken.
	MadeUp bool
}

// Job is something that is to be called on a schedule.
type Job struct {
	// Name is the job's name in keys and logs, such as "billing".
	Name string
	// Spec is a five-field cron schedule; "" turns the job off on this server.
	Spec string
	// Setting is where Spec comes from, such as "--schedule-billing", for errors.
	Setting string
	// Daily jobs are keyed by business date and their missed nights are made up.
	Daily bool
	// Run does the work of one firing. It returns nil once the key is done,
	// whoever did it and whenever; any error leaves the key to be tried again.
	// Its context ends when the clock is to stop.
	Run func(ctx context.Context, f Firing) error
	// Last is the newest business date recorded as done, "" if there is none.
	// Daily jobs need it, the others do not use it.
	Last func(ctx context.Context) (key string, err error)
}

// Options are the settings of a clock. The zero value works.
type Options struct {
	// Location is the zone of schedules and business dates; nil is UTC.
	Location *time.Location
	// Log is told of each call of a job and what came of it, also of a Last that
	// failed (Key "") and of dates that are too many to be made up. Jobs run side
	// by side, so it is called from several goroutines.
	Log func(job string, f Firing, err error, took time.Duration)
	// MaxMadeUp is how many business dates of one job are due at most; of more,
	// the newest are taken. 0 is 366.
	MaxMadeUp int
}

// Clock calls jobs when they are due.
type Clock struct {
	jobs    []Job
	specs   []spec
	opts    Options
	running atomic.Bool
}

// New checks the jobs' schedules. A schedule that cannot be used is an error of
// one line that names the setting, the value and what is allowed.
func New(jobs []Job, o Options) (*Clock, error) {
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Log == nil {
		o.Log = func(string, Firing, error, time.Duration) {}
	}
	if o.MaxMadeUp <= 0 {
		o.MaxMadeUp = 366
	}
	c := &Clock{opts: o}
	names := map[string]bool{}
	for _, job := range jobs {
		if err := check(job, names); err != nil {
			return nil, err
		}
		if job.Spec == "" {
			continue
		}
		s, err := parseSpec(job.Spec)
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w; allowed: %s", job.Setting, job.Spec, err, allowed)
		}
		c.jobs, c.specs = append(c.jobs, job), append(c.specs, s)
	}
	return c, nil
}

// check finds what only a mistake in our own wiring can cause.
func check(job Job, names map[string]bool) error {
	switch {
	case job.Name == "" || names[job.Name]:
		return fmt.Errorf("cron: the job name %q is empty or taken", job.Name)
	case job.Run == nil:
		return fmt.Errorf("cron: job %s has no Run", job.Name)
	case job.Daily && job.Last == nil:
		return fmt.Errorf("cron: daily job %s has no Last", job.Name)
	}
	names[job.Name] = true
	return nil
}

// Run sweeps once for each job that is on, makes up its missed nights, oldest
// first, and then calls it whenever it is due. It returns nil when ctx is done
// and the jobs that were running have returned. Jobs run side by side, each in
// one goroutine. A clock that runs already is an error.
func (c *Clock) Run(ctx context.Context) error {
	if !c.running.CompareAndSwap(false, true) {
		return errors.New("cron: the clock is running already")
	}
	defer c.running.Store(false)

	var planners []*planner
	for i, job := range c.jobs {
		p := &planner{
			job: job, cal: calendar{c.specs[i], c.opts.Location}, opts: c.opts,
			wake: make(chan struct{}, 1),
		}
		planners = append(planners, p)
	}
	alarms := robfig.New(robfig.WithLocation(time.UTC), robfig.WithLogger(robfig.DiscardLogger))
	alarms.Schedule(everyMinute{}, robfig.FuncJob(func() {
		for _, p := range planners {
			p.alarm()
		}
	}))

	var loops sync.WaitGroup
	for _, p := range planners {
		loops.Go(func() { p.loop(ctx) })
	}
	alarms.Start()
	<-ctx.Done()
	<-alarms.Stop().Done()
	loops.Wait()
	return nil
}

// everyMinute is the one schedule that robfig waits for. A job's own, computed by
// robfig, could wake it no earlier than a full minute does, and would be a risk:
// where a zone leaves out a date (Pacific/Apia, 2011-12-30), robfig v3.0.1 may
// search for ever, and all alarms with it.
type everyMinute struct{}

// Next is the next full minute after t. It keeps t's monotonic reading: without
// it, a wall clock set back by an hour would leave robfig asleep for that hour.
func (everyMinute) Next(t time.Time) time.Time {
	return t.Add(t.Truncate(time.Minute).Add(time.Minute).Sub(t.Round(0)))
}
