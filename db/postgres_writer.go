package db

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"topupd/billing"
)

// mostNumbers is how many postings' numbers a transaction fetches ahead.
const mostNumbers = 256

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
	// elsewhere has new connections made, which look for a PostgreSQL that writes.
	elsewhere func()
	// posts is how many postings a member of the last transaction made, rounded up: so
	// many numbers are fetched with the locks of the next, and what every booking asks.
	posts int
	mark  mark
	// stuck are owners that somebody held for longer than a caller waits, a server that was
	// cut off perhaps: until they are free their callers are answered at once.
	stuck map[billing.OwnerID]bool
}

// The key of the lock that a transaction of declared owners shares and every other has
// alone.
const pgWriteLock = 0x746f70757064 // "topupd"

func (l *lane) run(m *member) error {
	if err := m.ctx.Err(); err != nil {
		return cancelled(err)
	}
	return l.join(m, 0, nil)
}

func (l *lane) started() *lane {
	l.start(func() {}, l.serve)
	return l
}

func (l *lane) serve(members []*member) {
	finished := false
	defer func() {
		if !finished {
			lose(members, unfinished(recover()))
		}
		answer(members)
	}()
	l.commit(members)
	finished = true
}

// commit runs the members in one transaction, again as long as that may help and they
// have patience.
func (l *lane) commit(members []*member) {
	giveUp := time.Now().Add(l.wait)
	careful := false
	if len(l.stuck) > 0 {
		members = l.apart(members, slices.Collect(maps.Keys(l.stuck)))
	}
	for try := 0; len(members) > 0; try++ {
		err := l.attempt(members, careful, giveUp)
		if err == nil {
			return
		}
		if lockNotFree(err) && len(members) > 1 && !l.alone && len(l.stuck) == 0 {
			// One owner that somebody holds must not keep the others waiting. Where it is no
			// owner, a change that runs alone has the lock, and they have waited.
			if members = l.apart(members, ownersOf(members)); len(l.stuck) == 0 {
				lose(members, classifyPostgres(err))
				return
			}
			giveUp = time.Now().Add(l.wait)
			continue
		}
		if errors.Is(err, errHalfMade) || errors.Is(err, errCareful) {
			careful = true
			continue
		}
		if !again(err) || !time.Now().Before(giveUp) {
			lose(members, classifyPostgres(err))
			return
		}
		if onReadOnly(err) {
			l.elsewhere()
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
	watch := watchOver(s.conn.Conn(), l.wait)
	// The pool keeps no connection that is inside a transaction.
	defer func() {
		if !s.conn.IsClosed() && s.conn.TxStatus() != 'I' {
			_, _ = s.run(sqlRollback)
		}
		s.patience = 0
		s.await() // a deadline that has passed would look like a broken connection
		watch.end()
		pooled.Release()
	}()
	s.careful = careful
	s.patience = l.wait + 10*time.Second
	committed := false
	defer func() {
		if !committed {
			l.mark.undone()
		}
	}()
	if err := l.begin(s, members); err != nil {
		return err
	}
	defer func() { l.posts = (s.posted + len(members) - 1) / len(members) }()
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
	if err := s.settle(); err != nil {
		return s.failed(err)
	}
	if err = l.mark.set(s); err == nil {
		err = s.commit()
	}
	switch {
	case err == nil:
	case !s.conn.IsClosed() && s.conn.TxStatus() != 'T':
		l.mark.forget()
		if changedNothing(err) {
			return errCareful // also the mark, where somebody deleted its row
		}
		return s.failed(err) // it was refused, and is undone
	default:
		// Also a FATAL error, after which the connection is gone: PostgreSQL sends one too
		// where it was told to end while a commit that is already written waits for a standby.
		return l.mark.ask(l.pool.Config().ConnConfig, l.wait, err)
	}
	committed = true
	l.mark.kept()
	return nil
}

// begin starts the transaction and takes its locks.
func (l *lane) begin(s *pgSession, members []*member) error {
	var b strings.Builder
	// Read committed whatever the server's default is: what is read after the locks is what
	// was committed before them.
	b.WriteString("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT ")
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
	posts := l.posts > 0
	if posts {
		fmt.Fprintf(&b, "; SELECT nextval('postings_id_seq') FROM generate_series(1, %d)", min(l.posts*len(members), mostNumbers))
		if !l.alone {
			b.WriteString("; " + sqlBalancesWatched)
		}
	}
	res, err := s.run(l.mark.begin(b.String()))
	if err != nil {
		return err
	}
	res = l.mark.begun(res)
	numbers := len(res) - 1
	if posts && !l.alone {
		watched := string(res[numbers].Rows[0][0]) == "t"
		s.watched = &watched
		numbers--
	}
	if posts {
		for _, row := range res[numbers].Rows {
			id, err := strconv.ParseInt(string(row[0]), 10, 64)
			if err != nil {
				return internal(err)
			}
			s.postings = append(s.postings, id)
		}
	}
	return nil
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
	if t.err != errOver && (s.conn.IsClosed() || s.conn.TxStatus() != 'T' || errors.Is(t.err, errCareful) || again(t.err)) {
		return false, t.err // the transaction is over: its connection, or a rule, broke, or it lost a deadlock
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

// writers are the lanes of one server.
type writers struct {
	alone *lane
	lanes []*lane
}

func newWriters(pool *pgxpool.Pool, n int, o Options, elsewhere func()) *writers {
	make := func(alone bool) *lane {
		return (&lane{queue: queue{max: o.GroupMax, wait: o.BusyTimeout}, pool: pool, hook: o.CommitHook, alone: alone, elsewhere: elsewhere, mark: newMark()}).started()
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
