package billing_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"topupd/billing"
)

// signalling is a store that keeps what is told to other servers, and tells what it is asked to.
type signalling struct {
	billing.Store
	mu    sync.Mutex
	told  []string
	heard chan func(string)
}

func (s *signalling) Tell(topic string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, topic)
}

func (s *signalling) Hear(ctx context.Context, heard func(string)) {
	s.heard <- heard
	<-ctx.Done()
}

func (s *signalling) topics() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.told)
}

// The outcome of a payment by hand is told to the servers where its call may wait, that of
// an automatic charge to nobody: nobody waits for it.
func TestOutcomeIsToldToServers(t *testing.T) {
	k := newKit(t, noWait)
	k.seed("tok_ok")
	store := &signalling{Store: k.store}
	k.config.Store = store
	k.engine = billing.New(k.config)
	k.debit(t0, 16*usd)
	k.drain(t0)
	for _, topic := range store.topics() {
		if topic != "work" {
			t.Errorf("an automatic charge was told as %q", topic)
		}
	}
	k.pay(t0, ten())
	if slices.Contains(store.topics(), "paid:2") {
		t.Error("told before it was sent")
	}
	k.drain(t0)
	if got := store.topics(); !slices.Contains(got, "paid:2") || !slices.Contains(got, "work") {
		t.Errorf("told: %q", got)
	}
}

func TestWaitingCallHearsOfOutcome(t *testing.T) {
	k := newKit(t)
	store := &signalling{Store: k.store, heard: make(chan func(string), 1)}
	k.config.Store = store
	k.engine = billing.New(k.config)
	k.working(k.engine)
	heard := <-store.heard
	told, leave := billing.Waits(k.engine, 7)
	defer leave()
	for _, other := range []string{"", "work", "events", "paid:8", "paid:x"} {
		heard(other)
	}
	select {
	case <-told:
		t.Error("woken by what is not about it")
	default:
	}
	heard("paid:7")
	select {
	case <-told:
	case <-time.After(10 * time.Second):
		t.Error("not woken")
	}
}
