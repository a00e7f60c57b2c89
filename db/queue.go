package db

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"topupd/billing"
)

// queue brings callers of Update together: those that arrive while one leads wait,
// and the next to lead takes them into its transaction. So nobody waits on purpose
// and no goroutine runs when nothing is written.
type queue struct {
	max  int           // members of one commit
	wait time.Duration // how long a caller stands in the queue before it gives up

	mu      sync.Mutex
	waiting []*member
	leading bool
	shut    bool
	idle    chan struct{} // closed by the last leader after shut
}

// member is one caller's function on its way through a transaction.
type member struct {
	ctx    context.Context
	owners []billing.OwnerID // those it declared; nil is everything
	fn     func(billing.Tx) error
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

// join returns when the member leads or is answered; its error says that it never
// started. full is called when worth members wait.
func (q *queue) join(m *member, worth int, full func()) (lead bool, err error) {
	q.mu.Lock()
	if q.shut {
		q.mu.Unlock()
		return false, errClosed
	}
	if !q.leading {
		q.leading = true
		q.mu.Unlock()
		return true, nil
	}
	m.wake = make(chan struct{}, 1)
	q.waiting = append(q.waiting, m)
	enough := len(q.waiting) == worth
	q.mu.Unlock()
	if enough {
		full()
	}
	if err := q.stand(m); err != nil {
		return false, err
	}
	return m.lead, nil
}

// stand waits until the member is answered or has to lead.
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
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
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

// take is the leader with those that wait, as many as one commit may have.
func (q *queue) take(leader *member) []*member {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), q.max-1)
	members := make([]*member, 1, n+1)
	members[0] = leader
	members = append(members, q.waiting[:n]...)
	q.waiting = append(q.waiting[:0], q.waiting[n:]...)
	return members
}

// handOver makes the first that waits the leader.
func (q *queue) handOver() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.leading = false
		if q.shut {
			close(q.idle)
		}
		return
	}
	next := q.waiting[0]
	q.waiting = append(q.waiting[:0], q.waiting[1:]...)
	next.lead = true
	next.wake <- struct{}{}
}

// close waits for those that wait; nobody joins any more. It is false the second time.
func (q *queue) close() bool {
	q.mu.Lock()
	if q.shut {
		q.mu.Unlock()
		return false
	}
	q.shut = true
	q.idle = make(chan struct{})
	if !q.leading {
		close(q.idle)
	}
	q.mu.Unlock()
	<-q.idle
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
