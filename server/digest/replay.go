package digest

import (
	"sync"
	"time"
)

// window is how far behind the highest nonce count a request may arrive:
// parallel calls on one nonce overtake each other.
const window = 1024

// replay remembers which nonce counts were used. It is best effort: it belongs
// to one process and holds a bounded number of nonces, in two generations. A
// nonce that was pushed out could be replayed until it is too old.
type replay struct {
	mu     sync.Mutex
	recent map[nonceID]span
	older  map[nonceID]span
	limit  int
	life   time.Duration
	turned time.Time
}

// span is the used counts of one nonce: the highest, and which of the window
// below it. Most clients use a nonce once, so the window is made on second use.
type span struct {
	highest uint32
	used    *[window / 64]uint64
}

func newReplay(limit int, life time.Duration) *replay {
	return &replay{recent: map[nonceID]span{}, limit: max(1, limit/2), life: life}
}

// first reports whether this count is used for the first time, and notes it.
func (r *replay) first(id nonceID, count uint32, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.recent) >= r.limit || now.Sub(r.turned) >= r.life {
		// An entry stays for at least one whole life after its last use.
		r.older, r.recent, r.turned = r.recent, map[nonceID]span{}, now
	}
	s, known := r.recent[id]
	if !known {
		s, known = r.older[id]
		delete(r.older, id)
	}
	ok := true
	if known {
		ok = s.use(count)
	} else {
		s = span{highest: count}
	}
	r.recent[id] = s
	return ok
}

func (s *span) use(count uint32) bool {
	if s.used == nil {
		s.used = new([window / 64]uint64)
		s.mark(s.highest)
	}
	if count > s.highest {
		s.forget(count)
		s.highest = count
		s.mark(count)
		return true
	}
	if s.highest-count >= window || s.marked(count) {
		return false
	}
	s.mark(count)
	return true
}

// forget clears the places of the counts between the highest and the new one:
// the window is a ring, they held older counts.
func (s *span) forget(count uint32) {
	if count-s.highest >= window {
		*s.used = [window / 64]uint64{}
		return
	}
	for n := s.highest + 1; n != count+1; n++ {
		s.used[n%window/64] &^= 1 << (n % 64)
	}
}

func (s *span) mark(n uint32)        { s.used[n%window/64] |= 1 << (n % 64) }
func (s *span) marked(n uint32) bool { return s.used[n%window/64]&(1<<(n%64)) != 0 }
