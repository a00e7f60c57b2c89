package db

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
)

// group is the one writer of SQLite. It runs every waiting function in one transaction and
// commits once. Another goroutine waits until the commit is on the disk and tells the
// callers: a busy server pays one fsync for many changes, and the next group works while
// it lasts.
type group struct {
	queue
	ses  *sqliteSession
	disk *durable
	hook func()     // called before each commit
	turn sync.Mutex // held by a transaction; the checkpointer takes it for a moment
	// logged is called each time that so many pages (every) were logged; pages counts them.
	logged  func()
	every   int
	pages   int
	made    chan madeGroup // to be answered when the disk has them
	telling sync.WaitGroup // the goroutine that does
	// strict holds what a function does to the owners that it declared, as an engine
	// with many writers does.
	strict bool
}

// madeGroup is a group that ran; last is the last commit that its answers may rest on.
type madeGroup struct {
	members []*member
	last    uint64
}

// mostMade is how many groups wait for a slow disk before the writer does.
const mostMade = 16

// groupWorth is how many waiting callers are worth a commit beside a sync that is
// under way; fewer wait for its end, and more join them.
const groupWorth = 8

func (g *group) started() *group {
	g.made = make(chan madeGroup, mostMade)
	g.telling.Go(func() {
		for made := range g.made {
			g.tell(made)
		}
	})
	g.start(func() { g.disk.gather(func() bool { return g.worth(groupWorth) }) }, g.serve)
	return g
}

// run brings a member through; its error says that the member never started.
func (g *group) run(m *member) error {
	if err := m.ctx.Err(); err != nil {
		return cancelled(err)
	}
	if err := g.disk.usable(); err != nil {
		return err
	}
	return g.join(m, groupWorth, g.disk.poke)
}

// serve runs the members and leaves it to tell to answer them.
func (g *group) serve(members []*member) {
	if err := g.disk.usable(); err != nil { // since they came
		lose(members, err)
		answer(members)
		return
	}
	finished := false
	defer func() {
		if !finished {
			_, _ = g.ses.exec(sqlRollback)
			lose(members, unfinished(recover()))
		}
		made := madeGroup{members, g.disk.committed.Load()}
		if g.max == 1 { // nobody shares anything, a sync neither
			g.tell(made)
			return
		}
		g.made <- made
	}()
	g.commit(members)
	finished = true
}

// tell answers the members when the disk has what they rest on: also a refusal, which may
// speak of a change that is not there yet.
func (g *group) tell(made madeGroup) {
	if err := g.disk.wait(made.last); err != nil {
		lose(made.members, err)
	}
	answer(made.members)
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
	if g.pages += g.ses.conn.written(); g.pages >= g.every {
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
	if g.strict {
		t.scope = m.owners
	}
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

var errNoWord = errors.New("SQLite gave no reason")

// close waits for those in the queue and closes the connection.
func (g *group) close() error {
	if !g.queue.close() {
		return nil
	}
	close(g.made)
	g.telling.Wait()
	// The last connection to close tidies the log away; but not what may be nowhere else.
	if g.disk.usable() != nil {
		g.ses.conn.keepLog()
	}
	return g.ses.close()
}
