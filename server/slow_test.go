package server

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Whoever fails less than 20 times a minute is always looked at.
func TestNeverLockedBelow20AMinute(t *testing.T) {
	c := newClock()
	s := newSlowdown(c.now, defaultSlowness)
	for range 500 {
		if s.locked("192.0.2.7:1", "acme") {
			t.Fatal("locked")
		}
		s.failed("192.0.2.7:1", "acme")
		c.advance(time.Minute / 20)
	}
	// Nor is a burst of 20 after a quiet minute.
	c.advance(time.Minute)
	for range 20 {
		if s.locked("192.0.2.7:1", "acme") {
			t.Fatal("locked in a burst")
		}
		s.failed("192.0.2.7:1", "acme")
	}
}

func TestGuessingIsBounded(t *testing.T) {
	c := newClock()
	s := newSlowdown(c.now, defaultSlowness)
	looked := 0
	for range 100 * 600 { // ten minutes, 100 tries a second
		if !s.locked("192.0.2.7:1", "acme") {
			looked++
			s.failed("192.0.2.7:1", "acme")
		}
		c.advance(10 * time.Millisecond)
	}
	if looked < 200 || looked > 224 {
		t.Errorf("%d passwords tried in ten minutes", looked)
	}
	s.failed("192.0.2.7:1", "acme")
	if !s.locked("192.0.2.7:2", "acme") {
		t.Error("another port is another client")
	}
	if s.locked("192.0.2.8:1", "acme") || s.locked("192.0.2.7:1", "other") {
		t.Error("somebody else is locked too")
	}
	c.advance(10 * time.Second)
	if s.locked("192.0.2.7:1", "acme") {
		t.Error("locked for ever")
	}
}

func TestPairs(t *testing.T) {
	if pairOf("[2001:db8::1]:1", "a") != pairOf("[2001:db8::ffff:2]:9", "a") {
		t.Error("one /64 is two clients")
	}
	if pairOf("[2001:db8::1]:1", "a") == pairOf("[2001:db8:0:1::1]:1", "a") {
		t.Error("two /64 are one client")
	}
	if pairOf("192.0.2.1:1", "a") == pairOf("192.0.2.2:1", "a") || pairOf("192.0.2.1:1", "a") != pairOf("[::ffff:192.0.2.1]:1", "a") {
		t.Error("IPv4")
	}
	if len(pairOf("192.0.2.1:1", strings.Repeat("x", 5000)).user) != maxName {
		t.Error("long name kept")
	}
}

func TestSlowdownForgetsTheOldest(t *testing.T) {
	c := newClock()
	s := newSlowdown(c.now, quick) // 100 pairs
	for i := range 30 {
		s.failed("192.0.2.7:1", "first")
		s.failed("192.0.2.7:1", fmt.Sprint("filler", i))
	}
	for i := range 70 {
		s.failed("192.0.2.7:1", fmt.Sprint("more", i))
	}
	if len(s.pairs.byKey) != 100 || s.pairs.recent.Len() != 100 {
		t.Errorf("%d pairs, %d in the list", len(s.pairs.byKey), s.pairs.recent.Len())
	}
	if !s.locked("192.0.2.7:1", "first") {
		t.Error("a pair that failed recently was forgotten")
	}
	if _, ok := s.pairs.byKey[pairOf("192.0.2.7:1", "filler0")]; ok {
		t.Error("the oldest is still there")
	}
}

// Invented names do not make an address's tries be forgotten: it is held as a whole
// long before. Others are not, and what is remembered has an end.
func TestInventedNamesForgetNothing(t *testing.T) {
	c := newClock()
	s := newSlowdown(c.now, defaultSlowness)
	const attacker = "192.0.2.7:1"
	looked, guessed := 0, 0
	try := func(user string) bool {
		if s.locked(attacker, user) {
			return false
		}
		looked++
		s.failed(attacker, user)
		return true
	}
	for round := range 10 { // ten minutes
		for range 30 {
			if try("acme") {
				guessed++
			}
		}
		for i := range 10_000 {
			try(fmt.Sprint("invented", round, "-", i))
		}
		c.advance(time.Minute)
	}
	if guessed > 224 || looked > 10*600+600+90 {
		t.Errorf("%d passwords of one login tried, %d of all", guessed, looked)
	}
	for i := range 700 {
		s.failed(attacker, fmt.Sprint("more", i))
	}
	if !s.locked(attacker, "never-failed") || s.locked("192.0.2.8:1", "acme") {
		t.Error("not the address is held, or another one is")
	}
	if s.locked(attacker, tokenUser) {
		t.Error("tokens are held by names")
	}
	c.advance(10 * time.Minute)
	for range 10_000 {
		s.failed(attacker, tokenUser)
	}
	if s.locked(attacker, "never-failed") {
		t.Error("names are held by tokens")
	}
	for i := range 30_000 {
		s.failed(fmt.Sprintf("10.%d.%d.1:1", i/250, i%250), "x")
	}
	if len(s.pairs.byKey) != s.keys || len(s.addresses.byKey) != s.keys || s.addresses.recent.Len() != s.keys {
		t.Errorf("%d pairs and %d addresses are remembered", len(s.pairs.byKey), len(s.addresses.byKey))
	}
}

