package cron

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// keyMinute is the form of the keys of jobs that are not daily.
const keyMinute = "2006-01-02T15:04Z"

// pause is how long a job is left alone after an error. It is shorter than the
// minute between two alarms, so that a quick failure is tried again at the next
// one, and a slow one is not tried again at once.
const pause = 30 * time.Second

// PanicError is the error that stands for a panic in a job.
type PanicError struct {
	// Value is what the job panicked with.
	Value any
	// Stack is the goroutine's stack, for the log.
	Stack []byte
}

// Error is one line, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// planner computes what one job is due for, and calls it. All of it belongs to
// the one goroutine of its loop: that is what keeps a job from running in
// parallel with itself.
type planner struct {
	job  Job
	cal  calendar
	opts Options
	// wake holds one alarm: those that come while the job runs are one planning
	// after it.
	wake chan struct{}

	start    time.Time
	swept    bool
	failedAt time.Time

	// done is the newest date known to be recorded, once known is set.
	known bool
	done  date
	// told is the newest date reported as too old to be made up.
	told date

	// seen is when minutes were last planned, and pending the minute that is due
	// and not done; zero if there is none.
	seen    time.Time
	pending time.Time
}

// loop plans at the start and at each alarm, until ctx is done and the job has
// returned.
func (p *planner) loop(ctx context.Context) {
	p.start = now()
	p.seen = p.start
	for {
		p.plan(ctx)
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		}
	}
}

// alarm wakes the loop; it never waits.
func (p *planner) alarm() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// plan calls the job for everything that is due, one firing after the other,
// and stops at the first error.
func (p *planner) plan(ctx context.Context) {
	if !p.failedAt.IsZero() && time.Since(p.failedAt) < pause {
		return
	}
	if !p.swept && ctx.Err() == nil {
		// A sweep that fails is tried again but holds nothing up: no date depends
		// on it.
		p.swept = p.fire(ctx, Firing{Job: p.job.Name, At: p.start, MadeUp: true})
	}
	for ctx.Err() == nil {
		var done bool
		if p.job.Daily {
			done = p.planDate(ctx)
		} else {
			done = p.planMinute(ctx)
		}
		if !done {
			return
		}
	}
}

// planDate calls the job for the oldest date that is due. It tells whether
// there was one and it is done.
func (p *planner) planDate(ctx context.Context) bool {
	due, ok := p.dueDates(ctx)
	if !ok || len(due) == 0 {
		return false
	}
	due = p.limit(due)
	at := p.cal.at(due[0])
	missed := len(due) > 1 || !at.After(p.start)
	if !p.fire(ctx, Firing{Job: p.job.Name, Key: due[0].String(), At: at, MadeUp: missed}) {
		return false
	}
	p.done = due[0]
	return true
}

// dueDates asks for the newest recorded date only when, by what this process
// knows, something is due: once a night, not once a minute.
func (p *planner) dueDates(ctx context.Context) ([]date, bool) {
	if p.known && len(p.cal.due(p.done, now())) == 0 {
		return nil, true
	}
	last, ok, err := p.last(ctx)
	if err != nil {
		p.failed(Firing{Job: p.job.Name}, fmt.Errorf("reading the newest recorded date: %w", err), 0)
		return nil, false
	}
	switch {
	case ok && (!p.known || last > p.done):
		p.done = last
	case !ok && !p.known:
		// A new installation counts from its start: the sweep has done the rest.
		p.done = p.cal.passed(p.start)
	}
	p.known = true
	return p.cal.due(p.done, now()), true
}

// last is the newest recorded date, if there is one.
func (p *planner) last(ctx context.Context) (d date, ok bool, err error) {
	defer recovered(&err)
	key, err := p.job.Last(ctx)
	if err != nil || key == "" {
		return 0, false, err
	}
	d, err = parseDate(key)
	return d, err == nil, err
}

// limit leaves the newest dates where too many were missed, and says so once:
// what is dropped here will not come back.
func (p *planner) limit(due []date) []date {
	over := len(due) - p.opts.MaxMadeUp
	if over <= 0 {
		return due
	}
	if newest := due[over-1]; newest != p.told {
		p.told = newest
		p.opts.Log(p.job.Name, Firing{Job: p.job.Name, Key: newest.String(), At: p.cal.at(newest), MadeUp: true},
			fmt.Errorf("%d dates from %s to %s are not made up: the limit is %d", over, due[0], newest, p.opts.MaxMadeUp), 0)
	}
	return due[over:]
}

// planMinute calls the job for the latest scheduled minute since the previous
// planning, or for the one that failed if no later one has come. It tells
// whether there was one and it is done.
func (p *planner) planMinute(ctx context.Context) bool {
	t := now()
	if m, ok := p.cal.lastMinute(p.seen, t); ok {
		p.pending = m
	}
	// Also after the wall clock was set back: a minute that comes again has its
	// old key.
	p.seen = t
	if p.pending.IsZero() {
		return false
	}
	f := Firing{Job: p.job.Name, Key: p.pending.UTC().Format(keyMinute), At: p.pending}
	if !p.fire(ctx, f) {
		return false
	}
	p.pending = time.Time{}
	return true
}

// fire calls the job once and logs it. It tells whether the key is done.
func (p *planner) fire(ctx context.Context, f Firing) bool {
	began := time.Now()
	err := p.run(ctx, f)
	if err != nil {
		p.failed(f, err, time.Since(began))
		return false
	}
	p.opts.Log(p.job.Name, f, nil, time.Since(began))
	return true
}

func (p *planner) run(ctx context.Context, f Firing) (err error) {
	defer recovered(&err)
	return p.job.Run(ctx, f)
}

func (p *planner) failed(f Firing, err error, took time.Duration) {
	p.failedAt = time.Now()
	p.opts.Log(p.job.Name, f, err, took)
}

// recovered makes an error of a panic: a job that panics must not take the
// server with it, nor its own next firing.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = &PanicError{Value: r, Stack: debug.Stack()}
	}
}

// now is the wall clock without its monotonic reading: schedules follow what
// the clock shows, also after it was set or the machine slept.
func now() time.Time { return time.Now().Round(0) }
