package server

import (
	"context"
	"strings"
	"sync"
	"time"
)

const (
	// loginLife is how long a found login is believed: a disabled one stops
	// within it. Ones that were not found are always looked up.
	loginLife = time.Second
	// loginLimit bounds the cache.
	loginLimit = 10_000
)

// loginCache spares the database the same question for every request.
type loginCache struct {
	lookup LoginLookup
	now    func() time.Time
	mu     sync.RWMutex
	known  map[string]loginEntry
}

type loginEntry struct {
	ha1   string
	boxed any // a Login, boxed once and not for every request
	until time.Time
}

func newLoginCache(lookup LoginLookup, now func() time.Time) *loginCache {
	return &loginCache{lookup: lookup, now: now, known: map[string]loginEntry{}}
}

func (c *loginCache) find(ctx context.Context, name string) (loginEntry, bool, error) {
	// The life is counted from before the lookup, which may be slow.
	now := c.now()
	c.mu.RLock()
	e, ok := c.known[name]
	c.mu.RUnlock()
	if ok && now.Before(e.until) {
		return e, true, nil
	}
	login, ha1, found, err := c.lookup(ctx, name)
	if err != nil {
		return loginEntry{}, false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !found {
		delete(c.known, name)
		return loginEntry{}, false, nil
	}
	if len(c.known) >= loginLimit {
		c.sweep(now)
	}
	e = loginEntry{ha1: ha1, boxed: login, until: now.Add(loginLife)}
	c.known[strings.Clone(name)] = e // the name is a part of a whole header
	return e, true, nil
}

// has reports whether a login was found under the name, lately; it asks nobody.
func (c *loginCache) has(name string) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	_, ok := c.known[name]
	return ok
}

// sweep makes room: what is too old goes, and if nothing is, all of it; it
// would be gone in a second anyway.
func (c *loginCache) sweep(now time.Time) {
	for name, e := range c.known {
		if !now.Before(e.until) {
			delete(c.known, name)
		}
	}
	if len(c.known) >= loginLimit {
		clear(c.known)
	}
}
