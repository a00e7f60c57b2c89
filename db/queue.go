package db

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"topupd/billing"
)

// queue brings callers of Update together: those that arrive while a group is made wait,
// and are the next one. So nobody waits on purpose. The functions run in a goroutine of
// the queue's own: its stack has grown and is in the processor's cache, which is a tenth of
// what a change costs.
type queue struct {
	max  int           // members of one group
	wait time.Duration // how long a caller stands in the queue before it gives up

	mu      sync.Mutex
	some    sync.Cond // somebody waits, or shut was set
	waiting []*member
	shut    bool
	over    sync.WaitGroup // the goroutine
}

// member is one caller's function on its way through a transaction.
type member struct {
	ctx    context.Context
	owners []billing.OwnerID // those it declared; nil is everything
	fn     func(billing.Tx) error
	wake   chan struct{} // sent to once: the member is answered
	wrote  bool          // its function changed something, in the transaction's last run
	err    error
	panic  *memberPanic
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

// start has groups made until close. gather may wait for a group to grow; run answers it,
// also when a function ends the goroutine, as a failing test's does.
func (q *queue) start(gather func(), run func([]*member)) {
	q.some.L = &q.mu
	var serve func()
	serve = func() {
		ended := false
		defer func() {
			if !ended {
				q.over.Go(serve)
			}
		}()
		for q.await() {
			gather()
			if members := q.take(); len(members) > 0 {
				run(members)
			}
		}
		ended = true
	}
	q.over.Go(serve)
}

// await returns when somebody waits; false after close, when nobody is left.
func (q *queue) await() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && !q.shut {
		q.some.Wait()
	}
	return len(q.waiting) > 0
}

// take is those that wait, as many as one group may have.
func (q *queue) take() []*member {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), q.max)
	members := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return members
}

// join returns when the member is answered; its error says that it never started. full
// is called when worth members wait.
func (q *queue) join(m *member, worth int, full func()) error {
	m.wake = make(chan struct{}, 1)
	q.mu.Lock()
	if q.shut {
		q.mu.Unlock()
		return errClosed
	}
	q.waiting = append(q.waiting, m)
	n := len(q.waiting)
	q.mu.Unlock()
	if n == 1 {
		q.some.Signal()
	}
	if n == worth {
		full()
	}
	return q.stand(m)
}

// answer wakes the members.
func answer(members []*member) {
	for _, m := range members {
		m.wake <- struct{}{}
	}
}

// stand waits until the member is answered.
func (q *queue) stand(m *member) error {
	patience := time.NewTimer(q.wait)
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
	if q.withdraw(m) {
		return why
	}
	// Too late: it runs already, and what becomes of it is the answer.
	<-m.wake
	return nil
}

func (q *queue) withdraw(m *member) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, w := range q.waiting {
		if w == m {
			q.waiting = slices.Delete(q.waiting, i, i+1)
			return true
		}
	}
	return false
}

// worth reports whether so many wait.
func (q *queue) worth(n int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) >= n
}

// close waits for those that wait; nobody joins any more. It is false the second time.
func (q *queue) close() bool {
	q.mu.Lock()
	if q.shut {
		q.mu.Unlock()
		return false
	}
	q.shut = true
	q.mu.Unlock()
	q.some.Signal()
	q.over.Wait()
	return true
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
	if m.err == nil || t.err == errBeyond {
		// A function that swallowed an error which spoilt its transaction, or put it into
		// words of its own.
		m.err = t.err
	}
}

var errOver = internal(fmt.Errorf("a transaction was used after its function returned"))

// unfinished is what the members of a group are told that came to no end: by a panic of
// ours, or because a function ended the goroutine.
func unfinished(panicked any) error {
	if panicked != nil {
		return internal(fmt.Errorf("the writer panicked: %v\n%s", panicked, debug.Stack()))
	}
	return internal(errors.New("a function of the same commit ended its goroutine"))
}

// lose answers every member, also one that succeeded.
func lose(members []*member, err error) {
	for _, m := range members {
		if m.panic == nil {
			m.err = err
		}
	}
}
