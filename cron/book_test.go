package cron

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// call is one call of a job, and when it was made.
type call struct {
	Firing
	Now time.Time
}

// book is the database of the tests: a unique row for each job and key.
type book struct {
	mu    sync.Mutex
	rows  map[[2]string]bool
	calls []call
	// asked counts the calls of Last, refused those of a job for a row that is
	// there.
	asked, refused int
	// work, if set, is what a job does before its row is written.
	work func(ctx context.Context, f Firing) error
}

func newBook(recorded ...Firing) *book {
	b := &book{rows: map[[2]string]bool{}}
	for _, f := range recorded {
		b.rows[[2]string{f.Job, f.Key}] = true
	}
	return b
}

func (b *book) run(ctx context.Context, f Firing) error {
	b.mu.Lock()
	done := f.Key != "" && b.rows[[2]string{f.Job, f.Key}]
	if done {
		b.refused++
	} else {
		b.calls = append(b.calls, call{f, time.Now()})
	}
	work := b.work
	b.mu.Unlock()
	if done {
		return nil
	}
	if work != nil {
		if err := work(ctx, f); err != nil {
			return err
		}
	}
	b.record(f)
	return nil
}

func (b *book) record(f Firing) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows[[2]string{f.Job, f.Key}] = true
}

func (b *book) last(job string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.asked++
		newest := ""
		for row := range b.rows {
			if row[0] == job && row[1] > newest {
				newest = row[1]
			}
		}
		return newest, nil
	}
}

func (b *book) daily(name, spec string) Job {
	return Job{Name: name, Setting: "--schedule-" + name, Spec: spec, Daily: true, Run: b.run, Last: b.last(name)}
}

func (b *book) other(name, spec string) Job {
	return Job{Name: name, Setting: "--schedule-" + name, Spec: spec, Run: b.run}
}

// of lists the calls of one job, without the start sweeps.
func (b *book) of(job string) []call {
	b.mu.Lock()
	defer b.mu.Unlock()
	var calls []call
	for _, c := range b.calls {
		if c.Job == job && c.Key != "" {
			calls = append(calls, c)
		}
	}
	return calls
}

func (b *book) keys(job string) []string {
	var keys []string
	for _, c := range b.of(job) {
		keys = append(keys, c.Key)
	}
	return keys
}

// start runs a clock until the function it returns is called; that one waits
// until Run has returned.
func start(t *testing.T, o Options, jobs ...Job) (stop func()) {
	t.Helper()
	c, err := New(jobs, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	synctest.Wait()
	return func() {
		t.Helper()
		select {
		case err := <-ended:
			t.Fatalf("Run returned before it was told to: %v", err)
		default:
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

// sleepTo sleeps until an instant, and until all that was due then is done. A
// bubble starts at 2000-01-01T00:00:00Z.
func sleepTo(t *testing.T, at string) {
	t.Helper()
	time.Sleep(time.Until(instant(t, at)))
	synctest.Wait()
}

// fromTo lists the dates from one to another.
func fromTo(t *testing.T, from, to string) []string {
	t.Helper()
	var dates []string
	for d := day0(t, from); d <= day0(t, to); d++ {
		dates = append(dates, d.String())
	}
	return dates
}

// logged is a Log that keeps what it was told.
type logged struct {
	mu   sync.Mutex
	errs []string
}

func (l *logged) log(job string, f Firing, err error, _ time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.errs = append(l.errs, job+" "+f.Key+": "+err.Error())
	}
}

func (l *logged) errors() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.errs...)
}
