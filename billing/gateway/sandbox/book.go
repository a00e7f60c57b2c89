package sandbox

import (
	"sync"

	"topupd/billing"
)

// keptKeys bounds the book: it knows the newest so many keys.
const keptKeys = 1 << 16

// book is what this process sent and captured, per key, for the newest keptKeys
// keys. An older key is answered as if it were new, which for a sandbox changes
// the count alone.
type book struct {
	mu      sync.Mutex
	entries map[string]entry
	order   []string // a ring of the kept keys, oldest at next once it is full
	next    int
}

type entry struct {
	amount   billing.Amount
	token    billing.Secret
	captures int
	refunds  map[string]int64 // by key, millionths
}

// enter notes a charge, with its capture if there is one and it is the key's
// first. It reports false when the key was used for something else.
func (b *book) enter(c billing.GatewayCharge, capture bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, seen := b.entries[c.Key]; seen {
		return e.amount == c.Amount && e.token == c.Token
	}
	e := entry{amount: c.Amount, token: c.Token}
	if capture {
		e.captures = 1
	}
	b.keep(c.Key, e)
	return true
}

// keep adds a new key, in the place of the oldest one when the book is full.
func (b *book) keep(key string, e entry) {
	if b.entries == nil {
		b.entries = map[string]entry{}
	}
	if len(b.order) < keptKeys {
		b.order = append(b.order, key)
	} else {
		delete(b.entries, b.order[b.next])
		b.order[b.next] = key
		b.next = (b.next + 1) % keptKeys
	}
	b.entries[key] = e
}

// refund notes a refund; false when it gives back more than was captured. What a
// payment of another process captured is taken at the caller's word.
func (b *book) refund(r billing.GatewayRefund) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, seen := b.entries[r.ChargeKey]
	if !seen {
		return true
	}
	if _, again := e.refunds[r.Key]; again {
		return true
	}
	left := e.amount.Micros * int64(e.captures)
	for _, n := range e.refunds {
		left -= n
	}
	if r.Amount.Micros > left {
		return false
	}
	if e.refunds == nil {
		e.refunds = map[string]int64{}
	}
	e.refunds[r.Key] = r.Amount.Micros
	b.entries[r.ChargeKey] = e
	return true
}

// Refunded is how much of what a key captured was given back in this process.
func (g *Gateway) Refunded(key string) billing.Amount {
	g.book.mu.Lock()
	defer g.book.mu.Unlock()
	e := g.book.entries[key]
	sum := billing.Money(0, e.amount.Unit)
	for _, n := range e.refunds {
		sum.Micros += n
	}
	return sum
}

// Captures is how often each key took money in this process, for the keys that
// did and that the book still knows: always once.
func (g *Gateway) Captures() map[string]int {
	g.book.mu.Lock()
	defer g.book.mu.Unlock()
	all := map[string]int{}
	for key, e := range g.book.entries {
		if e.captures > 0 {
			all[key] = e.captures
		}
	}
	return all
}

// Captured is the amount that was taken under a key in this process; the zero
// Amount if none was, or so long ago that the book forgot it.
func (g *Gateway) Captured(key string) billing.Amount {
	g.book.mu.Lock()
	defer g.book.mu.Unlock()
	if e := g.book.entries[key]; e.captures > 0 {
		return e.amount
	}
	return billing.Amount{}
}
