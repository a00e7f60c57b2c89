package server

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

// LoginNote is a login's success, or how often it was refused, for the audit log.
type LoginNote struct {
	Name    string // a login that was found; empty for a name that none has
	Address string // empty for several
	API     string
	// Failures is how often it was refused since the last note; 0: it got in.
	Failures int64
}

// LoginSink keeps notes. It is called by one goroutine, never by a request.
type LoginSink func(ctx context.Context, notes []LoginNote) error

// noting bounds what the notes of logins may cost.
type noting struct {
	// quiet is how long a login must have been away from an address to be noted again.
	quiet time.Duration
	// gather is the time within which refusals of one login and address are one note.
	gather time.Duration
	queue  int // notes and refusals that wait
	keys   int // pairs of login and address that are remembered, of each kind
	// successes and refusals are the most notes at once, and then one per every;
	// refusals beyond are one note per gather, of many addresses.
	successes, refusals int
	every               time.Duration
	patience            time.Duration // for one call of the sink
}

var defaultNoting = noting{
	quiet: time.Hour, gather: time.Minute, queue: 1024, keys: 10_000,
	successes: 1000, refusals: 100, every: 6 * time.Second, patience: 10 * time.Second,
}

// loginNotes turns logins into notes: a request costs a look at a map, or a place in
// a queue that is never waited for.
type loginNotes struct {
	noting
	sink    LoginSink
	now     func() time.Time
	failed  func(error)
	dropped prometheus.Counter
	queued  chan loginEvent

	mu   sync.RWMutex
	seen map[loginPlace]*atomic.Int64 // unix seconds of a login that got in
}

// loginPlace is a login and where it comes from: an address, of IPv6 its /64.
type loginPlace struct {
	name    string
	network netip.Prefix
}

type loginEvent struct {
	place   loginPlace
	note    LoginNote
	refused bool
}

func newLoginNotes(sink LoginSink, n noting, now func() time.Time, dropped prometheus.Counter, failed func(error)) *loginNotes {
	return &loginNotes{
		noting: n, sink: sink, now: now, failed: failed, dropped: dropped,
		queued: make(chan loginEvent, n.queue), seen: map[loginPlace]*atomic.Int64{},
	}
}

func (l *loginNotes) event(r *http.Request, name, api string) loginEvent {
	addr, _ := remote(r.RemoteAddr)
	name = strings.Clone(name) // it may be a part of a whole header
	note := LoginNote{Name: name, API: api}
	if addr.IsValid() {
		note.Address = addr.String()
	}
	return loginEvent{place: loginPlace{name, networkOf(addr)}, note: note}
}

// succeeded notes a login that got in for the first time, or after long.
func (l *loginNotes) succeeded(r *http.Request, name, api string) {
	if l.sink == nil {
		return
	}
	addr, _ := remote(r.RemoteAddr)
	place := loginPlace{name, networkOf(addr)}
	now := l.now().Unix()
	l.mu.RLock()
	last, known := l.seen[place]
	l.mu.RUnlock()
	if !known {
		last = l.remember(place, now)
	}
	before := last.Load()
	away := now - before
	// Written once a minute: thousands of requests a second share it.
	if away < 60 || !last.CompareAndSwap(before, now) || away < int64(l.quiet.Seconds()) {
		return
	}
	if !l.put(l.event(r, name, api)) {
		last.CompareAndSwap(now, before) // the next one is noted
	}
}

// remember makes room for one more place; a full memory forgets who is away, and if
// nobody is, everybody.
func (l *loginNotes) remember(place loginPlace, now int64) *atomic.Int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, known := l.seen[place]; known {
		return last
	}
	if len(l.seen) >= l.keys {
		for p, last := range l.seen {
			if now-last.Load() >= int64(l.quiet.Seconds()) {
				delete(l.seen, p)
			}
		}
		if len(l.seen) >= l.keys {
			clear(l.seen)
		}
	}
	last := &atomic.Int64{}
	l.seen[place] = last
	return last
}

