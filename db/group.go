package db

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"topupd/billing"
)

// group is the one writer. Callers of Update that arrive while it works wait in its
// queue; then one of them leads: it runs every waiting function in one transaction,
// commits once, hands the lead on, waits until the commit is on the disk and tells the
// others. So nobody waits on purpose, no goroutine runs when nothing is written, a busy
// server pays one fsync for many changes, and the next group works while it lasts.
type group struct {
	ses  *session
	disk *durable
	max  int           // members of one commit
	wait time.Duration // how long a caller stands in the queue before it gives up
	hook func()        // called before each commit
	turn sync.Mutex    // held by a transaction; the checkpointer takes it for a moment
	// logged is called each checkpointEvery pages; pages counts them.
	logged func()
	pages  int

	mu      sync.Mutex
	queue   []*member
	leading bool
	shut    bool
	idle    chan struct{}  // closed by the last leader after shut
	syncing sync.WaitGroup // leaders that handed on and wait for the disk
}

// member is one caller's function on its way through a group.
type member struct {
	ctx context.Context
	fn  func(billing.Tx) error
	// wake is sent to once: the member is answered, or leads (lead is set).
	wake  chan struct{}
	lead  bool
	wrote bool // its function changed something, in the transaction's last run
	err   error
	panic *memberPanic
}

// memberPanic carries a panic to the goroutine that it belongs to.
type memberPanic struct {
	value any
	stack []byte
}

// Error lets the runtime and every recover print where it came from.
func (p *memberPanic) Error() string {
	return fmt.Sprintf("%v\n\nthe function that was run in a transaction:\n%s", p.value, p.stack)
}

// Update runs fn in a transaction and answers when its change is durable; see
// billing.Store. It must not be nested.
func (s *Store) Update(ctx context.Context, fn func(billing.Tx) error) error {
	m := &member{ctx: ctx, fn: fn}
	if err := s.writer.run(m); err != nil {
		return err
	}
	if m.panic != nil {
		panic(m.panic)
	}
	return m.err
}

// run brings a member through; its error says that the member never started.
func (g *group) run(m *member) error {
	if err := m.ctx.Err(); err != nil {
		return cancelled(err)
	}
	if err := g.disk.usable(); err != nil {
		return err
	}
	g.mu.Lock()
	if g.shut {
		g.mu.Unlock()
		return errClosed
	}
	if !g.leading {
		g.leading = true
		g.mu.Unlock()
		g.lead(m)
		return nil
	}
	m.wake = make(chan struct{}, 1)
	g.queue = append(g.queue, m)
	full := len(g.queue) == groupWorth
	g.mu.Unlock()
	if full {
		g.disk.poke()
	}
	if err := g.stand(m); err != nil {
		return err
	}
	if m.lead {
		g.lead(m)
	}
	return nil
}

// stand waits in the queue until the member is answered or has to lead.
func (g *group) stand(m *member) error {
	patience := time.NewTimer(g.wait)
	defer patience.Stop()
	var why error
	select {
	case <-m.wake:
		return nil
	case <-m.ctx.Done():
		why = cancelled(m.ctx.Err())
	case <-patience.C:
		why = &billing.Error{Code: billing.Busy, Message: "busy, try again"}
	}
	if g.withdraw(m) {
		return why
	}
	// Too late: it runs already, and what becomes of it is the answer.
	<-m.wake
	return nil
}

func (g *group) withdraw(m *member) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, q := range g.queue {
		if q == m {
			g.queue = append(g.queue[:i], g.queue[i+1:]...)
			return true
		}
	}
	return false
}

// groupWorth is how many waiting callers are worth a commit beside a sync that is
// under way; fewer wait for its end, and more join them.
const groupWorth = 16

// lead runs the member with those that wait, and hands the lead on.
func (g *group) lead(m *member) {
	g.disk.gather(func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.queue) >= groupWorth
	})
	g.mu.Lock()
	n := min(len(g.queue), g.max-1)
	members := make([]*member, 1, n+1)
	members[0] = m
	members = append(members, g.queue[:n]...)
	g.queue = append(g.queue[:0], g.queue[n:]...)
	g.mu.Unlock()

	finished := false
	// Also when a function ends the goroutine (runtime.Goexit, as a failing
	// test does): the others must not wait for ever.
	defer func() {
		if !finished {
			_, _ = g.ses.exec(sqlRollback)
			fail(members, internal(fmt.Errorf("another function of the same commit ended its goroutine")))
		}
		last := g.disk.committed.Load()
		g.syncing.Add(1)
		defer g.syncing.Done()
		if g.max > 1 { // else nobody shares anything, a sync neither
			g.handOver()
		}
		// Also for a refusal: it may speak of a change that is not on the disk yet.
		if err := g.disk.wait(last); err != nil {
			lose(members, err)
		}
		if g.max == 1 {
			g.handOver()
		}
		for _, other := range members[1:] {
			other.wake <- struct{}{}
		}
	}()
	g.commit(members)
	finished = true
}

