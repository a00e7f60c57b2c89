package db

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"topupd/billing"
)

// lane is one of the writers of PostgreSQL: as on SQLite, callers that arrive while it
// works share the next transaction. One lane runs what may touch everything, under a
// lock that all servers on the database know, alone; the others run what declared its
// owners, an owner's always in the same lane, so that many changes of one account are one
// transaction and not a queue of locks. Two servers meet at the owners' rows.
type lane struct {
	queue
	pool  *pgxpool.Pool
	hook  func()
	alone bool
}

// The key of the lock that a transaction of declared owners shares and every other has
// alone.
const pgWriteLock = 0x746f70757064 // "topupd"

func (l *lane) run(m *member) error {
	if err := m.ctx.Err(); err != nil {
		return cancelled(err)
	}
	lead, err := l.join(m, 0, nil)
	if lead {
		l.lead(m)
	}
	return err
}

func (l *lane) lead(m *member) {
	members := l.take(m)
	finished := false
	// Also when a function ends the goroutine: the others must not wait for ever.
	defer func() {
		if !finished {
			fail(members, internal(errors.New("another function of the same commit ended its goroutine")))
		}
		l.handOver()
		for _, other := range members[1:] {
			other.wake <- struct{}{}
		}
	}()
	l.commit(members)
	finished = true
}

// commit runs the members in one transaction, again as long as that may help and they
// have patience.
func (l *lane) commit(members []*member) {
	giveUp := time.Now().Add(l.wait)
	careful := false
	for try := 0; ; try++ {
		err := l.attempt(members, careful, giveUp)
		if err == nil {
			return
		}
		if errors.Is(err, errHalfMade) || errors.Is(err, errCareful) {
			careful = true
			continue
		}
		if !again(err) || !time.Now().Before(giveUp) {
			lose(members, classifyPostgres(err))
			return
		}
		// Two that stand in each other's way do not meet again.
		time.Sleep(min(time.Duration(1+rand.IntN(10))*time.Millisecond<<min(try, 6), time.Until(giveUp)))
	}
}

// attempt runs the members in one transaction and commits it. Its error says that
// nothing was committed, or that nobody knows.
func (l *lane) attempt(members []*member, careful bool, giveUp time.Time) error {
	ctx, cancel := context.WithDeadline(context.Background(), giveUp)
	defer cancel()
	pooled, err := l.pool.Acquire(ctx)
	if err != nil {
		return classifyPostgres(err)
	}
	s := pgSessionOf(pooled.Conn().PgConn())
	// The pool keeps no connection that is inside a transaction.
	defer func() {
		if !s.conn.IsClosed() && s.conn.TxStatus() != 'I' {
			_, _ = s.run(sqlRollback)
		}
		pooled.Release()
	}()
	s.careful = careful
	s.patience = l.wait + 10*time.Second
	xid, err := l.begin(s, members)
	if err != nil {
		return err
	}
	done := 0
	for _, m := range members {
		ok, err := l.enter(s, m)
		if err != nil {
			return err
		}
		if !ok && m.wrote && !careful && len(members) > 1 {
			return errHalfMade
		}
		if ok {
			done++
		}
	}
	if done == 0 {
		return nil
	}
	if l.hook != nil {
		l.hook()
	}
	committed, err := s.commit()
	var pe *pgconn.PgError
	switch {
	case err == nil && committed:
		return nil
	case err == nil:
		return internal(errors.New("a transaction that was spoilt came to its commit"))
	case errors.As(err, &pe) || errors.Is(err, errCareful):
		return s.failed(err) // it was refused, and is undone
	}
	return l.ask(xid, err)
}

// begin starts the transaction and takes its locks; it tells the transaction's number.
func (l *lane) begin(s *pgSession, members []*member) (xid string, err error) {
	var b strings.Builder
	b.WriteString("BEGIN; SELECT ")
	if l.alone {
		fmt.Fprintf(&b, "pg_advisory_xact_lock(%d)", pgWriteLock)
	} else {
		fmt.Fprintf(&b, "pg_advisory_xact_lock_shared(%d)", pgWriteLock)
		if owners := ownersOf(members); len(owners) > 0 {
			b.WriteString("; SELECT id FROM owners WHERE id IN (")
			for i, o := range owners {
				if i > 0 {
					b.WriteByte(',')
				}
				b.WriteString(strconv.FormatInt(int64(o), 10))
			}
			b.WriteString(") ORDER BY id FOR NO KEY UPDATE")
		}
	}
	b.WriteString("; SELECT pg_current_xact_id()")
	res, err := s.run(b.String())
	if err != nil {
		return "", err
	}
	return string(res[len(res)-1].Rows[0][0]), nil
}

// ownersOf is all that a group declared, in the order of ids.
func ownersOf(members []*member) []billing.OwnerID {
	var all []billing.OwnerID
	for _, m := range members {
		all = append(all, m.owners...)
	}
	return declared(all)
}

// enter runs one member; it says whether it succeeded. Its error ends the transaction.
func (l *lane) enter(s *pgSession, m *member) (ok bool, err error) {
	m.wrote = false
	if err := m.ctx.Err(); err != nil {
		m.err = cancelled(err)
		return false, nil
	}
	if s.careful {
		if _, err := s.exec(sqlSavepoint); err != nil {
			return false, err
		}
	}
	t := &tx{reader: reader{s: s, mode: begun}}
	if !l.alone {
		t.scope = m.owners
	}
	m.call(t)
	m.wrote = t.wrote
	ok = m.err == nil && m.panic == nil
	if t.err != errOver && (s.conn.IsClosed() || s.conn.TxStatus() != 'T' || errors.Is(t.err, errCareful)) {
		return false, t.err // the transaction is over: its connection, or a rule, broke
	}
	if !s.careful {
		return ok, nil
	}
	if !ok {
		if _, err := s.run(sqlRollbackTo); err != nil {
			return false, err
		}
	}
	_, err = s.exec(sqlRelease)
	return ok, err
}

// ask finds out what became of a transaction whose commit was not answered: the server
// keeps that for a time. As long as it cannot be asked, nobody knows.
func (l *lane) ask(xid string, lost error) error {
	for until := time.Now().Add(l.wait); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		ctx, cancel := context.WithDeadline(context.Background(), until)
		var status string
		err := l.pool.QueryRow(ctx, `SELECT COALESCE(pg_xact_status($1::text::xid8), '')`, xid).Scan(&status)
		cancel()
		switch {
		case err == nil && status == "committed":
			return nil
		case err == nil && status == "aborted":
			return classifyPostgres(lost)
		}
	}
	return internal(fmt.Errorf("the connection broke while transaction %s was being committed; whether it was is not known: %w", xid, lost))
}

// writers are the lanes of one server.
type writers struct {
	alone *lane
	lanes []*lane
}

func newWriters(pool *pgxpool.Pool, n int, o Options) *writers {
	make := func(alone bool) *lane {
		return &lane{queue: queue{max: o.GroupMax, wait: o.BusyTimeout}, pool: pool, hook: o.CommitHook, alone: alone}
	}
	w := &writers{alone: make(true)}
	for range n {
		w.lanes = append(w.lanes, make(false))
	}
	return w
}

func (w *writers) update(m *member) error {
	if m.owners == nil {
		return w.alone.run(m)
	}
	var first billing.OwnerID
	if len(m.owners) > 0 {
		first = m.owners[0]
	}
	return w.lanes[int(uint64(first)/2%uint64(len(w.lanes)))].run(m)
}

func (w *writers) close() {
	for _, l := range append(slices.Clone(w.lanes), w.alone) {
		l.close()
	}
}