// refused notes a refusal of a login, or of a name that none has.
func (l *loginNotes) refused(r *http.Request, name, api string) {
	if l.sink == nil {
		return
	}
	e := l.event(r, name, api)
	e.refused = true
	l.put(e)
}

func (l *loginNotes) put(e loginEvent) bool {
	select {
	case l.queued <- e:
		return true
	default:
		l.dropped.Inc()
		return false
	}
}

// refusals are those of one place that no note has told yet.
type refusals struct {
	note  LoginNote
	until time.Time // the next note is not before
}

// loginWriter is the goroutine's own state.
type loginWriter struct {
	*loginNotes
	refusals  map[loginPlace]*refusals
	rest      refusals // what no place was kept for, or no note allowed
	successes *rate.Limiter
	budget    *rate.Limiter
	notes     []LoginNote
}

// run writes notes until stop is closed, and then what it has.
func (l *loginNotes) run(stop <-chan struct{}) {
	if l.sink == nil {
		return
	}
	w := &loginWriter{
		loginNotes: l, refusals: map[loginPlace]*refusals{},
		successes: rate.NewLimiter(rate.Every(l.every), l.noting.successes),
		budget:    rate.NewLimiter(rate.Every(l.every), l.noting.refusals),
	}
	tick := time.NewTicker(max(l.gather/4, time.Millisecond))
	defer tick.Stop()
	for stopped := false; !stopped; {
		select {
		case e := <-l.queued:
			w.take(e)
		case <-tick.C:
			w.collect(false)
		case <-stop:
			stopped = true
		}
		w.drain()
		if stopped {
			w.collect(true)
		}
		w.write()
	}
}

// drain takes what waits already, so that a burst is one transaction.
func (w *loginWriter) drain() {
	for range cap(w.queued) {
		select {
		case e := <-w.queued:
			w.take(e)
		default:
			return
		}
	}
}

func (w *loginWriter) take(e loginEvent) {
	now := w.now()
	if !e.refused {
		if w.successes.AllowN(now, 1) {
			w.notes = append(w.notes, e.note)
		} else {
			w.dropped.Inc()
		}
		return
	}
	p, known := w.refusals[e.place]
	if !known {
		if len(w.refusals) >= w.keys {
			w.rest.note.Failures++
			return
		}
		p = &refusals{note: e.note}
		w.refusals[e.place] = p
	}
	p.note.Address, p.note.API = e.note.Address, e.note.API
	p.note.Failures++
	w.tell(p, now)
}

// tell notes what a place has gathered, if it is time.
func (w *loginWriter) tell(p *refusals, now time.Time) {
	if p.note.Failures == 0 || now.Before(p.until) {
		return
	}
	if w.budget.AllowN(now, 1) {
		w.notes = append(w.notes, p.note)
	} else {
		w.rest.note.Failures += p.note.Failures
	}
	p.note.Failures, p.until = 0, now.Add(w.gather)
}

// collect notes what is gathered and due, or at the end all of it, and forgets places
// that are quiet.
func (w *loginWriter) collect(all bool) {
	now := w.now()
	for place, p := range w.refusals {
		if all {
			p.until = now
		}
		due := !now.Before(p.until)
		w.tell(p, now)
		if due && p.note.Failures == 0 && !now.Before(p.until) {
			delete(w.refusals, place)
		}
	}
	if w.rest.note.Failures > 0 && (all || !now.Before(w.rest.until)) {
		w.notes = append(w.notes, w.rest.note)
		w.rest = refusals{until: now.Add(w.gather)}
	}
}

func (w *loginWriter) write() {
	if len(w.notes) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), w.patience)
	defer cancel()
	if err := w.sink(ctx, w.notes); err != nil {
		w.dropped.Add(float64(len(w.notes)))
		w.failed(err)
	}
	w.notes = w.notes[:0]
}
