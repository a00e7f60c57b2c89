package digest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

func TestReplayIsRefused(t *testing.T) {
	a := newTest(t, nil)
	q := good(a)
	for _, step := range []struct {
		nc   string
		want Result
	}{
		{"00000001", OK}, {"00000001", Stale}, {"00000000", OK}, {"00000000", Stale},
		{"00000005", OK}, {"00000003", OK}, {"00000003", Stale}, {"00000004", OK}, {"00000002", OK}, {"00000005", Stale},
		{"00000405", OK}, {"00000006", OK}, {"00000005", Stale}, {"ffffffff", OK}, {"ffffffff", Stale}, {"00000406", Stale},
	} {
		q.nc = step.nc
		if got := judge(t, a, q); got != step.want {
			t.Fatalf("nc %s: %v, want %v", step.nc, got, step.want)
		}
	}
	// A wrong password must not use up a count.
	q = good(a)
	bad := q
	bad.password = "x"
	judge(t, a, bad)
	if got := judge(t, a, q); got != OK {
		t.Errorf("after somebody's wrong password: %v", got)
	}
}

func TestReplayOff(t *testing.T) {
	a := newTest(t, func(c *Config) { c.Nonces = 0 })
	q := good(a)
	for range 3 {
		if got := judge(t, a, q); got != OK {
			t.Fatal(got)
		}
	}
}

// The ring against a plain set, with jumps of every size.
func TestReplayAgainstModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	r := newReplay(10, time.Hour)
	var id nonceID
	now := time.Now()
	used, highest := map[uint32]bool{}, uint32(0)
	for i := range 50_000 {
		var n uint32
		switch rnd.IntN(20) {
		case 0:
			n = highest + rnd.Uint32N(3*window)
		case 1:
			n = highest - min(highest, rnd.Uint32N(2*window))
		default:
			n = highest + rnd.Uint32N(8) - min(highest, 5)
		}
		want := !used[n] && (n > highest || highest-n < window || len(used) == 0)
		if got := r.first(id, n, now); got != want {
			t.Fatalf("step %d: count %d with highest %d: %v, want %v", i, n, highest, got, want)
		}
		used[n], highest = true, max(highest, n)
	}
}

func TestReplayMemoryIsBounded(t *testing.T) {
	r := newReplay(100, time.Hour)
	now := time.Now()
	for i := range 10_000 {
		var id nonceID
		id[0], id[1] = byte(i), byte(i>>8)
		if !r.first(id, 1, now) {
			t.Fatal("a new nonce is refused")
		}
		if n := len(r.recent) + len(r.older); n > 100 {
			t.Fatalf("%d nonces kept", n)
		}
	}
}

// A nonce that is in use is remembered for its whole life.
func TestReplayRemembersForALife(t *testing.T) {
	r := newReplay(100, time.Minute)
	at := time.Now()
	var id, other nonceID
	other[0] = 1
	r.first(other, 0, at)
	at = at.Add(59 * time.Second)
	r.first(id, 1, at)
	at = at.Add(59 * time.Second)
	r.first(other, 1, at) // turns the generations
	if r.first(id, 1, at) {
		t.Error("forgotten within its life")
	}
	at = at.Add(3 * time.Minute)
	r.first(other, 2, at)
	at = at.Add(time.Minute)
	r.first(other, 3, at)
	if n := len(r.recent) + len(r.older); n > 1 {
		t.Errorf("%d nonces kept after their life", n)
	}
}

// 50 parallel calls on one nonce, each count once, and then each again.
func TestParallelOnOneNonce(t *testing.T) {
	a := newTest(t, nil)
	base := good(a)
	for _, want := range []Result{OK, Stale} {
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				q := base
				q.nc = fmt.Sprintf("%08x", i)
				if _, got, _ := a.Authenticate(q.build()); got != want {
					t.Errorf("nc %s: %v, want %v", q.nc, got, want)
				}
			})
		}
		wg.Wait()
	}
}
