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
// times a minute is never refused, unless its address as a whole fails
// addressBurst times at once, or more than once per addressEvery: invented names
// would else make room for each other until the one that is guessed is forgotten.
type slowness struct {
	every        time.Duration
	burst        int
	addressEvery time.Duration
	addressBurst int
	pause        time.Duration
	longest      time.Duration
	keys         int // pairs of address and user that are remembered, and addresses
	waiting      int // answers held back at once; further ones are not
}

// maxName bounds the part of a user name that is remembered.
const maxName = 64

// At 600 names a minute an address needs a quarter of an hour to have one of its
// pairs forgotten, and wins 20 tries by it; it has 20 a minute anyway.
var defaultSlowness = slowness{
	every: 3 * time.Second, burst: 20, addressEvery: 100 * time.Millisecond, addressBurst: 600,
	pause: 250 * time.Millisecond, longest: 9 * time.Second, keys: 10_000, waiting: 1_000,
}

// slowdown counts failed logins per address and user, and per address.
type slowdown struct {
	slowness
	now       func() time.Time
	mu        sync.Mutex
	pairs     failures[pair]
	addresses failures[netip.Prefix]
	size      atomic.Int64
	waiters   atomic.Int64
}

type pair struct {
	network netip.Prefix
	user    string
}

// failures are counts by key, the least recently used making room.
type failures[K comparable] struct {
	every  time.Duration
	burst  int
	keys   int
	byKey  map[K]*list.Element
	recent *list.List // of *counted[K], the latest in front
}

type counted[K comparable] struct {
	key     K
	limiter *rate.Limiter
}

func newFailures[K comparable](every time.Duration, burst, keys int) failures[K] {
	return failures[K]{every: every, burst: burst, keys: keys, byKey: map[K]*list.Element{}, recent: list.New()}
}

// add counts one more.
func (f *failures[K]) add(key K, now time.Time) {
	e, ok := f.byKey[key]
	if !ok {
		if len(f.byKey) >= f.keys {
			oldest := f.recent.Back()
			delete(f.byKey, oldest.Value.(*counted[K]).key)
			f.recent.Remove(oldest)
		}
		e = f.recent.PushFront(&counted[K]{key, rate.NewLimiter(rate.Every(f.every), f.burst)})
		f.byKey[key] = e
	}
	f.recent.MoveToFront(e)
	e.Value.(*counted[K]).limiter.ReserveN(now, 1)
}

// debt is how long the last failure of a key has to wait for its turn.
func (f *failures[K]) debt(key K, now time.Time) time.Duration {
	e, ok := f.byKey[key]
	if !ok {
		return 0
	}
	return time.Duration(-e.Value.(*counted[K]).limiter.TokensAt(now) * float64(f.every))
}

func newSlowdown(now func() time.Time, s slowness) *slowdown {
	return &slowdown{
		slowness: s, now: now,
		pairs:     newFailures[pair](s.every, s.burst, s.keys),
		addresses: newFailures[netip.Prefix](s.addressEvery, s.addressBurst, s.keys),
	}
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

// debt is how long the last failure of the pair, or of its address, has to wait for
// its turn. Tokens are one pair and no name of a login: they are held by it alone.
func (s *slowdown) debt(p pair) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	debt := s.pairs.debt(p, now)
	if p.user != tokenUser {
		debt = max(debt, s.addresses.debt(p.network, now))
	}
	return debt
}

// failed counts a failed login.
func (s *slowdown) failed(remoteAddr, user string) {
	p := pairOf(remoteAddr, user)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.pairs.add(p, now)
	if p.user != tokenUser {
		s.addresses.add(p.network, now)
	}
	s.size.Store(int64(len(s.pairs.byKey)))
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
