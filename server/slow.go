package server

import (
	"container/list"
	"context"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// slowness is how failed logins are slowed. One address and user may fail
// burst times at once and then once per every; each failure is answered after
// pause, or after the time that its turn takes, at most longest. What would
// wait longer is answered without a look at the password, so more than that
// cannot be guessed, by however many connections. Whoever fails less than 20
// times a minute is never refused.
type slowness struct {
	every   time.Duration
	burst   int
	pause   time.Duration
	longest time.Duration
	keys    int // pairs of address and user that are remembered
	waiting int // answers held back at once; further ones are not
}

// maxName bounds the part of a user name that is remembered.
const maxName = 64

var defaultSlowness = slowness{
	every: 3 * time.Second, burst: 20, pause: 250 * time.Millisecond, longest: 9 * time.Second,
	keys: 10_000, waiting: 1_000,
}

// slowdown counts failed logins per address and user, the least recently
// used pair making room.
type slowdown struct {
	slowness
	now     func() time.Time
	mu      sync.Mutex
	pairs   map[pair]*list.Element
	recent  *list.List // of *failures, the latest in front
	size    atomic.Int64
	waiters atomic.Int64
}

type pair struct {
	network netip.Prefix
	user    string
}

type failures struct {
	pair    pair
	limiter *rate.Limiter
}

func newSlowdown(now func() time.Time, s slowness) *slowdown {
	return &slowdown{slowness: s, now: now, pairs: map[pair]*list.Element{}, recent: list.New()}
}

// pairOf takes an IPv6 address by its /64: a client has all of it.
func pairOf(remoteAddr, user string) pair {
	addr, _ := remote(remoteAddr)
	// A name is a part of the whole header, which must not be kept for it.
	return pair{networkOf(addr), strings.Clone(user[:min(len(user), maxName)])}
}

func networkOf(addr netip.Addr) netip.Prefix {
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	network, _ := addr.Prefix(bits)
	return network
}

// locked reports whether so many logins failed that this one is not looked at.
// Nearly always there were none, and that costs one load.
func (s *slowdown) locked(remoteAddr, user string) bool {
	if s.size.Load() == 0 {
		return false
	}
	return s.debt(pairOf(remoteAddr, user)) >= s.longest
}

// debt is how long the pair's last failure has to wait for its turn.
func (s *slowdown) debt(p pair) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.pairs[p]
	if !ok {
		return 0
	}
	tokens := e.Value.(*failures).limiter.TokensAt(s.now())
	return time.Duration(-tokens * float64(s.every))
}

// failed counts a failed login.
func (s *slowdown) failed(remoteAddr, user string) {
	p := pairOf(remoteAddr, user)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.pairs[p]
	if !ok {
		if len(s.pairs) >= s.keys {
			oldest := s.recent.Back()
			delete(s.pairs, oldest.Value.(*failures).pair)
			s.recent.Remove(oldest)
		}
		e = s.recent.PushFront(&failures{p, rate.NewLimiter(rate.Every(s.every), s.burst)})
		s.pairs[p] = e
		s.size.Store(int64(len(s.pairs)))
	}
	s.recent.MoveToFront(e)
	e.Value.(*failures).limiter.ReserveN(s.now(), 1)
}

// wait holds an answer back, until the client has gone or the server stops at
// the latest.
func (s *slowdown) wait(ctx context.Context, stop <-chan struct{}, remoteAddr, user string) {
	defer s.waiters.Add(-1)
	if s.waiters.Add(1) > int64(s.waiting) {
		return
	}
	delay := min(max(s.pause, s.debt(pairOf(remoteAddr, user))), s.longest)
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-stop:
	case <-ctx.Done():
	}
}
