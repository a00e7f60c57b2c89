package guard

import (
	"errors"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

// The numbers of the package comment.
const (
	window   = 30 * time.Second
	slice    = time.Second // the window moves in steps of it
	leastFor = 20          // calls
	tenths   = 9           // of them, to be exceeded
	pause    = 5 * time.Second
	probes   = 1 // at a time; as many successes close it
	// glance is when to ask again while a probe is out: it may take as long as a
	// call's time-out, or end at once.
	glance = time.Second
	// slack keeps PausedUntil behind the breaker's own clock, never before it.
	slack = time.Millisecond
)

// verdict is what a call says about the gateway.
type verdict uint8

const (
	fine verdict = iota
	faulty
	void // nothing
)

var (
	errFault = errors.New("fault")
	errVoid  = errors.New("says nothing")
)

// err is the verdict as the breaker takes it.
func (v verdict) err() error { return [...]error{fine: nil, faulty: errFault, void: errVoid}[v] }

// breaker is gobreaker's, with three differences: calls count when they end,
// not by when they began (with a time-out as long as the window none would
// count); the time of the next probe can be asked for; and who is told of a
// change may call back.
type breaker struct {
	two    *gobreaker.TwoStepCircuitBreaker[any]
	name   string
	tell   func(name string, open bool)
	mu     sync.Mutex
	epoch  uint64    // changes of state so far
	opened time.Time // the end of the pause, while open
	open   bool      // as it was told, or will be
	queue  []bool    // changes to be told
	busy   bool      // somebody is telling
}

func newBreaker(name string, tell func(string, bool)) *breaker {
	b := &breaker{name: name, tell: tell}
	b.two = gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Name: name, MaxRequests: probes, Interval: window, BucketPeriod: slice, Timeout: pause,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			ended := c.TotalSuccesses + c.TotalFailures
			return ended >= leastFor && c.TotalFailures*10 > ended*tenths
		},
		IsSuccessful:  func(err error) bool { return err == nil },
		IsExcluded:    func(err error) bool { return err == errVoid },
		OnStateChange: b.changed,
	})
	return b
}

// changed is called by the breaker under its lock.
func (b *breaker) changed(_ string, _, to gobreaker.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.epoch++
	switch to {
	case gobreaker.StateOpen:
		b.opened = time.Now().Add(pause + slack)
		if !b.open {
			b.open, b.queue = true, append(b.queue, true)
		}
	case gobreaker.StateClosed:
		b.open, b.queue = false, append(b.queue, false)
	}
}

func (b *breaker) age() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.epoch
}

// enter asks to make a call; done has to be called when it ended.
func (b *breaker) enter() (done func(verdict), open bool) {
	epoch := b.age()
	if b.two.State() == gobreaker.StateClosed {
		return func(v verdict) { b.count(epoch, v) }, false
	}
	probe, err := b.two.Allow()
	if err != nil {
		return nil, true
	}
	return func(v verdict) { probe(v.err()); b.announce() }, false
}

// count adds a call that ended, as if it had begun just now.
func (b *breaker) count(epoch uint64, v verdict) {
	if b.age() != epoch {
		return
	}
	if counted, err := b.two.Allow(); err == nil {
		if b.age() != epoch {
			v = void // gives the place of a probe back
		}
		counted(v.err())
	}
	b.announce()
}

// until is when a call may be made; zero is now.
func (b *breaker) until() time.Time {
	switch b.two.State() {
	case gobreaker.StateOpen:
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.opened
	case gobreaker.StateHalfOpen:
		if c := b.two.Counts(); c.Requests-c.TotalExclusions >= probes {
			return time.Now().Add(glance)
		}
	}
	return time.Time{}
}

// announce tells the changes in their order, one at a time and outside of every
// lock. Whoever comes meanwhile leaves its own to the one that is telling.
func (b *breaker) announce() {
	if b.tell == nil {
		return
	}
	for {
		b.mu.Lock()
		if b.busy || len(b.queue) == 0 {
			b.mu.Unlock()
			return
		}
		next := b.queue[0]
		b.queue, b.busy = b.queue[1:], true
		b.mu.Unlock()
		b.tellOne(next)
	}
}

func (b *breaker) tellOne(open bool) {
	defer func() {
		b.mu.Lock()
		b.busy = false
		b.mu.Unlock()
	}()
	b.tell(b.name, open)
}