// handOver makes the first in the queue the leader.
func (g *group) handOver() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.queue) == 0 {
		g.leading = false
		if g.shut {
			close(g.idle)
		}
		return
	}
	next := g.queue[0]
	g.queue = append(g.queue[:0], g.queue[1:]...)
	next.lead = true
	next.wake <- struct{}{}
}

// commit runs the members in one transaction and fills in their errors.
//
// A savepoint costs a copy of every page that a member touches first, and
// nearly every function that fails does so before it wrote anything. So the
// members run without one; only when one failed after it wrote is everything
// undone and run again, now each in its own savepoint.
func (g *group) commit(members []*member) {
	g.turn.Lock()
	defer g.turn.Unlock()
	done, err := g.attempt(members, false)
	if err == errHalfMade {
		done, err = g.attempt(members, true)
	}
	if err != nil {
		// A refusal too: it may rest on what another member did, and that is undone.
		lose(members, err)
		return
	}
	if done == 0 {
		return
	}
	if g.pages += g.ses.conn.written(); g.pages >= checkpointEvery {
		g.pages = 0
		g.logged()
	}
}

// errHalfMade: a member failed after it wrote, outside a savepoint.
var errHalfMade = errors.New("a failed function had written")

// attempt runs the members in one transaction and commits it; done says how
// many of them changed something. Its error says that nothing was committed.
func (g *group) attempt(members []*member, savepoints bool) (done int, err error) {
	if _, err := g.ses.exec(sqlBeginImmediate); err != nil {
		return 0, err
	}
	for _, m := range members {
		ok, err := g.enter(m, savepoints)
		switch {
		case err != nil:
		case !g.ses.conn.inTransaction():
			// A full disk or a failing one ends the transaction by itself; what
			// followed would be committed statement by statement.
			err = internal(fmt.Errorf("the transaction ended on its own: %w", cmp.Or(m.err, errNoWord)))
		case !ok && m.wrote && !savepoints && len(members) > 1:
			err = errHalfMade
		}
		if err != nil {
			// The transaction itself is gone; so is what the others did in it.
			_, _ = g.ses.exec(sqlRollback)
			return 0, err
		}
		if ok {
			done++
		}
	}
	if done == 0 {
		_, _ = g.ses.exec(sqlRollback)
		return 0, nil
	}
	if g.hook != nil {
		g.hook()
	}
	g.disk.begin()
	_, err = g.ses.exec(sqlCommit)
	g.disk.end()
	if err != nil {
		_, _ = g.ses.exec(sqlRollback)
		return 0, err
	}
	return done, nil
}

// enter runs one member. It says whether the member succeeded; its error ends
// the transaction.
func (g *group) enter(m *member, savepoint bool) (ok bool, err error) {
	m.wrote = false
	if err := m.ctx.Err(); err != nil {
		m.err = cancelled(err)
		return false, nil
	}
	if savepoint {
		if _, err := g.ses.exec(sqlSavepoint); err != nil {
			return false, err
		}
	}
	t := &tx{reader: reader{s: g.ses, mode: begun}}
	m.call(t)
	m.wrote = t.wrote
	ok = m.err == nil && m.panic == nil
	if !savepoint {
		return ok, nil
	}
	if !ok {
		if _, err := g.ses.exec(sqlRollbackTo); err != nil {
			return false, err
		}
	}
	_, err = g.ses.exec(sqlRelease)
	return ok, err
}

// call runs the member's function and keeps its error or panic.
func (m *member) call(t *tx) {
	m.err, m.panic = nil, nil
	defer func() {
		if v := recover(); v != nil {
			m.panic = &memberPanic{v, debug.Stack()}
		}
		// The function is over: what it kept of the transaction is dead.
		if t.err == nil {
			t.err = errOver
		}
	}()
	m.err = m.fn(t)
	if m.err == nil {
		// A function that swallowed an error which spoilt its transaction.
		m.err = t.err
	}
}

var errNoWord = errors.New("SQLite gave no reason")

var errOver = internal(fmt.Errorf("a transaction was used after its function returned"))

// fail answers every member that had no error of its own.
func fail(members []*member, err error) {
	for _, m := range members {
		if m.err == nil && m.panic == nil {
			m.err = err
		}
	}
}

// lose answers every member, also one that succeeded.
func lose(members []*member, err error) {
	for _, m := range members {
		if m.panic == nil {
			m.err = err
		}
	}
}

// close waits for those in the queue and closes the connection.
func (g *group) close() error {
	g.mu.Lock()
	if g.shut {
		g.mu.Unlock()
		return nil
	}
	g.shut = true
	g.idle = make(chan struct{})
	if !g.leading {
		close(g.idle)
	}
	g.mu.Unlock()
	<-g.idle
	g.syncing.Wait()
	return g.ses.close()
}
