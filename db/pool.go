package db

import (
	"context"
	"errors"
	"sync"

	"topupd/billing"
)

// pool holds the connections that read: at most max, made when first needed.
type pool struct {
	open  func() (*sqliteSession, error)
	slots chan struct{} // one token for each connection that may be in use
	mu    sync.Mutex
	idle  []*sqliteSession
	shut  bool
}

func newPool(max int, open func() (*sqliteSession, error)) *pool {
	return &pool{open: open, slots: make(chan struct{}, max)}
}

// take waits for a connection.
func (p *pool) take(ctx context.Context) (*sqliteSession, error) {
	if err := ctx.Err(); err != nil {
		return nil, cancelled(err)
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, cancelled(ctx.Err())
	}
	p.mu.Lock()
	if p.shut {
		p.mu.Unlock()
		<-p.slots
		return nil, errClosed
	}
	if n := len(p.idle); n > 0 {
		// The last one given back has the warmest cache.
		ses := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return ses, nil
	}
	p.mu.Unlock()
	ses, err := p.open()
	if err != nil {
		<-p.slots
		return nil, err
	}
	return ses, nil
}

// give puts a connection back, or closes one that is not good any more.
func (p *pool) give(ses *sqliteSession, good bool) {
	p.mu.Lock()
	keep := good && !p.shut
	if keep {
		p.idle = append(p.idle, ses)
	}
	p.mu.Unlock()
	if !keep {
		_ = ses.close()
	}
	<-p.slots
}

// close waits for the connections in use and closes all.
func (p *pool) close() error {
	p.mu.Lock()
	p.shut = true
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	var errs []error
	for _, ses := range idle {
		errs = append(errs, ses.close())
	}
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	for range cap(p.slots) {
		<-p.slots
	}
	return errors.Join(errs...)
}

var errClosed = internal(errors.New("the database is closed"))

// cancelled is a call that was given up before it changed anything.
func cancelled(err error) error { return &billing.Error{Code: billing.Busy, Err: err} }