func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlowdown(time.Now, defaultSlowness)
		stop := make(chan struct{})
		took := func(ctx context.Context) time.Duration {
			start := time.Now()
			s.wait(ctx, stop, "192.0.2.7:1", "acme")
			return time.Since(start)
		}
		for range 20 {
			s.failed("192.0.2.7:1", "acme")
		}
		if d := took(t.Context()); d != s.pause {
			t.Errorf("within the burst: %v", d)
		}
		s.failed("192.0.2.7:1", "acme")
		if d := took(t.Context()); d < 2*time.Second || d > 3*time.Second {
			t.Errorf("behind the burst: %v", d)
		}
		for range 50 {
			s.failed("192.0.2.7:1", "acme")
		}
		if d := took(t.Context()); d != s.longest {
			t.Errorf("far behind: %v", d)
		}
		gone, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if d := took(gone); d != time.Second {
			t.Errorf("client gone: %v", d)
		}
		s.waiters.Store(int64(s.waiting))
		if d := took(t.Context()); d != 0 {
			t.Errorf("too many wait: %v", d)
		}
		s.waiters.Store(0)
		close(stop)
		if d := took(t.Context()); d != 0 {
			t.Errorf("stopping: %v", d)
		}
	})
}

// A failed login waits; others meanwhile do not. Time goes on only while all wait.
func TestFailedLoginDoesNotBlockOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := quick
		slow.pause = 300 * time.Millisecond
		f := newFixture(t, func(o *Options) { o.slowness = &slow })
		var wg sync.WaitGroup
		start := time.Now()
		for range 10 {
			wg.Go(func() {
				expect(t, f.do(sign(t, f, post("<x/>"), "acme", "wrong")), 401, "")
				if d := time.Since(start); d != slow.pause {
					t.Errorf("refused after %v", d)
				}
			})
		}
		synctest.Wait()
		if n := f.slow.waiters.Load(); n != 10 {
			t.Errorf("%d wait", n)
		}
		for range 20 {
			expect(t, f.do(sign(t, f, post(""), "acme", password)), 200, "")
		}
		if d := time.Since(start); d > 0 {
			t.Errorf("good logins took %v", d)
		}
		wg.Wait()
	})
}

// Failures count, whichever way the login was tried.
func TestFailuresLock(t *testing.T) {
	c := newClock()
	fast := quick
	fast.longest = time.Millisecond
	basic := func(f *fixture) *http.Request {
		r := get("/operators", "192.0.2.7")
		r.SetBasicAuth("acme", "wrong")
		return r
	}
	signed := func(f *fixture) *http.Request { return sign(t, f, post(""), "acme", "wrong") }
	for name, try := range map[string]func(*fixture) *http.Request{"basic": basic, "digest": signed} {
		f := newFixture(t, func(o *Options) { o.now, o.slowness = c.now, &fast })
		for range 22 {
			expect(t, f.do(try(f)), 401, "")
		}
		if got := f.log.String(); strings.Count(got, `"login":"denied","user":"acme"`) != 21 || strings.Count(got, `"login":"locked"`) != 1 {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

// Over the limit even the right password is not looked at, by Digest or Basic.
func TestLocked(t *testing.T) {
	c := newClock()
	fast := quick
	fast.longest = time.Millisecond
	f := newFixture(t, func(o *Options) { o.now, o.slowness = c.now, &fast })
	for range 21 {
		f.slow.failed("192.0.2.7:1", "admin")
	}
	expect(t, f.do(sign(t, f, post(""), "admin", password)), 401, "")
	r := get("/operators", "192.0.2.7")
	r.SetBasicAuth("admin", password)
	expect(t, f.do(r), 401, "")
	if f.lookups.Load() != 0 {
		t.Error("it was looked up")
	}
	expect(t, f.do(from(sign(t, f, post(""), "admin", password), "192.0.2.8")), 200, "")
	c.advance(time.Minute)
	expect(t, f.do(sign(t, f, post(""), "admin", password)), 200, "")
	if got := f.log.String(); strings.Count(got, `"login":"locked"`) != 2 {
		t.Error(got)
	}
}
