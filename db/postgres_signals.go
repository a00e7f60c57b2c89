package db

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// signals wake the other servers on a database of PostgreSQL, by LISTEN and NOTIFY. They
// are sent after the commit, beside it and gathered: a NOTIFY inside a transaction makes
// all commits of the database wait for each other. What is lost is found by polling.
type signals struct {
	cfg  *pgx.ConnConfig
	name string // of this server, so that it does not hear itself

	mu     sync.Mutex
	topics map[string]bool
	moved  bool               // the connection that tells is to be made anew
	deaf   context.CancelFunc // ends the connection that listens
	wake   chan struct{}
	cancel context.CancelFunc
	ended  sync.WaitGroup
}

const (
	pgChannel = "topupd"
	// gathered is how often a server tells at most; relisten, how soon it listens again
	// when its connection broke.
	gathered = 10 * time.Millisecond
	relisten = time.Second
)

func newSignals(cfg *pgx.ConnConfig) *signals {
	ctx, cancel := context.WithCancel(context.Background())
	s := &signals{cfg: cfg, name: rand.Text(), topics: map[string]bool{}, wake: make(chan struct{}, 1), cancel: cancel}
	s.ended.Go(func() { s.send(ctx) })
	return s
}

func (s *signals) tell(topic string) {
	s.mu.Lock()
	s.topics[topic] = true
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// send tells what was gathered; its connection is made at the first word.
func (s *signals) send(ctx context.Context) {
	var conn *pgx.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close(context.WithoutCancel(ctx))
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		s.mu.Lock()
		topics, moved := s.topics, s.moved
		s.topics, s.moved = map[string]bool{}, false
		s.mu.Unlock()
		if moved && conn != nil {
			_ = conn.Close(ctx)
		}
		if conn == nil || conn.IsClosed() {
			var err error
			if conn, err = pgx.ConnectConfig(ctx, s.cfg); err != nil {
				conn = nil
				continue // the others poll
			}
		}
		for topic := range topics {
			_, _ = conn.Exec(ctx, `SELECT pg_notify($1, $2)`, pgChannel, s.name+" "+topic)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(gathered):
		}
	}
}

// hear listens until ctx is done, over as many connections as it takes.
func (s *signals) hear(ctx context.Context, heard func(topic string)) {
	for ctx.Err() == nil {
		s.listen(ctx, heard)
		select {
		case <-ctx.Done():
		case <-time.After(relisten):
		}
	}
}

func (s *signals) listen(ctx context.Context, heard func(topic string)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	s.deaf = cancel
	s.mu.Unlock()
	conn, err := pgx.ConnectConfig(ctx, s.cfg)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, `LISTEN `+pgChannel); err != nil {
		return
	}
	heard("") // what was told before
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return
		}
		if from, topic, _ := strings.Cut(n.Payload, " "); from != s.name {
			heard(topic)
		}
	}
}

// elsewhere has both connections made anew.
func (s *signals) elsewhere() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moved = true
	if s.deaf != nil {
		s.deaf()
	}
}

func (s *signals) close() {
	s.cancel()
	s.ended.Wait()
}
